"""A request's texts on their way through the rules: first what looks for values, then what judges the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Raw

from stepwell.base.embedding import RequestVector
from stepwell.base.request import ChatRequest
from stepwell.guards.elsewhere import Cut, Values, found_again, values_of
from stepwell.guards.leaves import Path, is_json, put
from stepwell.guards.passed import Passed
from stepwell.guards.policy import INPUTS, Policy
from stepwell.guards.rules import Rule
from stepwell.guards.scan import Scan
from stepwell.guards.texts import Place, marked, places

if TYPE_CHECKING:
    from stepwell.guards.check import Judge

_VECTOR_WAIT_S = 0.25
VectorOf = Callable[[ChatRequest], RequestVector]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Reads requests.

    Attributes:
        marks: Retrieved text stands between them.
        passed: Texts that judges need not read again.
    """

    marks: Sequence[tuple[str, str]]
    passed: Passed = field(default_factory=Passed)

    async def values(self, request: ChatRequest, policy: Policy, scan: Scan) -> ChatRequest:
        """The request after the checks that look for values."""
        found: list[tuple[Place, list[Cut]]] = []
        for place in places(request):
            if rules := self._rules_of(place, policy):
                reads_json = is_json(place.path)
                cuts = await scan.cuts(place.text, rules, place.stage, place.where, is_json=reads_json)
                found.append((place, cuts))
        if values := values_of((place.text, cuts) for place, cuts in found):
            for place, cuts in found:
                self._cut_again(place, cuts, values, policy, scan)
        return _edited(
            request,
            {p.path: scan.cut(p.text, cuts, is_json=is_json(p.path)) for p, cuts in found if cuts},
        )

    def _cut_again(self, place: Place, cuts: list[Cut], values: Values, policy: Policy, scan: Scan) -> None:
        """Add to `cuts` what was found elsewhere in the request, and stands here too."""
        for rule, f in found_again(place.text, values, cuts, self._rules_of(place, policy)):
            scan.tally.add([f], rule.action, where=place.where)
            cuts.append((f, rule.action == "mask"))

    async def judges(
        self, request: ChatRequest, policy: Policy, scan: Scan, vector_of: VectorOf | None
    ) -> ChatRequest:
        """The request after those that score a text as a whole."""
        if not policy.judges_input:
            return request
        if vector_of is not None and any(reads_vector(policy.rules[s]) for s in INPUTS):
            await _embed(vector_of(request), scan)
        edits: dict[Path, str | None] = {}
        for place in places(request):
            if not place.is_judged:
                continue
            new = await self._judged(place, policy, scan)
            if new != place.text:
                edits[place.path] = new
        return _edited(request, edits)

    async def _judged(self, place: Place, policy: Policy, scan: Scan) -> str:
        if self.passed.knows(policy.version, place.stage, place.text):
            return place.text
        n_before = scan.tally.n_notes
        text = await self._read(place, policy, scan)
        if scan.tally.n_notes == n_before:
            self.passed.add(policy.version, place.stage, place.text)
        return text

    async def _read(self, place: Place, policy: Policy, scan: Scan) -> str:
        text = await scan.judge(place.text, policy.judges[place.stage], place.stage, place.where)
        if not policy.has_own_documents or place.stage != "input" or text != place.text:
            return text
        out, at = [], 0
        for start, end in sorted(marked(text, self.marks)):
            if start < at:
                continue
            inner = await scan.judge(text[start:end], policy.judges["retrieved"], "retrieved", place.where)
            out += [text[at:start], inner]
            at = end
        return "".join([*out, text[at:]])

    def _rules_of(self, place: Place, policy: Policy) -> tuple[Rule, ...]:
        """Value checks of retrieved text between marks run with the input's, over all of the text."""
        rules = policy.values[place.stage]
        if not policy.has_own_documents or place.stage != "input" or place.role != "user":
            return rules
        if not any(begin in place.text for begin, _ in self.marks):
            return rules
        return (*rules, *(r for r in policy.values["retrieved"] if r not in rules))


async def _embed(vector: RequestVector, scan: Scan) -> None:
    row = await vector.get(_VECTOR_WAIT_S)
    if row is None:
        return
    tokens = await vector.get_tokens(_VECTOR_WAIT_S)
    for context in scan.contexts.values():
        context.vector, context.tokens, context.vector_text = row, tokens, vector.text


def _edited(request: ChatRequest, edits: dict[Path, str | None]) -> ChatRequest:
    if not edits:
        return request
    by_field: dict[str, dict[Path, str | None]] = {}
    for path, text in edits.items():
        by_field.setdefault(str(path[0]), {})[path[1:]] = text
    changed: dict[str, Raw] = {name: put(request.fields[name], of) for name, of in by_field.items()}
    return request.with_fields(changed)


def reads_vector(rules: Sequence[Rule]) -> bool:
    judges: list[Judge] = [r.check for r in rules if r.is_judge]  # type: ignore[misc]  # is_judge says so
    return any(j.reads_vector for j in judges)
