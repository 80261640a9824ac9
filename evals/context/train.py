"""Fit the weights of recall on talks written for us.

python -m stepwell.evals.context.train TALKS [TALKS ...] --out memory/context/recall
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.minilm import MiniLM
from stepwell.evals.context.dated import all_dated
from stepwell.evals.context.examples import Example, embed, examples_of, lines_of, with_glued
from stepwell.evals.context.read import read_talks
from stepwell.evals.context.softmax import logistic_fit, softmax_fit
from stepwell.evals.context.talk import Talk
from stepwell.memory.context.recall import basis as small
from stepwell.memory.context.recall.features import FIRST, SECOND, standardised
from stepwell.memory.context.recall.model import (
    MODEL_FILE,
    Model,
    first_shares,
    log_mass,
    log_shares,
    write_model,
)
from stepwell.memory.context.recall.words import is_stop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.context.examples import Embedded

    Floats = NDArray[np.float32]

N_PIECE_AXES, N_TEXT_AXES = 96, 128
_NO_ODDS = np.zeros((3, 2), dtype=np.float32)
_VOICE_SHARE = 0.5  # "what did I say" was learned from three talks alone
_CARD = {
    "what": "P(a turn is needed to answer): linear in features of words, vectors and word pieces, listwise softmax; "
    "basis.npz: main axes (PCA) of word pieces and of texts of all-MiniLM-L6-v2",
    "trained_on": "evals/suites/written_talks.jsonl.gz, Apache-2.0, written for Stepwell; also three talks glued into "
    "one, and questions with a date added",
    "not_trained_on": "LoCoMo (CC BY-NC): measured only. The features were chosen with its figures in sight.",
    "left_out_means": "share of evidence among so many best turns of talks (about 130 turns) that the weights have not "
    "seen",
    "limits": "English talks of two people, few with an assistant. Of a long turn MiniLM reads 256 word pieces. In "
    "other languages words and word pieces count, hints of time, number, place and name don't.",
    "licence": "Apache-2.0",
    "command": "python -m stepwell.evals.context.train evals/suites/written_talks.jsonl.gz --out memory/context/recall",
}


def write_basis(path: Path, embedded: Embedded, vocabulary: Sequence[str]) -> None:
    """Main axes of word pieces and of whole texts."""
    skipped = [
        is_stop(word) or (len(word) == 1 and (word.isascii() or not word.isalnum())) for word in vocabulary
    ]
    pieces = np.concatenate([tokens.vectors for _, tokens in embedded]).astype(np.float32)
    texts = np.stack([vector for vector, _ in embedded])
    of_pieces, of_texts = _axes(pieces, N_PIECE_AXES), _axes(texts, N_TEXT_AXES)
    is_skipped = np.array([*skipped, False])
    digest = hashlib.sha256(of_pieces.tobytes() + of_texts.tobytes() + is_skipped.tobytes()).hexdigest()
    np.savez_compressed(
        path, name=f"own-{digest[:8]}", of_pieces=of_pieces, of_texts=of_texts, is_skipped=is_skipped
    )


def _axes(rows: Floats, n: int) -> NDArray[np.float16]:
    _, axes = np.linalg.eigh(rows.T @ rows / len(rows))
    return axes[:, ::-1][:, :n].astype(np.float16)


def fitted(examples: Sequence[Example]) -> Model:
    """Weights, without calibration: each feature's share in the log-odds that a turn is the one needed."""
    evidence = [e.evidence for e in examples]
    words = softmax_fit([e.words for e in examples], evidence)
    vectors = softmax_fit([e.vectors for e in examples], evidence)
    model = Model(words, vectors, np.zeros(len(FIRST + SECOND), dtype=np.float32), _NO_ODDS)
    looked = [closely(model, e) for e in examples]
    return _less_voice(Model(words, vectors, softmax_fit(looked, evidence), _NO_ODDS))


def _less_voice(model: Model) -> Model:
    words, vectors, pieces = model.words.copy(), model.vectors.copy(), model.pieces.copy()
    for row in (words, vectors, pieces):
        row[FIRST.index("by_voice")] *= _VOICE_SHARE
    return Model(words, vectors, pieces, model.calibration)


def closely(model: Model, e: Example) -> Floats:
    """FIRST and SECOND of all turns; of one that was not looked at, SECOND is 0."""
    shares, _ = first_shares(model, e.vectors, e.has_vector)
    places, more = e.index.second(e.query, standardised(shares))
    made = np.zeros((len(FIRST + SECOND), len(shares)), dtype=np.float32)
    made[: len(FIRST)] = e.vectors
    made[len(FIRST) :, places] = more
    return made


