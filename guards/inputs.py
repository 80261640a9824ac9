"""A request's texts on their way through the rules: first what looks for values, then what judges the rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Raw

from stepwell.base.decisions import Finding
from stepwell.base.embedding import RequestVector
from stepwell.base.request import ChatRequest
from stepwell.guards.asked import alias, rename, renamed
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.elsewhere import Cut, Values, found_again, values_of
from stepwell.guards.leaves import Path, is_json, put
from stepwell.guards.passed import Passed
from stepwell.guards.plan import CUTTING
from stepwell.guards.policy import INPUTS, Policy
from stepwell.guards.rules import Rule
from stepwell.guards.scan import Scan, aside
from stepwell.guards.seams import PART_STEPS, Seamed, seamed
from stepwell.guards.texts import Place, marked, places

if TYPE_CHECKING:
    from stepwell.guards.check import Judge

_VECTOR_WAIT_S = 0.25
#: So many texts later, others have their turn.
_TURN_PLACES = 64
T = TypeVar("T")
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
        """The request after the checks that look for values.

        An id that holds one (a caller's, a tool call's) is replaced as a whole, and everywhere: `asked.alias`. So the
        caller's own name, by which budgets are kept, stays what it was, and upstream it is another one, always the
        same. The name of a field is replaced as a text is.
        """
        keys: list[Place] = []
        parts: list[Place] = []
        found: list[tuple[Place, list[Cut]]] = []
        for n, place in enumerate(places(request, keys), 1):
            if n % _TURN_PLACES == 0:
                await asyncio.sleep(0)
            rules = self._rules_of(place, policy)
            if rules or place.kind == "id":
                reads_json = is_json(place.path)
                cuts = await scan.cuts(place.text, rules, place.stage, place.where, is_json=reads_json)
                found.append((place, cuts))
            if len(place.path) == PART_STEPS:
                parts.append(place)
        across = [(s, await self._across(s, policy, scan)) for s in seamed(parts)] if parts else []
        named = await self._keys(keys, policy, scan) if keys else []
        every = [*found, *named, *((s.place, cuts) for s, cuts in across)]
        if not any(cuts for _, cuts in every):
            return request

        def cut() -> ChatRequest:
            if values := values_of((place.text, cuts) for place, cuts in every):
                for place, cuts in (*found, *named):
                    self._cut_again(place, cuts, values, policy, scan)
                for seam, cuts in across:
                    self._cut_again(seam.place, cuts, values, policy, scan, seam.crosses)
            return _edited(request, _edits(request, found, across, scan), _renames(keys, named, scan))

        return await aside(cut, sum(len(place.text) for place, _ in every))

    async def _across(self, seam: Seamed, policy: Policy, scan: Scan) -> list[Cut]:
        """What stands in more than one part of a message, for checks that don't weigh a text as a whole."""
        place = seam.place
        rules = tuple(
            r for r in self._rules_of(place, policy) if r.is_plugged or r.check.max_len > WHOLE_TEXT
        )
        return await scan.cuts(place.text, rules, place.stage, place.where, is_json=None, counts=seam.crosses)

    async def _keys(self, keys: list[Place], policy: Policy, scan: Scan) -> list[tuple[Place, list[Cut]]]:
        """Each name once a stage. They come again with every request of an application, and are read once."""
        named: list[tuple[Place, list[Cut]]] = []
        once = {(place.stage, place.text): place for place in keys}
        for stage in dict.fromkeys(place.stage for place in keys):
            places_of = [place for (s, _), place in once.items() if s == stage]
            said = "\0".join(("names", *(place.text for place in places_of)))
            is_known = not policy.reads_context and self.passed.knows(policy.version, stage, said)
            n_before = scan.tally.n_notes
            for n, place in enumerate(places_of, 1):
                if n % _TURN_PLACES == 0:
                    await asyncio.sleep(0)
                rules = () if is_known else policy.values[stage]
                named.append((place, await scan.cuts(place.text, rules, stage, place.where, is_json=False)))
            if not is_known and scan.tally.n_notes == n_before:
                self.passed.add(policy.version, stage, said)
        return named

    def _cut_again(
        self,
        place: Place,
        cuts: list[Cut],
        values: Values,
        policy: Policy,
        scan: Scan,
        counts: Callable[[Finding], bool] | None = None,
    ) -> None:
        """Add to `cuts` what was found elsewhere in the request, and stands here too."""
        if cuts and cuts[0][0].start == 0 and cuts[0][0].end == len(place.text):
            return
        for rule, f in found_again(place.text, values, cuts, self._rules_of(place, policy)):
            if counts is None or counts(f):
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
        judged = [place for place in places(request) if place.is_judged]
        edits: dict[Path, str | None] = {}
        flagged: set[Path] = set()
        for place in judged:
            n_before = scan.tally.n_notes
            new = await self._judged(place, policy, scan)
            if new != place.text:
                edits[place.path] = new
            if scan.tally.n_notes > n_before:
                flagged.add(place.path[:2])
        for seam in seamed(judged):
            place = seam.place
            if (
                place.path[:2] not in flagged
                and (new := await self._judged(place, policy, scan)) != place.text
            ):
                edits |= seam.as_one(new)
        return _edited(request, edits, {})

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
        """Value checks of retrieved text between marks run with the input's, over all of the text.

        A link to media keeps its secrets, unless they decide where the request may go: a signed link holds the key to
        that very file, and is dead without it.
        """
        rules = policy.values[place.stage]
        if place.kind == "link":
            return tuple(r for r in rules if r.check.name != "secrets" or r.action not in CUTTING)
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


