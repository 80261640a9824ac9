"""One chat request: what the caller sent (verbatim), a typed view of it, and what they asked of the router."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta, Raw

from stepwell.base import laden
from stepwell.base.errors import BadRequest
from stepwell.base.joined import joined
from stepwell.base.messages import Message, encode_json, n_leading

if TYPE_CHECKING:
    from stepwell.base.embedding import RequestVector

Count = Annotated[int, Meta(ge=1)]
CacheWish = bool | Literal["exact", "no-store", "no-sampled"]


class StreamOptions(msgspec.Struct, omit_defaults=True):
    include_usage: bool = False


class ResponseFormat(msgspec.Struct, omit_defaults=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: Any = None


class Wire(msgspec.Struct, omit_defaults=True):
    """The fields of POST /v1/chat/completions that some stage reads."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    model: str = "auto"
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    max_tokens: Count | None = None
    max_completion_tokens: Count | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    tools: list[dict[str, Any]] | None = None
    response_format: ResponseFormat | None = None
    user: str | None = None

    @property
    def max_output_tokens(self) -> int | None:
        """Which one an upstream heeds is its own affair: the larger."""
        return max(self.max_completion_tokens or 0, self.max_tokens or 0) or None


class Caller(msgspec.Struct, frozen=True):
    """Who asks. `tenant` partitions cache and budgets; None means that nobody said."""

    tenant: str | None = None
    user: str | None = None


