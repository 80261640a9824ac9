"""`ChatStepwell`: a LangChain chat model that a well answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Literal

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field

from stepwell.base.errors import BadRequest
from stepwell.base.request import CacheWish
from stepwell.front.langchain.bridge import Streamed, send
from stepwell.front.langchain.convert import last_chunk, to_chunks, to_result, to_wire
from stepwell.front.langchain.structured import Method, parsed, parser_of, response_format
from stepwell.well import Stepwell

_SENT = ("temperature", "max_tokens", "stop", "seed", "n")
_WISHES = ("tier", "min_tier", "max_usd", "below_floor", "tenant", "user", "timeout_s", "conversation")


class ChatStepwell(BaseChatModel):
    """A chat model that sends each prompt to the cheapest tier that is good enough.

    Every message says in `response_metadata` who answered (`tier`, `model_name`), at what cost (`cost_usd`)
    and why (`why`). Any request field or wish may also be given to one call: `invoke(..., tier="premium")`.

    Attributes:
        well: Stays the caller's to close, by `close()`. Runs on its own loop here: leave its `a…` methods alone.
        model_name: "auto", a tier or a model; in the constructor, `model`.
        timeout_s: Deadline over all tries; in the constructor also `timeout`.
        conversation: Its history is the well's to keep and to fit: messages may be all of it, or only what is new.
        use_cache: False keeps these requests out of the well's cache (`cache` is LangChain's own).
        route_tags: Words that the well's rules may match (`tags` are LangChain's own).
        model_kwargs: Further request fields.
    """

    model_config = ConfigDict(populate_by_name=True, arbitrary_types_allowed=True, protected_namespaces=())

    well: Stepwell = Field(exclude=True, repr=False)
    model_name: str = Field(default="auto", alias="model")
    temperature: float | None = None
    max_tokens: int | None = None
    stop: list[str] | None = None
    seed: int | None = None
    n: int | None = None
    tier: str | None = None
    min_tier: str | None = None
    max_usd: float | None = None
    below_floor: Literal["refuse", "flag"] | None = None
    tenant: str | None = None
    user: str | None = None
    conversation: str | None = None
    timeout_s: float | None = Field(default=None, alias="timeout")
    use_cache: CacheWish = True
    route_tags: tuple[str, ...] = ()
    streaming: bool = False
    model_kwargs: dict[str, Any] = Field(default_factory=dict)

    @property
    def _llm_type(self) -> str:
        return "stepwell"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        # part of the key of LangChain's caches: two wells whose tiers differ must not share answers
        tiers = {name: [d.model for d in t.deployments] for name, t in self.well.config.tiers.items()}
        return {"model": self.model_name, "tiers": tiers, **self._given(), **self.model_kwargs}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_provider"] = "stepwell"
        params["ls_model_name"] = kwargs.get("model", self.model_name)
        return params

    def _given(self) -> dict[str, Any]:
        given = {name: getattr(self, name) for name in (*_SENT, *_WISHES)}
        return {name: value for name, value in given.items() if value not in (None, [])}

    def _asked(self, stop: list[str] | None, kwargs: dict[str, Any]) -> dict[str, Any]:
        asked: dict[str, Any] = {"model": self.model_name, "cache": self.use_cache, "tags": self.route_tags}
        asked |= self._given() | self.model_kwargs | kwargs
        if "timeout" in asked:
            asked["timeout_s"] = asked.pop("timeout")
        if stop:
            asked["stop"] = stop
        return asked

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return to_result(self.well.chat(to_wire(messages), **self._asked(stop, kwargs)))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        work = send(self.well, self.well.achat(to_wire(messages), **self._asked(stop, kwargs)))
        return to_result(await asyncio.wrap_future(work))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        stream = Streamed(self.well, to_wire(messages), self._streamed(stop, kwargs))
        for batch in stream.batches():
            for chunk in to_chunks(batch):
                if run_manager is not None:
                    run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                yield chunk
        if stream.reply is not None:
            yield last_chunk(stream.reply)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        stream = Streamed(self.well, to_wire(messages), self._streamed(stop, kwargs))
        async with contextlib.aclosing(stream.abatches()) as batches:
            async for batch in batches:
                for chunk in to_chunks(batch):
                    if run_manager is not None:
                        await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
                    yield chunk
        if stream.reply is not None:
            yield last_chunk(stream.reply)

    def _streamed(self, stop: list[str] | None, kwargs: dict[str, Any]) -> dict[str, Any]:
        asked = self._asked(stop, kwargs)
        if (asked.get("n") or 1) > 1:
            raise BadRequest("LangChain streams one choice; leave n at 1, or invoke", param="n")
        return asked

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | bool | dict[str, Any] | None = None,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The model with tools.

        Args:
            tool_choice: "auto", "none", "any" or True (some tool), a tool's name, or OpenAI's own dict.
        """
        wire = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        if tool_choice:
            kwargs["tool_choice"] = _wire_choice(tool_choice)
        return self.bind(tools=wire, **kwargs)

    def with_structured_output(
        self,
        schema: dict[str, Any] | type,
        *,
        method: Method = "json_schema",
        include_raw: bool = False,
        strict: bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, Any]:
        """The model with its answer parsed as `schema`: an instance of a pydantic class, else a dict."""
        if method == "function_calling":
            return super().with_structured_output(schema, include_raw=include_raw, **kwargs)
        told = {"kwargs": {"method": method, "strict": strict}, "schema": schema}
        form = response_format(schema, method, strict)
        model = self.bind(response_format=form, ls_structured_output_format=told, **kwargs)
        return parsed(model, parser_of(schema), include_raw=include_raw)


def _wire_choice(choice: str | bool | dict[str, Any]) -> str | dict[str, Any]:
    if isinstance(choice, bool) or choice == "any":
        return "required"
    if isinstance(choice, str) and choice not in ("auto", "none", "required"):
        return {"type": "function", "function": {"name": choice}}
    return choice
