"""What the x-stepwell headers ask for, said once or by several on the way."""

from __future__ import annotations

import httpx
import pytest

from stepwell.base.errors import BadRequest
from stepwell.front.server.app import create_app
from stepwell.front.server.wishes import read_wishes
from stepwell.testing import FakeTier
from tests.house import house

SINGLE = [
    ("tier", "cheap", "dear"),
    ("min-tier", "cheap", "dear"),
    ("max-usd", "1", "2"),
    ("below-floor", "flag", "refuse"),
    ("cache", "off", "on"),
    ("timeout-s", "1", "2"),
    ("session", "a", "b"),
    ("conversation", "a", "b"),
]


def lines(*headers: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers]


@pytest.mark.parametrize(("name", "one", "other"), SINGLE)
def test_a_wish_that_is_said_twice_must_be_said_alike(name: str, one: str, other: str) -> None:
    header = f"x-stepwell-{name}"
    same = read_wishes(lines((header, one), (header, f" {one}\t")), with_headers=False)
    assert same == read_wishes(lines((header, one)), with_headers=False)
    with pytest.raises(BadRequest, match=f"{header} is given twice") as e:
        read_wishes(lines((header, one), (header, other)), with_headers=False)
    assert e.value.param == header


def test_tiers_are_those_that_all_allow_and_tags_add_up() -> None:
    found = read_wishes(
        lines(
            ("x-stepwell-keep-to", "a, b"),
            ("x-stepwell-tags", "own"),
            ("x-stepwell-keep-to", "b,c"),
            ("x-stepwell-tags", "other, own"),
        ),
        with_headers=False,
    )
    assert found.keep_to == frozenset({"b"})
    assert found.tags == frozenset({"own", "other"})
    for second in ("c", "", ","):
        with pytest.raises(BadRequest, match="leaves no tier") as e:
            read_wishes(
                lines(("x-stepwell-keep-to", "a,b"), ("x-stepwell-keep-to", second)), with_headers=False
            )
        assert e.value.param == "x-stepwell-keep-to"


def test_every_value_of_a_header_is_kept() -> None:
    found = read_wishes(lines(("x-eu", "1"), ("x-b", " b "), ("x-eu", "0")), with_headers=True)
    assert found.headers == {"x-eu": ("1", "0"), "x-b": ("b",)}


BOUND = [
    [("x-stepwell-keep-to", "cheap"), ("x-stepwell-keep-to", "cheap,dear")],
    [("x-stepwell-tags", "own"), ("x-stepwell-tags", "other")],
    [("x-eu", "1"), ("x-eu", "0")],
    [("x-eu", "0"), ("X-EU", " 1 ")],
]


@pytest.mark.parametrize("headers", BOUND)
async def test_what_a_gateway_binds_its_caller_can_not_free(headers: list[tuple[str, str]]) -> None:
    cheap, dear = FakeTier("ok"), FakeTier("ok")
    routes = [
        {"name": "own", "tags": ["own"], "keep_to": ["cheap"]},
        {"name": "eu", "header": {"X-EU": "1"}, "keep_to": ["cheap"]},
    ]
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
    async with house(cheap, dear, guards={"input": [], "output": [], "routes": routes}) as well:
        transport = httpx.ASGITransport(create_app(well))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            for more, status in ([], 200), ([("x-stepwell-tier", "dear")], 400):
                answer = await http.post("/v1/chat/completions", json=body, headers=[*headers, *more])
                assert answer.status_code == status
    assert (len(cheap.requests), len(dear.requests)) == (1, 0)


async def test_routes_without_a_common_answer_block_and_do_not_break() -> None:
    routes = [{"name": t, "tags": [t], "keep_to": [t]} for t in ("cheap", "dear")]
    body = {"model": "auto", "messages": [{"role": "user", "content": "hi"}]}
    async with house(FakeTier("ok"), guards={"input": [], "output": [], "routes": routes}) as well:
        transport = httpx.ASGITransport(create_app(well))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            answer = await http.post(
                "/v1/chat/completions", json=body, headers={"x-stepwell-tags": "cheap,dear"}
            )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "content_blocked")
