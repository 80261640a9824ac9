"""`GuardMiddleware`: an agent's prompts, answers, tool calls and tool results pass a policy's checks."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import msgspec
from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
from langchain.agents.structured_output import ProviderStrategy
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command

from stepwell.base.config import GuardsConfig
from stepwell.base.errors import ConfigError, GuardBlocked
from stepwell.base.messages import decode_answer, encode_json
from stepwell.base.request import ChatRequest
from stepwell.front.langchain.bridge import send, wait
from stepwell.front.langchain.guard_view import from_view, to_view
from stepwell.guards.guard import Guard
from stepwell.guards.masks.masker import Masker
from stepwell.guards.masks.restorer import restore_body, restore_message
from stepwell.guards.masks.vault import Vault
from stepwell.guards.review.one_request import RequestReviews
from stepwell.guards.scan import AskAgain
from stepwell.well import Stepwell

T = TypeVar("T")
BLOCKED = "I can't help with that: it was blocked by a policy."


@dataclass(frozen=True, slots=True)
class _Entered:
    """What a model is asked, and what its answer is checked with."""

    request: ModelRequest[Any]
    checked: ChatRequest
    vault: Vault


class GuardMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """Guards an agent: what its model reads and says, its tools' arguments and what they give back.

    The model gets redacted and masked texts. The agent's state keeps what the user wrote; answers and tool calls go
    into it checked, with masked values put back, so that tools work with the real ones. A tool's result is checked
    before it gets there. What tools say about themselves is not checked.

    LangChain shows the pieces of a model's stream (`stream_mode="messages"`) before any middleware sees the answer:
    show "values" or "updates".

    Args:
        guards: A well, whose policy and embedder are used (stays the caller's to close; leave its `a…` methods
            alone); or a policy by itself.
        on_block: "raise" GuardBlocked, or "end" the run with `message`; a blocked tool result then becomes `message`,
            and the run goes on.
        message: What is said then.
        tenant: Whose rules hold.

    Raises:
        ConfigError: The policy needs a router (keep_to), or names what is not there.
    """

    def __init__(
        self,
        guards: Stepwell | GuardsConfig | Mapping[str, Any],
        *,
        on_block: Literal["raise", "end"] = "raise",
        message: str = BLOCKED,
        tenant: str | None = None,
    ) -> None:
        super().__init__()
        if on_block not in ("raise", "end"):
            raise ConfigError("GuardMiddleware: on_block must be 'raise' or 'end'")
        self._well = guards if isinstance(guards, Stepwell) else None
        self._guard, config = _policy_of(guards)
        if self._guard.any_acts("keep_to") or any(route.keep_to for route in config.routes):
            raise ConfigError(
                "GuardMiddleware: keep_to needs a router; let the agent's model be ChatStepwell"
            )
        self._ends = on_block == "end"
        self._message = message
        self._tenant = tenant

    # ---- models

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> ModelResponse[Any] | AIMessage:
        """Ask the model with what passes, and hand out what passes of its answer."""
        try:
            entered = self._wait(self._enter(request))
            asked, n_asked = entered.request, 0
            while True:
                n_asked += 1
                given = self._wait(self._leave(entered, handler(asked), n_asked))
                if isinstance(given, ModelResponse):
                    return given
                asked = given
        except GuardBlocked:
            if not self._ends:
                raise
            return AIMessage(self._message)

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any] | AIMessage:
        """As `wrap_model_call`, without blocking."""
        try:
            entered = await self._await(self._enter(request))
            asked, n_asked = entered.request, 0
            while True:
                n_asked += 1
                given = await self._await(self._leave(entered, await handler(asked), n_asked))
                if isinstance(given, ModelResponse):
                    return given
                asked = given
        except GuardBlocked:
            if not self._ends:
                raise
            return AIMessage(self._message)

    # ---- tools

    def wrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], ToolMessage | Command[Any]],
    ) -> ToolMessage | Command[Any]:
        """Run the tool, and give back what passes of its result."""
        result = handler(request)
        try:
            return self._wait(self._returned(result))
        except GuardBlocked as e:
            return self._refused(request, e)

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """As `wrap_tool_call`, without blocking."""
        result = await handler(request)
        try:
            return await self._await(self._returned(result))
        except GuardBlocked as e:
            return self._refused(request, e)

    def _refused(self, request: ToolCallRequest, why: GuardBlocked) -> ToolMessage:
        if not self._ends:
            raise why
        call = request.tool_call
        return ToolMessage(self._message, tool_call_id=call["id"] or "", name=call["name"], status="error")

    # ---- on the loop

    async def _enter(self, request: ModelRequest[Any]) -> _Entered:
        system = [] if request.system_message is None else [request.system_message]
        messages: list[BaseMessage] = [*system, *request.messages]
        checked, vault = await self._incoming(messages, _form(request.response_format))
        views = [msgspec.json.decode(raw) for raw in checked.raw_messages()]
        made = [from_view(m, v) for m, v in zip(messages, views, strict=True)]
        if all(a is b for a, b in zip(messages, made, strict=True)):
            return _Entered(request, checked, vault)
        changed: dict[str, Any] = {"messages": made[len(system) :]}
        if system:
            changed["system_message"] = made[0]
        return _Entered(request.override(**changed), checked, vault)

    async def _incoming(
        self, messages: Sequence[BaseMessage], form: Mapping[str, Any] | None = None
    ) -> tuple[ChatRequest, Vault]:
        body: dict[str, Any] = {"model": "any", "messages": [to_view(m) for m in messages]}
        if form is not None:
            body["response_format"] = form
        request = ChatRequest.build(body)
        if self._tenant is not None:
            caller = msgspec.structs.replace(request.caller, tenant=self._tenant)
            request = msgspec.structs.replace(request, caller=caller)
        vault = Vault()
        masker = Masker(vault)
        if self._guard.any_acts("mask"):
            request = masker.own_words(request)
        vector_of = None if self._well is None else self._well.pipeline._vector_of
        _, request = await self._guard.check_input(
            request, vector_of=vector_of, masking=masker, reviews=self._reviews(vault)
        )
        return request, vault

    def _reviews(self, vault: Vault) -> RequestReviews | None:
        """What people decide holds for the values behind placeholders."""
        return None if self._guard.reviews is None else RequestReviews(self._guard.reviews, vault.restore)

    async def _leave(
        self, entered: _Entered, response: ModelResponse[Any], n_asked: int
    ) -> ModelResponse[Any] | ModelRequest[Any]:
        """The response as it may be handed out; or another request, where the policy wants to ask again."""
        try:
            result = [await self._outgoing(m, entered) for m in response.result]
            structured = await self._structured(response.structured_response, entered)
        except AskAgain as e:
            if e.action != "reask" or n_asked > e.n_reasks:
                raise
            return _asked_again(entered.request, response, e.hints)
        return replace(response, result=result, structured_response=structured)

    async def _outgoing(self, message: BaseMessage, entered: _Entered) -> BaseMessage:
        view = {**to_view(message), "role": "assistant"}
        said = await self._said(view, entered)
        return from_view(message, {**said, "role": to_view(message)["role"]})

    async def _said(self, view: Mapping[str, Any], entered: _Entered) -> dict[str, Any]:
        body = encode_json({"choices": [{"index": 0, "message": view, "finish_reason": "stop"}]})
        _, body, _ = await self._guard.check_output(
            body, decode_answer(body), entered.checked, reviews=self._reviews(entered.vault)
        )
        if not entered.vault.is_empty:
            body = restore_body(body, entered.vault)
        said: dict[str, Any] = msgspec.json.decode(body)["choices"][0]["message"]
        return said

    async def _structured(self, value: Any, entered: _Entered) -> Any:
        """A structured answer repeats the message's text in a form of its own."""
        if value is None:
            return None
        dump = getattr(value, "model_dump_json", None)
        text = dump() if dump is not None else json.dumps(value, ensure_ascii=False, default=vars)
        said = await self._said({"role": "assistant", "content": text}, entered)
        if said["content"] == text:
            return value
        if dump is not None:
            return type(value).model_validate_json(said["content"])
        made = json.loads(said["content"])
        return made if isinstance(value, dict | list) else type(value)(**made)

    async def _returned(self, result: ToolMessage | Command[Any]) -> ToolMessage | Command[Any]:
        if isinstance(result, ToolMessage):
            return await self._tool_message(result)
        update = result.update
        if not isinstance(update, dict) or not isinstance(update.get("messages"), list):
            return result
        messages = [
            await self._tool_message(m) if isinstance(m, ToolMessage) else m for m in update["messages"]
        ]
        return replace(result, update={**update, "messages": messages})

    async def _tool_message(self, message: ToolMessage) -> ToolMessage:
        """Values to mask stay: a model gets its placeholders when it is asked."""
        request, vault = await self._incoming([message])
        raw = bytes(request.raw_messages()[0])
        made = from_view(message, msgspec.json.decode(restore_message(raw, vault)))
        assert isinstance(made, ToolMessage)
        return made

    # ---- between threads and loops

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        if self._well is not None:
            return wait(send(self._well, work))
        done: Future[T] = Future()
        # a loop may be running here, and a check may take long
        threading.Thread(target=_run, args=(work, done), daemon=True, name="stepwell-guard").start()
        return done.result()

    async def _await(self, work: Coroutine[Any, Any, T]) -> T:
        return await (work if self._well is None else asyncio.wrap_future(send(self._well, work)))


