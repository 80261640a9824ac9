"""Learn the heads `harmful` and `toxicity`: train_harm_toxicity.py harmful --prompts FILE

FILE: JSONL rows {text, source, category, label, overdefense}; of these the sources of the recipe are learned from,
all of them under licences that allow it; own texts ship (evals/suites/written_guards.md). Each source is left out in
turn; from what is said of it then come the thresholds and the card's figures. The head that ships learns from all of
them. Needs scikit-learn and scipy.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepwell.base.minilm import MiniLM
from stepwell.evals import suites
from stepwell.evals.guards.fit import counts, even_weights, fit_grams, fit_vector, gram_scores
from stepwell.guards.calibrate.cut import tail_quantile
from stepwell.guards.learned.gram_head import GramHead
from stepwell.guards.learned.head import Head, Mix, Scale, VectorHead, logistic
from stepwell.guards.learned.judge import WORST_OF
from stepwell.guards.learned.load import save
from stepwell.guards.learned.windows import sentences

OWN = Path(suites.__path__[0]) / "written_guards.jsonl.gz"
BUDGETS = (0.001, 0.005, 0.01, 0.02, 0.05)
LOOKALIKES = ("openai_moderation",)  # honest texts that moderators had to look at
LOOKALIKE = 2  # budgets that these may take
MIN_ABOVE = 2
OWN_WEIGHT = 2.0  # own rows come in pairs that differ in the ask alone
MAX_SCALED = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005)  # shares of honest rows where both ways to score agree

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    text: str
    source: str
    category: str
    label: bool
    group: str
    lang: str = ""


@dataclass(frozen=True)
class Recipe:
    """Sources to learn from, with the fold that leaves each out; own rows are left out a fifth at a time.

    Attributes:
        measured: Sources that nothing is learned from.
        vector_share: Of the embedding's part in the sum, the n-grams' being 1, both in standard deviations.
        by_sentence: As the check reads a text: the worst sentence by its n-grams counts, where that is worse.
        inverse_penalty: Of the n-grams' weights.
    """

    kind: str
    folds: dict[str, int]
    measured: tuple[str, ...]
    licences: dict[str, str]
    says: str
    vector_share: float
    by_sentence: bool
    inverse_penalty: float


HONEST = {
    "arena_hard_v01": "Apache-2.0",
    "alpaca_eval": "Apache-2.0",
    "deepset_prompt_injections": "Apache-2.0",
}
RECIPES = {
    "harmful": Recipe(
        "harm",
        {"harmbench": 0, "strongreject": 1, "advbench": 2, "donotanswer": 3}
        | {"arena_hard_v01": 0, "alpaca_eval": 1, "deepset_prompt_injections": 2, "own_w3": 3, "own_w1": 4},
        ("xstest", "openai_moderation", "alpaca_harmless"),
        {"harmbench": "MIT", "strongreject": "MIT", "advbench": "MIT", "donotanswer": "Apache-2.0"} | HONEST,
        "Knows the wording of asks for harm, not intent: an ask in other words, or for harm that its wording hides, "
        "passes; a question about a dangerous thing may not. Never trained together with prompt injection. "
        "English above all: in other languages it knows few words.",
        vector_share=0.5,
        by_sentence=False,
        inverse_penalty=2.0,
    ),
    "toxicity": Recipe(
        "toxic",
        {"davidson_tweets": 0, "openai_moderation": 1, "arena_hard_v01": 0, "alpaca_eval": 1}
        | {"deepset_prompt_injections": 2, "own_w3": 2, "own_w1": 2},
        ("xstest", "alpaca_harmless"),
        {"davidson_tweets": "MIT", "openai_moderation": "MIT"} | HONEST,
        "Lexical: knows the words and phrases of abuse. Banter, quotes, reclaimed words and irony it can mistake; "
        "polite cruelty it misses. English: of other languages it has seen a few hundred short texts, too few.",
        vector_share=1.0,
        by_sentence=True,
        inverse_penalty=4.0,
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("head", choices=sorted(RECIPES))
    parser.add_argument("--prompts", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="default: guards/learned")
    parser.add_argument("--vectors", type=Path, help="npz that keeps embeddings between runs")
    args = parser.parse_args()
    recipe = RECIPES[args.head]
    rows = read(recipe, args.prompts)
    head, card = learn(recipe, rows, vectors_of([r.text for r in rows], args.vectors))
    folder = args.out or Path(sys.modules[Head.__module__].__file__ or "").parent
    save(args.head, head, card, folder)
    print(json.dumps(card["figures"], indent=1))


def read(recipe: Recipe, prompts: Path) -> list[Row]:
    """What is learned from, then what is only measured."""
    found = [
        Row(r["text"], r["source"], r["category"], bool(r["label"]), "")
        for r in objects(prompts)
        if (r["source"] in recipe.folds and (not r["label"] or r["source"] not in HONEST))
        or r["source"] in recipe.measured
    ]
    for r in objects(OWN):
        if r["part"] == "w2":
            continue
        if r["kind"] == recipe.kind if r["part"] == "w4" else not r["label"]:
            pair = str(r.get("pair", r["text"]))
            found.append(Row(r["text"], f"own_{r['part']}", "own", bool(r["label"]), pair, r["lang"]))
    return found


def objects(path: Path) -> Iterator[dict[str, Any]]:
    raw = path.read_bytes()
    for line in (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode().split("\n"):
        if line.strip():
            yield json.loads(line)


def vectors_of(texts: Sequence[str], kept: Path | None) -> NDArray[np.float32]:
    """Embeddings, shape (n, 384)."""
    keys = [hashlib.sha256(t.encode("utf-8", "surrogatepass")).hexdigest()[:24] for t in texts]
    known: dict[str, NDArray[np.float32]] = {}
    if kept is not None and kept.exists():
        with np.load(kept) as file:
            known = dict(zip(file["keys"].tolist(), file["vectors"], strict=True))
    missing = {k: t for k, t in zip(keys, texts, strict=True) if k not in known}
    if missing:
        known |= dict(zip(missing, MiniLM().embed(list(missing.values())), strict=True))
        if kept is not None:
            np.savez(kept, keys=np.array(list(known)), vectors=np.stack(list(known.values())))
    return np.stack([known[k] for k in keys]).astype(np.float32)


def learn(recipe: Recipe, rows: list[Row], vectors: NDArray[np.float32]) -> tuple[Head, dict[str, Any]]:
    source = np.array([r.source for r in rows])
    label = np.array([r.label for r in rows])
    fold = np.array([fold_of(recipe, r) for r in rows])
    counted = counts([r.text for r in rows])
    parts = np.zeros((len(rows), 2))
    for left_out in sorted({*fold.tolist()} - {-1}):
        at = np.flatnonzero((fold >= 0) & (fold != left_out))
        grams, vector = fit(recipe, counted[at], vectors[at], source[at], label[at])
        to = np.flatnonzero(fold == left_out)
        parts[to] = score(recipe, grams, vector, counted[to], vectors[to], [rows[i].text for i in to])
    at, to = np.flatnonzero(fold >= 0), np.flatnonzero(fold < 0)
    grams, vector = fit(recipe, counted[at], vectors[at], source[at], label[at])
    parts[to] = score(recipe, grams, vector, counted[to], vectors[to], [rows[i].text for i in to])
    head = scaled(recipe, grams, vector, parts, source, label, fold)
    card = card_of(recipe, head, parts, source, label, fold)
    is_english = np.array([r.lang == "en" for r in rows])
    card["auc_of_own_pairs"] = {
        "English": pairs_auc(head, parts, label, (source == "own_w4") & is_english),
        "25 other languages": pairs_auc(head, parts, label, (source == "own_w4") & ~is_english),
    }
    return head, card


def pairs_auc(head: Head, parts: Floats, label: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    scores = scores_of(head, parts[of])[:, 1]
    return auc(scores[label[of]], scores[~label[of]])


def fold_of(recipe: Recipe, row: Row) -> int:
    """-1: only measured."""
    if row.source == "own_w4":
        return int(hashlib.sha256(row.group.encode()).hexdigest(), 16) % (max(recipe.folds.values()) + 1)
    return recipe.folds.get(row.source, -1)


def fit(
    recipe: Recipe,
    counted: Any,
    vectors: NDArray[np.float32],
    source: NDArray[np.str_],
    label: NDArray[np.bool_],
) -> tuple[GramHead, VectorHead]:
    weights = even_weights(source.tolist(), label) * np.where(source == "own_w4", OWN_WEIGHT, 1.0)
    grams = fit_grams(counted, label, weights, inverse_penalty=recipe.inverse_penalty)
    return grams, fit_vector(vectors, label, weights)


def score(
    recipe: Recipe,
    grams: GramHead,
    vector: VectorHead,
    counted: Any,
    vectors: NDArray[np.float32],
    texts: list[str],
) -> Floats:
    """What each part says, as the check reads a text, shape (n, 2)."""
    by_grams = gram_scores(grams, counted)
    if recipe.by_sentence:
        spans = [sentences(t) for t in texts]
        worst = [
            grams.of_spans(t, of).max() - WORST_OF * np.log(len(of))
            for t, of in zip(texts, spans, strict=True)
        ]
        by_grams = np.maximum(by_grams, worst)
    return np.stack([by_grams, vector.scores(vectors)], axis=1)


def scaled(
    recipe: Recipe,
    grams: GramHead,
    vector: VectorHead,
    parts: Floats,
    source: NDArray[np.str_],
    label: NDArray[np.bool_],
    fold: NDArray[np.int64],
) -> Head:
    """The sum of both parts as log-odds; without an embedding as many honest rows reach each score."""
    from sklearn.linear_model import LogisticRegression

    learned = fold >= 0
    spread = parts[learned].std(axis=0)
    both = parts @ (np.array([1.0, recipe.vector_share]) / spread)
    weights = even_weights(source[learned].tolist(), label[learned])
    line = LogisticRegression(C=100).fit(both[learned, None], label[learned], sample_weight=weights)
    slope, bias = float(line.coef_[0, 0]), float(line.intercept_[0])
    together = Mix(slope / float(spread[0]), slope * recipe.vector_share / float(spread[1]), bias)
    honest = learned & ~label
    corners, scores = [], []
    for share in MAX_SCALED:
        corners.append(float(np.quantile(parts[honest, 0], 1 - share)))
        scores.append(logistic(slope * float(np.quantile(both[honest], 1 - share)) + bias))
    alone = Mix(1.0, 0.0, 0.0), Scale(tuple(corners), tuple(scores))
    head = Head(grams, alone, vector, (together, Scale()))
    all_scores = scores_of(head, parts)[:, 1]
    thresholds = {
        b: max(
            threshold(all_scores[honest & (source == s)], b * (LOOKALIKE if s in LOOKALIKES else 1))
            for s in ordinary(source, honest)
        )
        for b in BUDGETS
    }
    return Head(grams, alone, vector, (together, Scale()), {b: min(t, 1.0) for b, t in thresholds.items()})


def threshold(scores: Floats, budget: float) -> float:
    """What this share of a source's scores reaches; by their fitted tail where that would be one of them or none."""
    if budget * len(scores) < MIN_ABOVE:
        return tail_quantile(np.sort(scores)[::-1].tolist(), budget)
    return float(np.quantile(scores, 1 - budget, method="higher"))


