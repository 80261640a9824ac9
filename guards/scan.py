"""One request's or answer's way through the rules: value checks cut, judges decide, people are asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, cast

from stepwell.base.decisions import Finding, Stage
from stepwell.base.errors import GuardBlocked, HeldForReview
from stepwell.base.lane import Lane
from stepwell.guards.check import ContextCheck
from stepwell.guards.context import Context
from stepwell.guards.deadline import CheckFailed, arun_limited, ask_judge
from stepwell.guards.elsewhere import Cut
from stepwell.guards.escaped import is_json_text, read
from stepwell.guards.normalise.offsets import Folded
from stepwell.guards.review.held import Held
from stepwell.guards.rules import Rule
from stepwell.guards.spans import Masking, Writer, cut_out, join
from stepwell.guards.tally import Tally

INLINE_CHARS = 32_000
"""More text than that, since it was last so, is read off the event loop."""
_reading = Lane("stepwell-values", 2)
T = TypeVar("T")


async def aside(work: Callable[[], T], n_chars: int) -> T:
    """What `work` gives; off the event loop where it goes over so much text that others would have to wait."""
    return await _reading.run(work) if n_chars > INLINE_CHARS else work()


class Reviews(Protocol):
    """What people said, and the queue of what they have to look at (guards.review)."""

    async def verdict(self, tenant: str, stage: str, check: str, text: str) -> str | None: ...
    async def hold(self, held: Held, *, meant: str | None = None) -> str | None: ...


class AskAgain(GuardBlocked):
    """An answer was blocked, and the policy wants another: of the same tier ("reask") or of a dearer one.

    Attributes:
        action: "reask" or "escalate".
        n_reasks: How often at most.
        hints: What is wrong, in words that hold nothing of the text.
    """

    def __init__(self, blocked: GuardBlocked, action: str, n_reasks: int, hints: tuple[str, ...]) -> None:
        super().__init__(str(blocked), verdict=blocked.verdict)
        self.action = action
        self.n_reasks = n_reasks
        self.hints = hints


@dataclass(slots=True)
class Scan:
    """Runs rules over the texts of one request at one end; keeps what they find. Not shared.

    Attributes:
        contexts: What checks may know, by stage.
        masking: Where values to mask go.
    """

    tally: Tally
    policy: str
    tenant: str = ""
    reviews: Reviews | None = None
    masking: Masking | None = None
    contexts: dict[Stage, Context] = field(default_factory=dict)
    _n_inline_chars: int = 0
    _held: list[tuple[str, Rule, list[Finding], str]] = field(default_factory=list)
    _again: list[tuple[Rule, str]] = field(default_factory=list)

    async def clean(
        self, text: str, rules: tuple[Rule, ...], stage: Stage, where: str, *, is_json: bool | None
    ) -> str:
        """The text without what rules cut out of it; they look for values.

        Raises:
            GuardBlocked: A finding blocks, or a check failed that is closed on errors.
        """
        return self.cut(text, await self.cuts(text, rules, stage, where, is_json=is_json), is_json=is_json)

    async def cuts(
        self,
        text: str,
        rules: tuple[Rule, ...],
        stage: Stage,
        where: str,
        *,
        is_json: bool | None,
        counts: Callable[[Finding], bool] | None = None,
    ) -> list[Cut]:
        """What `clean` would cut out; only findings that `counts` count, where it is given. Raises as `clean`."""
        cuts: list[Cut] = []
        if not rules:
            return cuts
        is_long, reads_json = self._is_long(text), is_json_text(text, is_json)
        if is_long:
            folded = await _reading.run(lambda: read(text, is_json=reads_json))
        else:
            folded = read(text, is_json=reads_json)
        for rule in rules:
            found = await self._found(rule, text, stage, where, folded, is_long=is_long)
            if counts is not None:
                found = [f for f in found if counts(f)]
            if found and await self._act(rule, found, text, stage, where):
                cuts += [(f, rule.action == "mask") for f in found]
        return cuts

    async def judge(self, text: str, rules: tuple[Rule, ...], stage: Stage, where: str) -> str:
        """What judges leave of the text. Raises as `clean`."""
        cuts: list[Cut] = []
        for rule in rules:
            found = await self._judged(rule, text, stage, where)
            if found and await self._act(rule, found, text, stage, where):
                cuts += [(f, rule.action == "mask") for f in found]
        return self.cut(text, cuts, is_json=None)

    async def conclude(self) -> None:
        """All texts were looked at.

        Raises:
            HeldForReview: A person has to look at some of it first.
            AskAgain: The answer has to be asked for again.
        """
        await self._review()
        if self._again:
            worst = min(self._again, key=lambda a: a[0].action != "reask")[0]
            hints = tuple(dict.fromkeys(h for _, h in self._again if h))
            n = max(rule.n_reasks for rule, _ in self._again)
            blocked = GuardBlocked(self.tally.said(), verdict=self.tally.verdict)
            raise AskAgain(blocked, worst.action, n, hints)

    def cut(self, text: str, cuts: list[Cut], *, is_json: bool | None) -> str:
        """The text without these."""
        if not cuts:
            return text
        masked = [f for f, is_masked in cuts if is_masked]
        spans = join([f for f, is_masked in cuts if not is_masked], masked=masked)
        return cut_out(text, spans, Writer(is_json=is_json, masking=self.masking))

    def _is_long(self, text: str) -> bool:
        """Whether reading it here, after what was read here before, would keep the event loop from others."""
        self._n_inline_chars += len(text)
        if self._n_inline_chars <= INLINE_CHARS:
            return False
        self._n_inline_chars = 0
        return True

    async def _found(
        self, rule: Rule, text: str, stage: Stage, where: str, folded: Folded | None, *, is_long: bool
    ) -> list[Finding]:
        try:
            if rule.is_plugged:
                return rule.counted(await arun_limited(rule.check, text, rule.timeout_s))
            if is_long:
                return await _reading.run(lambda: self._find(rule, text, stage, where, folded))
            return self._find(rule, text, stage, where, folded)
        except CheckFailed as e:
            self.tally.fail(str(e), rule.on_error)
            return []

    def _find(self, rule: Rule, text: str, stage: Stage, where: str, folded: Folded | None) -> list[Finding]:
        if not rule.reads_context:
            return rule.find_read(text, folded)
        check = cast("ContextCheck", rule.check)  # asking it whether it is one takes 30 us
        return rule.counted(check.find_in(text, self._context(stage, where)))

    async def _judged(self, rule: Rule, text: str, stage: Stage, where: str) -> list[Finding]:
        """Off the event loop: a judge may take milliseconds, and may have to embed."""
        check, context = cast("ContextCheck", rule.check), self._context(stage, where)
        try:
            return rule.counted(await ask_judge(check, text, context, rule.timeout_s))
        except CheckFailed as e:
            self.tally.fail(str(e), rule.on_error)
            return []

    async def _act(self, rule: Rule, found: list[Finding], text: str, stage: Stage, where: str) -> bool:
        """Do what the rule says; whether its findings are to be cut out."""
        if rule.action == "review":
            await self._ask_people(rule, found, text, stage, where)
            return False
        self.tally.add(found, rule.action, where=where, tiers=rule.tiers)
        if rule.action in ("reask", "escalate"):
            self._again.append((rule, _hint(rule, text, self._context(stage, where))))
        return rule.action in ("redact", "mask")

    async def _ask_people(
        self, rule: Rule, found: list[Finding], text: str, stage: Stage, where: str
    ) -> None:
        said = None
        if self.reviews is not None:
            said = await self.reviews.verdict(self.tenant, stage, rule.check.name, text)
        if said == "approved":
            self.tally.add(found, "log", where=where)
            return
        self.tally.add(found, "block" if said == "rejected" else "review", where=where)
        self._held.append((text, rule, found, stage))

    async def _review(self) -> None:
        if not self._held:
            return
        review_id = None
        for text, rule, found, stage in self._held if self.reviews is not None else ():
            assert self.reviews is not None
            kinds, score = tuple(sorted({f.kind for f in found})), max(f.score for f in found)
            held = Held(self.tenant, stage, rule.check.name, kinds, score, text, self.policy)
            id = await self.reviews.hold(held)
            review_id = review_id or id
        if review_id is None:  # no queue, or a full one
            self.tally.block()
            return
        self.tally.review_id = review_id
        raise HeldForReview(
            f"{self.tally.said()[:-1]} until a person has looked at it.",
            verdict=self.tally.verdict,
            review_id=review_id,
        )

    def _context(self, stage: Stage, where: str) -> Context:
        """One for all texts of a stage, which are looked at one after the other."""
        made = self.contexts.get(stage)
        if made is None:
            made = self.contexts[stage] = Context(stage=stage)
        made.where = where
        return made


def _hint(rule: Rule, text: str, context: Context) -> str:
    """What a check says is wrong, where it can say that without the text's words."""
    fault = getattr(rule.check, "fault", None)
    return str(fault(text, context)) if fault is not None else f"it was flagged as {rule.check.name}"
