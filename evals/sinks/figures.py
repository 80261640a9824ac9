"""What of a report goes into a tracker: settings, figures by arm, and files; none of it text of a prompt or answer."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from stepwell.base.errors import StepwellError
from stepwell.base.messages import encode_json
from stepwell.evals.folder import RunFolder
from stepwell.evals.held import read_run
from stepwell.evals.markdown import markdown
from stepwell.evals.report import Report, TierReport
from stepwell.evals.verdict.pair import Pair

# what both MLflow and W&B take in a metric's name
_ODD = re.compile(r"[^\w./ -]")


class SinkError(StepwellError):
    """A tracker is not installed, or refused."""

    code = "sink_error"


def params_of(report: Report) -> dict[str, str]:
    """What was run: suite and its content's hash, arms, baseline, margin."""
    asked = report.question
    return {
        "suite": report.suite,
        "suite_sha256": report.suite_sha256,
        "arms": ", ".join(t.tier for t in report.tiers),
        "n_planned": str(report.n_planned),
        "baseline": asked.baseline or "",
        "margin": "" if asked.margin is None else f"{asked.margin:g}",
    }


def metrics_of(report: Report) -> dict[str, float]:
    """Figures by `arm/figure`, and of each pair by `a against b/figure`; what is not known is left out."""
    found = {
        "cost_usd": report.cost_usd,
        "n_ended": float(report.n_ended),
        "n_errors": float(report.n_errors),
    }
    for arm in report.tiers:
        found |= {f"{plain_name(arm.tier)}/{name}": value for name, value in _arm(arm)}
    for pair in report.pairs:
        name = plain_name(f"{pair.a} against {pair.b}")
        found |= {f"{name}/{figure}": value for figure, value in _pair(pair)}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def words_of(report: Report) -> dict[str, str]:
    """The verdict of each pair, in a word."""
    return {plain_name(f"{p.a} against {p.b}"): p.word for p in report.pairs}


def plain_name(name: str) -> str:
    """A name that every tracker takes."""
    return _ODD.sub("_", name)


def _arm(arm: TierReport) -> Iterator[tuple[str, float]]:
    if arm.quality is not None:
        yield from (("quality", arm.quality), ("quality_low", arm.low), ("quality_high", arm.high))
    yield from (("cost_usd", arm.cost_usd), ("judge_usd", arm.judge_nano_usd / 1e9))
    yield from (("n_rows", float(arm.n_rows)), ("n_errors", float(arm.n_errors)))
    yield from (("in_tokens", float(arm.in_tokens)), ("out_tokens", float(arm.out_tokens)))
    for name in ("p50_ms", "p95_ms", "p99_ms", "p50_ttft_ms", "p95_ttft_ms"):
        value = getattr(arm, name)
        if value is not None:
            yield name, value


def _pair(pair: Pair) -> Iterator[tuple[str, float]]:
    yield from (("difference", pair.difference), ("low", pair.low), ("high", pair.high), ("p", pair.p))
    if pair.n_more is not None:
        yield "n_more", float(pair.n_more)


@contextmanager
def files_of(report: Report, folder: str | Path, *, with_samples: bool) -> Iterator[Path]:
    """A folder of what is sent as files, gone afterwards.

    Args:
        with_samples: The page with its prompts and answers, too; else what is written anew here holds neither.

    Raises:
        JournalError: The run's folder can't be read.
        SinkError: The page is wanted, and is not there.
    """
    run = RunFolder.of(folder)
    with TemporaryDirectory() as made:
        place = Path(made)
        rows = run.read_suite().rows if run.suite.is_file() else ()
        (place / "report.md").write_text(markdown(report, held=read_run(run.journal, rows)), "utf-8")
        (place / "report.json").write_bytes(encode_json(report.as_dict()))
        if with_samples:
            if not run.page.is_file():
                raise SinkError(f"{run.page}: not there; `stepwell eval report` writes it")
            (place / run.page.name).write_bytes(run.page.read_bytes())
        yield place
