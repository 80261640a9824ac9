"""Whether a fine-tuned model may serve: it has to be better than the base and than every head, and shown to be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.figures import (
    ADAPTER,
    BASE,
    BASE_SCHEMA,
    HEADS,
    ArmFigures,
    FinetuneReport,
    PairFigures,
    head_arm,
    rivals,
)
from stepwell.evals.finetune.suite_of import schema_of
from stepwell.evals.verdict.fixed import LEVEL
from stepwell.evals.verdict.flips import least_apart
from stepwell.evals.verdict.needed import round_up
from stepwell.router.tiers.bundle import Bundle

MAX_ERROR_SHARE = 0.1
_AGAIN = "run stepwell local eval again"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict.

    Attributes:
        reasons: All that stands against it, with figures; () where it is promoted.
        said: The verdicts that it rests on.
        offers: Kind of the head that does as well and may serve in the adapter's place.
    """

    is_promoted: bool
    reasons: tuple[str, ...]
    said: tuple[str, ...] = ()
    offers: str | None = None


def judge_promotion(
    report: FinetuneReport,
    dataset: Dataset,
    bundle: Bundle,
    *,
    is_tainted: bool = False,
    max_error_share: float = MAX_ERROR_SHARE,
) -> Decision:
    """Decide on what was measured; nothing is asked.

    Args:
        bundle: The measured adapter, or one of the heads that were measured beside it.
        is_tainted: Its training is marked: examples have been erased since.
        max_error_share: More held-out examples than this that ended as errors: no verdict.
    """
    kind = bundle.card.head if bundle.card.kind == "head" else None
    model = ADAPTER if kind is None else head_arm(kind)
    has_schema = schema_of(dataset) is not None
    reasons = (
        *_of_another(report, dataset, bundle),
        *_tainted(is_tainted or bundle.is_tainted),
        *_leaked(report),
        *_too_few(report, model),
        *_unsound(report, model, max_error_share),
        *_not_better(report, model, has_schema=has_schema),
    )
    offers = None if kind is not None else _offered(report, max_error_share, has_schema=has_schema)
    said = tuple(p.said for p in report.pairs_of(model))
    return Decision(not reasons, reasons, said, offers if reasons else None)


def _of_another(report: FinetuneReport, dataset: Dataset, bundle: Bundle) -> Iterator[str]:
    """A report says nothing of a model or a dataset that it is not about."""
    card = bundle.card
    head = report.head(card.head) if card.kind == "head" else None
    measured = head.sha256 if head is not None else report.bundle_sha256
    if card.sha256 != measured:
        yield f"the report is of another model: sha256 {measured[:12]}, this one is {card.sha256[:12]}; {_AGAIN}"
    if dataset.card.sha256 != report.dataset_sha256:
        yield (
            f"the report is of another dataset: sha256 {report.dataset_sha256[:12]}, this one is "
            f"{dataset.card.sha256[:12]}; {_AGAIN}"
        )
    if card.dataset_sha256 != dataset.card.sha256:
        yield (
            f"the model learnt from another dataset, sha256 {card.dataset_sha256[:12]}, than it was measured on, "
            f"{dataset.card.sha256[:12]}: what it has seen can't be told from what it has not"
        )
    if card.kind != "head" and card.base_sha256 != report.base_sha256:
        yield f"the report is on another base: sha256 {report.base_sha256[:12]}; {_AGAIN}"


def _tainted(is_tainted: bool) -> Iterator[str]:
    if is_tainted:
        yield "1 or more examples that it was trained on have been erased since; train again on what is left"


def _leaked(report: FinetuneReport) -> Iterator[str]:
    found = report.leaks
    if found.n:
        yield (
            f"{found.n:,} of {report.n_held_out:,} held-out examples leaked into training: {found.n_same:,} the same, "
            f"{found.n_near:,} nearly the same, {found.n_group:,} of one conversation with one; curate again"
        )


def _too_few(report: FinetuneReport, model: str) -> Iterator[str]:
    if report.n_asked < report.n_held_out:
        yield f"{report.n_asked:,} of {report.n_held_out:,} held-out examples were asked; measure without --limit"
    least = least_examples(len(report.pairs_of(model)))
    if report.n_clusters < least:
        yield (
            f"{report.n_clusters:,} held-out examples (or conversations) can't show a difference, were all of them "
            f"told apart: at least {least:,} are needed"
        )


