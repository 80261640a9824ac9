"""What a tier is made of: deployments, and the one protocol that every kind of deployment speaks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import msgspec

from stepwell.base.messages import SYSTEM_ROLES, Answer, Event
from stepwell.base.pinned import facts_in
from stepwell.base.request import ChatRequest


@dataclass(frozen=True, slots=True)
class Completed:
    """A whole answer: the JSON as it came, and its typed view."""

    body: bytes
    answer: Answer


class Backend(Protocol):
    """Talks to one endpoint. Kinds: http, litellm, local, fake; a plug-in needs only these three.

    Deadlines and cancelling come from outside: a backend only has to let go of its connection when cancelled.
    """

    async def complete(self, request: ChatRequest) -> Completed:
        """Ask for a whole answer.

        Raises:
            TierError: Any failure, mapped; `is_retryable` says whether another try may help.
        """
        ...

    def stream(self, request: ChatRequest) -> AsyncGenerator[list[Event], None]:
        """Ask for a stream; yields events in batches as they arrive, the usage event included.

        Ends without an exception only where the upstream ended the answer properly.

        Raises:
            TierError: Before or after the first event.
        """
        ...

    async def close(self) -> None: ...


@runtime_checkable
class Warmable(Protocol):
    """A backend whose first request would wait for something: a process to start, a file to read."""

    async def warm(self) -> None:
        """Do it now.

        Raises:
            TierError: It can't be done.
        """
        ...


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


class Outgoing:
    """Writes request bodies for one deployment: its model, default parameters, output limit and prompt variant.

    Args:
        default_output_tokens: Limit where the caller sets none.
        system_in_place: Said in place of the caller's own system and developer messages; a conversation's pinned
            facts stay.
        fixed: Request fields that no caller can set.
    """

    def __init__(
        self,
        model: str,
        *,
        params: Mapping[str, object] | None = None,
        max_output_tokens: int | None = None,
        default_output_tokens: int | None = None,
        limit_field: str = "max_tokens",
        system_prompt: str | None = None,
        system_in_place: str | None = None,
        fixed: Mapping[str, object] | None = None,
    ) -> None:
        self._fixed = {"model": raw(model), **{k: raw(v) for k, v in (fixed or {}).items()}}
        self._defaults = {k: raw(v) for k, v in (params or {}).items()}
        self._limit = max_output_tokens
        self._default_limit = default_output_tokens
        self._limit_field = limit_field
        self._system = system_prompt
        self._in_place = system_in_place
        self._stream = {"stream": raw(True), "stream_options": raw({"include_usage": True})}

    def body(self, request: ChatRequest, *, is_stream: bool) -> bytes:
        """The JSON to send: the caller's fields verbatim, except for what the deployment decides."""
        fields = {**self._defaults, **request.fields, **self._fixed}
        if is_stream:
            fields.update(self._stream)
        asked = request.wire.max_output_tokens
        default = self._default_limit if asked is None else None
        limits = [n for n in (self._limit, request.output_cap, default) if n is not None]
        if limits:
            self._cap(fields, asked, min(limits))
        if self._system is not None or self._in_place is not None:
            fields["messages"] = self._headed(request)
        return msgspec.json.encode(fields)

    def _headed(self, request: ChatRequest) -> msgspec.Raw:
        """The messages behind the deployment's own system prompt."""
        rest, own = request.raw_messages(), self._system
        if self._in_place is not None:
            asked = zip(rest, request.messages, strict=True)
            rest, own = [r for r, m in asked if m.role not in SYSTEM_ROLES], self._in_place
            if request.wishes.conversation is not None and (facts := facts_in(request.messages)):
                own = f"{own}\n\n{facts}"
        return raw([raw({"role": "system", "content": own}), *rest])

    def _cap(self, fields: dict[str, msgspec.Raw], asked: int | None, limit: int) -> None:
        if asked is not None and asked <= limit:
            return
        names: tuple[str, ...] = ("max_completion_tokens", "max_tokens")
        for name in [n for n in names if n in fields] or [self._limit_field]:
            fields[name] = raw(limit)
