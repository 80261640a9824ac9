"""What the pipeline calls: check what comes in, check what goes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from stepwell.base.config import GuardsConfig
from stepwell.base.decisions import Finding, Verdict
from stepwell.base.messages import Answer, Message, Part, ToolCall
from stepwell.guards.deadline import CheckFailed, arun_limited
from stepwell.guards.plan import make_plan
from stepwell.guards.rules import Rule, build
from stepwell.guards.spans import Writer, cut_out, join
from stepwell.guards.stream import GuardStream
from stepwell.guards.tally import Tally

Edits = dict[int, Message]
_ALLOWED = {"input": Verdict("input"), "output": Verdict("output")}


@dataclass(frozen=True, slots=True)
class RuleView:
    """One line of the effective policy."""

    stage: str
    check: str
    kinds: tuple[str, ...]
    action: str
    on_error: str


class Guard:
    """Checks messages and answers by the config's rules; keeps nothing between requests.

    Raises:
        ConfigError: A check is unknown or does not take its options.
    """

    def __init__(self, config: GuardsConfig) -> None:
        self._input = build(config.input)
        self._output = build(config.output)
        self._plan = make_plan(self._output, hold_back_chars=config.hold_back_chars)

    @property
    def checks_input(self) -> bool:
        return bool(self._input)

    @property
    def checks_output(self) -> bool:
        return bool(self._output)

    def describe(self) -> tuple[RuleView, ...]:
        """The effective policy, in the order in which it runs."""
        staged = (("input", self._input), ("output", self._output))
        return tuple(
            RuleView(stage, r.check.name, tuple(r.check.kinds), r.action, r.on_error)
            for stage, rs in staged
            for r in rs
        )

    async def check_input(self, messages: Sequence[Message]) -> tuple[Verdict, Edits]:
        """Check contents and tool-call arguments of every message, history included.

        Returns:
            The verdict, and the messages to put in place of others, by index.

        Raises:
            GuardBlocked: A finding blocks, or a check failed that is closed on errors.
        """
        return await _check("input", self._input, messages)

    async def check_output(self, answer: Answer) -> tuple[Verdict, Edits]:
        """Check every choice; edits are by the choice's position. Otherwise as `check_input`."""
        return await _check("output", self._output, [c.message for c in answer.choices])

    def open_stream(self) -> GuardStream | None:
        """A guard for one streamed answer; None where nothing checks output."""
        return GuardStream(self._plan) if self._output else None


async def _check(stage: str, rules: tuple[Rule, ...], messages: Sequence[Message]) -> tuple[Verdict, Edits]:
    if not rules:
        return _ALLOWED[stage], {}
    tally = Tally(stage)
    edits: Edits = {}
    for i, message in enumerate(messages):
        new = await _clean_message(message, rules, tally)
        if new is not None:
            edits[i] = new
    return tally.verdict, edits


async def _clean_message(message: Message, rules: tuple[Rule, ...], tally: Tally) -> Message | None:
    """The message with its text redacted; None where nothing changes."""
    content: str | list[Part] | None = message.content
    if isinstance(content, str):
        content = await _clean(content, rules, tally)
    elif content is not None:
        content = [await _clean_part(p, rules, tally) for p in content]
    calls = message.tool_calls
    if calls:
        calls = [await _clean_call(c, rules, tally) for c in calls]
    if content == message.content and calls == message.tool_calls:
        return None
    return msgspec.structs.replace(message, content=content, tool_calls=calls)


async def _clean_part(part: Part, rules: tuple[Rule, ...], tally: Tally) -> Part:
    if part.text is None:
        return part
    return msgspec.structs.replace(part, text=await _clean(part.text, rules, tally))


async def _clean_call(call: ToolCall, rules: tuple[Rule, ...], tally: Tally) -> ToolCall:
    arguments = await _clean(call.function.arguments, rules, tally, is_json=True)
    if arguments == call.function.arguments:
        return call
    return msgspec.structs.replace(call, function=msgspec.structs.replace(call.function, arguments=arguments))


async def _clean(text: str, rules: tuple[Rule, ...], tally: Tally, *, is_json: bool | None = None) -> str:
    cuts: list[Finding] = []
    if not text:
        return text
    for rule in rules:
        try:
            found = (
                await arun_limited(rule.check, text, rule.timeout_s)
                if rule.is_plugged
                else rule.check.find(text)
            )
        except CheckFailed as e:
            tally.fail(str(e), rule.on_error)
            continue
        if found:
            tally.add(found, rule.action)
            if rule.action == "redact":
                cuts += found
    return cut_out(text, join(cuts), Writer(is_json=is_json)) if cuts else text
