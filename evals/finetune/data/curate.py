"""From examples to a dataset: what is poor, broken, double or poisoned goes, and a part is kept aside."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from stepwell.base.tokens import estimate_text
from stepwell.evals.finetune.data.alike_across import pairs_across
from stepwell.evals.finetune.data.answers import (
    breaks,
    compact,
    is_few,
    is_poisoned,
    keys_of,
    kind_of,
    read_schema,
)
from stepwell.evals.finetune.data.dataset import Dataset, DatasetCard, Kind, content_sha256
from stepwell.evals.finetune.data.example import Example, FinetuneError
from stepwell.evals.finetune.data.inferred import inferred_schema
from stepwell.evals.finetune.data.said import is_system, said, text_of
from stepwell.evals.finetune.data.sieve import Sieve
from stepwell.evals.finetune.data.split import held_out_places
from stepwell.evals.finetune.data.twins import drop_duplicates, drop_near
from stepwell.evals.suite import drawn_at
from stepwell.evals.traffic.strata import drawn_evenly

MIN_SCORE = 0.75
MIN_TRAIN, MIN_HELD_OUT = 10, 1
Grades = Callable[[Sequence[Example]], Sequence[float | None]]
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True, kw_only=True)
class CurateOptions:
    """What is kept.

    Attributes:
        system: The dataset's own system prompt, in place of those of the examples.
        schema_json: JSON schema that answers must keep to; its properties give the order of keys.
        infers_schema: Else take the one that all training answers keep to; no example is dropped by it.
        kind: None: by the answers.
        min_score: Of what is known of an answer, 0..1; `require_score` drops those of which nothing is.
        min_grade: Of a judge, where there is one.
        max_chars, max_tokens: Of an example; tokens are estimated.
        held_out: A share below 1, or a number of examples.
        per_label, max_examples: Of training: each answer's examples, and all.
        seed: Of what is kept aside and of the subset.
        licences, sources, command, made_on: For the card; the date is today's where it is "".
    """

    system: str | None = None
    schema_json: str | None = None
    infers_schema: bool = False
    kind: Kind | None = None
    min_score: float = MIN_SCORE
    require_score: bool = False
    min_grade: float = MIN_SCORE
    max_chars: int | None = None
    max_tokens: int | None = None
    held_out: float | int = 0.2
    per_label: int | None = None
    max_examples: int | None = None
    seed: int = 0
    licences: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    command: str = ""
    made_on: str = ""


DEFAULT = CurateOptions()


def curate(
    examples: Iterable[Example],
    *,
    options: CurateOptions = DEFAULT,
    held_out: Iterable[Example] | None = None,
    judge: Grades | None = None,
) -> Dataset:
    """Make a dataset. The same examples in any order make the same one.

    Args:
        held_out: An own held-out part; training examples near any of it, or of a group of it, are dropped.
        judge: Grades answers, 0..1; None: it could not. Asked once, of what passed the cheap steps.

    Raises:
        FinetuneError: Too little is left, or the options are wrong; says what most were dropped for.
    """
    _check(options)
    sieve, own = Sieve(examples), None if held_out is None else Sieve(held_out)
    _drop_poor(sieve, options)
    kind = options.kind or _kind(sieve, own, options)
    for part in (sieve, *([] if own is None else [own])):
        _drop_broken(part, kind, options)
        _drop_long(part, options)
        drop_duplicates(part, has_system=options.system is not None)
    if judge is not None:
        _drop_graded(sieve, judge, options.min_grade)
    drop_near(sieve, has_system=options.system is not None)
    kept = _split(sieve, options) if own is None else own.kept
    _drop_leaking(sieve, kept)
    _drop_surplus(sieve, options)
    dropped = {**sieve.dropped, **({} if own is None else _of_held_out(own))}
    n_held, n_all = len(kept), len(kept) + len(sieve.kept)
    by = (
        _by(options, n_held, n_all)
        if own is None
        else "a part of its own; training examples near it are dropped"
    )
    return _dataset(sieve, kept, kind, dropped, by, options)


def _check(options: CurateOptions) -> None:
    if options.held_out <= 0:
        raise FinetuneError(f"held out is a share below 1 or a number of examples; got {options.held_out:g}")
    for name in ("per_label", "max_examples", "max_chars", "max_tokens"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise FinetuneError(f"{name} must be 1 or more; got {value}")


def _kind(sieve: Sieve, own: Sieve | None, options: CurateOptions) -> Kind:
    if options.schema_json is not None:
        return "json"
    return kind_of(
        [e.answer for part in (sieve, own) if part is not None for e in part.kept if e.answer.strip()]
    )


def _drop_poor(sieve: Sieve, options: CurateOptions) -> None:
    sieve.drop(
        f"scored below {options.min_score:g}", lambda e: e.score is not None and e.score < options.min_score
    )
    if options.require_score:
        sieve.drop("without a score", lambda e: e.score is None)


def _drop_broken(sieve: Sieve, kind: Kind, options: CurateOptions) -> None:
    sieve.drop("empty", lambda e: not said(e).strip() or not e.answer.strip())
    sieve.drop("answer quotes a placeholder that the ask lacks", is_poisoned)
    if kind != "json":
        sieve.rewrite("", lambda e: e.answer.strip())
        return
    schema = None if options.schema_json is None else read_schema(options.schema_json)
    keys = keys_of(schema)
    sieve.rewrite("answer is no JSON object", lambda e: compact(e.answer, keys))
    if schema is not None:
        sieve.drop("answer breaks the schema", lambda e: breaks(e.answer, schema))


def _drop_long(sieve: Sieve, options: CurateOptions) -> None:
    def text(example: Example) -> str:
        messages = example.messages
        if options.system is None:
            return "".join(text_of(m) for m in messages) + example.answer
        return options.system + "".join(text_of(m) for m in messages if not is_system(m)) + example.answer

    most_chars, most_tokens = options.max_chars, options.max_tokens
    if most_chars is not None:
        sieve.drop(f"over {most_chars:,} characters", lambda e: len(text(e)) > most_chars)
    if most_tokens is not None:
        sieve.drop(f"over about {most_tokens:,} tokens", lambda e: estimate_text(text(e)) > most_tokens)


def _drop_graded(sieve: Sieve, judge: Grades, min_grade: float) -> None:
    grades = {id(e): g for e, g in zip(sieve.kept, judge(sieve.kept), strict=True)}
    sieve.drop("that the judge could not grade", lambda e: grades[id(e)] is None)
    sieve.drop(f"graded below {min_grade:g}", lambda e: (grades[id(e)] or 0.0) < min_grade)
    sieve.kept = [
        e if e.score is not None else msgspec.structs.replace(e, score=grades[id(e)]) for e in sieve.kept
    ]


def _split(sieve: Sieve, options: CurateOptions) -> list[Example]:
    """Takes the held-out part out of the sieve."""
    places = held_out_places(sieve.kept, held_out=options.held_out, seed=options.seed)
    held = [e for at, e in enumerate(sieve.kept) if at in places]
    sieve.kept = [e for at, e in enumerate(sieve.kept) if at not in places]
    return held


def _drop_leaking(sieve: Sieve, held_out: Sequence[Example]) -> None:
    """What a held-out example could be guessed from goes."""
    reasons = {
        "same": "the same as a held-out example",
        "near": "near a held-out example",
        "group": "of a held-out example's conversation",
    }
    while pairs := [(t, kind) for h, t, kind in pairs_across(held_out, sieve.kept)] or [
        (t, kind) for t, _, kind in pairs_across(sieve.kept, held_out)
    ]:
        of = {id(sieve.kept[t]): reasons[kind] for t, kind in pairs}
        for reason in reasons.values():
            out = {name for name, why in of.items() if why == reason}
            sieve.keep(reason, [e for e in sieve.kept if id(e) not in out])


def _drop_surplus(sieve: Sieve, options: CurateOptions) -> None:
    def drawn(n: int, of: list[Example], *, is_even: bool) -> list[Example]:
        found = drawn_evenly(
            of,
            n,
            stratum=lambda e: e.answer if is_even else "",
            name=lambda e: e.sha256,
            seed=options.seed,
        )
        return [e for e, _ in found]

    answers = Counter(e.answer for e in sieve.kept)
    most = options.per_label
    if most is not None:
        kept = [
            e
            for a in sorted(answers)
            for e in drawn(most, [x for x in sieve.kept if x.answer == a], is_even=False)
        ]
        sieve.keep(f"over {most:,} of its answer", kept)
    if options.max_examples is not None and len(sieve.kept) > options.max_examples:
        is_even = is_few(answers, len(sieve.kept))
        sieve.keep("over the number asked for", drawn(options.max_examples, sieve.kept, is_even=is_even))


def _of_held_out(own: Sieve) -> dict[str, int]:
    return {f"held out: {reason}": n for reason, n in own.dropped.items()}


def _by(options: CurateOptions, n_held: int, n_all: int) -> str:
    """How many were kept aside, and how: a hash gives a share about right, not just so."""
    by = f"by hash (seed {options.seed}), conversations and near-duplicates together"
    if options.held_out >= 1:
        return f"{options.held_out:g} examples {by}"
    found = f", {n_held / n_all:.3g} of all" if n_all else ""
    return f"{n_held:,} of {n_all:,}{found}, where {options.held_out:g} was asked for, {by}"


def _dataset(
    sieve: Sieve,
    held: Sequence[Example],
    kind: Kind,
    dropped: Mapping[str, int],
    by: str,
    options: CurateOptions,
) -> Dataset:
    by_size = dict(sorted(dropped.items(), key=lambda of: (-of[1], of[0])))
    if len(sieve.kept) < MIN_TRAIN or len(held) < MIN_HELD_OUT:
        raise FinetuneError(_too_few(sieve, held, by_size))

    def ordered(of: Sequence[Example]) -> tuple[Example, ...]:
        return tuple(sorted(of, key=lambda e: (drawn_at(e.sha256, options.seed), _encode(e))))

    train, kept = ordered(sieve.kept), ordered(held)
    both = (*train, *kept)
    schema_json = options.schema_json or _inferred(train, kind, options)
    card = DatasetCard(
        sha256=content_sha256(train, kept, kind=kind, system=options.system, schema_json=schema_json),
        kind=kind,
        n_train=len(train),
        n_held_out=len(kept),
        n_given=sieve.n_given,
        system=options.system,
        schema_json=schema_json,
        dropped=by_size,
        held_out_by=by,
        tiers=dict(sorted(Counter(e.tier for e in both if e.tier).items())),
        licences=tuple(sorted({e.licence for e in both if e.licence} | set(options.licences))),
        sources=options.sources or tuple(sorted({e.source for e in both})),
        command=options.command,
        made_on=options.made_on or datetime.datetime.now(datetime.UTC).date().isoformat(),
    )
    return Dataset(card, train, kept)


def _inferred(train: Sequence[Example], kind: Kind, options: CurateOptions) -> str | None:
    schema = inferred_schema([e.answer for e in train]) if options.infers_schema and kind == "json" else None
    return None if schema is None else msgspec.json.encode(schema).decode()


def _too_few(sieve: Sieve, held: Sequence[Example], by_size: Mapping[str, int]) -> str:
    why = ", ".join(f"{n:,} {reason}" for reason, n in list(by_size.items())[:3])
    left = f"{len(sieve.kept):,} are left to learn from and {len(held):,} held out"
    wanted = f"at least {MIN_TRAIN} and {MIN_HELD_OUT} are needed"
    then = f"Dropped: {why}." if why else "Collect more."
    return f"of {sieve.n_given:,} examples {left}; {wanted}. {then}"
