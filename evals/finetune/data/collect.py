"""Examples from traffic: what the best tier answered, masked, where the tenant agreed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from stepwell.base.config.traffic import MASKED
from stepwell.evals.finetune.data.consent import HOW, Consent
from stepwell.evals.finetune.data.example import Example, FinetuneError
from stepwell.evals.finetune.data.said import is_all_text, is_system, text_of
from stepwell.evals.finetune.data.where import EVERYWHERE, Where
from stepwell.evals.traffic.masked import masked_rows
from stepwell.traffic_line import Logged

_HITS = ("hit", "semantic_hit")
_ASKS_LAST = ("user", "tool")
# calls that tell what a tier costs; a tier with fewer is one that somebody tried
MIN_CALLS = 5


class Told(msgspec.Struct, frozen=True):
    """What became of a source.

    Attributes:
        source: Its name, as it was given.
        tier: Whose answers were taken; "" where they are a suite's targets.
        left_out: By reason.
    """

    source: str
    n_given: int
    n_taken: int
    tier: str = ""
    left_out: dict[str, int] = {}

    @property
    def said(self) -> str:
        """In a plain sentence."""
        of = f" of {self.tier}" if self.tier else ""
        why = ", ".join(f"{n:,} {reason}" for reason, n in self.left_out.items())
        return f"{self.source}: {self.n_taken:,} of {self.n_given:,} taken{of}" + (
            f"; left out: {why}" if why else ""
        )


@dataclass(frozen=True, slots=True)
class Collected:
    """Examples, and what became of the others."""

    examples: tuple[Example, ...]
    told: Told


def collect_traffic(
    rows: Iterable[Logged],
    *,
    consented: Consent,
    tier: str | None = None,
    where: Where = EVERYWHERE,
    checks: Sequence[str] = MASKED,
    needs_one_try: bool = True,
    source: str = "traffic",
) -> Collected:
    """Take whole answers of one tier, and mask them again, whatever their lines say.

    Args:
        rows: As `traffic.rows.read_log` gives them, with the scores that people gave.
        tier: Whose answers; None: the tier whose tokens cost those who consented most, as recorded.
        needs_one_try: Leave out what came after another try: after a tier that failed, or whose answer was poor.
        checks: Of the guards; a line that can't be checked is left out.

    Raises:
        FinetuneError: Nobody consented, or no line says which tier costs most.
    """
    if consented.is_nobodys:
        raise FinetuneError(HOW)
    given, left = list(rows), Counter[str]()
    agreed = [row for row in given if consented.covers(row.tenant)]
    teacher = tier or (dearest(agreed) if agreed else "")
    taken = []
    for row in given:
        against = _against(row, tier=teacher, consented=consented, where=where, needs_one_try=needs_one_try)
        reason = next(against, None)
        if reason is None:
            taken.append(row)
        else:
            left[reason] += 1
    examples = []
    for row, masked in zip(taken, masked_rows(taken, checks), strict=True):
        if masked.messages and masked.answer:
            examples.append(_example(row, masked))
        else:
            left["that could not be checked for personal data"] += 1
    return Collected(
        tuple(examples), Told(source, len(given), len(examples), teacher, dict(left.most_common()))
    )


def dearest(rows: Iterable[Logged]) -> str:
    """The tier whose tokens cost most, asked and answered ones together, as recorded.

    A tier with fewer than `MIN_CALLS` calls counts only where all have fewer.

    Raises:
        FinetuneError: No line has a cost.
    """
    calls: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for row in rows:
        n_tokens = max(row.in_tokens, row.n_input_tokens) + row.out_tokens
        if row.served and row.is_whole and row.cost_usd is not None and row.cache not in _HITS and n_tokens:
            calls[row.served].append((row.cost_usd, n_tokens))
    if not calls:
        raise FinetuneError(
            "no line of those who consented has an answer with its cost and tokens: name the tier with --tier"
        )
    known = {tier: of for tier, of in calls.items() if len(of) >= MIN_CALLS} or calls
    usd = {tier: sum(cost for cost, _ in of) / sum(n for _, n in of) for tier, of in known.items()}
    return max(usd, key=lambda tier: (usd[tier], tier))


def _against(
    row: Logged, *, tier: str, consented: Consent, where: Where, needs_one_try: bool
) -> Iterator[str]:
    """What speaks against an answer, the plainest first."""
    if not consented.covers(row.tenant):
        yield "whose tenant has not consented"
    if not where.holds(row):
        yield "of another part of the traffic"
    if row.status != 200 or row.error or not row.served:
        yield "failed"
    if row.cache in _HITS:
        yield "from the cache"
    if row.served != tier:
        yield "of another tier"
    if needs_one_try and not row.is_whole:
        yield "of more than one try"
    if not row.messages:
        yield "without text (traffic.keep: masked keeps it)"
    elif not row.answer:
        yield "whose answer has no text (a call of a tool, or empty)"
    if row.needs.max_tokens is not None and 0 < row.needs.max_tokens <= row.out_tokens:
        yield "cut off at its max_tokens"
    if row.needs.has_images or not is_all_text(row.messages):
        yield "with parts that are no text"
    if row.messages and row.messages[-1].get("role") not in _ASKS_LAST:
        yield "not asked by a user"


def _example(row: Logged, masked: Logged) -> Example:
    return Example(
        id=masked.id,
        messages=tuple({**m, "content": text_of(m)} for m in masked.messages),
        answer=masked.answer or "",
        source="traffic",
        tier=masked.served,
        tenant=masked.tenant,
        user=masked.user,
        group=masked.conversation or _begun(masked),
        score=row.scores.get(row.served),
        at_s=masked.at_s,
    )


def _begun(row: Logged) -> str:
    """Names a conversation that nobody named: by who asked, what they said first, and the answer to it."""
    first = next((text_of(m) for m in row.messages if not is_system(m)), "")
    answer = next((text_of(m) for m in row.messages if m.get("role") == "assistant"), row.answer or "")
    raw = "\0".join((row.tenant, row.user, first, answer)).encode("utf-8", "replace")
    return blake2b(raw, digest_size=16, person=b"stepwell-begun").hexdigest()
