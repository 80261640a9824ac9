"""One table: what a cascade is worth by answer length, by the rule without labels, and learnt from labels.

python -m stepwell.evals.tune.cascade.bench ROWS --cheap a,b[,c] --strong s [--texts FILE] [--prices FILE]
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.evals.tune.cascade.fit import cross_fitted
from stepwell.evals.tune.cascade.rows import Compared, Texts, compare_rows
from stepwell.evals.tune.cascade.study import Study, study
from stepwell.evals.tune.rows import cost_matrix, read_outcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Prices = Mapping[str, tuple[float, float]]
_KEPT = (0.95, 0.99, 1.0)


class _Text(msgspec.Struct):
    id: str | int
    model: str
    text: str


def read_texts(path: str | Path) -> Texts:
    """Whole answers by row id and tier, from JSON Lines (.gz too) of {id, model, text}."""
    found: dict[str, dict[str, str]] = {}
    with Path(path).open("rb") as raw:
        for line in gzip.GzipFile(fileobj=raw) if str(path).endswith(".gz") else raw:
            said = msgspec.json.decode(line, type=_Text)
            found.setdefault(str(said.id), {})[said.model] = said.text
    return found


def bench_cascade(
    path: str | Path,
    cheap: Sequence[str],
    strong: str,
    *,
    texts: Texts | None = None,
    prices: Prices | None = None,
    seed: int = 0,
) -> Iterator[tuple[str, Study]]:
    """Measure one cascade three ways; labels are cross-fitted in five folds.

    Without prices every call costs 1, so that only APGR and CPT mean something.

    Raises:
        BadRequest: The rows or the tiers don't do.
    """
    outcomes = read_outcomes(path, [*cheap, strong])
    rows = compare_rows(outcomes, cheap, strong, texts=texts)
    whole = np.ones_like(outcomes.scores) if prices is None else cost_matrix(outcomes, prices)
    cost_usd = whole[rows.at]
    for name, need in _needs(rows, seed):
        yield name, study(rows, need, cost_usd, seed=seed)


def _needs(rows: Compared, seed: int) -> Iterator[tuple[str, Floats]]:
    yield "length of the first answer", np.array([float(o[0].n_chars) for o in rows.opinions])
    yield "agreement, no labels", rows.unlabelled_need()
    yield "labels, 5-fold", cross_fitted(rows, seed=seed)[1]


def told(name: str, s: Study, *, is_priced: bool) -> str:
    """One line of the table."""
    line = (
        f"{name:28} APGR {s.apgr:.3f} [{s.low:.3f}, {s.high:.3f}]  CPT50 {s.cpt50:.3f}  CPT80 {s.cpt80:.3f}"
    )
    if not is_priced:
        return line
    points = [(kept, s.cheapest(kept)) for kept in _KEPT]
    saved = [f"{p.saved:.0%} saved at {kept:.0%}" for kept, p in points if p is not None]
    return f"{line}  {', '.join(saved)}; {s.why}"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What a cascade is worth on outcome rows.")
    parser.add_argument("rows")
    parser.add_argument("--cheap", required=True, help="tiers asked first, cheapest first, with commas")
    parser.add_argument("--strong", required=True)
    parser.add_argument("--texts", help="whole answers: JSON Lines of {id, model, text}")
    parser.add_argument("--prices", help="JSON: {tier: [usd per 1M in, usd per 1M out]}")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    texts = None if args.texts is None else read_texts(args.texts)
    prices = None
    if args.prices is not None:
        prices = msgspec.json.decode(Path(args.prices).read_bytes(), type=dict[str, tuple[float, float]])
    made = bench_cascade(
        args.rows, args.cheap.split(","), args.strong, texts=texts, prices=prices, seed=args.seed
    )
    for n, (name, s) in enumerate(made):
        if n == 0:
            sys.stdout.write(f"{s.n_rows} rows; two agree on {s.agreement:.1%}, right in {s.precision:.1%}\n")
        sys.stdout.write(told(name, s, is_priced=prices is not None) + "\n")


if __name__ == "__main__":
    main()
