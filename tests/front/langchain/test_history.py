"""LangChain's chat history on a well: what is added comes back equal, in any process, until it is cleared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.tool import invalid_tool_call, tool_call
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables.history import RunnableWithMessageHistory

from stepwell import BadRequest, Stepwell
from stepwell.base.errors import ForeignConversation, StoreUnavailable
from stepwell.front.langchain import ChatStepwell, StepwellChatMessageHistory
from stepwell.testing import FakeTier
from tests.house import house

BROKEN = "arguments are no JSON object"
TALK: list[BaseMessage] = [
    SystemMessage("Be brief.", name="house"),
    SystemMessage("Be kind.", additional_kwargs={"__openai_role__": "developer"}),
    HumanMessage("What is on this picture?", name="ann"),
    HumanMessage(
        [
            {"type": "text", "text": "This one."},
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
            {"type": "file", "file": {"file_id": "f1"}},
        ]
    ),
    AIMessage(
        "I look it up.",
        tool_calls=[tool_call(name="look", args={"at": [1, {"味": None}]}, id="c1")],
        invalid_tool_calls=[invalid_tool_call(name="see", args="{at:", id="c2", error=BROKEN)],
    ),
    ToolMessage("a cat", tool_call_id="c1", name="look"),
    ToolMessage([{"type": "text", "text": "bad"}, {"type": "text", "text": "call"}], tool_call_id="c2"),
    AIMessage(
        [{"type": "text", "text": "A cat."}, {"type": "text", "text": "A small one."}], name="cat-model"
    ),
    AIMessage("", additional_kwargs={"refusal": "No more."}),
    AIMessage("", additional_kwargs={"audio": {"id": "a1"}}),
    AIMessage("", additional_kwargs={"function_call": {"name": "old", "arguments": "{}"}}),
    FunctionMessage(content="done", name="old"),
    ChatMessage(content="As a critic, I like it.", role="critic"),
]


@pytest.fixture
def well(tmp_path: Path) -> Iterator[Stepwell]:
    with house(FakeTier("Noted."), context={"path": str(tmp_path / "talks.db")}) as made:
        yield made


def test_every_message_comes_back_equal(well: Stepwell) -> None:
    history = StepwellChatMessageHistory(well, "c")
    assert history.messages == []
    history.add_messages(TALK)
    assert history.messages == TALK
    history.add_user_message("And now?")
    history.add_ai_message("Now this.")
    assert StepwellChatMessageHistory(well, "c").messages == [
        *TALK,
        HumanMessage("And now?"),
        AIMessage("Now this."),
    ]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PARTS = st.lists(st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}), min_size=1, max_size=3)
CONTENT = TEXT | PARTS
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT, lambda x: st.lists(x, max_size=2)
)
CALL = st.builds(
    lambda name, args, id: tool_call(name=name, args=args, id=id),
    TEXT,
    st.dictionaries(TEXT, JSON, max_size=2),
    TEXT,
)
MESSAGE = st.one_of(
    st.builds(HumanMessage, CONTENT, name=st.none() | st.sampled_from(["ann", "bob"])),
    st.builds(AIMessage, CONTENT, tool_calls=st.lists(CALL, max_size=2)),
    st.builds(ToolMessage, CONTENT, tool_call_id=TEXT),
    st.builds(SystemMessage, CONTENT),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MESSAGE, max_size=5))
def test_any_messages_come_back_equal(well: Stepwell, messages: list[BaseMessage]) -> None:
    history = StepwellChatMessageHistory(well, "any")
    history.clear()
    history.add_messages(messages)
    assert history.messages == messages


def test_it_is_there_after_a_restart_until_it_is_cleared(tmp_path: Path) -> None:
    kept: dict[str, Any] = {"context": {"path": str(tmp_path / "talks.db")}}
    with house(FakeTier(), **kept) as well:
        StepwellChatMessageHistory(well, "c").add_messages(TALK)
    with house(FakeTier(), **kept) as well:
        history = StepwellChatMessageHistory(well, "c")
        assert history.messages == TALK
        history.clear()
        assert history.messages == []
        history.clear()
        history.add_messages(TALK[:1])
        assert history.messages == TALK[:1]


def test_it_belongs_to_one_tenant_and_user(well: Stepwell) -> None:
    StepwellChatMessageHistory(well, "c", tenant="a", user="ann").add_messages(TALK)
    assert StepwellChatMessageHistory(well, "c", tenant="b", user="ann").messages == []
    assert well.conversation("c", tenant="a", user="ann").past().n_turns == len(TALK)
    theirs = StepwellChatMessageHistory(well, "c", tenant="a", user="bob")
    with pytest.raises(ForeignConversation):
        _ = theirs.messages
    with pytest.raises(ForeignConversation):
        theirs.clear()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["text"], r"messages\[0\] is no LangChain message"),
        ([*TALK, {"role": "user", "content": "Hello?"}], rf"messages\[{len(TALK)}\] is no LangChain message"),
        ([TALK[0], RemoveMessage(id="x")], r"messages\[1\] is a RemoveMessage"),
        ([HumanMessage([{"type": "image", "base64": "SECRET"}])], r"messages\[0\] has no form"),
        ([HumanMessage([{"type": "image", "source": 7}])], r"messages\[0\] has no form"),
        ([HumanMessage("\ud800")], "surrogate"),
        *[(wrong, "a list of LangChain messages") for wrong in ("text", HumanMessage("Hello?"), None)],
    ],
)
def test_what_is_no_message_is_refused_whole(well: Stepwell, wrong: Any, says: str) -> None:
    history = StepwellChatMessageHistory(well, "c")
    with pytest.raises(BadRequest, match=says) as caught:
        history.add_messages(wrong)
    assert "SECRET" not in str(caught.value)
    assert history.messages == []


def test_a_closed_well_says_so(tmp_path: Path) -> None:
    with house(FakeTier(), context={"path": str(tmp_path / "talks.db")}) as well:
        history = StepwellChatMessageHistory(well, "c")
        history.add_messages(TALK[:1])
    for call in (lambda: history.messages, lambda: history.add_messages(TALK), history.clear):
        with pytest.raises(StoreUnavailable, match="the well is closed"):
            call()


async def test_it_can_be_asked_from_any_loop(well: Stepwell) -> None:
    history = StepwellChatMessageHistory(well, "c")
    await history.aadd_messages(TALK)
    assert await history.aget_messages() == TALK
    await history.aclear()
    assert await history.aget_messages() == []


def test_what_a_tier_answered_is_read_back(well: Stepwell) -> None:
    """Answers stand in the log as the provider wrote them, empty fields and all."""
    answer: dict[str, Any] = {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "annotations": [],
        "reasoning_content": "Hm.",
    }
    well.conversation("c").append([{"role": "user", "content": "Hello?"}, answer])
    read = StepwellChatMessageHistory(well, "c").messages
    assert read == [HumanMessage("Hello?"), AIMessage("", additional_kwargs={"reasoning_content": "Hm."})]


@pytest.mark.filterwarnings("ignore:RunnableWithMessageHistory")
def test_langchains_own_history_runs_on_it(tmp_path: Path) -> None:
    fake = FakeTier(["A fine name.", "Miso."])
    with house(fake, context={"path": str(tmp_path / "talks.db")}) as well:
        prompt = ChatPromptTemplate.from_messages([MessagesPlaceholder("before"), ("human", "{ask}")])
        chain: Any = RunnableWithMessageHistory(
            prompt | ChatStepwell(well=well),
            lambda session_id: StepwellChatMessageHistory(well, session_id),
            input_messages_key="ask",
            history_messages_key="before",
        )
        config = {"configurable": {"session_id": "c"}}
        chain.invoke({"ask": "My cat is called Miso."}, config)
        assert chain.invoke({"ask": "What is my cat called?"}, config).text == "Miso."
        assert [m.text for m in fake.requests[-1].messages] == [
            "My cat is called Miso.",
            "A fine name.",
            "What is my cat called?",
        ]
        assert len(well.conversation("c").messages()) == 4
