"""One conversation as this process holds it: what its log says, ready to be packed."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
from msgspec import Raw

from stepwell.base.joined import joined
from stepwell.base.laden import decode_message
from stepwell.base.messages import Message, encode_json, n_leading
from stepwell.base.request import ChatRequest
from stepwell.memory.context.log.log import N_RULES_BYTES, Name, Past, Pin, Summary, Turn
from stepwell.memory.context.packing.packed import Packed
from stepwell.memory.context.reconcile import n_known, print_of, prints_of
from stepwell.memory.context.summary.summarizer import Said
from stepwell.memory.context.thread.thread import Thread

_N_BYTES_A_MESSAGE = 200
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_N_RECENT = 40
# in answers; as input some providers refuse them, even their own
_ANSWERS_ALONE = frozenset({"annotations", "audio", "reasoning", "reasoning_content", "reasoning_details"})
_NO_CONTENT = {"content": Raw(b"null")}


class Talk:
    """A conversation's thread beside the log's numbers; belongs to one event loop.

    It is of one epoch: what is erased and begun anew is another one.

    Attributes:
        lock: Held while it grows or is packed. It only grows, so who looks at it without sees its beginning.
        thread: All messages but the system prompts.
        system: The system prompt in force: the last one that was sent.
        packed: What was last sent, so that the next choice can keep to it.
        overflows: Something was left out once, so a summary is of use.
        guarded: Names of all guard rules that turns have passed.
    """

    def __init__(self, name: Name) -> None:
        self.name = name
        self.epoch = 0
        self.lock = asyncio.Lock()
        self.n_turns = 0
        self.thread = Thread()
        self.raws: list[Raw] = []
        self.seqs: list[int] = []
        self.system: list[tuple[Message, Raw]] = []
        self.pins: tuple[Pin, ...] = ()
        self.summary: Summary | None = None
        self.packed: Packed | None = None
        self.overflows = False
        self.guarded: set[bytes] = set()
        self._prints: list[bytes] = []
        self._lead_at_s: float | None = None
        self._n_raw_bytes = 0

    @property
    def may_be_read(self) -> bool:
        """Whether a summarizer may read it: a part bound to certain tiers may be anywhere in a summary."""
        return all(len(mark) <= N_RULES_BYTES for mark in self.guarded)

    @property
    def n_bytes(self) -> int:
        """Memory that it takes, about."""
        return self.thread.n_bytes + self._n_raw_bytes + _N_BYTES_A_MESSAGE * len(self.raws)

    @property
    def gist(self) -> Summary | None:
        """The summary, with `upto` as a place of the thread."""
        summary = self.summary
        if summary is None:
            return None
        return msgspec.structs.replace(summary, upto=self.place_of(summary.upto))

    @property
    def is_empty(self) -> bool:
        return not (self.thread or self.system or self.pins)

    def take(self, past: Past, unseal: Callable[[bytes], bytes]) -> None:
        """Follow the log.

        Args:
            past: Of the same epoch, where it has one.
            unseal: Gives a turn's mark from what the log kept.
        """
        assert self.epoch in (0, past.epoch)
        self.epoch = past.epoch
        for turn in past.turns:
            if turn.seq == self.n_turns:
                self._add(turn, unseal(turn.mark))
        self.pins = past.pins
        if past.summary is not None and (self.summary is None or past.summary.upto >= self.summary.upto):
            self.summary = past.summary

    def place_of(self, seq: int) -> int:
        """The first place whose turn is not before `seq`."""
        return bisect_left(self.seqs, seq)

    def n_tokens_from(self, seq: int) -> int:
        """Tokens of what was said from a turn on, about."""
        return int(self.thread.counts.about[self.place_of(seq) :].sum())

    def said(self, seq: int, n_tokens: int) -> list[Said]:
        """What was said from a turn on, as a summarizer reads it: about `n_tokens`, or the little that there is."""
        first = self.place_of(seq)
        about = self.thread.counts.about[first:]
        last = first + min(len(about), int(about.cumsum().searchsorted(n_tokens)) + 1)
        seqs, messages = self.seqs[first:last], self.thread.messages(range(first, last))
        times, sizes = self.thread.times[first:last].tolist(), about[: last - first].tolist()
        return [*map(Said, seqs, messages, times, sizes)]

    def _add(self, turn: Turn, mark: bytes) -> None:
        self.n_turns += 1
        self.guarded.add(turn.guarded)
        raw = sendable(turn.raw)
        message = decode_message(raw)
        self._n_raw_bytes += len(raw)
        if turn.is_lead:
            return self._lead(message, raw, turn.at_s)
        self._lead_at_s = None
        self._prints.append(print_of(turn.raw))
        self.raws.append(raw)
        self.seqs.append(turn.seq)
        # last: its length says how many there are
        self.thread.add(message, at_s=turn.at_s, mark=mark)
        return None

    def _lead(self, message: Message, raw: Raw, at_s: float) -> None:
        """Put another system prompt in force: all that headed one request, which came at one time."""
        before = self.system if self._lead_at_s == at_s else []
        self.system, self._lead_at_s = [*before, (message, raw)], at_s

    # ---- what was sent

    def sent(self, fit: Packed) -> None:
        """Keep to this choice in the next turn."""
        self.packed = fit
        self.overflows |= len(fit.kept) < fit.n_places

    def news(self, request: ChatRequest, asked: ChatRequest | None = None) -> ChatRequest:
        """The request with only what is new to the conversation; a system prompt at its head stays.

        Args:
            asked: It as it came, before a guard has changed its messages: an answer is held as it was given.
        """
        messages, raws = request.messages, request.raw_messages()
        lead = n_leading(messages)
        came = raws if asked is None or len(asked.messages) != len(raws) else asked.raw_messages()
        sent = [
            prints_of(now) if now == raw else prints_of(now, raw)
            for now, raw in zip(raws[lead:], came[lead:], strict=True)
        ]
        answers = [n for n, message in enumerate(messages[lead:]) if message.role == "assistant"]
        n = n_known(self._prints, sent, answers)
        n = min(n, len(messages) - lead - 1) if n else 0
        return request.with_kept([*range(lead), *range(lead + n, len(messages))])

    def recent(self, request: ChatRequest, lead: int) -> ChatRequest:
        """The request behind the last messages of the conversation, as a router reads it.

        Args:
            lead: How many messages headed it when it came: what is new may begin with a system message, too.
        """
        first = max(0, len(self.thread) - _N_RECENT)
        return self.expanded(request, range(first, len(self.thread)), lead)

    def expanded(
        self, request: ChatRequest, places: Sequence[int], lead: int, pins: Message | None = None
    ) -> ChatRequest:
        """The request behind the messages at `places`; the system prompt in force and pins go first."""
        raws = request.raw_messages()
        head = list(zip(request.messages[:lead], raws[:lead], strict=True)) or list(self.system)
        if pins is not None:
            _pin(head, pins)
        held = [(m, self.raws[i]) for m, i in zip(self.thread.messages(places), places, strict=True)]
        sent = list(zip(request.messages[lead:], raws[lead:], strict=True))
        every = [*head, *held, *sent]
        return request.with_messages([m for m, _ in every], [raw for _, raw in every])

    def logged(self, request: ChatRequest, lead: int) -> tuple[list[Raw], list[Raw]]:
        """What a request adds to the log: the system prompt, where it is another one, and what was sent."""
        raws = request.raw_messages()
        is_new = [print_of(raw) for raw in raws[:lead]] != [print_of(raw) for _, raw in self.system]
        return raws[:lead] if is_new else [], raws[lead:]


def _pin(head: list[tuple[Message, Raw]], pins: Message) -> None:
    """Some chat templates take one system message: pins stand in it where there is one."""
    if head:
        with suppress(msgspec.MsgspecError, ValueError):  # a name in it is no Unicode text
            head[-1] = joined(*head[-1], after=pins.text)
            return
    head.append((pins, Raw(encode_json(pins))))


def sendable(raw: bytes) -> Raw:
    """A logged message as it goes upstream: of an answer, what every provider takes as input."""
    fields = _decode_fields(raw)
    if bytes(fields.get("role", Raw(b""))) != b'"assistant"':
        return Raw(raw)
    kept = {k: v for k, v in fields.items() if k not in _ANSWERS_ALONE and bytes(v) != b"null"}
    return Raw(raw) if len(kept) == len(fields) else Raw(encode_json({**_NO_CONTENT, **kept}))
