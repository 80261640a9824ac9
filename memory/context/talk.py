"""One conversation as this process holds it: what its log says, ready to be packed."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Sequence
from hashlib import blake2b

import msgspec
from msgspec import Raw

from stepwell.base.messages import SYSTEM_ROLES, Message, encode_json, n_leading
from stepwell.base.request import ChatRequest
from stepwell.memory.context.log.log import Name, Past, Pin, Summary, Turn
from stepwell.memory.context.packed import Packed
from stepwell.memory.context.reconcile import n_known, print_of
from stepwell.memory.context.thread import Thread

_decode = msgspec.json.Decoder(Message).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_N_RECENT = 40
# in answers; as input some providers refuse them, even their own
_ANSWERS_ALONE = frozenset({"annotations", "audio", "reasoning", "reasoning_content", "reasoning_details"})
_NO_CONTENT = {"content": Raw(b"null")}


class Talk:
    """A conversation's thread beside the log's numbers; belongs to one event loop.

    Attributes:
        lock: Held while it grows or is packed.
        thread: All messages but the system prompts.
        system: The system prompt in force: the last one that was sent.
        digest: Of all that was said, the system prompt and pins: equal for conversations that read alike.
        packed: What was last sent, so that the next choice can keep to it.
        overflows: Something was left out once, so a summary is of use.
        guarded: Names of all guard rules that turns have passed.
    """

    def __init__(self, name: Name) -> None:
        self.name = name
        self.epoch = 0
        self.lock = asyncio.Lock()
        self._clear()

    def _clear(self) -> None:
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
        self._said = blake2b(digest_size=16)
        self._is_system_open = True

    @property
    def n_bytes(self) -> int:
        """Memory that it takes, about."""
        return (
            self.thread.n_bytes
            + sum(map(len, self.raws[-100:])) * len(self.raws) // 100
            + 200 * len(self.raws)
        )

    @property
    def digest(self) -> bytes:
        made = self._said.copy()
        for _, raw in self.system:
            made.update(b"s" + bytes(raw))
        for pin in self.pins:
            made.update(b"p" + pin.text.encode("utf-8", "surrogatepass") + b"\0")
        return made.digest()

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
        """Follow the log; one that was begun anew is read from its start (`read` with after=-1).

        Args:
            unseal: Gives a turn's mark from what the log kept.
        """
        if past.epoch != self.epoch:
            if self.epoch:
                self._clear()
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

    def n_tokens(self, place: int) -> int:
        """Tokens of a message, about."""
        return int(self.thread.counts.about[place])

    def n_tokens_from(self, seq: int) -> int:
        """Tokens of what was said from a turn on, about."""
        return int(self.thread.counts.about[self.place_of(seq) :].sum())

    def _add(self, turn: Turn, mark: bytes) -> None:
        self.n_turns += 1
        self.guarded.add(turn.guarded)
        message, raw = _decode(turn.raw), sendable(turn.raw)
        if message.role in SYSTEM_ROLES and self._replaces_system(message):
            return self.system.append((message, raw))
        self._is_system_open = False
        self.thread.add(message, at_s=turn.at_s, mark=mark)
        self.raws.append(raw)
        self.seqs.append(turn.seq)
        self._prints.append(print_of(message))
        self._said.update(self._prints[-1])
        return None

    def _replaces_system(self, message: Message) -> bool:
        """Whether a system message heads a request; one said between user and answer belongs where it stands."""
        if self._is_system_open:
            return True
        last = self.thread.messages([len(self.thread) - 1])[0]
        if last.role != "assistant" or last.tool_calls:
            return False
        self.system, self._is_system_open = [], True
        return True

    # ---- what was sent

    def sent(self, fit: Packed) -> None:
        """Keep to this choice in the next turn."""
        self.packed = fit
        self.overflows |= len(fit.kept) < fit.n_places

    def news(self, request: ChatRequest, asked: ChatRequest | None = None) -> ChatRequest:
        """The request with only what is new to the conversation; a system prompt at its head stays."""
        messages = request.messages
        lead = n_leading(messages)
        n = n_known(self._prints, [print_of(m) for m in messages[lead:]])
        n = min(n, len(messages) - lead - 1) if n else 0
        return request.with_kept([*range(lead), *range(lead + n, len(messages))])

    def recent(self, request: ChatRequest) -> ChatRequest:
        """The request behind the last messages of the conversation, as a router reads it."""
        lead = n_leading(request.messages)
        first = max(0, len(self.thread) - _N_RECENT)
        return self.expanded(request, range(first, len(self.thread)), lead)

    def expanded(
        self, request: ChatRequest, places: Sequence[int], lead: int, pins: Message | None = None
    ) -> ChatRequest:
        """The request behind the messages at `places`; the system prompt in force and pins go first."""
        raws = request.raw_messages()
        head = list(zip(request.messages[:lead], raws[:lead], strict=True)) or list(self.system)
        if pins is not None:
            head.append((pins, Raw(encode_json(pins))))
        held = [(m, self.raws[i]) for m, i in zip(self.thread.messages(places), places, strict=True)]
        sent = list(zip(request.messages[lead:], raws[lead:], strict=True))
        every = [*head, *held, *sent]
        return request.with_messages([m for m, _ in every], [raw for _, raw in every])

    def logged(self, request: ChatRequest, answer: Raw) -> list[Raw]:
        """What this exchange adds to the log: the system prompt where it is another one, what was sent, the answer."""
        raws = request.raw_messages()
        lead = n_leading(request.messages)
        is_new = lead and [print_of(m) for m in request.messages[:lead]] != [
            print_of(m) for m, _ in self.system
        ]
        return [*(raws[:lead] if is_new else []), *raws[lead:], answer]


def sendable(raw: bytes) -> Raw:
    """A logged message as it goes upstream: of an answer, what every provider takes as input."""
    fields = _decode_fields(raw)
    if bytes(fields.get("role", Raw(b""))) != b'"assistant"':
        return Raw(raw)
    kept = {k: v for k, v in fields.items() if k not in _ANSWERS_ALONE and bytes(v) != b"null"}
    return Raw(raw) if len(kept) == len(fields) else Raw(encode_json({**_NO_CONTENT, **kept}))
