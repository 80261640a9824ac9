"""The local tier end to end, with the real model where its weights are here."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from stepwell import Stepwell
from stepwell.router.tiers import weights
from stepwell.router.tiers.local import LocalBackend

MODEL = "smollm2-135m-instruct"
pytestmark = pytest.mark.skipif(
    weights.find(MODEL) is None, reason=f"the weights of {MODEL} are not here: stepwell local fetch"
)
SENTIMENT = (
    "Is the sentiment of this review positive or negative? Answer with one word.\n"
    "Review: I loved every minute of it, a wonderful film."
)


@pytest.fixture(scope="module")
def well() -> Iterator[Stepwell]:
    with Stepwell(
        tiers={"local": {"model": f"local/{MODEL}"}},
        cache={"exact": False, "semantic": "off"},
        promises={"min_p_ok": 0},
    ) as made:
        yield made


def pid_of(well: Stepwell) -> int:
    backend = well.pipeline.tiers["local"].deployments[0].backend
    assert isinstance(backend, LocalBackend)
    assert backend._process is not None
    return backend._process.pid


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_tells_a_reviews_sentiment(well: Stepwell) -> None:
    reply = well.chat(SENTIMENT, temperature=0, max_tokens=8, seed=1)
    assert "positive" in reply.text.lower()
    assert reply.tier == "local"
    assert reply.cost_usd == 0
    assert 0 < reply.usage.completion_tokens <= 8
    assert not reply.is_cost_estimated


def test_it_streams_piece_by_piece(well: Stepwell) -> None:
    with well.stream("Count from one to ten.", temperature=0, max_tokens=24) as stream:
        pieces = list(stream)
    assert len(pieces) > 5
    assert stream.reply is not None
    assert stream.reply.text == "".join(pieces)


def test_a_killed_server_is_started_again(well: Stepwell) -> None:
    well.chat("Say hi.", max_tokens=2)
    before = pid_of(well)
    os.kill(before, signal.SIGKILL)
    assert well.chat("Say hi.", max_tokens=2).usage.completion_tokens > 0
    assert pid_of(well) != before


def test_many_first_requests_start_one_server() -> None:
    async def run() -> tuple[int, int]:
        async with Stepwell(
            tiers={"local": {"model": f"local/{MODEL}"}}, cache={"semantic": "off"}, promises={"min_p_ok": 0}
        ) as well:
            replies = await asyncio.gather(*(well.achat(f"Say {i}.", max_tokens=2) for i in range(4)))
            pid = pid_of(well)
            assert is_alive(pid)
        return pid, len(replies)

    pid, n = asyncio.run(run())
    assert n == 4
    assert not is_alive(pid)
