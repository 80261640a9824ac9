"""Which tiers can take a request at all."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.base.errors import BadRequest, ContextTooLong, NoCapableTier
from stepwell.base.request import ChatRequest
from stepwell.router.gate import forgetful, lack_of, needs_of, no_capable_tier
from stepwell.router.sizes import Size, Sizes
from stepwell.router.tierinfo import TierInfo


def tier(window: int | None = 1000, most: int | None = 500, caps: tuple[str, ...] = ()) -> TierInfo:
    return TierInfo("t", ("p/m",), 0.5, window, most, frozenset(caps), 1.0, None, 1.0, None, False)


def lack(tier_: TierInfo, n_input: int = 10, reserve: int = 100, **fields: Any) -> str | None:
    body = {"messages": [{"role": "user", "content": "x"}], **fields}
    return lack_of(tier_, needs_of(ChatRequest.build(body), sizes=Sizes.of(n_input), reserve_tokens=reserve))


TOOLS = [{"type": "function", "function": {"name": "f"}}]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "s"}}
IMAGE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]


@pytest.mark.parametrize(
    ("fields", "capability"),
    [
        ({"tools": TOOLS}, "tools"),
        ({"response_format": SCHEMA}, "json_schema"),
        ({"messages": IMAGE}, "images"),
    ],
)
def test_a_capability_is_asked_for_only_where_the_request_uses_it(fields: Any, capability: str) -> None:
    assert lack(tier(), **fields) == capability
    assert lack(tier(caps=(capability,)), **fields) is None
    assert lack(tier()) is None


def test_plain_json_and_an_empty_tool_list_need_nothing() -> None:
    assert lack(tier(), tools=[], response_format={"type": "json_object"}) is None


@pytest.mark.parametrize(
    ("n_input", "fields", "found"),
    [
        (900, {}, None),
        (901, {}, "window"),
        (600, {"max_tokens": 400}, None),
        (601, {"max_tokens": 400}, "window"),
        (500, {"max_tokens": 9000}, None),  # the tier writes 500 at most
        (501, {"max_tokens": 9000}, "window"),
    ],
)
def test_the_window_holds_prompt_and_reply(n_input: int, fields: Any, found: str | None) -> None:
    assert lack(tier(), n_input, **fields) == found


def test_a_usual_reserve_takes_half_of_a_small_window_at_most() -> None:
    assert lack(tier(window=200, most=None), 100, reserve=1024) is None
    assert lack(tier(window=200, most=None), 101, reserve=1024) == "window"


@given(n_input=st.integers(0, 3000), max_tokens=st.integers(1, 3000), window=st.integers(1, 3000))
def test_more_window_never_lacks_more(n_input: int, max_tokens: int, window: int) -> None:
    if lack(tier(window=window, most=None), n_input, max_tokens=max_tokens) is None:
        assert n_input + max_tokens <= window
        assert lack(tier(window=window + 1, most=None), n_input, max_tokens=max_tokens) is None


def error(*lacks: str) -> BadRequest:
    body = {"messages": [{"role": "user", "content": "secret words"}]}
    needs = needs_of(ChatRequest.build(body), sizes=Sizes.of(5000), reserve_tokens=1)
    return no_capable_tier([tier(window=None)] * len(lacks), lacks, needs)


def test_the_error_names_what_is_missing() -> None:
    long = error("window", "window")
    assert isinstance(long, ContextTooLong)
    assert long.code == "context_length_exceeded"
    assert "assumed" in str(long)
    mixed = error("tools", "window")
    assert isinstance(mixed, NoCapableTier)
    assert "tools" in str(mixed)
    assert "secret" not in str(mixed) + str(long)


def test_a_window_that_keeps_too_little_is_passed_over_while_another_keeps_enough() -> None:
    small, middle, wide = (replace(tier(), name=n) for n in ("small", "middle", "wide"))
    packed = {"small": Size(100, 0.6), "middle": Size(300, 0.93)}
    sizes = Sizes(5000, 20_000, packed, min_recall=0.9)
    assert forgetful([small, middle, wide], [None, None, None], sizes) == {"small"}
    assert forgetful([small, middle, wide], [None, "window", "window"], sizes) == set()
    assert forgetful([small, middle], [None, None], Sizes.of(10)) == set()


def test_where_all_lose_too_much_those_that_lose_least_stay() -> None:
    tiers = [replace(tier(), name=n) for n in ("a", "b", "c")]
    packed = {"a": Size(100, 0.3), "b": Size(300, 0.695), "c": Size(300, 0.7)}
    assert forgetful(tiers, [None] * 3, Sizes(5000, 20_000, packed, min_recall=0.9)) == {"a"}


def test_a_packed_prompt_counts_as_packed_and_an_own_system_prompt_counts_too() -> None:
    of = replace(tier(), n_system_tokens=50)
    assert Sizes(800, 900).on(of) == 850
    assert Sizes(800, 900).most_on(replace(of, is_local=True)) == 950
    assert Sizes(800, 900, {"t": Size(400, 1.0)}).most_on(of) == 400