def shares_of(model: Model, e: Example) -> tuple[Floats, Floats, Floats]:
    """Log-shares of all turns with words alone, with vectors, and with word pieces."""
    words = log_shares(model.words @ e.words)
    vectors, _ = first_shares(model, e.vectors, e.has_vector)
    mass = log_mass(vectors)
    return words, vectors, log_shares(model.pieces @ closely(model, e), mass)


def left_out(
    examples: Sequence[Example], n_folds: int = 6
) -> list[tuple[Example, tuple[Floats, Floats, Floats]]]:
    """Log-shares (`shares_of`) for each talk that is not glued, by weights that have not seen it."""
    names = sorted({name for e in examples for name in e.talk.split("+")})
    made = []
    for fold in range(n_folds):
        out = set(names[fold::n_folds])
        model = fitted([e for e in examples if out.isdisjoint(e.talk.split("+"))])
        made += [(e, shares_of(model, e)) for e in examples if e.talk in out]
    return made


def calibrated(found: Sequence[tuple[Example, tuple[Floats, Floats, Floats]]]) -> Floats:
    """Slope and intercept from log-shares to log-odds, shape (3, 2); a row each as `shares_of` has them."""
    needed = np.concatenate([_needed(e) for e, _ in found])
    rows = [np.concatenate([shares[i] for _, shares in found]) for i in range(3)]
    return np.array([logistic_fit(row, needed) for row in rows], dtype=np.float32)


def _needed(e: Example) -> Floats:
    made = np.zeros(e.words.shape[1], dtype=np.float32)
    made[e.evidence] = 1
    return made


def recall_left_out(
    found: Sequence[tuple[Example, tuple[Floats, Floats, Floats]]], calibration: Floats
) -> dict[str, dict[str, float]]:
    """Share of the evidence among so many best turns of talks left out, and what was expected."""
    made = {}
    for n_best in (5, 10, 20, 40):
        actual, expected = [], []
        for e, shares in found:
            p = np.exp(-np.logaddexp(0, -(calibration[2, 0] * shares[2] + calibration[2, 1])))
            best = np.argsort(-p, kind="stable")[:n_best]
            actual.append(float(np.isin(e.evidence, best).mean()))
            expected.append(float(p[best].sum() / p.sum()))
        made[f"{n_best} turns"] = {
            "recall": round(float(np.mean(actual)), 3),
            "expected": round(float(np.mean(expected)), 3),
        }
    return made


def read(paths: Iterable[Path]) -> list[Talk]:
    """The talks of JSON Lines files, gzip'ed or not."""
    raws = (path.read_bytes() for path in paths)
    return [
        talk for raw in raws for talk in read_talks(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    ]


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("talks", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    embedder = MiniLM()
    talks = read(args.talks)
    if not small.BASIS_FILE.exists():
        lines = [line for talk in talks for line in (*lines_of(talk), *(q.text for q in talk.questions))]
        write_basis(args.out / small.BASIS_FILE.name, embed(embedder, lines), _vocabulary())
    examples = [e for talk in with_glued(all_dated(talks)) for e in examples_of(talk, embedder)]
    model = fitted(examples)
    found = left_out(examples)
    calibration = calibrated(found)
    write_model(args.out / MODEL_FILE.name, Model(model.words, model.vectors, model.pieces, calibration))
    write_card(args.out / "card.json", talks, len(examples), model, recall_left_out(found, calibration))


def write_card(
    path: Path, talks: Sequence[Talk], n_examples: int, model: Model, left_out: dict[str, dict[str, float]]
) -> None:
    """What the weights are, from what; figures measured elsewhere that the card holds already stay."""
    held = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    rows = {
        "talks": len(talks),
        "turns": sum(len(talk.turns) for talk in talks),
        "questions": sum(len(talk.questions) for talk in talks),
        "examples, with those glued and dated": n_examples,
    }
    card = {
        **_CARD,
        "rows": rows,
        "left_out": left_out,
        "weights": _named(model),
        "measured": held.get("measured", {}),
    }
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _named(model: Model) -> dict[str, dict[str, float]]:
    rows = {"words": model.words, "vectors": model.vectors, "pieces": model.pieces}
    return {
        name: {f: round(float(w), 3) for f, w in zip((*FIRST, *SECOND), row, strict=False)}
        for name, row in rows.items()
    }


def _vocabulary() -> list[str]:
    import stepwell.base.minilm

    path = Path(stepwell.base.minilm.__file__).with_name("minilm_vocab.txt")
    return path.read_text(encoding="utf-8").split("\n")


if __name__ == "__main__":
    main()