def _edits(
    request: ChatRequest,
    found: Sequence[tuple[Place, list[Cut]]],
    across: Sequence[tuple[Seamed, list[Cut]]],
    scan: Scan,
) -> dict[Path, str | None]:
    edits: dict[Path, str | None] = {
        p.path: scan.cut(p.text, cuts, is_json=is_json(p.path))
        for p, cuts in found
        if cuts and p.kind != "id"
    }
    if aliased := {p.text for p, cuts in found if cuts and p.kind == "id"}:
        tenant = request.caller.tenant
        edits |= {p.path: alias(p.text, tenant) for p, _ in found if p.kind == "id" and p.text in aliased}
    if any(cuts for _, cuts in across):
        cuts_of = {p.path: cuts for p, cuts in found if cuts}
        for seam, cuts in across:
            edits |= seam.edits(cuts, cuts_of, scan.masking) if cuts else {}
    return edits


def _renames(
    keys: Sequence[Place], named: Sequence[tuple[Place, list[Cut]]], scan: Scan
) -> dict[Path, dict[str, str]]:
    """By the object's path: the names of its fields that change, as they come to be."""
    new = {(p.stage, p.text): scan.cut(p.text, cuts, is_json=False) for p, cuts in named if cuts}
    renames: dict[Path, dict[str, str]] = {}
    for place in keys:
        if (name := new.get((place.stage, place.text))) is not None:
            renames.setdefault(place.path, {})[place.text] = name
    return renames


def _edited(
    request: ChatRequest, edits: Mapping[Path, str | None], renames: Mapping[Path, Mapping[str, str]]
) -> ChatRequest:
    if not edits and not renames:
        return request
    changed: dict[str, Raw] = {}
    for name, of in _by_field(edits).items():
        changed[name] = put(request.fields[name], of)
    for name, names in _by_field({path: of for path, of in renames.items() if path}).items():
        changed[name] = renamed(changed.get(name, request.fields[name]), names)
    request = request.with_fields(changed)
    if () in renames:
        request = msgspec.structs.replace(request, fields=rename(request.fields, renames[()]))
    return request


def _by_field(by_path: Mapping[Path, T]) -> dict[str, dict[Path, T]]:
    fields: dict[str, dict[Path, T]] = {}
    for path, of in by_path.items():
        fields.setdefault(str(path[0]), {})[path[1:]] = of
    return fields


def reads_vector(rules: Sequence[Rule]) -> bool:
    judges: list[Judge] = [r.check for r in rules if r.is_judge]  # type: ignore[misc]  # is_judge says so
    return any(j.reads_vector for j in judges)
