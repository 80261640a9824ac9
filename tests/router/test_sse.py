"""SseReader: however the bytes are cut, the same events."""

from __future__ import annotations

from itertools import pairwise
from time import process_time

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from stepwell.router.tiers.sse import SseReader
from tests.support.payloads import DONE, ERROR_EVENT, TOKEN, events

MB = 2**20


def whole(data: bytes) -> tuple[list[bytes], bool, str | None]:
    reader = SseReader(MB)
    found = reader.feed(data)
    return [e.payload for e in found], reader.is_finished, reader.broken


def cut(data: bytes, places: list[int]) -> tuple[list[bytes], bool, str | None]:
    reader = SseReader(MB)
    edges = [0, *sorted(p % (len(data) + 1) for p in places), len(data)]
    found = [e for a, b in pairwise(edges) for e in reader.feed(data[a:b])]
    return [e.payload for e in found], reader.is_finished, reader.broken


EVENT = events("mock", 1, False)[1].removesuffix(b"\n\n")
SPLIT = EVENT.replace(b',"model"', b',\ndata: "model"')
BLOCKS = st.sampled_from(
    [
        EVENT,
        SPLIT,
        b": a comment",
        b"event: ping\nid: 7\n" + EVENT,
        EVENT.replace(b"data: ", b"data:"),
        events("mock", 1, False)[2].removesuffix(b"\n\n"),
        b"data: [DONE]",
        b"data: {broken",
        ERROR_EVENT.removesuffix(b"\n\n"),
        b"retry: 10",
        b"",
    ]
)


@given(
    blocks=st.lists(BLOCKS, max_size=8),
    crlf=st.booleans(),
    places=st.lists(st.integers(0, 10_000), max_size=40),
)
def test_any_cut_gives_the_same(blocks: list[bytes], crlf: bool, places: list[int]) -> None:
    data = b"".join(b + b"\n\n" for b in blocks)
    if crlf:
        data = data.replace(b"\n", b"\r\n")
    assert cut(data, places) == whole(data)


@given(blocks=st.lists(BLOCKS, min_size=1, max_size=4), crlf=st.booleans())
def test_byte_by_byte_gives_the_same(blocks: list[bytes], crlf: bool) -> None:
    data = b"".join(b + b"\n\n" for b in blocks)
    if crlf:
        data = data.replace(b"\n", b"\r\n")
    assert cut(data, list(range(len(data)))) == whole(data)


def test_data_lines_of_one_event_are_joined() -> None:
    found = SseReader(MB).feed(b": hello\n" + SPLIT + b"\n\n")
    assert msgspec.json.decode(found[0].payload)["choices"][0]["delta"]["content"] == TOKEN


def test_an_unfinished_event_is_not_given() -> None:
    reader = SseReader(MB)
    assert reader.feed(EVENT + b"\n") == []
    assert [e.payload for e in reader.feed(b"\n")] == [EVENT[6:]]


def test_finish_reason_finishes_and_done_does_too() -> None:
    reader = SseReader(MB)
    reader.feed(events("mock", 1, False)[1])
    assert not reader.is_finished
    reader.feed(events("mock", 1, False)[2])
    assert reader.is_finished
    assert not reader.is_done
    reader.feed(DONE)
    assert reader.is_done


def test_what_came_before_an_error_is_given() -> None:
    reader = SseReader(MB)
    found = reader.feed(EVENT + b"\n\n" + ERROR_EVENT + EVENT + b"\n\n")
    assert len(found) == 1
    assert reader.broken == "the upstream reported an error within the stream"
    assert reader.feed(EVENT + b"\n\n") == []


def test_size_limit() -> None:
    reader = SseReader(1000)
    reader.feed(b"x" * 1001)
    assert reader.broken == "the answer is over max_answer_bytes"


def test_a_long_line_costs_linear_time() -> None:
    def seconds(n_pieces: int) -> float:
        reader = SseReader(10**9)
        began = process_time()
        for _ in range(n_pieces):
            reader.feed(b"x" * 2048)
        return process_time() - began

    assert seconds(8000) < 0.5  # searched anew each time, it takes 16 s


def of_choice(index: int, reason: str | None) -> bytes:
    choice = {"index": index, "delta": {}, "finish_reason": reason}
    return b"data: " + msgspec.json.encode({"choices": [choice]}) + b"\n\n"


@given(st.permutations([(i, r) for i in range(3) for r in (None, "stop")]), st.integers(0, 6))
def test_a_stream_is_finished_once_every_choice_seen_is(order: list[tuple[int, str | None]], n: int) -> None:
    reader = SseReader(MB)
    reader.feed(b"".join(of_choice(i, r) for i, r in order[:n]))
    seen, over = {i for i, _ in order[:n]}, {i for i, r in order[:n] if r is not None}
    assert reader.is_finished == (bool(seen) and seen == over)
