"""`StepwellContextMiddleware`: fits what a LangChain agent's model reads into a budget, and forgets nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import msgspec
from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
from langchain.agents.structured_output import AutoStrategy, ProviderStrategy, ToolStrategy
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage
from langchain_core.utils.function_calling import convert_to_openai_tool

from stepwell.base.errors import ConfigError
from stepwell.base.laden import decode_message
from stepwell.base.messages import Message, encode_json
from stepwell.front.langchain.bridge import send, wait
from stepwell.front.langchain.convert import to_wire
from stepwell.front.langchain.packer import Packer
from stepwell.well import Stepwell

_THOUGHTS = ("reasoning", "thinking", "redacted_thinking")
Kept = tuple[int, ...] | None


class StepwellContextMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """Before each call of an agent's model: the system prompt, the last user message with all after it, the latest
    exchanges, and of the older ones those that matter now. Messages go as they are, in their order; a tool call and
    its results go or stay together.

    What was chosen is kept to as long as it is still good, so that a provider's prompt cache serves its beginning.

    The agent's state is never changed: nothing is deleted from its checkpoint, and no model is asked to summarise.

    Args:
        well: Gives the embedder, and `context.recent_share`. Stays the caller's to close, by `close()`; runs on its
            own loop here: leave its `a…` methods alone.
        max_tokens: What a call may read: messages, system prompt, tools and the answer's schema together.
        model: Whose vocabulary counts; default: the name that the agent's model has.
        tenant, user: What was read for one is never used for another.

    Raises:
        ConfigError: Names the argument at fault.
        ContextTooLong: From the agent's call, where what must stay takes more; says which part is too large.
    """

    def __init__(
        self,
        well: Stepwell,
        *,
        max_tokens: int,
        model: str | None = None,
        tenant: str | None = None,
        user: str | None = None,
    ) -> None:
        super().__init__()
        if not isinstance(max_tokens, int) or isinstance(max_tokens, bool) or max_tokens < 1:
            raise ConfigError("StepwellContextMiddleware: max_tokens must be a whole number of 1 or more")
        for name, text in (("model", model), ("tenant", tenant), ("user", user)):
            if not isinstance(text, str | None):
                raise ConfigError(f"StepwellContextMiddleware: {name} must be a text")
        self._well = well
        self._max_tokens = max_tokens
        self._model = model
        self._packer = Packer(well, tenant=tenant or "", user=user or "")

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any] | AIMessage:
        """Ask the model with what fits."""
        return handler(_with(request, wait(send(self._well, self._kept(request)))))

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any] | AIMessage:
        """As `wrap_model_call`, without blocking."""
        kept = await asyncio.wrap_future(send(self._well, self._kept(request)))
        return await handler(_with(request, kept))

    def _kept(self, request: ModelRequest[Any]) -> Coroutine[Any, Any, Kept]:
        """Convert in the caller's thread: a part of a millisecond for each message, on no loop."""
        system = [] if request.system_message is None else _wired([request.system_message])
        model = _name_of(request.model) if self._model is None else self._model
        return self._packer.kept(
            _wired(request.messages),
            system=system,
            fixed=_fixed(request),
            n_tokens=self._max_tokens,
            model=model,
        )


def _with(request: ModelRequest[Any], kept: Kept) -> ModelRequest[Any]:
    if kept is None:
        return request
    messages: list[AnyMessage] = [request.messages[place] for place in kept]
    return request.override(messages=messages)


def _wired(messages: Sequence[BaseMessage]) -> list[Message]:
    """One for each, places equal."""
    return [_one(message) for message in messages]


def _one(message: BaseMessage) -> Message:
    """What the wire writes as several messages, or leaves to the provider (thoughts), is counted as its text."""
    first, *others = (decode_message(encode_json(wire)) for wire in to_wire([message]))
    more = [other.text for other in others]
    if isinstance(message, AIMessage) and isinstance(message.content, list):
        more += [json.dumps(block) for block in message.content if _is_thought(block)]
    return msgspec.structs.replace(first, content="\n".join([first.text, *more])) if more else first


def _is_thought(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") in _THOUGHTS


def _fixed(request: ModelRequest[Any]) -> str:
    """Tools and the answer's schema, as JSON."""
    found = [convert_to_openai_tool(tool) for tool in request.tools]
    if request.response_format is not None:
        specs = _schemas(request.response_format)
        found += [{"name": spec.name, "schema": spec.json_schema} for spec in specs]
    return json.dumps(found, ensure_ascii=False) if found else ""


def _schemas(form: Any) -> list[Any]:
    if isinstance(form, ProviderStrategy):
        return [form.schema_spec]
    if isinstance(form, ToolStrategy):
        return form.schema_specs
    # LangChain chooses the strategy when it asks
    return ToolStrategy(form.schema if isinstance(form, AutoStrategy) else form).schema_specs


def _name_of(model: BaseChatModel) -> str:
    """The model's own name, where LangChain's class says it."""
    name = getattr(model, "model_name", None) or getattr(model, "model", None)
    return name if isinstance(name, str) else ""
