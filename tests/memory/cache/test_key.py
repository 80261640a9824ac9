"""Which requests share an entry: property tests over the fingerprints."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stepwell.base.request import Caller, ChatRequest, Wishes
from stepwell.memory.cache.key import IGNORED, exact_key, semantic_partition

TEXT = st.text(max_size=8)
SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
JSON = st.recursive(
    SCALAR, lambda j: st.lists(j, max_size=3) | st.dictionaries(TEXT, j, max_size=3), max_leaves=6
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.sampled_from([0, 0.5, 1.0, 2]),
        "max_tokens": st.integers(1, 4),
        "seed": st.integers(0, 3),
        "stop": st.none() | TEXT | st.lists(TEXT, max_size=2),
        "tools": st.lists(st.dictionaries(TEXT, JSON, max_size=2), max_size=2),
        "response_format": st.sampled_from([{"type": "text"}, {"type": "json_object"}]),
        "model": st.sampled_from(["auto", "local", "gpt"]),
        "logit_bias": st.dictionaries(TEXT, st.integers(-3, 3), max_size=2),
        "x_unknown": JSON,
    },
)
TURN = st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": TEXT})
TENANT = st.none() | st.sampled_from(["a", "b", "ab"])
ASKED = st.fixed_dictionaries(
    {
        "history": st.lists(TURN, max_size=3),
        "prompt": TEXT,
        "params": PARAMS,
        "tenant": TENANT,
        "scope": st.sampled_from(["auto", "tier:local", "tier:a", ""]),
        "versions": st.sampled_from(["1", "2", ""]),
        "min_tier": st.sampled_from([None, "premium"]),
    }
)


def made(asked: dict[str, Any], write: Any = json.dumps) -> ChatRequest:
    last = {"role": "user", "content": asked["prompt"]}
    body = {"messages": [*asked["history"], last], **asked["params"]}
    return ChatRequest.parse(
        write(body).encode(), Caller(asked["tenant"]), Wishes(min_tier=asked["min_tier"])
    )


def key_of(asked: dict[str, Any], write: Any = json.dumps) -> bytes:
    return exact_key(made(asked, write), scope=asked["scope"], versions=asked["versions"])


def partition_of(asked: dict[str, Any], embedder: str = "e") -> bytes:
    return semantic_partition(
        made(asked), scope=asked["scope"], versions=asked["versions"], embedder=embedder
    )


def means(asked: dict[str, Any], *, with_prompt: bool = True) -> str:
    """What must tell two requests apart; sorted JSON keeps 1, 1.0 and true apart."""
    kept = asked if with_prompt else {k: v for k, v in asked.items() if k != "prompt"}
    return json.dumps(kept, sort_keys=True)


@settings(max_examples=200, deadline=None)
@given(ASKED, ASKED, st.data())
def test_different_requests_never_share_a_key(
    a: dict[str, Any], b: dict[str, Any], data: st.DataObject
) -> None:
    same = data.draw(st.sets(st.sampled_from(sorted(a))))
    b = {k: a[k] if k in same else b[k] for k in a}  # near misses: all but a few parts agree
    assert (key_of(a) == key_of(b)) == (means(a) == means(b))
    assert (partition_of(a) == partition_of(b)) == (
        means(a, with_prompt=False) == means(b, with_prompt=False)
    )


def test_ten_thousand_neighbours_never_share_a_key() -> None:
    rng = random.Random(7)
    by_key: dict[bytes, str] = {}
    by_partition: dict[bytes, str] = {}
    for asked in (some_request(rng) for _ in range(10_000)):
        assert by_key.setdefault(key_of(asked), means(asked)) == means(asked)
        context = means(asked, with_prompt=False)
        assert by_partition.setdefault(partition_of(asked), context) == context
    # one key a meaning, and the draw is dense enough for both to repeat
    assert len(by_key) == len(set(by_key.values())) < 10_000
    assert len(by_partition) == len(set(by_partition.values())) < len(by_key)


def some_request(rng: random.Random) -> dict[str, Any]:
    """A request out of few values, most of them at their default, so that many differ in one part only."""

    def pick(*values: Any) -> Any:
        return values[0] if rng.random() < 0.6 else rng.choice(values)

    params = {
        "temperature": pick(None, 0, 1),
        "tools": pick(None, [], [{"type": "function", "function": {"name": "f"}}]),
        "stop": pick(None, "a", ["a"]),
        "response_format": pick(None, {"type": "json_object"}),
    }
    return {
        "history": [
            {"role": pick("user", "system"), "content": pick("a", "b", "ab")} for _ in range(pick(0, 1, 2))
        ],
        "prompt": pick("a", "b", "ab", "", "A"),
        "params": {k: v for k, v in params.items() if v is not None},
        "tenant": pick("t", None, "tt", "T"),
        "scope": pick("auto", "tier:local", "t"),
        "versions": pick("1", "2", "11"),
        "min_tier": pick(None, "premium"),
    }


def shuffled(value: Any, rng: random.Random) -> Any:
    if isinstance(value, dict):
        items = [(k, shuffled(v, rng)) for k, v in value.items()]
        rng.shuffle(items)
        return dict(items)
    return [shuffled(v, rng) for v in value] if isinstance(value, list) else value


@settings(max_examples=200, deadline=None)
@given(ASKED, st.randoms(use_true_random=False), st.sampled_from([None, 1, 4]), st.booleans())
def test_key_order_whitespace_and_escapes_do_not_matter(
    asked: dict[str, Any], rng: random.Random, indent: int | None, is_ascii: bool
) -> None:
    def write(body: Any) -> str:
        return json.dumps(shuffled(body, rng), indent=indent, ensure_ascii=is_ascii)

    assert key_of(asked, write) == key_of(asked)


@given(ASKED, st.sampled_from(sorted(IGNORED - {"stream_options"})), st.booleans())
def test_how_an_answer_travels_does_not_matter(asked: dict[str, Any], name: str, is_stream: bool) -> None:
    values: dict[str, Any] = {"stream": is_stream, "metadata": {"session": "1"}}
    noisy = {**asked, "params": {**asked["params"], name: values.get(name, "someone")}}
    assert key_of(noisy) == key_of(asked)
    assert partition_of(noisy) == partition_of(asked)


@given(ASKED, st.text(max_size=5), st.text(max_size=5))
def test_vectors_of_two_embedders_are_kept_apart(asked: dict[str, Any], one: str, other: str) -> None:
    assume(one != other)
    assert partition_of(asked, one) != partition_of(asked, other)


def test_a_number_out_of_range_still_has_a_key() -> None:
    def key(number: bytes) -> bytes:
        body = b'{"messages":[{"role":"user","content":"hi"}],"x":' + number + b"}"
        return exact_key(ChatRequest.parse(body), scope="auto", versions="1")

    assert key(b"1e999") == key(b"1e999")
    assert key(b"1e999") != key(b"2e999")
    assert key(b"1e999") != key(msgspec.json.encode("1e999"))


def test_an_empty_tenant_is_nobody() -> None:
    asked: dict[str, Any] = {
        "history": [],
        "prompt": "hi",
        "params": {},
        "scope": "auto",
        "versions": "",
        "min_tier": None,
    }
    assert key_of({**asked, "tenant": ""}) == key_of({**asked, "tenant": None})
