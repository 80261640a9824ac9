"""`stepwell eval run`."""

from __future__ import annotations

import asyncio
import gc
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.aside import aside
from stepwell.front.cli.eval_told import finish, limits_of
from stepwell.front.cli.exits import UsageError, one_line
from stepwell.front.cli.inputs import config_of, tiers_of

if TYPE_CHECKING:
    from stepwell.base.config import Config
    from stepwell.base.errors import StepwellError
    from stepwell.evals.arms import Arm
    from stepwell.evals.ask import OnError
    from stepwell.evals.folder import RunFolder
    from stepwell.evals.plan import Sample
    from stepwell.evals.run import RunOptions
    from stepwell.evals.scoring.open import Judging
    from stepwell.evals.suite import Suite
    from stepwell.front.cli.terminal import ShowRun
    from stepwell.well import Stepwell

MARGIN = 0.02
N_LOOKS = 20
COLLECT_EVERY = 50_000
_CHARS_A_TOKEN = 4
_USUAL_TOKENS = 200


def run(args: Namespace) -> int:
    """Ask, write the run's folder, tell the verdict."""
    with _rarely_collected():
        return _run(args)


@contextmanager
def _rarely_collected() -> Iterator[None]:
    # what imports make stays: to look for garbage among it takes a tenth of the start and more
    usual = gc.get_threshold()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*usual)
        gc.enable()


def _collect_from_here() -> None:
    """Look for garbage among what comes from now on."""
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY, 10, 10)
    gc.enable()


def _run(args: Namespace) -> int:
    from stepwell.evals.entries import JournalError
    from stepwell.evals.folder import RunFolder
    from stepwell.evals.report import from_journal
    from stepwell.evals.suite import SuiteError

    limits = limits_of(args)
    try:
        suite = _suite(args)
        config = config_of(args)
        folder = RunFolder(out_path(args.out, suite.name))
        with terminal.run_progress(suite.name) as show:
            asyncio.run(_measure(args, config, suite, folder, show))
        report = from_journal(folder.journal, suite=suite)
        return finish(folder, report, limits, rows=suite.rows, is_json=args.json)
    except (SuiteError, JournalError) as e:
        raise UsageError(str(e)) from e


def out_path(given: str | None, suite: str) -> Path:
    """Where a run's files go."""
    # a fresh folder by default: a journal that is there is taken up again and asks nothing twice
    return Path(given or f"stepwell-evals/{suite}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")


def out_folder(given: str | None, suite: str) -> Path:
    """The folder of a run's files, made where it is not there."""
    out = out_path(given, suite)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)  # prompts and answers are nobody else's business
    return out


def _suite(args: Namespace) -> Suite:
    from stepwell.evals.suite import Suite

    suite = Suite.load(args.suite, format=args.format, fields=fields_of(args.fields) or None)
    return suite if args.limit is None else suite.take(args.limit, seed=args.seed or 0)


def fields_of(given: str | None) -> dict[str, str]:
    """`prompt=question,target=answer`.

    Raises:
        UsageError: It reads otherwise.
    """
    pairs = [part.partition("=") for part in given.split(",")] if given else []
    if not all(name.strip() and field.strip() for name, _, field in pairs):
        raise UsageError("--fields: want OURS=THEIRS, by commas")
    return {name.strip(): field.strip() for name, _, field in pairs}


async def _measure(args: Namespace, config: Config, suite: Suite, folder: RunFolder, show: ShowRun) -> None:
    from stepwell.evals.journal import Journal
    from stepwell.evals.run import ask_suite, check_run
    from stepwell.evals.tune.from_journal import write_outcomes

    async with _wells(config, args.policies, args.arms) as (well, arms_in_file, by_policy):
        arms = _arms(args, [t.name for t in well.tiers], arms_in_file)
        options = _options(args)
        judging = _judging(args, suite, well, config)
        try:
            check_run(well, arms, by_policy, options)
            out_folder(str(folder.path), suite.name)
            terminal.say(f"run: {folder.path} (taken up again by --out {folder.path})")
            with Journal(folder.journal):  # nobody else writes there
                folder.keep_suite(suite)
            terminal.say(_planned(suite, arms, well, args.repeats))
            _collect_from_here()
            await _check_judges(args, well, suite, folder)
            await ask_suite(
                well,
                suite,
                arms=arms,
                journal_path=folder.journal,
                options=options,
                by_policy=by_policy,
                judging=judging,
                on_progress=show,
                on_error=first_of_each(),
            )
            await _compare_answers(args, well, suite, folder)
        finally:
            await judging.close()
    write_outcomes(folder, suite)


def first_of_each() -> OnError:
    """Tell the first error of each kind as it comes: a whole run of them has one cause."""
    seen = set[tuple[str, str]]()

    def tell(sample: Sample, error: StepwellError) -> None:
        kind = (sample.tier, error.code)
        if kind not in seen:
            seen.add(kind)
            terminal.say(f"{sample.tier}: {one_line(error)}")

    return tell


