"""Measure a fine-tuned model on its held-out examples, over the same serving that answers users."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.base.config import Config
from stepwell.base.embedding import load_embedder
from stepwell.base.errors import StepwellError
from stepwell.evals.ask import OnError, unheard
from stepwell.evals.finetune.arms import Asked, make_asked
from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.figures import ADAPTER, HEADS, FinetuneReport
from stepwell.evals.finetune.heads import FittedHead, fit_head, n_answers
from stepwell.evals.finetune.leak import find_leaks
from stepwell.evals.finetune.options import MeasureOptions
from stepwell.evals.finetune.suite_of import held_out_suite, schema_of
from stepwell.evals.finetune.told import Measured, report_on
from stepwell.evals.folder import RunFolder
from stepwell.evals.held import read_held
from stepwell.evals.plan import Planned
from stepwell.evals.report import GRADED, Question, Report, report_of
from stepwell.evals.run import Progress, RunOptions, ask_suite
from stepwell.evals.scoring.open import Judging, Means, open_judging
from stepwell.evals.suite import Suite
from stepwell.router.tiers.bundle import Bundle
from stepwell.well import Stepwell

if TYPE_CHECKING:
    from stepwell.router.tiers.base import Backend

_WARM = ({"role": "user", "content": "."},)
_PLAIN = MeasureOptions()


async def measure(
    dataset: Dataset,
    bundle: Bundle,
    *,
    out: Path,
    config: Config | None = None,
    options: MeasureOptions = _PLAIN,
    backends: Mapping[str, Backend] | None = None,
    on_progress: Progress | None = None,
    on_error: OnError = unheard,
) -> FinetuneReport:
    """Ask base, adapter, heads and named tiers the held-out examples, one after the other, and compare them.

    Answers are kept under `out`/eval: a run that broke off goes on where it was. The report is `out`/eval.json.

    Args:
        config: The user's: its tiers, its embedder. Default: the embedded one.
        backends: Arm or tier -> what answers in its place, for tests.
        on_progress: As of `run_suite`, over all arms.

    Raises:
        FinetuneError: The model is none to be measured, the answers need a judge, or a file can't be written.
        ConfigError: A tier is unknown, or a model can't be served.
    """
    config = config or Config()
    suite = _suite(dataset, bundle, options)
    folder = _folder(out, dataset, bundle)
    heads = await asyncio.to_thread(_fit, dataset, folder.path / "heads", config, options)
    asked = make_asked(
        bundle,
        [h.bundle for h in heads],
        config,
        tiers=options.tiers,
        judge=options.judge,
        base=options.base,
        schema_json=schema_of(dataset),
        n_threads=options.n_threads,
        timeout_s=options.timeout_s,
    )
    folder.keep_suite(suite)
    run = _Run(asked, suite, folder, options, on_progress, on_error)
    async with Stepwell(asked.config, backends=backends) as well:
        reports, walls_s = await run.ask_all(well)
    leaks = await asyncio.to_thread(find_leaks, dataset, trained_on=bundle.card.dataset_sha256)
    made = report_on(Measured(dataset, bundle, suite, asked, heads, leaks, reports, walls_s, options, out))
    made.save(out)
    return made


def _suite(dataset: Dataset, bundle: Bundle, options: MeasureOptions) -> Suite:
    if bundle.card.kind == "head":
        raise FinetuneError(
            f"{bundle.folder}: a head is measured beside an adapter; name the adapter's training"
        )
    if not dataset.held_out:
        raise FinetuneError("no example is held out: curate again with --held-out")
    suite = held_out_suite(dataset, limit=options.limit, rubric=options.rubric)
    if options.judge is None and any(row.scorer == GRADED for row in suite.rows):
        raise FinetuneError("answers are free text: name the tier that grades them (--judge TIER)")
    return suite


def _folder(out: Path, dataset: Dataset, bundle: Bundle) -> RunFolder:
    """Answers of another model, or to other examples, are never taken for this one's."""
    folder = RunFolder(out / "eval" / f"{bundle.card.version}-{dataset.card.sha256[:12]}")
    try:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise FinetuneError(f"{folder.path} can't be written: {e.strerror or type(e).__name__}") from e
    return folder


