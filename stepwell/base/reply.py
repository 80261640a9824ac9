"""What a caller gets back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from stepwell.base.decisions import Trace
from stepwell.base.messages import Answer, Usage, decode_answer

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion


_FINE_TUNED = re.compile(r"local/([a-z0-9_-]+@[0-9a-f]{12})")


class Reply(msgspec.Struct):
    """One answer, with the tier that gave it, its cost and the reasons.

    Attributes:
        body: The `chat.completion` as JSON, as it goes over the wire.
        tier, model: Who answered; for a cache hit, who had. A fine-tuned model's has its version:
            `local/refunds@0f1e2d3c4b5a`.
        cost_usd: Every try counted; 0 for a cache hit.
        is_cost_estimated: True where the upstream sent no usage.
        usage: Tokens as the upstream counted them, or our estimate.
        trace: What every stage decided.
    """

    body: bytes
    tier: str
    model: str
    cost_usd: float
    usage: Usage
    trace: Trace
    is_cost_estimated: bool = False
    _answer: Answer | None = None

    @property
    def answer(self) -> Answer:
        """Typed view of `body`."""
        if self._answer is None:
            self._answer = decode_answer(self.body)
        return self._answer

    @property
    def text(self) -> str:
        """Text of the first choice."""
        return self.answer.text

    @property
    def adapter(self) -> str | None:
        """The fine-tuned model that answered: its name, @, and the first 12 digits of its file's sha256."""
        return adapter_of(self.model)

    @property
    def why(self) -> str:
        """One line: the reasons of the route, what failed on the way, or the cache that served."""
        return why(self.trace, self.tier)

    @property
    def is_degraded(self) -> bool:
        """True where the answer is under the promise, by the caller's leave, or failed a check."""
        return self.trace.is_degraded

    def openai(self) -> ChatCompletion:
        """The answer as the openai package's `ChatCompletion`; imports openai on first use."""
        from openai.types.chat import ChatCompletion

        return ChatCompletion.model_validate_json(self.body)


def adapter_of(model: str) -> str | None:
    """Name and version of a fine-tuned model, where a reply's `model` is one."""
    found = _FINE_TUNED.fullmatch(model)
    return None if found is None else found[1]


def why(trace: Trace, tier: str) -> str:
    """Why `tier` answered, in one line of plain ASCII."""
    cache = trace.cache
    if cache is not None and cache.is_hit:
        return f"{cache.status} of an answer by {tier}"
    text = trace.route.why if trace.route is not None else ""
    failed = [f"{a.tier} {a.outcome}" for a in trace.attempts if a.outcome != "ok"]
    return f"{text}; answered by {tier} after {', '.join(failed)}" if failed else text