def ordinary(source: NDArray[np.str_], honest: NDArray[np.bool_]) -> list[str]:
    """Sources of honest rows that are no look-alikes written for training."""
    return sorted({*source[honest].tolist()} - {"own_w4"})


def scores_of(head: Head, parts: Floats) -> Floats:
    """By n-grams alone and by both, 0..1, shape (n, 2)."""
    return np.array([(head.scored(g, None), head.scored(g, v)) for g, v in parts])


def card_of(
    recipe: Recipe,
    head: Head,
    parts: Floats,
    source: NDArray[np.str_],
    label: NDArray[np.bool_],
    fold: NDArray[np.int64],
) -> dict[str, Any]:
    scores = scores_of(head, parts)
    honest = np.isin(source, ordinary(source, (fold >= 0) & ~label)) & ~label
    figures: dict[str, Any] = {}
    for name in sorted({*source.tolist()}):
        of = source == name
        lines: dict[str, Any] = {"n": int(of.sum())}
        for way, column in (("alone", 0), ("together", 1)):
            s = scores[:, column]
            found: dict[str, float] = {}
            if label[of].any():
                found["auc"] = auc(s[of & label], s[of & ~label] if (of & ~label).any() else s[honest])
            for budget in (0.01, 0.05):
                reached = s >= head.thresholds[budget]
                if label[of].any():
                    found[f"recall_at_{budget:g}"] = share(reached[of & label])
                if not label[of].all():
                    found[f"false_blocks_at_{budget:g}"] = share(reached[of & ~label])
            lines[way] = found
        figures[name] = lines
    learned = sorted({*source[fold >= 0].tolist()})
    return {
        "learned_from": {
            s: {
                "rows": int((source == s).sum()),
                "licence": recipe.licences.get(s, "Apache-2.0, written for it"),
            }
            for s in learned
        },
        "only_measured": list(recipe.measured),
        "says": recipe.says,
        "promise": "Thresholds: on each source of ordinary honest texts, left out of training, at most the budget was "
        "flagged (on openai_moderation, honest texts that look bad, twice that); the worst source counts. "
        "No promise for traffic unlike them: `stepwell guard tune` makes one.",
        "figures_are": "Of sources left out of training; own_w4 are pairs of asks that look alike, by pair.",
        "figures": figures,
        "command": "python tests/tools/train_harm_toxicity.py NAME --prompts FILE",
    }


def auc(bad: Floats, good: Floats) -> float:
    from sklearn.metrics import roc_auc_score

    labels = np.concatenate([np.ones(len(bad)), np.zeros(len(good))])
    return round(float(roc_auc_score(labels, np.concatenate([bad, good]))), 4)


def share(flags: NDArray[np.bool_]) -> float:
    return round(float(flags.mean()), 4)


if __name__ == "__main__":
    main()