def _fit(dataset: Dataset, out: Path, config: Config, options: MeasureOptions) -> list[FittedHead]:
    if n_answers(dataset.train) > options.head_options.max_answers:
        return []
    return [
        fit_head(
            dataset,
            kind,
            out / kind,
            embedder=lambda: load_embedder(config.embedding),
            options=options.head_options,
        )
        for kind in options.heads
    ]


@dataclass(frozen=True, slots=True)
class _Run:
    asked: Asked
    suite: Suite
    folder: RunFolder
    options: MeasureOptions
    on_progress: Progress | None
    on_error: OnError

    async def ask_all(self, well: Stepwell) -> tuple[dict[str, Report], dict[str, float]]:
        """By model: the report against every other arm. By arm: the seconds that it took, where all of it was asked."""
        judging = self._judging(well)
        try:
            await self._check_judge(well)
            walls_s = {}
            for n, arm in enumerate(self.asked.arms):
                await self._warm(well, arm.tier or "")
                before, began = self._n_ended(), time.perf_counter()
                await self._ask(well, judging, [n])
                if self._n_ended() - before == len(self.suite.rows):
                    walls_s[arm.name] = time.perf_counter() - began
            # all of them at once asks nothing but what ended as an error, once more
            keys = await self._ask(well, judging, range(len(self.asked.arms)))
        finally:
            await judging.close()
        held = read_held(self.folder.journal, keys=keys)
        models = [a.name for a in self.asked.arms if a.name in (ADAPTER, *HEADS)]
        questions = {name: Question(name, self.options.margin) for name in models}
        return {n: report_of(held, suite=self.suite, question=q) for n, q in questions.items()}, walls_s

    async def _ask(self, well: Stepwell, judging: Judging, places: Sequence[int]) -> Planned:
        arms = [self.asked.arms[n] for n in places]
        return await ask_suite(
            well,
            self.suite,
            arms=arms,
            journal_path=self.folder.journal,
            options=RunOptions(
                self.options.concurrency, max_usd=self.options.max_usd, judge=self.options.judge
            ),
            judging=judging,
            on_progress=self._shown(places[0], len(arms)),
            on_error=self.on_error,
        )

    def _shown(self, place: int, n_arms: int) -> Progress | None:
        show, n_rows, n_all = self.on_progress, len(self.suite.rows), len(self.asked.arms)
        if show is None or n_arms > 1:
            return None
        return lambda done, _, usd, left_s: show(
            place * n_rows + done,
            n_all * n_rows,
            usd,
            None if left_s is None else left_s * (n_all - place),
        )

    async def _warm(self, well: Stepwell, tier: str) -> None:
        """Have a local server started before its answers are timed; what is wrong with it, the run will tell."""
        if tier in self.asked.local and any(t.name == tier and t.missing_key is None for t in well.tiers):
            with suppress(StepwellError):
                await well.achat(list(_WARM), tier=tier, max_tokens=1, cache=False)

    def _n_ended(self) -> int:
        return len(read_held(self.folder.journal).ends) if self.folder.journal.exists() else 0

    def _judging(self, well: Stepwell) -> Judging:
        means = Means(well, judge=self.options.judge)
        return open_judging((row.scorer for row in self.suite.rows), means)

    async def _check_judge(self, well: Stepwell) -> None:
        """Measure the judge by planted answers, before anything rests on it."""
        graded = [row for row in self.suite.rows if row.scorer == GRADED]
        if not graded:
            return
        from stepwell.evals.scoring.graded.checks import CheckOptions, check_judges
        from stepwell.evals.scoring.graded.forms import forms_of

        options = CheckOptions(self.options.n_judge_checks, max_usd=self.options.max_usd)
        forms = forms_of(well, graded, judge=self.options.judge)
        await check_judges(well, forms, self.folder.journal, options=options)