def _run(work: Coroutine[Any, Any, T], done: Future[T]) -> None:
    try:
        done.set_result(asyncio.run(work))
    except BaseException as e:  # noqa: BLE001  the waiting thread gets it
        done.set_exception(e)


def _policy_of(guards: Stepwell | GuardsConfig | Mapping[str, Any]) -> tuple[Guard, GuardsConfig]:
    if isinstance(guards, Stepwell):
        return guards.pipeline.guard, guards.config.guards
    config = guards if isinstance(guards, GuardsConfig) else GuardsConfig.model_validate(guards)
    return Guard(config), config


def _form(asked: Any) -> dict[str, Any] | None:
    """The schema that a model's text has to follow."""
    if not isinstance(asked, ProviderStrategy):
        return None
    spec = asked.schema_spec
    return {"type": "json_schema", "json_schema": {"name": spec.name, "schema": spec.json_schema}}


def _asked_again(
    request: ModelRequest[Any], response: ModelResponse[Any], hints: Sequence[str]
) -> ModelRequest[Any]:
    said = [AIMessage(m.text) for m in response.result if isinstance(m, AIMessage) and m.text][:1]
    fault = "; ".join(hints) or "a check refused it"
    more = HumanMessage(f"That answer can't be used: {fault}. Answer the request again, without that fault.")
    return request.override(messages=[*request.messages, *said, more])
