"""A talk of our own in LoCoMo's form and in ours, and an embedder of letters."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

Turn = tuple[str, str, str | None]
SESSIONS: list[tuple[str, list[Turn]]] = [
    (
        "9:05 am on 3 March, 2024",
        [
            ("Ines", "I finally bought the blue kayak that I saw at the harbour.", None),
            ("Otto", "Congratulations! My sister repaired her old rowing boat instead.", "a boat on a lawn"),
            ("Ines", "Nice one!", None),
        ],
    ),
    (
        "7:40 pm on 21 April, 2024",
        [
            ("Otto", "The dentist moved my appointment to Friday, so no climbing this week.", None),
            ("Ines", "Pity. I planted forty tulips behind the garage last Sunday.", None),
            ("Otto", "My cat Biscuit dug up every single bulb of mine, would you believe it.", None),
        ],
    ),
]
QUESTIONS: list[dict[str, object]] = [
    {"question": "What boat did Ines buy?", "answer": "blue kayak", "evidence": ["D1:1"], "category": 4},
    {"question": "When did Ines plant?", "answer": "14 April", "evidence": ["D2:2"], "category": 2},
    {"question": "Who has boats?", "answer": "both", "evidence": ["D1:1; D1:2"], "category": 1},
    {"question": "How many tulips?", "answer": 40, "evidence": ["D9:9", "D"], "category": 4},
    {
        "question": "What did Otto plant?",
        "adversarial_answer": "tulips",
        "evidence": ["D2:2"],
        "category": 5,
    },
]


def locomo(*names: str) -> list[dict[str, object]]:
    return [_sample(name) for name in names]


def _sample(name: str) -> dict[str, object]:
    said: dict[str, object] = {"speaker_a": "Ines", "speaker_b": "Otto"}
    for n, (at, turns) in reversed(list(enumerate(SESSIONS, start=1))):
        said[f"session_{n}_date_time"] = at
        said[f"session_{n}"] = [_turn(f"D{n}:{k}", *turn) for k, turn in enumerate(turns, start=1)]
    return {"sample_id": name, "conversation": said, "qa": QUESTIONS}


def _turn(dia_id: str, speaker: str, text: str, caption: str | None) -> dict[str, object]:
    turn: dict[str, object] = {"speaker": speaker, "dia_id": dia_id, "text": text, "img_url": ["x"]}
    return turn if caption is None else turn | {"blip_caption": caption}


def own_line(name: str = "own") -> str:
    sessions = [
        {
            "at": at,
            "turns": [
                {"speaker": s, "text": t} | ({"caption": c} if c else {}) for s, t, c in SESSIONS[n][1]
            ],
        }
        for n, at in enumerate(("2024-03-03T09:05:00", "2024-04-21T19:40:00"))
    ]
    asked = {"question": "What boat did Ines buy?", "answer": "blue kayak", "evidence": [1], "kind": "single"}
    return json.dumps({"id": name, "sessions": sessions, "questions": [asked]})


class Letters:
    """A vector of the counts of letters; counts what it reads."""

    name = "letters"
    dim = 26

    def __init__(self) -> None:
        self.read: list[str] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.read += texts
        found = np.array([[1 + t.lower().count(chr(97 + i)) for i in range(26)] for t in texts], np.float32)
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found