def _planned(suite: Suite, arms: Sequence[Arm], well: Stepwell, repeats: int) -> str:
    """What is about to be asked, and what that costs about, where prices are known."""
    tiers = {t.name: t for t in well.tiers}
    n = len(suite.rows) * len(arms) * repeats
    n_in = [len(row.messages_json) // _CHARS_A_TOKEN for row in suite.rows]
    n_out = [
        min(most if isinstance(most := row.params.get("max_tokens"), int) else _USUAL_TOKENS, _USUAL_TOKENS)
        for row in suite.rows
    ]
    cost_usd = 0.0
    for tier in (tiers.get(arm.tier or "") for arm in arms):
        if tier is None or tier.usd_per_1m_input is None or tier.usd_per_1m_output is None:
            return f"{n:,} samples; what they cost can't be told before"
        cost_usd += (sum(n_in) * tier.usd_per_1m_input + sum(n_out) * tier.usd_per_1m_output) * repeats / 1e6
    return f"{n:,} samples, about {terminal.usd(cost_usd)} if all are asked"


@asynccontextmanager
async def _wells(
    config: Config, policies: str | None, arms_file: str | None
) -> AsyncIterator[tuple[Stepwell, list[Arm], Mapping[str, Stepwell]]]:
    """The well, and one for each policy that an arm names."""
    from stepwell.evals.arms import read_arms
    from stepwell.well import Stepwell

    in_file = read_arms(arms_file) if arms_file else []
    named = [*(tiers_of(policies) or []), *(arm.policy for arm in in_file if arm.policy)]
    config = aside(config)
    configs = {"": config, **{folder: _routed_by(config, folder) for folder in named}}
    async with AsyncExitStack() as stack:
        well = await stack.enter_async_context(Stepwell(_paced(config)))
        by_policy = {folder: await stack.enter_async_context(Stepwell(of)) for folder, of in configs.items()}
        yield well, in_file, by_policy


def _paced(config: Config) -> Config:
    """Where a tier is named, the run itself waits and asks again: a 429 must reach it at once."""
    dispatch = config.dispatch.model_copy(update={"max_retries": 0, "cooldown_s": 0.0})
    return config.model_copy(update={"dispatch": dispatch})


def _routed_by(config: Config, folder: str) -> Config:
    routing = config.routing.model_copy(update={"policy": f"learned:{folder}"})
    return config.model_copy(update={"routing": routing})


def _arms(args: Namespace, tiers: Sequence[str], in_file: Sequence[Arm]) -> list[Arm]:
    from stepwell.evals.arms import arms_of

    models, policies = tiers_of(args.models) or [], tiers_of(args.policies) or []
    named = tiers_of(args.tiers)
    if named is None:
        named = [] if models or policies or in_file else [t for t in tiers if t != args.judge]
    prompts = _prompts(tiers_of(args.prompts) or [])
    return [*arms_of(named, models=models, policies=policies, prompts=prompts), *in_file]


def _prompts(files: Iterable[str]) -> dict[str, str]:
    try:
        return {Path(f).stem: Path(f).read_text("utf-8") for f in files}
    except UnicodeDecodeError:
        raise UsageError("--prompts: a file is not UTF-8 text") from None


def _options(args: Namespace) -> RunOptions:
    from stepwell.evals.run import RunOptions

    return RunOptions(
        concurrency=args.concurrency,
        repeats=args.repeats,
        max_usd=args.max_usd,
        seed=args.seed,
        is_streamed=args.ttft,
        baseline=args.baseline,
        margin=MARGIN if args.margin is None else args.margin,
        judge=args.judge,
        n_looks=N_LOOKS if args.sequential else 0,
    )


async def _check_judges(args: Namespace, well: Stepwell, suite: Suite, folder: RunFolder) -> None:
    """Measure every judge by planted answers, before anything else is paid."""
    from stepwell.evals.report import GRADED

    graded = [row for row in suite.rows if row.scorer == GRADED]
    if not graded and _pair(args) is None:
        return
    from stepwell.evals.scoring.graded.checks import CheckOptions, check_judges
    from stepwell.evals.scoring.graded.forms import forms_of

    forms = forms_of(well, graded, judge=args.judge, n_votes=args.votes)
    if _pair(args) is not None:
        forms += forms_of(well, suite.rows, judge=args.judge, is_pair=True)
    if not forms:
        return
    options = CheckOptions(
        args.judge_checks, seed=args.seed or 0, concurrency=args.concurrency, max_usd=args.max_usd
    )
    with terminal.progress("judge") as show:
        await check_judges(well, forms, folder.journal, options=options, on_progress=show)


async def _compare_answers(args: Namespace, well: Stepwell, suite: Suite, folder: RunFolder) -> None:
    """Have the judge compare two arms' answers, in both orders."""
    pair = _pair(args)
    if pair is None:
        return
    from stepwell.evals.scoring.graded.pairwise import PairOptions, pairwise

    options = PairOptions(concurrency=args.concurrency, max_usd=args.max_usd)
    with terminal.progress("pairs") as show:
        await pairwise(
            well, suite, folder.journal, judge=args.judge, pairs=[pair], options=options, on_progress=show
        )


def _pair(args: Namespace) -> tuple[str, str] | None:
    if args.pairwise is None:
        return None
    named = tiers_of(args.pairwise) or []
    if args.judge is None or len(named) != 2:
        raise UsageError("--pairwise: two arms, A,B, and the --judge that compares them")
    return named[0], named[1]


def _judging(args: Namespace, suite: Suite, well: Stepwell, config: Config) -> Judging:
    from stepwell.evals.scoring.open import Means, open_judging

    means = Means(well, judge=args.judge, n_votes=args.votes, embedding=config.embedding)
    return open_judging((row.scorer for row in suite.rows), means)
