"""What the pipeline calls: check what comes in, check what goes out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Raw

from stepwell.base.config import GuardsConfig
from stepwell.base.decisions import Finding, Verdict
from stepwell.base.errors import BadRequest
from stepwell.base.messages import Answer, decode_answer, encode_json
from stepwell.base.request import ChatRequest
from stepwell.guards.deadline import CheckFailed, arun_limited
from stepwell.guards.leaves import Path, is_json, put, read, texts
from stepwell.guards.plan import make_plan
from stepwell.guards.rules import Rule, build
from stepwell.guards.spans import Writer, cut_out, join
from stepwell.guards.stream import GuardStream
from stepwell.guards.tally import Tally

_ALLOWED = {"input": Verdict("input"), "output": Verdict("output")}
_READ_BY_MODELS = ("messages", "tools", "functions", "response_format", "prediction", "metadata")


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
        rules = encode_json(config.model_dump(mode="json", include={"input"}))
        #: Names the rules for input; b"" where there are none. What passed others may not pass these.
        self.fingerprint = blake2b(rules, digest_size=8).digest() if self._input else b""
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

    async def check_input(self, request: ChatRequest) -> tuple[Verdict, ChatRequest]:
        """Check every text of messages (history included), tools and whatever else the model reads.

        Returns:
            The verdict, and the request with its texts redacted; the same object where nothing changes.

        Raises:
            GuardBlocked: A finding blocks, or a check failed that is closed on errors.
            BadRequest: A field that has to be checked can't be read.
        """
        if not self._input:
            return _ALLOWED["input"], request
        tally = Tally("input")
        changed: dict[str, Raw] = {}
        for name in _READ_BY_MODELS:
            raw = request.fields.get(name)
            if raw is None:
                continue
            if edits := await _clean_all(texts(_read(raw, name), (name,)), self._input, tally):
                changed[name] = put(raw, {path[1:]: text for path, text in edits.items()})
        return tally.verdict, request.with_fields(changed) if changed else request

    async def check_output(self, body: bytes, answer: Answer) -> tuple[Verdict, bytes, Answer]:
        """Check every text of each choice's message in `body`, a `chat.completion`; `answer` is its typed view.

        Otherwise as `check_input`. Token log probabilities repeat the text, so a redacted choice loses them.
        """
        if not self._output:
            return _ALLOWED["output"], body, answer
        tally = Tally("output")
        edits: dict[Path, str | None] = {}
        for i, choice in enumerate(read(body)["choices"]):
            found = await _clean_all(texts(choice["message"], ("choices", i, "message")), self._output, tally)
            edits |= found
            if found and "logprobs" in choice:
                edits["choices", i, "logprobs"] = None
        if edits:
            body = bytes(put(body, edits))
            answer = decode_answer(body)
        return tally.verdict, body, answer

    def open_stream(self) -> GuardStream | None:
        """A guard for one streamed answer; None where nothing checks output."""
        return GuardStream(self._plan) if self._output else None


def _read(raw: Raw, name: str) -> Any:
    try:
        return read(raw)
    except (msgspec.DecodeError, RecursionError):
        raise BadRequest("Not JSON that can be checked", param=name) from None


async def _clean_all(
    found: Iterable[tuple[Path, str]], rules: tuple[Rule, ...], tally: Tally
) -> dict[Path, str | None]:
    """The texts that change, as they come to be."""
    edits: dict[Path, str | None] = {}
    for path, text in found:
        new = await _clean(text, rules, tally, is_json=is_json(path))
        if new != text:
            edits[path] = new
    return edits


async def _clean(text: str, rules: tuple[Rule, ...], tally: Tally, *, is_json: bool | None) -> str:
    cuts: list[Finding] = []
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
