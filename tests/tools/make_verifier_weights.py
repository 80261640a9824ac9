"""Write the verifier's weights and their card.

Run as

    python tests/tools/make_verifier_weights.py --sentences BANKING77 CLINC150 --not-from NEARMISS --measure PAIRS... \\
        --out memory/cache/verifier

`--sentences`: JSON Lines with `query`, gzip'ed: prompts whose licence allows it, to edit by rules. None of the prompts
in `--not-from` is used. `--measure`: pairs that only measure. Takes some 15 minutes on one core.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stepwell.base.embedding import Embedder
from stepwell.base.minilm import MiniLM
from stepwell.evals.cache.fit import fit_calibrated, without_pieces
from stepwell.evals.cache.pair_rows import pair_rows
from stepwell.evals.cache.pair_weights import pair_weights
from stepwell.evals.cache.pairs import pair_figures
from stepwell.evals.cache.training_pairs import SEED, TrainingPair, cross_pairs, cross_texts, training_pairs
from stepwell.memory.cache.verifier.model import FEATURES, read_model, write_model
from stepwell.memory.cache.verifier.scoring import scores

DIM = 128
N_SENTENCES = 3000
N_TREES = 250
CARD = {
    "what": "P(the answer to one prompt does for another): boosted trees on features of words and word pieces",
    "trained_on": {
        "written, grammar, cross": "evals/suites/written_pairs.jsonl.gz, Apache-2.0, written for Stepwell",
        "frame": "evals/cache/frames.py, Apache-2.0: sentence frames of our own",
        "edit": "rules of evals/cache/edits.py on our own sentences and on prompts of BANKING77 (PolyAI, CC BY 4.0) "
        "and CLINC150 (Larson et al. 2019, CC BY 3.0); labels come from the rules, never from their intents",
    },
    "also": "lexicon.txt from WordNet 3.0 (Princeton University, WordNet licence); minilm_vocab.txt for word rarity",
    "not_trained_on": "QQP, MQP and CheckList: no row of them, nor a template. Slope and middle of the pair weights, "
    "the choice of edits and of frames were made with QQP's and the development files' figures in sight.",
    "variants": "150 trees, without monotone features, measured once; AUROC of near-misses, QQP, MQP, CheckList, "
    "pooled, equal. Without frames: .998 .863 .885 .656 .935 .882. Without frames and grammar blocks: .998 .862 .884 "
    ".665 .934 .874. With QQP train as a fifth of the weight (never shipped): .999 .886 .891 .910 .955 .932. "
    "QQP train alone: .865 .903 .864 .345 .827 .757",
    "limits": "CheckList's figures are of unseen rows and templates, but our frames and blocks were written to have "
    "the same phenomena (active and passive, roles, before and after, tense, pronouns, antonyms): not of unseen "
    "phenomena. English only. Long stories are compared by their first 96 words and 80 word pieces.",
}  # fmt: skip


@dataclass
class Measured:
    name: str
    pairs: list[tuple[str, str]]
    rows: list[dict[str, Any]]


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def sentences(sources: Sequence[Path], left_out: Sequence[Path]) -> list[str]:
    seen = {row[name] for path in left_out for row in lines_of(path) for name in ("cached_query", "query")}
    made = sorted({row["query"] for path in sources for row in lines_of(path)} - seen)
    random.Random(SEED).shuffle(made)
    return made[:N_SENTENCES]


def basis_of(pairs: Sequence[TrainingPair], embedder: Any) -> Any:
    """The main directions of word pieces of every eighth prompt, about 0 (no mean taken off)."""
    texts = list(dict.fromkeys(p.a for p in pairs))[::8]
    square = np.zeros((384, 384))
    for i in range(0, len(texts), 256):
        for tokens in embedder.embed_tokens(texts[i : i + 256])[2]:
            vectors = tokens.vectors.astype(np.float64)
            square += vectors.T @ vectors
    found = np.linalg.eigh(square)[1][:, ::-1][:, :DIM]
    return np.ascontiguousarray(found).astype(np.float16).astype(np.float32)


def neighbours(texts: Sequence[str], embedder: Embedder) -> Iterator[list[int]]:
    vectors = embedder.embed(texts)
    for i in range(0, len(texts), 500):
        similar = vectors[i : i + 500] @ vectors.T
        similar[np.arange(len(similar)), np.arange(i, i + len(similar))] = -1
        near = np.argpartition(-similar, 80, axis=1)[:, :80]
        for row, places in zip(similar, near, strict=True):
            yield sorted(places.tolist(), key=lambda j, row=row: -row[j])  # type: ignore[misc]


def measured(path: Path, model: Any, rows: Any, bare: bool) -> dict[str, Any]:
    score = scores(model, without_pieces(rows) if bare else rows)
    table = [
        {"same": row["same"], "kind": row["kind"], "score": float(s), "cosine": float(r[0])}
        for row, s, r in zip(lines_of(path), score, rows, strict=True)
    ]
    ours, plain = pair_figures(table), pair_figures(table, by="cosine")
    return {
        "n": ours.n, "auc": [round(x, 4) for x in (ours.auc, ours.low, ours.high)], "cosine_auc": round(plain.auc, 4),
        "false_hits_keeping_90": round(ours.false_hits, 4), "cosine_false_hits": round(plain.false_hits, 4),
        "worst_kind": round(max(ours.false_hits_by_kind.values()), 4), "table": table,
    }  # fmt: skip


def mixed(tables: Sequence[list[dict[str, Any]]]) -> dict[str, float]:
    """AUROC over all sets, each row counting alike ("pooled") and each set ("equal", 3,000 rows drawn of each)."""
    rng = random.Random(0)
    drawn = [row for table in tables for row in rng.choices(table, k=3000)]
    return {
        "pooled": round(pair_figures([r for t in tables for r in t], n_resamples=1).auc, 4),
        "equal": round(pair_figures(drawn, n_resamples=1).auc, 4),
        "pooled_cosine": round(
            pair_figures([r for t in tables for r in t], by="cosine", n_resamples=1).auc, 4
        ),
        "equal_cosine": round(pair_figures(drawn, by="cosine", n_resamples=1).auc, 4),
    }


def main(embedder: Any = None) -> None:
    parser = argparse.ArgumentParser()
    for name in ("--sentences", "--not-from", "--measure"):
        parser.add_argument(name, nargs="+", type=Path, default=[])
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    embedder = embedder or MiniLM()
    pairs = training_pairs(sentences(args.sentences, args.not_from))
    around = cross_texts()
    pairs += cross_pairs(around, neighbours([text for text, _ in around], embedder))
    pairs = [p for p in pairs if p.a != p.b]
    basis = basis_of(pairs, embedder)
    rows = pair_rows([(p.a, p.b) for p in pairs], embedder, basis)
    same = np.array([p.same for p in pairs])
    family, group = np.array([p.family for p in pairs]), np.array([p.group for p in pairs])
    began = time.perf_counter()
    weight = pair_weights(rows, same, family, group)
    trees, calibration, held_out = fit_calibrated(rows, same, weight, group, n_trees=N_TREES)
    print(f"trained in {time.perf_counter() - began:.0f} s")
    path = args.out / "weights.npz"
    write_model(path, basis, trees, calibration)
    card = {
        **CARD,
        "command": " ".join(__doc__.split("\n\n")[2].replace("\\", "").split()),
        "features": list(FEATURES),
    }
    counted = Counter((p.family, "same" if p.same else "other") for p in pairs)
    card["rows"] = {f"{family} {label}": n for (family, label), n in sorted(counted.items())}
    card["held_out_auc"] = {
        name: round(pair_figures(
            [{"same": int(s), "score": float(x)} for s, x, f in zip(same, held_out, family, strict=True) if f == name],
            n_resamples=1).auc, 4)
        for name in ("written", "grammar", "edit", "frame")
    }  # fmt: skip
    card["measured"] = measure(args.measure, path, embedder, basis)
    (args.out / "card.json").write_text(
        json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(json.dumps(card["measured"], indent=1))


def measure(paths: Sequence[Path], weights: Path, embedder: Any, basis: Any) -> dict[str, Any]:
    model, made = read_model(weights), {}
    rows = {
        p: pair_rows([(r["cached_query"], r["query"]) for r in lines_of(p)], embedder, basis) for p in paths
    }
    for bare in (False, True):
        found = {p.name.partition(".")[0]: measured(p, model, rows[p], bare) for p in paths}
        tables = [figures.pop("table") for figures in found.values()]
        name = "without word pieces" if bare else "with word pieces"
        made[name] = {**found, "mixed": mixed(tables)} if tables else {}
    return made


if __name__ == "__main__":
    main()
