"""A conversation whose history Stepwell keeps: ask within it, look at it, pin facts to it, erase it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from stepwell.asks import Messages, check_count, check_name, check_text, check_words, make_request
from stepwell.base.errors import BadRequest, ConfigError
from stepwell.base.reply import Reply
from stepwell.base.request import ChatRequest
from stepwell.base.tokens import safest
from stepwell.blocking import Loop, SyncStream
from stepwell.memory.context.log.log import Name, Past, Pin
from stepwell.memory.context.packing.packed import Packed
from stepwell.pipeline import Pipeline
from stepwell.stream import ReplyStream

if TYPE_CHECKING:
    from stepwell.memory.context.conversations import Conversations

_decode_raws = msgspec.json.Decoder(list[msgspec.Raw]).decode

_MAX_S = 1e11  # above it, it is in milliseconds
# pins go with every request: more of them are a document, and would leave no room
MOST_PINS = 64
MOST_PIN_CHARS = 4000
NO_TURNS = 2**53  # after the last one
OneMessage = Mapping[str, Any] | msgspec.Raw


class Prompt(msgspec.Struct, frozen=True):
    """What of a conversation would be sent.

    Attributes:
        messages: As OpenAI messages, in chronological order.
        packed: Which turns they are, and their tokens.
    """

    messages: list[dict[str, Any]]
    packed: Packed


class Conversation:
    """One conversation of a well; made by `Stepwell.conversation`.

    Nothing is asked of the log before the first call, and a conversation that nobody began is an empty one.
    Every call may raise ForeignConversation (it is another user's) and StoreUnavailable.
    As for the well itself, the `a…` methods belong to the caller's loop, the others to one of the well's own.
    """

    def __init__(
        self,
        pipeline: Callable[[], Pipeline],
        loop: Callable[[], Loop],
        id: str,
        tenant: str | None,
        user: str | None,
        baseline_tier: str | None = None,
    ) -> None:
        """Check its names.

        Args:
            pipeline: Gives the well's, or raises StoreUnavailable where the well is closed.
            baseline_tier: Whose model counts where none is named; None: the dearest one's.
        """
        check_name("conversation", id)
        check_text("tenant", tenant)
        check_text("user", user)
        self.id, self.tenant, self.user = id, tenant, user
        self._name = Name(id, tenant or "", user or "")
        self._pipeline = pipeline
        self._loop = loop
        self._baseline_tier = baseline_tier

    # ---- async

    async def achat(self, messages: Messages, **asks: Any) -> Reply:
        """Answer what is new, with all that matters of what was said before; both are kept.

        Args:
            messages: A text, the new messages, or the whole history as the client has it: what is known already is
                not doubled.
            **asks: As of `Stepwell.achat`.

        Raises:
            StepwellError: As of `Stepwell.achat`.
        """
        return await self._pipeline().complete(self._request(messages, asks))

    async def astream(self, messages: Messages, **asks: Any) -> ReplyStream:
        """As `achat`, streamed: returns once the first token is there. Iterate it, or `aclose` it."""
        return await self._pipeline().stream(self._request(messages, asks, is_stream=True))

    async def apast(self, *, after: int = -1) -> Past:
        """What the log has of it: turns with their times, pins and summary; `epoch` is 0 where nobody began it.

        Args:
            after: Only the turns whose `seq` is above it.
        """
        past = await self._all.past(self._name, after=after)
        return await self._pipeline().shown(past, self._name)

    async def amessages(self) -> list[dict[str, Any]]:
        """All turns, verbatim, as OpenAI messages; with values in place of their placeholders while those are kept."""
        return [msgspec.json.decode(turn.raw) for turn in (await self.apast()).turns]

    async def aappend(self, messages: Sequence[OneMessage], *, at_s: float | None = None) -> int:
        """Add turns without asking anybody, as an import of history does; returns how many turns there are.

        Args:
            messages: OpenAI messages, as Python values or as JSON (msgspec.Raw).
            at_s: Unix time at which they were said; None: now. Dates help recall.

        Raises:
            BadRequest: One is no OpenAI message, or `at_s` no time.
        """
        _check_time(at_s)
        return (await self._all.append(self._name, raws_of(messages), at_s=at_s)).n_turns

    async def apin(self, text: str) -> Pin:
        """Pin a fact: it goes with every request from now on. `pin.id` takes it away again.

        A conversation that nobody began is begun by it.

        Raises:
            BadRequest: It says nothing, has more than 4,000 characters, or there are 64 pins.
        """
        check_words("text", text)
        if not text.strip():
            raise BadRequest("A pin must be a text that says something.", param="text")
        if len(text) > MOST_PIN_CHARS:
            raise BadRequest(f"A pin has at most {MOST_PIN_CHARS:,} characters.", param="text")
        if len(await self.apins()) >= MOST_PINS:
            raise BadRequest(f"A conversation has at most {MOST_PINS} pins.", param="text")
        return await self._all.pin(self._name, text)

    async def aunpin(self, pin_id: str) -> bool:
        """False where there is no such pin (any more)."""
        check_words("pin_id", pin_id)
        return await self._all.unpin(self._name, pin_id)

    async def apins(self) -> list[Pin]:
        return list((await self.apast(after=NO_TURNS)).pins)

    async def apack(self, query: str, max_tokens: int, *, model: str = "") -> Prompt:
        """What would be sent before `query`, a user message to come; calls no tier and keeps nothing.

        It is what the log holds: values that a rule masked stand as placeholders, which `amessages` replaces, and pins
        and turns that were imported are as they came.

        Args:
            max_tokens: What the messages may take, `query` and the reply's opening included; `packed.n_tokens` is
                what they do.
            model: Whose vocabulary counts; "": the baseline tier's, else the dearest tier's.

        Raises:
            BadRequest: Names the argument at fault; ContextTooLong: what must stay takes more.
        """
        _check_asked(query, max_tokens, model)
        raws, packed = await self._all.pack(self._name, query, max_tokens, model or self._model)
        return Prompt([msgspec.json.decode(raw) for raw in raws], packed)

    async def atext(self, query: str, max_tokens: int, *, model: str = "") -> str:
        """As `apack`, written as one text: system prompt, pins, then `Speaker: text` under a header for each day.

        `query` is no part of it, so all of `max_tokens` is for what was said.

        Raises:
            BadRequest: Names the argument at fault; ContextTooLong: system prompt and pins take more.
        """
        _check_asked(query, max_tokens, model)
        return await self._all.text(self._name, query, max_tokens, model or self._model)

    async def aerase(self) -> bool:
        """Delete it with all that was made of it, from the disk too; False where there was none."""
        name = self._name
        if await self._all.erase(tenant=name.tenant, user=name.user, id=name.id):
            return True
        await self.apast()  # another user's is refused, not missing
        return False

    # ---- sync

    def chat(self, messages: Messages, **asks: Any) -> Reply:
        """As `achat`, blocking."""
        return self._loop().run(self.achat(messages, **asks))

    def stream(self, messages: Messages, **asks: Any) -> SyncStream:
        """As `astream`, blocking: iterate it for pieces of text; `.reply` is there after the end."""
        loop = self._loop()
        return SyncStream(loop, loop.run(self.astream(messages, **asks)))

    def past(self, *, after: int = -1) -> Past:
        """As `apast`, blocking."""
        return self._loop().run(self.apast(after=after))

    def messages(self) -> list[dict[str, Any]]:
        """As `amessages`, blocking."""
        return self._loop().run(self.amessages())

    def append(self, messages: Sequence[OneMessage], *, at_s: float | None = None) -> int:
        """As `aappend`, blocking."""
        return self._loop().run(self.aappend(messages, at_s=at_s))

    def pin(self, text: str) -> Pin:
        """As `apin`, blocking."""
        return self._loop().run(self.apin(text))

    def unpin(self, pin_id: str) -> bool:
        """As `aunpin`, blocking."""
        return self._loop().run(self.aunpin(pin_id))

    def pins(self) -> list[Pin]:
        """As `apins`, blocking."""
        return self._loop().run(self.apins())

    def pack(self, query: str, max_tokens: int, *, model: str = "") -> Prompt:
        """As `apack`, blocking."""
        return self._loop().run(self.apack(query, max_tokens, model=model))

    def text(self, query: str, max_tokens: int, *, model: str = "") -> str:
        """As `atext`, blocking."""
        return self._loop().run(self.atext(query, max_tokens, model=model))

    def erase(self) -> bool:
        """As `aerase`, blocking."""
        return self._loop().run(self.aerase())

    # ---- parts

    @property
    def _all(self) -> Conversations:
        return conversations_of(self._pipeline())

    @property
    def _model(self) -> str:
        """Whose vocabulary counts where none is named."""
        tiers = self._pipeline().router.tiers
        return safest(next((t for t in tiers if t.name == self._baseline_tier), tiers[-1]).models)

    def _request(self, messages: Messages, asks: dict[str, Any], *, is_stream: bool = False) -> ChatRequest:
        mine = {"conversation": self.id, "tenant": self.tenant, "user": self.user}
        twice = sorted(mine.keys() & asks.keys())
        if twice:
            raise BadRequest(
                f"{twice[0]} is the conversation's own: give it to `conversation`", param=twice[0]
            )
        given = {name: value for name, value in mine.items() if value is not None}
        return make_request(messages, {**asks, **given}, is_stream=is_stream)


def conversations_of(pipeline: Pipeline) -> Conversations:
    """Raises:
    ConfigError: No conversations are kept.
    """
    found = pipeline.conversations
    if found is None:
        raise ConfigError("no conversations are kept here")
    return found


def raws_of(messages: Iterable[OneMessage]) -> list[bytes]:
    """Messages as JSON, each for itself.

    Raises:
        BadRequest: They are no list, or one is no OpenAI message.
    """
    if isinstance(messages, str | bytes | Mapping) or not isinstance(messages, Iterable):
        raise BadRequest("messages must be a list of OpenAI messages", param="messages")
    listed = list(messages)
    if not listed:
        return []
    request = ChatRequest.build({"messages": listed})
    return [bytes(raw) for raw in _decode_raws(request.fields["messages"])]


def _check_asked(query: object, max_tokens: object, model: object) -> None:
    check_words("query", query)
    check_count("max_tokens", max_tokens)
    check_words("model", model)


def _check_time(at_s: object) -> None:
    if at_s is None:
        return
    if isinstance(at_s, bool) or not isinstance(at_s, int | float) or not 0 <= at_s < _MAX_S:
        raise BadRequest("at_s must be Unix time in seconds", param="at_s")
