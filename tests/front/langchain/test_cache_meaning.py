"""StepwellCache by meaning: real embedder, verifier, gate and judge under LangChain's own chat models."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.outputs import ChatGeneration, ChatResult, Generation

from stepwell.base.config import CacheConfig
from stepwell.base.request import ChatRequest
from stepwell.front.langchain import StepwellCache
from stepwell.front.langchain.cache_prompt import to_request

# no hit is drawn for an audit, and no slow machine misses
CONFIG = CacheConfig(audit_share=0, embed_timeout_s=30)
CAPITAL = "What is the capital city of France, please?"
CAPITAL_TOO = "what is the capital city of france"
ELSEWHERE = "What is the capital city of Hungary, please?"


class Counting(BaseChatModel):
    """Answers by the country in the question, and counts how often it is asked."""

    name_: str = "model"
    n_asked: int = 0

    @property
    def _llm_type(self) -> str:
        return "counting"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"name": self.name_}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.n_asked += 1
        text = "Paris" if "france" in str(messages[-1].content).lower() else "Budapest"
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text))])


@pytest.fixture
def make() -> Iterator[Callable[..., StepwellCache]]:
    made: list[StepwellCache] = []

    def one(**named: Any) -> StepwellCache:
        given: dict[str, Any] = {
            "tenant": "acme",
            "semantic": "serve",
            "max_error": 0.2,
            "config": CONFIG,
        }
        made.append(StepwellCache(**given | named))
        return made[-1]

    yield one
    for cache in made:
        cache.close()


Make = Callable[..., StepwellCache]


def mark(message: BaseMessage) -> Any:
    return message.response_metadata.get("stepwell_cache", {})


def test_a_prompt_that_means_the_same_is_served(make: Make) -> None:
    cache = make()
    model = Counting(cache=cache)
    assert model.invoke(CAPITAL).content == "Paris"
    cache.drain()
    hit = model.invoke(CAPITAL_TOO)
    assert (hit.content, model.n_asked) == ("Paris", 1)
    assert mark(hit)["status"] == "semantic_hit"
    assert mark(hit)["p_same"] > 0.5
    assert model.invoke(ELSEWHERE).content == "Budapest"
    assert cache.stats().n_semantic_hits == 1
    assert cache.report_bad(mark(hit)["hit_id"])
    assert model.invoke(CAPITAL_TOO).content == "Paris"
    assert model.n_asked == 3


async def test_async_and_many_loops_share_it(make: Make) -> None:
    cache = make()
    model = Counting(cache=cache)
    await model.ainvoke(CAPITAL)
    await asyncio.to_thread(cache.drain)
    assert mark(await model.ainvoke(CAPITAL_TOO))["status"] == "semantic_hit"
    elsewhere = await asyncio.to_thread(lambda: asyncio.run(model.ainvoke(CAPITAL_TOO)))
    assert mark(elsewhere)["status"] == "semantic_hit"


@pytest.mark.parametrize(
    "other",
    [
        lambda model: model.invoke([SystemMessage("Be brief."), HumanMessage(CAPITAL_TOO)]),
        lambda model: model.invoke([HumanMessage("Hi"), AIMessage("Hello"), HumanMessage(CAPITAL_TOO)]),
        lambda model: model.invoke(CAPITAL_TOO, stop=["."]),
        lambda model: model.invoke(CAPITAL_TOO, temperature=0.1),
        lambda model: model.invoke([HumanMessage(CAPITAL_TOO, name="bob")]),
        lambda model: Counting(cache=model.cache, name_="other").invoke(CAPITAL_TOO),
    ],
    ids=["system", "history", "stop", "temperature", "name", "model"],
)
def test_nothing_is_served_across_a_point_that_counts(make: Make, other: Callable[[Any], Any]) -> None:
    cache = make()
    model = Counting(cache=cache)
    model.invoke(CAPITAL)
    cache.drain()
    assert not mark(other(model))
    assert mark(model.invoke(CAPITAL_TOO))


@pytest.mark.parametrize("named", [{"tenant": None}, {"semantic": "off"}, {"semantic": "shadow"}])
def test_only_who_names_a_tenant_and_wants_it_is_served(make: Make, named: dict[str, Any]) -> None:
    cache = make(**named)
    model = Counting(cache=cache)
    model.invoke(CAPITAL)
    cache.drain()
    assert not mark(model.invoke(CAPITAL_TOO))
    assert mark(model.invoke(CAPITAL))["status"] == "hit"
    cache.drain()
    assert cache.stats().n_compared == (0 if named.get("semantic") != "shadow" else 2)


def test_two_tenants_in_one_file_are_apart(make: Make, tmp_path: Any) -> None:
    path = str(tmp_path / "cache.sqlite3")
    a, b = make(path=path), make(path=path, tenant="other")
    Counting(cache=a).invoke(CAPITAL)
    a.drain()
    assert not mark(Counting(cache=b).invoke(CAPITAL_TOO))
    assert mark(Counting(cache=a).invoke(CAPITAL_TOO))["status"] == "semantic_hit"


def test_the_users_judge_is_asked(make: Make) -> None:
    asked: list[tuple[str, str, str]] = []

    def judge(*texts: str) -> bool:
        asked.append(texts)  # type: ignore[arg-type]
        return texts[1] == texts[2]

    cache = make(semantic="shadow", judge=judge)
    model = Counting(cache=cache)
    model.invoke(CAPITAL)
    cache.drain()
    model.invoke(ELSEWHERE)
    cache.drain()
    assert asked == [(ELSEWHERE, "Budapest", "Paris")]
    assert cache.stats().n_judged == 1


def test_a_judge_may_ask_a_model_with_the_same_cache(make: Make) -> None:
    said: list[str] = []

    async def judge(query: str, fresh: str, cached: str) -> bool:
        with pytest.raises(RuntimeError, match="its own event loop"):
            model.invoke("Would block")
        said.append(str((await model.ainvoke(CAPITAL)).content))
        return False

    cache = make(semantic="shadow", judge=judge)
    model = Counting(cache=cache)
    model.invoke(CAPITAL)
    cache.drain()
    model.invoke(ELSEWHERE)
    cache.drain()
    assert said == ["Paris"]


def test_several_generations_are_kept_for_their_own_prompt_alone(make: Make) -> None:
    cache = make()
    two = [Generation(text="Paris"), Generation(text="It is Paris")]
    cache.update(CAPITAL, "m", two)
    cache.drain()
    assert cache.lookup(CAPITAL, "m") == two
    assert cache.lookup(CAPITAL_TOO, "m") is None


def test_a_plain_prompt_of_one_line_goes_by_meaning(make: Make) -> None:
    cache = make()
    cache.update(CAPITAL, "m", [Generation(text="Paris")])
    cache.update(f"Be brief.\n{CAPITAL}", "m", [Generation(text="P.")])
    cache.drain()
    hit = cache.lookup(CAPITAL_TOO, "m")
    assert hit is not None
    assert (hit[0].text, hit[0].generation_info["stepwell_cache"]["status"]) == ("Paris", "semantic_hit")  # type: ignore[index]
    assert cache.lookup(f"Be brief.\n{CAPITAL_TOO}", "m") is None


def request_of(*messages: BaseMessage) -> ChatRequest:
    request = to_request(dumps(list(messages)), tenant="t")
    assert request is not None
    return request


def test_a_chat_prompt_is_read_as_a_talk() -> None:
    request = request_of(
        SystemMessage("Be brief."), HumanMessage("Hi"), AIMessage("Hello"), HumanMessage("Why?")
    )
    assert [m.role for m in request.messages] == ["system", "user", "assistant", "user"]
    assert request.messages[-1].text == "Why?"
    assert request_of(HumanMessage([{"type": "text", "text": "Why?"}])).messages[-1].text == "Why?"


@pytest.mark.parametrize(
    "last",
    [
        AIMessage("Why?"),
        SystemMessage("Why?"),
        HumanMessage(
            [{"type": "text", "text": "Why?"}, {"type": "image_url", "image_url": {"url": "data:,"}}]
        ),
        HumanMessage([{"type": "text", "text": "Why?", "cache_control": {"type": "ephemeral"}}]),
    ],
)
def test_only_a_plain_text_of_a_human_is_compared(last: BaseMessage) -> None:
    assert request_of(last).messages[-1].role == "other"


@pytest.mark.parametrize("text", ["[]", "[1]", "[", "[" * 5000, '[{"lc": 1}]', json.dumps([{"id": []}])])
def test_what_only_looks_like_a_talk_is_plain_text(text: str) -> None:
    request = to_request(text, tenant="t")
    assert request is not None
    assert [(m.role, m.text) for m in request.messages] == [("user", text)]