class Wishes(msgspec.Struct, frozen=True):
    """What the caller asks of the router for this one request; HTTP: the `x-stepwell-*` headers.

    Attributes:
        tier: Pin to this tier.
        min_tier: Nothing cheaper than this tier.
        max_usd: Hard limit for the request, every try counted.
        tags: Words that rules may match.
        below_floor: "refuse" or "flag": what to do where only tiers under the quality floor are left.
        cache: True: all of it; False: neither read nor written; "exact": not by meaning; "no-store": read, not
            written; "no-sampled": an answer drawn at a temperature above 0 is neither read nor written.
        timeout_s: A deadline shorter than the configured one.
        headers: Request headers that rules may match: every value by its name in lower case.
        session: The caller's own name for the conversation; without it, its beginning names it.
        conversation: Names a conversation whose history Stepwell keeps: the messages sent are added to it.
        keep_to: The only tiers that may see the request; None: any.
    """

    tier: str | None = None
    min_tier: str | None = None
    max_usd: float | None = None
    tags: frozenset[str] = frozenset()
    below_floor: Literal["refuse", "flag"] | None = None
    cache: CacheWish = True
    timeout_s: float | None = None
    headers: Mapping[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    session: str | None = None
    conversation: str | None = None
    keep_to: frozenset[str] | None = None

    def has_header(self, name: str, value: str) -> bool:
        """Whether any value of a header is this one: of several lines, or of a list (RFC 9110, section 5.3)."""
        value = value.strip()
        return any(
            value in (v.strip(), *(part.strip() for part in v.split(",")))
            for v in self.headers.get(name.lower(), ())
        )


NOBODY = Caller()
NO_WISHES = Wishes()

_decode_wire = msgspec.json.Decoder(Wire).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode


class Cut(msgspec.Struct, frozen=True):
    """What of a long prompt goes to one tier.

    Attributes:
        kept: Places of the messages that go, rising.
        note: What is said in place of the others, "" where nothing is: goes in after the leading system messages, as
            a user's words (it quotes users and tools, whose words must not gain a system prompt's weight): at the
            head of the next message kept where that is a user's (chat templates of some models refuse two users'
            messages in a row), else, and where that is the last user's, whose words stay as they are, as a message of
            its own.
    """

    kept: tuple[int, ...]
    note: str = ""


class ChatRequest(msgspec.Struct, frozen=True):
    """One request on its way through the house; a stage that changes it makes a new one.

    Attributes:
        wire: Typed view.
        fields: Every top-level field as the caller wrote it (raw JSON), known to us or not.
        output_cap: Most tokens that the answer may have so that a dollar limit holds; None: no such limit.
        cuts: By tier, where its window does not hold all messages.
        keep_to: The only tiers that may see it; None: any.
        vector: The embedding of its ask, for tiers that read one.
    """

    wire: Wire
    fields: Mapping[str, Raw]
    caller: Caller = NOBODY
    wishes: Wishes = NO_WISHES
    output_cap: int | None = None
    cuts: Mapping[str, Cut] | None = None
    keep_to: frozenset[str] | None = None
    vector: RequestVector | None = None

    @property
    def messages(self) -> list[Message]:
        return self.wire.messages

    @classmethod
    def parse(cls, body: bytes, caller: Caller = NOBODY, wishes: Wishes = NO_WISHES) -> ChatRequest:
        """Read a JSON body.

        Raises:
            BadRequest: Not JSON, or a field has the wrong type or range; `param` names it.
        """
        try:
            wire, fields = _decode_wire(body), _decode_fields(body)
        except msgspec.ValidationError as e:
            raise bad_field(e) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
            raise BadRequest("The body is not valid JSON.", code="invalid_json") from e
        wire.messages = laden.read(wire.messages, fields["messages"])
        return cls(wire, fields, caller, wishes)

    @classmethod
    def build(
        cls, body: Mapping[str, Any], caller: Caller = NOBODY, wishes: Wishes = NO_WISHES
    ) -> ChatRequest:
        """Make a request from Python values, as `parse` does from bytes."""
        try:
            raw = encode_json(body)
        except TypeError as e:
            raise BadRequest(f"The request can't be written as JSON: {e}") from None
        except UnicodeEncodeError:  # its text shows the string
            raise BadRequest("The request holds a lone surrogate, which is no Unicode text") from None
        return cls.parse(raw, caller, wishes)

    def with_fields(self, changed: Mapping[str, Raw]) -> ChatRequest:
        """Put other JSON into some top-level fields; the others stay verbatim."""
        fields = {**self.fields, **changed}
        wire = _decode_wire(encode_json(fields))
        wire.messages = laden.read(wire.messages, fields["messages"])
        return msgspec.structs.replace(self, wire=wire, fields=fields)

    def with_kept(self, kept: Sequence[int]) -> ChatRequest:
        """Keep only the messages at these places, in this order, verbatim."""
        if len(kept) == len(self.wire.messages):
            return self
        raws = self.raw_messages()
        return self.with_messages([self.wire.messages[i] for i in kept], [raws[i] for i in kept])

    def with_messages(self, messages: Sequence[Message], raws: Sequence[Raw]) -> ChatRequest:
        """Put other messages in place of these; `raws` are theirs, as JSON."""
        wire = msgspec.structs.replace(self.wire, messages=list(messages))
        fields = {**self.fields, "messages": Raw(encode_json(list(raws)))}
        return msgspec.structs.replace(self, wire=wire, fields=fields)

    def raw_messages(self) -> list[Raw]:
        """Every message as the caller wrote it."""
        return _decode_list(self.fields["messages"])

    def without(self, places: Collection[int]) -> ChatRequest:
        """Leave out the messages at some places, for every tier."""
        kept = [i for i in range(len(self.wire.messages)) if i not in places]
        at = {place: n for n, place in enumerate(kept)}
        made = self.with_kept(kept)
        if self.cuts is None:
            return made
        cuts = {t: Cut(tuple(at[i] for i in cut.kept if i in at), cut.note) for t, cut in self.cuts.items()}
        return msgspec.structs.replace(made, cuts=cuts)

    def for_tier(self, tier: str) -> ChatRequest:
        """The request as it goes to a tier: with what its window holds."""
        cut = self.cuts.get(tier) if self.cuts is not None else None
        if cut is None:
            return self
        messages, raws = self.wire.messages, self.raw_messages()
        kept = [(messages[i], raws[i]) for i in cut.kept]
        if cut.note:
            _put_note(kept, cut.note)
        made = self.with_messages([m for m, _ in kept], [raw for _, raw in kept])
        return msgspec.structs.replace(made, cuts=None)


def _put_note(kept: list[tuple[Message, Raw]], text: str) -> None:
    lead = n_leading([m for m, _ in kept])
    if any(m.role == "user" for m, _ in kept[lead + 1 :]) and kept[lead][0].role == "user":
        with suppress(msgspec.MsgspecError, ValueError):  # a name in it is no Unicode text
            kept[lead] = joined(*kept[lead], before=text)
            return
    note = Message("user", text)
    kept.insert(lead, (note, Raw(encode_json(note))))


def bad_field(error: msgspec.ValidationError) -> BadRequest:
    """The error that names what was expected and where, and shows no value.

    msgspec shows a value for enums alone, in quotes; dict keys in its path show as [...].
    """
    text = str(error)
    head, at, path = text.rpartition(" - at `$")
    what = (head if at else text).partition(" '")[0]
    param = (path.rstrip("`").lstrip(".") if at else None) or None
    return BadRequest(f"{what} at {param or 'the body'}", param=param)
