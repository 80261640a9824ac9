"""Outcome rows made from a seed: hard asks are known by their words, and the weak tier fails on most of them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from stepwell.base.messages import encode_json

TOPICS = ("What is the colour of {} leaves?", "Prove that {} is no sum of two cubes.")


def made(n: int, *, seed: int = 0, **more: Any) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        hard = i % 2
        prompt = TOPICS[hard].format(rng.randrange(10_000) * 1000 + i)  # no two alike
        weak, strong = float(rng.random() < (0.97, 0.3)[hard]), float(rng.random() < 0.95)
        rows.append(
            {"id": f"{seed}-{i}", "prompt": prompt, "scores": {"weak": weak, "strong": strong}} | more
        )
    return rows


def shuffled(rows: list[dict[str, Any]], *, seed: int = 0) -> list[dict[str, Any]]:
    """The same rows with scores that belong to others: there is nothing to learn."""
    scores = [row["scores"] for row in rows]
    random.Random(seed).shuffle(scores)
    return [row | {"scores": of} for row, of in zip(rows, scores, strict=True)]


def text(rows: list[dict[str, Any]]) -> str:
    return "".join(encode_json(row).decode() + "\n" for row in rows)


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text(text(rows))
    return str(path)
