"""Refine the verifier on a user's own pairs, and keep what it had where that is no better."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.base.embedding import Embedder
from stepwell.base.errors import StepwellError
from stepwell.evals.auroc import auroc
from stepwell.evals.cache.boost import boosted
from stepwell.evals.cache.fit import platt
from stepwell.evals.cache.pair_rows import pair_rows
from stepwell.evals.cache.pairs import read_row
from stepwell.memory.cache.verifier.model import Model, read_model, write_model
from stepwell.memory.cache.verifier.scoring import scores
from stepwell.memory.cache.verifier.trees import Trees
from stepwell.memory.cache.verifier.verifier import weights_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

MIN_PAIRS = 200
MIN_EACH = 40
N_FOLDS = 5
N_TREES = (0, 15, 40, 100)  # added to the shipped ones; cross-validation chooses


class TooFewPairs(StepwellError):
    """There are not enough labelled pairs to learn from."""

    code = "too_few_pairs"


class TunedVerifier(msgspec.Struct, frozen=True):
    """What tuning did; log loss and AUROC are of pairs in folds that were not trained on.

    Attributes:
        n_bad: Lines that are no pair.
        choice: "as it was", "recalibrated", or "N trees added".
        log_loss_before, log_loss: Mean, in nats; of the model tuning began with, and of the one that was written.
    """

    n_pairs: int
    n_same: int
    n_bad: int
    choice: str
    log_loss_before: float
    log_loss: float
    auc_before: float
    auc: float


def tune_verifier(
    lines: Iterable[str], out: Path, *, embedder: Embedder, base: str | None = None, seed: int = 0
) -> TunedVerifier:
    """Write weights refined on labelled pairs, for `Verifier.load`.

    The log-odds of the model it begins with are recalibrated, and trees are added to them by Newton boosting, where
    either lowers the log loss on held-out folds by more than its standard error; else the model is written as it was.
    Pairs that share a prompt stay in one fold. Blocks; embeds each prompt.

    Args:
        lines: JSON Lines with `cached_query`, `query` and `same` (0 or 1).
        base: Weights to begin with; the shipped ones by default.

    Raises:
        TooFewPairs: Fewer than 200 pairs, or than 40 with either label.
        ConfigError: The weights to begin with can't be used.
    """
    model = read_model(weights_file(base))
    read = [read_row(n, line) for n, line in enumerate(lines, start=1) if line.strip()]
    kept = [row for row in read if "error" not in row and row.get("same") in (0, 1)]
    pairs = [(row["query"], row["cached_query"]) for row in kept]
    same = np.array([row["same"] == 1 for row in kept], dtype=bool)
    _check(same)
    rows = pair_rows(pairs, embedder, model.basis)
    before = scores(model, rows)
    held_out = _held_out(rows, before, same, _folds(pairs, seed), seed)
    losses = {name: _log_losses(score, same) for name, score in held_out.items()}
    choice = _best(losses)
    _write(out, model, rows, before, same, choice, seed)
    return TunedVerifier(
        n_pairs=len(pairs),
        n_same=int(same.sum()),
        n_bad=len(read) - len(kept),
        choice=_told(choice),
        log_loss_before=float(losses[AS_IT_WAS].mean()),
        log_loss=float(losses[choice].mean()),
        auc_before=auroc(before.astype(np.float64), same),
        auc=auroc(held_out[choice].astype(np.float64), same),
    )


AS_IT_WAS = -1


def _told(choice: int) -> str:
    return {AS_IT_WAS: "as it was", 0: "recalibrated"}.get(choice, f"{choice} trees added")


def _check(same: Bools) -> None:
    n, n_same = len(same), int(same.sum())
    if n < MIN_PAIRS or min(n_same, n - n_same) < MIN_EACH:
        raise TooFewPairs(
            f"{n} pairs, {n_same} of them with the same answer: tuning needs {MIN_PAIRS}, and {MIN_EACH} of either kind"
        )


def _folds(pairs: list[tuple[str, str]], seed: int) -> Ints:
    """A fold for each pair; what hangs together by a prompt is in one."""
    parent: dict[str, str] = {}

    def root(text: str) -> str:
        while parent.setdefault(text, text) != text:
            parent[text] = text = parent[parent[text]]
        return text

    for a, b in pairs:
        parent[root(a)] = root(b)
    roots = {text: i for i, text in enumerate(dict.fromkeys(root(a) for a, _ in pairs))}
    drawn = np.random.default_rng(seed).permutation(len(roots)) % N_FOLDS
    return np.array([drawn[roots[root(a)]] for a, _ in pairs], dtype=np.int64)


def _held_out(rows: Floats, before: Floats, same: Bools, fold: Ints, seed: int) -> dict[int, Floats]:
    """Log-odds of each choice for each pair, by what was learned without its fold."""
    made = {AS_IT_WAS: before, **{n: before.copy() for n in N_TREES}}
    for k in np.unique(fold):
        out = fold == k
        slope, intercept = platt(before[~out], same[~out], np.ones(int((~out).sum()), dtype=np.float32))
        trees = boosted(rows[~out], same[~out], slope * before[~out] + intercept, n=max(N_TREES), seed=seed)
        for n in N_TREES:
            made[n][out] = slope * before[out] + intercept + trees.first(n).sum(rows[out])
    return made


def _log_losses(score: Floats, same: Bools) -> NDArray[np.float64]:
    return np.logaddexp(0, np.where(same, -score, score).astype(np.float64))


def _best(losses: dict[int, NDArray[np.float64]]) -> int:
    """The choice of the least loss; none at all where it gains less than a standard error."""
    best = min(losses, key=lambda choice: float(losses[choice].mean()))
    gain = losses[AS_IT_WAS] - losses[best]
    return best if gain.mean() > gain.std() / np.sqrt(len(gain)) else AS_IT_WAS


def _write(
    out: Path, model: Model, rows: Floats, before: Floats, same: Bools, choice: int, seed: int
) -> None:
    if choice == AS_IT_WAS:
        write_model(out, model.basis, model.trees, model.calibration)
        return
    slope, intercept = platt(before, same, np.ones(len(same), dtype=np.float32))
    added = boosted(rows, same, slope * before + intercept, n=choice, seed=seed) if choice else None
    calibration = model.calibration * slope + np.array([0, intercept, 0], dtype=np.float32)
    has_pieces = not np.isnan(rows[:, -1]).all()
    scale = float(calibration[0 if has_pieces else 1, 0])
    trees = model.trees if added is None else Trees.joined(model.trees, added.times(1 / scale))
    write_model(out, model.basis, trees, calibration)
