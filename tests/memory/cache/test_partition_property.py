"""10,000 pairs of requests that differ in one point never share a key, a partition, or an answer."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell.base.request import Caller, ChatRequest, Wishes
from stepwell.memory.cache.key import exact_key, semantic_partition

Make = Callable[..., Any]
Message = dict[str, Any]

N_CASES = 10_000
SKY = "why is the sky blue in the summer"
SKY_TOO = "why is the sky so blue in the summer"
WORDS = [
    "sky",
    "blue",
    "why",
    "how",
    "",
    "a",
    "b",
    "ab",
    "ä",
    "0",
    "null",
    '"',
    "user",
    "\n",
    "why is the sky blue",
]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
PARAMETERS: dict[str, list[Any]] = {
    "model": ["auto", "local", "gpt-4.1", "gpt-4.1-mini"],
    "temperature": [None, 0, 0.2, 1, 2],
    "top_p": [None, 0.1, 1, 1.0],
    "seed": [None, 0, 1, -1, 2**63, 2**64 + 1],
    "max_tokens": [None, 1, 16, 17],
    "max_completion_tokens": [None, 1, 16, 17],
    "stop": [None, "a", ["a"], ["a", "b"], ["b", "a"], []],
    "n": [None, 1],
    "presence_penalty": [None, 0, 0.5, -0.5],
    "frequency_penalty": [None, 0, 0.5],
    "logit_bias": [None, {}, {"50256": -100}, {"50256": 100}, {"5025": -100}],
    "logprobs": [None, True, False],
    "top_logprobs": [None, 0, 2],
    "response_format": [
        None,
        {"type": "text"},
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {}},
    ],
    "tools": [None, [], [TOOL], [TOOL, TOOL]],
    "tool_choice": [None, "auto", "none", {"type": "function", "function": {"name": "f"}}],
    "parallel_tool_calls": [None, True, False],
    "functions": [None, [{"name": "f"}]],
    "reasoning_effort": [None, "low", "high"],
    "verbosity": [None, "low", "high"],
    "modalities": [None, ["text"], ["text", "audio"]],
    "service_tier": [None, "auto", "flex"],
    "prediction": [None, {"type": "content", "content": "a"}],
    "x_vendor": [None, 1, 1.0, "1", [1], {"a": {"b": 1}}, {"a": {"b": 2}}, {"a.b": 1}, True],
    "top_k": [None, 1, 40],
    "repetition_penalty": [None, 1.1],
    "chat_template_kwargs": [None, {"enable_thinking": False}, {"enable_thinking": True}],
}


@dataclass(slots=True)
class Asked:
    """One request, and where it is asked."""

    prompt: str = "why is the sky blue"
    history: list[Message] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    tenant: str | None = "t"
    tier: str | None = None
    min_tier: str | None = None
    scope: str = "auto"
    versions: str = "1"
    embedder: str = "e"
    parts: list[Message] | None = None
    name: str | None = None

    def request(self, write: Callable[[Any], str] = json.dumps) -> ChatRequest:
        content: Any = self.prompt
        if self.parts is not None:
            content = [{"type": "text", "text": self.prompt}, *self.parts]
        last = {"role": "user", "content": content} | ({} if self.name is None else {"name": self.name})
        set_ = {k: v for k, v in self.parameters.items() if v is not None}
        body = write({"messages": [*self.history, last], **set_}).encode()
        return ChatRequest.parse(body, Caller(self.tenant), Wishes(tier=self.tier, min_tier=self.min_tier))

    def keys(self, write: Callable[[Any], str] = json.dumps) -> tuple[bytes, bytes]:
        request = self.request(write)
        return (
            exact_key(request, scope=self.scope, versions=self.versions),
            semantic_partition(request, scope=self.scope, versions=self.versions, embedder=self.embedder),
        )


def drawn(rng: random.Random) -> Asked:
    """Some request: a few turns, a few parameters."""
    names = rng.sample(sorted(PARAMETERS), rng.randrange(4))
    return Asked(
        prompt=rng.choice(WORDS),
        history=[message(rng) for _ in range(rng.randrange(4))],
        parameters={name: rng.choice(PARAMETERS[name]) for name in names},
        tenant=rng.choice(["t", "u", "tt"]),
        scope=rng.choice(["auto", "tier:local"]),
    )


def message(rng: random.Random) -> Message:
    content: Any = rng.choice(WORDS)
    if rng.random() < 0.2:
        content = [{"type": "text", "text": t} for t in rng.choices(WORDS, k=rng.randint(1, 2))] + [
            IMAGE
        ] * rng.randrange(2)
    return {"role": rng.choice(["system", "developer", "user", "assistant", "tool"]), "content": content}


def other(rng: random.Random, value: Any, values: list[Any]) -> Any:
    return rng.choice([v for v in values if json.dumps(v) != json.dumps(value)])


def other_tenant(a: Asked, rng: random.Random) -> Asked:
    return replace(a, tenant=other(rng, a.tenant, [None, "t", "u", "tt", "T", "t ", "null"]))


def other_tier(a: Asked, rng: random.Random) -> Asked:
    return replace(a, tier=other(rng, a.tier, [None, "local", "premium"]))


def other_min_tier(a: Asked, rng: random.Random) -> Asked:
    return replace(a, min_tier=other(rng, a.min_tier, [None, "local", "premium"]))


def other_scope(a: Asked, rng: random.Random) -> Asked:
    return replace(a, scope=other(rng, a.scope, ["auto", "auto+min:local", "tier:local", "model:local", ""]))


def other_versions(a: Asked, rng: random.Random) -> Asked:
    return replace(a, versions=other(rng, a.versions, ["1", "11", "2", ""]))


def other_parameter(a: Asked, rng: random.Random) -> Asked:
    name = rng.choice(sorted(PARAMETERS))
    value = other(rng, a.parameters.get(name), PARAMETERS[name])
    return replace(a, parameters={**a.parameters, name: value})


def other_tools(a: Asked, rng: random.Random) -> Asked:
    tools = deepcopy([TOOL, TOOL])
    spot = rng.choice(["name", "description", "strict", "properties"])
    changed: Any = tools[rng.randrange(2)]["function"]
    if spot == "properties":
        changed["parameters"]["properties"] = {rng.choice("ab"): {"type": "string"}}
    else:
        changed[spot] = rng.choice(["g", "h"])
    before = replace(a, parameters={**a.parameters, "tools": [TOOL, TOOL]})
    a.parameters = before.parameters
    return replace(a, parameters={**a.parameters, "tools": tools})


def other_instructions(a: Asked, rng: random.Random) -> Asked:
    """Another system or developer message, more of them, or in another order."""
    role, text = rng.choice(["system", "developer"]), rng.choice(WORDS)
    at = rng.randint(0, len(a.history))
    return replace(a, history=[*a.history[:at], {"role": role, "content": f"{text}!"}, *a.history[at:]])


def two_messages_in_one(a: Asked, rng: random.Random) -> Asked:
    role, one, two = rng.choice(["system", "user"]), rng.choice(WORDS), rng.choice(WORDS)
    a.history = [{"role": role, "content": one}, {"role": role, "content": two}, *a.history]
    joined = rng.choice(["", "\n", " "]).join([one, two])
    return replace(a, history=[{"role": role, "content": joined}, *a.history[2:]])


def other_history(a: Asked, rng: random.Random) -> Asked:
    """Any earlier message changed in any field, dropped, doubled, or one more."""
    a.history = [*a.history, message(rng)]
    history, at = deepcopy(a.history), rng.randrange(len(a.history))
    change = rng.choice(["content", "role", "name", "drop", "double", "parts", "insert", "cache_control"])
    if change == "drop":
        del history[at]
    elif change == "double":
        history.insert(at, history[at])
    elif change == "insert":
        history.insert(at, {"role": "user", "content": "only here"})
    elif change == "content":
        history[at]["content"] = "another text"
    elif change == "role":
        history[at]["role"] = other(rng, history[at]["role"], ["system", "developer", "user", "assistant"])
    elif change == "parts":
        history[at]["content"] = [{"type": "text", "text": "another text"}, IMAGE]
    else:
        history[at][change] = {"type": "ephemeral"} if change == "cache_control" else "bob"
    return replace(a, history=history)


def other_last_message(a: Asked, rng: random.Random) -> Asked:
    """The same text with an image, with more text, or said under a name."""
    if rng.random() < 0.4:
        return replace(a, name=rng.choice(["bob", "eve"]))
    more: list[list[Message]] = [[IMAGE], [IMAGE, IMAGE], [{"type": "text", "text": "b"}]]
    return replace(a, parts=rng.choice(more))


CHANGES = [
    other_tenant,
    other_tier,
    other_min_tier,
    other_scope,
    other_versions,
    other_parameter,
    other_tools,
    other_instructions,
    two_messages_in_one,
    other_history,
    other_last_message,
]


@settings(max_examples=N_CASES, database=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**63), change=st.sampled_from(CHANGES))
def test_one_point_apart_never_shares_a_key_or_partition(
    seed: int, change: Callable[[Asked, random.Random], Asked]
) -> None:
    rng = random.Random(seed)
    a = drawn(rng)
    b = change(a, rng)
    (key, partition), (other_key, other_partition) = a.keys(), b.keys()
    assert key != other_key
    assert partition != other_partition
    assert a.keys(shuffled(rng)) == (key, partition)
    said_otherwise = replace(a, prompt=a.prompt + "?").keys()
    assert said_otherwise[0] != key
    assert said_otherwise[1] == partition


def shuffled(rng: random.Random) -> Callable[[Any], str]:
    """Writes the same request with other key orders, blanks and escapes."""

    def mixed(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: mixed(value[k]) for k in rng.sample(sorted(value), len(value))}
        return [mixed(v) for v in value] if isinstance(value, list) else value

    return lambda body: json.dumps(mixed(body), indent=rng.choice([None, 1]), ensure_ascii=rng.random() < 0.5)


def test_another_embedder_is_another_partition_and_the_same_key() -> None:
    a = Asked()
    b = replace(a, embedder="f")
    assert a.keys()[0] == b.keys()[0]
    assert a.keys()[1] != b.keys()[1]


def test_one_text_part_is_as_good_as_a_text() -> None:
    request = Asked(parts=[]).request()
    where = {"scope": "auto", "versions": "1", "embedder": "e"}
    assert semantic_partition(request, **where) == semantic_partition(Asked().request(), **where)


async def test_ten_thousand_requests_one_point_apart_and_no_hit(asker: Make, kit: Any) -> None:
    """A gate that says yes to every neighbour: all that keeps requests apart is their partition."""
    serving = asker(semantic="serve", least=-1.0)
    rng = random.Random(4)
    kept = [replace(drawn(rng), prompt=SKY, tenant=f"t{i}") for i in range(40)]
    for i, a in enumerate(kept):
        await serving.ask(a.request(), scope=a.scope, answer=kit.answer_of(f"answer {i}"))
    n_other_keys = 0
    for _ in range(N_CASES):
        a = deepcopy(rng.choice(kept))
        before = a.keys()
        b = rng.choice(CHANGES)(a, rng)
        if (
            a.keys() != before or b.versions != a.versions
        ):  # the change needed another request, or another cache
            continue
        n_other_keys += 1
        assert (await serving.look(b.request(), scope=b.scope)).entry is None
    assert n_other_keys > N_CASES // 2
    twins = [replace(a, prompt=SKY_TOO) for a in kept]
    hits = [(await serving.look(t.request(), scope=t.scope)).decision.status for t in twins]
    assert hits.count("semantic_hit") > 10  # tools and talks that need their words are exact only


def test_changes_change_what_they_say() -> None:
    for change in CHANGES:
        a = drawn(random.Random(1))
        assert change(a, random.Random(2)) != a
