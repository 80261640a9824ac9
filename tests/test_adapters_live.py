"""Several adapters on one llama.cpp: each request is answered by the one that it asked for."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import pytest

from stepwell import Stepwell
from stepwell.base.reply import Reply
from stepwell.router.tiers import weights
from stepwell.router.tiers.local import LocalBackend
from tests.support.fine_tuned import MODEL, adapter_bundle

pytest.importorskip("gguf")
pytestmark = pytest.mark.skipif(
    weights.find(MODEL) is None, reason=f"the weights of {MODEL} are not here: stepwell local fetch"
)
TIERS = ("base", "red", "blue")
ASKS = ("Hi!", "Tea?", "One?", "Why?", "Say no.", "Go on.")
N_REQUESTS = 200


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stepwell]:
    folder = tmp_path_factory.mktemp("adapters")
    for seed, name in enumerate(TIERS[1:]):
        adapter_bundle(folder / name, seed)
    tiers = {name: {"model": f"local/{folder / name}", "system_prompt": "Hi."} for name in TIERS[1:]}
    with Stepwell(
        tiers={"base": {"model": f"local/{MODEL}", "system_prompt": "Hi."}, **tiers},
        cache={"exact": False, "semantic": "off"},
        promises={"min_p_ok": 0},
        dispatch={"timeout_s": 300.0},
    ) as made:
        yield made


def ask(well: Stepwell, tier: str, text: str, **asks: object) -> Reply:
    return well.chat(text, tier=tier, temperature=0, max_tokens=3, **asks)


def test_one_process_serves_all(well: Stepwell) -> None:
    servers = set()
    for tier in TIERS:
        [deployment] = well.pipeline.tiers[tier].deployments
        assert isinstance(deployment.backend, LocalBackend)
        servers.add(deployment.backend.server)
    assert len(servers) == 1


def test_interleaved_requests_are_answered_as_each_adapter_answers_alone(well: Stepwell) -> None:
    alone = {(tier, text): ask(well, tier, text).text for tier in TIERS for text in ASKS}
    for text in ASKS:
        assert len({alone[tier, text] for tier in TIERS}) == len(TIERS), "the adapters must differ"
    places = random.Random(0).sample(range(N_REQUESTS), N_REQUESTS)
    wanted = list(itertools.islice(itertools.cycle((t, a) for a in ASKS for t in TIERS), N_REQUESTS))

    async def one(n: int, tier: str, text: str) -> Reply | None:
        asked: dict[str, Any] = {"tier": tier, "temperature": 0, "max_tokens": 3}
        if n % 3 == 0:
            return await well.achat(text, **asked)
        async with aclosing(await well.astream(text, **asked)) as stream:
            async for _ in stream:
                if n % 6 == 1:
                    return None  # who leaves in the middle must not change what others get
        return stream.reply

    async def all_at_once() -> list[Reply | None]:
        return await asyncio.gather(*(one(n, *key) for n, key in zip(places, wanted, strict=True)))

    replies = well.submit(all_at_once()).result()
    stayed = [(key, r) for key, r in zip(wanted, replies, strict=True) if r is not None]
    assert len(stayed) > N_REQUESTS * 3 // 4
    assert [r.text for _, r in stayed] == [alone[key] for key, _ in stayed]
    for (tier, _), reply in stayed:
        assert (reply.adapter or "base").partition("@")[0] == tier


def test_a_prompt_that_another_adapter_has_read_is_read_again(well: Stepwell) -> None:
    text = "Name a fruit, then a river, then a town, and say why you like each of them."
    ask(well, "red", text)
    for n in range(4):  # they take the slots, which would hand what they had to the server's own cache
        ask(
            well,
            "blue",
            f"{n} is a number; which one comes after it, which one before it, and is any of them even?",
        )
    after = ask(well, "blue", text)
    cached = after.usage.prompt_tokens_details
    assert cached is None or (cached.cached_tokens or 0) < after.usage.prompt_tokens // 2
    assert after.text == ask(well, "blue", text, cache_prompt=False).text


def test_no_caller_chooses_the_adapter(well: Stepwell) -> None:
    plain = ask(well, "base", "Hi!").text
    assert ask(well, "base", "Hi!", lora=[{"id": 0, "scale": 1.0}]).text == plain