def least_examples(n_pairs: int) -> int:
    """Examples under which nothing is shown of any pair, were all of them told apart to one side."""
    return least_apart(1 - (1 - LEVEL) / max(1, n_pairs))


def _unsound(report: FinetuneReport, model: str, max_error_share: float) -> Iterator[str]:
    counted = {model, *rivals([arm.name for arm in report.arms])}
    for arm in (arm for arm in report.arms if arm.name in counted):
        if arm.n_errors > max_error_share * (arm.n + arm.n_errors):
            codes = ", ".join(f"{n:,} {code}" for code, n in arm.errors.items())
            yield f"{arm.name}: {arm.n_errors:,} of {arm.n + arm.n_errors:,} answers ended as errors ({codes})"
    yield from report.judge_faults


def _not_better(report: FinetuneReport, model: str, *, has_schema: bool) -> Iterator[str]:
    """An adapter has to beat base and heads; a head costs next to nothing, and has to beat the base."""
    pairs = _asked_pairs(report, model)
    compared = {p.b for p in pairs}
    for other in _owed(report, model, has_schema=has_schema):
        if other not in compared:
            yield f"{model} was not compared with {other}; {_AGAIN}"
    for pair in pairs:
        if pair.word != "better":
            yield _against(report, pair)
        elif pair.at_worst != "better":
            yield f"errors may hide that {pair.a} is no better than {pair.b}; measure again ({pair.said})"
    if model == ADAPTER and not report.heads:
        yield from _under_bound(report)


def _owed(report: FinetuneReport, model: str, *, has_schema: bool) -> tuple[str, ...]:
    """What a report has to compare a model with; where no head was fitted, `_under_bound` stands in for both."""
    heads = HEADS if model == ADAPTER and report.heads else ()
    return (BASE, *((BASE_SCHEMA,) if has_schema else ()), *heads)


def _asked_pairs(report: FinetuneReport, model: str) -> list[PairFigures]:
    named = rivals([p.b for p in report.pairs_of(model)])
    return [p for p in report.pairs_of(model) if p.b in named and (model == ADAPTER or p.b not in HEADS)]


def _against(report: FinetuneReport, pair: PairFigures) -> str:
    figures = f"{_share(report.arm(pair.a))} against {_share(report.arm(pair.b))}"
    if pair.b in HEADS:
        how = {"worse": "does better", "tied": "does as well"}.get(pair.word, "may well do as well")
        return f"{pair.b} {how} and costs next to nothing: {pair.a} {figures} ({_sized(pair)})"
    how = {"worse": "it is worse than", "tied": "it is no better than"}.get(
        pair.word, "no gain is shown over"
    )
    return f"{how} {pair.b}: {pair.a} {figures} ({_sized(pair)})"


def _sized(pair: PairFigures) -> str:
    more = "" if pair.n_more is None else f"; about {round_up(pair.n_more):,} more examples would tell"
    close = "; the interval clears 0, the exact test does not yet" if pair.is_close else ""
    between = f"[{pair.low:+z.3f}, {pair.high:+z.3f}]"
    return f"difference {pair.difference:+z.3f} {between}, p {pair.p:.2g}{close}{more}"


def _share(arm: ArmFigures | None) -> str:
    if arm is None or arm.exact is None:
        return "no score"
    return f"{arm.exact:.3f} [{arm.low:.3f}, {arm.high:.3f}]"


def _under_bound(report: FinetuneReport) -> Iterator[str]:
    """Where no head was fitted, the best that one could be stands in for it."""
    arm = report.arm(ADAPTER)
    if arm is not None and arm.low <= report.head_bound:
        yield (
            f"no head was measured, and a perfect one would be right on {report.head_bound:.3f} (answers that training "
            f"has): {ADAPTER} {_share(arm)} is not shown to be better; measure with heads (--max-answers)"
        )


def _offered(report: FinetuneReport, max_error_share: float, *, has_schema: bool) -> str | None:
    """The best head that is better than the base and that the adapter is not shown to beat."""
    beaten = {pair.b for pair in report.pairs_of(ADAPTER) if pair.word == "better"}
    found: list[tuple[float, str]] = []
    for kind in (head.kind for head in report.heads):
        name = head_arm(kind)
        faults = [
            *_leaked(report),
            *_too_few(report, name),
            *_unsound(report, name, max_error_share),
            *_not_better(report, name, has_schema=has_schema),
        ]
        arm = report.arm(name)
        if arm is not None and name not in beaten and not faults:
            found.append((arm.exact or 0.0, kind))
    return max(found)[1] if found else None
