"""Pairs of prompts through the verifier: a score for each, and what the scores are worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec

from stepwell.base.embedding import Embedder
from stepwell.memory.cache.verifier import Verifier

N_BATCH = 64
KEPT = 0.9
MIN_EACH = 10  # with fewer of either label a resampled interval says nothing

Row = dict[str, Any]  # as it came, more columns than ours
_decode: Callable[[str], Row] = msgspec.json.Decoder(Row).decode


class PairFigures(msgspec.Struct, frozen=True):
    """What a score is worth on labelled pairs.

    Attributes:
        auc, low, high: AUROC of the score with its 95 % bootstrap interval; NaN where all pairs are alike, the
            interval also with fewer than `MIN_EACH` of either label.
        cut: Least score that is served, chosen so that `KEPT` of the pairs with the same answer are.
        false_hits: Share of the pairs with another answer that would be served at the cut, 0..1.
        false_hits_by_kind: The same for each kind of pair that has such.
        kept_by_kind: Share of pairs with the same answer that are served.
    """

    n: int
    n_same: int
    auc: float
    low: float
    high: float
    cut: float
    false_hits: float
    false_hits_by_kind: dict[str, float]
    kept_by_kind: dict[str, float]


def replay_pairs(lines: Iterable[str], verifier: Verifier, embedder: Embedder) -> Iterator[Row]:
    """A row out for each row in, in the same order. Blocks; embeds both prompts of each pair.

    A row needs `cached_query` and `query`; what else it has is passed through, and `score` (0..1, the probability that
    the cached answer would do) and `cosine` are added. A bad row gives {"line", "error"}; no error shows its text.

    Args:
        lines: JSON Lines; blank ones are skipped.
    """
    numbered = ((n, line) for n, line in enumerate(lines, start=1) if line.strip())
    while batch := list(islice(numbered, N_BATCH)):
        read = [read_row(n, line) for n, line in batch]
        scored = iter(_scored([row for row in read if "error" not in row], verifier, embedder))
        yield from (row if "error" in row else next(scored) for row in read)


def read_row(n: int, line: str) -> Row:
    """One line as a pair; {"line", "error"} where it is none."""
    try:
        row = _decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return {"line": n, "error": "not a JSON object"}
    for name in ("cached_query", "query"):
        if not isinstance(row.get(name), str):
            return {"line": n, "error": f"{name} is not a text"}
    if row.get("same") not in (None, 0, 1):
        return {"line": n, "error": "same is neither 0 nor 1"}
    row.pop("error", None)
    return row


def _scored(rows: Sequence[Row], verifier: Verifier, embedder: Embedder) -> list[Row]:
    if not rows:
        return []
    texts = list(dict.fromkeys(row[name] for row in rows for name in ("cached_query", "query")))
    from stepwell.evals.cache.pair_rows import embed_with_pieces

    vectors, pieces = embed_with_pieces(embedder, texts)
    sketches = {text: verifier.sketch(text, tokens) for text, tokens in zip(texts, pieces, strict=True)}
    place = {text: i for i, text in enumerate(texts)}
    made = []
    for row in rows:
        a, b = row["query"], row["cached_query"]
        cosine = float(vectors[place[a]] @ vectors[place[b]])
        log_odds = verifier.log_odds(sketches[a], [sketches[b]], [cosine])[0]
        made.append({**row, "score": 1 / (1 + math.exp(-log_odds)), "cosine": cosine})
    return made


def pair_figures(rows: Iterable[Row], *, by: str = "score", n_resamples: int = 300) -> PairFigures:
    """Figures of one column over labelled rows (`same` 0 or 1); others are left out.

    Args:
        by: "score", or "cosine" for what similarity alone is worth on the same rows.
    """
    import numpy as np

    from stepwell.evals.auroc import auroc

    kept = [row for row in rows if row.get("same") in (0, 1) and by in row]
    score = np.array([row[by] for row in kept], dtype=np.float64)
    same = np.array([row["same"] == 1 for row in kept], dtype=bool)
    kind = np.array([str(row.get("kind", "")) for row in kept])
    low, high = _interval(score, same, n_resamples)
    cut = float(np.quantile(score[same], 1 - KEPT, method="lower")) if same.any() else math.nan
    served = score >= cut
    return PairFigures(
        n=len(kept),
        n_same=int(same.sum()),
        auc=auroc(score, same),
        low=low,
        high=high,
        cut=cut,
        false_hits=_share(served[~same]),
        false_hits_by_kind={
            k: _share(served[(kind == k) & ~same]) for k in sorted(set(kind[~same].tolist()))
        },
        kept_by_kind={k: _share(served[(kind == k) & same]) for k in sorted(set(kind[same].tolist()))},
    )


def _interval(score: Any, same: Any, n_resamples: int) -> tuple[float, float]:
    import numpy as np

    from stepwell.evals.auroc import auroc

    if min(same.sum(), (~same).sum()) < MIN_EACH:
        return math.nan, math.nan
    rng = np.random.default_rng(0)
    picks = (rng.integers(0, len(same), len(same)) for _ in range(n_resamples))
    low, high = np.nanquantile([auroc(score[i], same[i]) for i in picks], [0.025, 0.975])
    return float(low), float(high)


def _share(served: Any) -> float:
    return float(served.mean()) if len(served) else math.nan
