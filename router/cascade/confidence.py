"""How sure a tier was of its own answer, read off the log-probabilities of its first tokens.

The smallest of them carries the signal, not their mean, and it transfers where routers that see only the question do
not (compare arXiv 2605.02241; 2605.18796 calibrates it). It means nothing until it is calibrated on the tier's own
answers (`evals.confidence`): a tier without a calibration is never doubted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec import Raw

from stepwell.base.decisions import Decision
from stepwell.base.messages import Event, encode_json
from stepwell.base.request import ChatRequest
from stepwell.router.tierinfo import TierInfo

LOW_CONFIDENCE = "low_confidence"
# one window for whole answers and streams, so that one calibration holds for both
N_FIRST_TOKENS = 16


class Signal(msgspec.Struct, frozen=True):
    """Log-probabilities of an answer's first tokens.

    Attributes:
        first: Of the first token.
        smallest: The smallest.
        mean: Over all that were read.
        n_tokens: How many were read.
    """

    first: float
    smallest: float
    mean: float
    n_tokens: int


class Calibration(msgspec.Struct, frozen=True):
    """From the smallest log-probability to the probability that the answer is right (Platt 1999).

    Attributes:
        a, b: p = 1 / (1 + exp(-(a x + b))).
        accept_above: Least p that is not doubted; None: the decision's own threshold.
    """

    a: float
    b: float
    accept_above: float | None = None

    def p_ok(self, signal: Signal) -> float:
        """Probability 0..1 that the answer is right."""
        z = min(max(self.a * signal.smallest + self.b, -500.0), 500.0)
        return 1.0 / (1.0 + math.exp(-z))


class _Token(msgspec.Struct):
    logprob: float | None = None


class _Logprobs(msgspec.Struct):
    content: list[_Token] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    logprobs: _Logprobs | None = None


class _Spoken(msgspec.Struct):
    choices: list[_Choice] = []


_decode = msgspec.json.Decoder(_Spoken).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_choices = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_TRUE, _NULL = Raw(b"true"), Raw(b"null")


def read_signal(body: bytes, n_tokens: int = N_FIRST_TOKENS) -> Signal | None:
    """The signal of a `chat.completion`'s first choice; None where it holds no log-probabilities."""
    return _signal(_logprobs(body), n_tokens)


def read_events(events: Iterable[Event], n_tokens: int = N_FIRST_TOKENS) -> Signal | None:
    """The same of a stream's first events."""
    found: list[float] = []
    for event in events:
        if len(found) >= n_tokens:
            break
        found += _logprobs(event.payload)
    return _signal(found, n_tokens)


def with_logprobs(request: ChatRequest) -> ChatRequest:
    """The request as it asks for log-probabilities."""
    return request if asks_logprobs(request) else request.with_fields({"logprobs": _TRUE})


def asks_logprobs(request: ChatRequest) -> bool:
    """Whether the caller wants to see log-probabilities."""
    raw = request.fields.get("logprobs")
    return raw is not None and bytes(raw) == b"true"


def without_logprobs(body: bytes) -> bytes:
    """A `chat.completion`, or one chunk of it, without log-probabilities; all else stays as it is."""
    fields = _decode_fields(body)
    if "choices" not in fields:
        return body
    choices = _decode_choices(fields["choices"])
    if all(c.get("logprobs", _NULL) == _NULL for c in choices):
        return body
    fields["choices"] = Raw(encode_json([{**c, "logprobs": _NULL} for c in choices]))
    return encode_json(fields)


def event_without_logprobs(event: Event) -> Event:
    """One event of a stream, likewise."""
    payload = without_logprobs(event.payload)
    return event if payload is event.payload else Event(payload, event.chunk)


def usable(tiers: Sequence[TierInfo], calibrations: Mapping[str, Calibration]) -> dict[str, Calibration]:
    """The calibrations of tiers that give log-probabilities."""
    able = {t.name for t in tiers if "logprobs" in t.capabilities}
    return {name: c for name, c in calibrations.items() if name in able}


def is_doubted(decision: Decision, up: Sequence[str], p_ok: float, known: Calibration) -> bool:
    """Whether the next tier up is worth its price, now that the answer's own p_ok is known.

    With a tuned price by the router's own rule: what it wins over the answer that is there against what it costs.
    Otherwise where p_ok is under the threshold.
    """
    if not up:
        return False
    above, dearest = (
        decision.estimate(up[0]),
        max((e.cost_usd or 0.0 for e in decision.estimates), default=0.0),
    )
    if known.accept_above is None and decision.price is not None and above is not None and dearest > 0:
        return (above.p_ok or 0.0) - p_ok > decision.price * (above.cost_usd or 0.0) / dearest
    threshold = known.accept_above if known.accept_above is not None else decision.threshold
    return threshold is not None and p_ok < threshold


def _logprobs(payload: bytes) -> list[float]:
    try:
        choices = _decode(payload).choices
    except (msgspec.MsgspecError, RecursionError):  # an upstream's own shape says nothing
        return []
    content = next((c.logprobs.content for c in choices if c.index == 0 and c.logprobs is not None), None)
    return [t.logprob for t in content or () if t.logprob is not None]


def _signal(logprobs: Sequence[float], n_tokens: int) -> Signal | None:
    head = logprobs[:n_tokens]
    if not head:
        return None
    return Signal(head[0], min(head), math.fsum(head) / len(head), len(head))
