"""CPU of one call from Python. Run as `python -m tests.bench.inproc NAME PORT MODEL N IS_STREAM`; prints JSON.

Names: stepwell, litellm.Router (with the interpreter of a venv that has litellm; needs nothing of ours then).
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

PROMPT = "Explain the routing decision for this request. " * 12
Call = Callable[[str], Awaitable[int]]


def build(name: str, base_url: str, model: str, is_stream: bool) -> Call:
    if name == "stepwell":
        return _stepwell(base_url, model, is_stream)
    return _litellm(base_url, model, is_stream)


def _stepwell(base_url: str, model: str, is_stream: bool) -> Call:
    from stepwell import Stepwell

    os.environ["STEPWELL_BENCH_KEY"] = "sk-x"
    deployment: dict[str, Any] = {
        "model": f"openai/{model}",
        "base_url": base_url,
        "api_key_env": "STEPWELL_BENCH_KEY",
        "usd_per_1m_input": 1,
        "window_tokens": 8192,
    }
    cheap = {**deployment, "usd_per_1m_output": 2, "quality": 0.95}
    dear = {**deployment, "usd_per_1m_output": 20, "quality": 0.99}
    well = Stepwell(
        tiers={"cheap": cheap, "dear": dear},
        guards={"input": [], "output": []},
        cache={"exact": False, "semantic": "off"},
    )

    async def whole(prompt: str) -> int:
        return (await well.achat(prompt)).text.count(" tk")

    async def streamed(prompt: str) -> int:
        stream = await well.astream(prompt)
        n = 0
        async for text in stream.text_deltas():
            n += text.count(" tk")
        return n

    return streamed if is_stream else whole


def _litellm(base_url: str, model: str, is_stream: bool) -> Call:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm.router

    litellm.suppress_debug_info = True
    params = {"model": f"openai/{model}", "api_base": base_url, "api_key": "sk-x"}
    router: Any = litellm.router.Router(
        model_list=[{"model_name": "m", "litellm_params": params}], num_retries=0
    )

    async def whole(prompt: str) -> int:
        messages = [{"role": "user", "content": prompt}]
        answer = await router.acompletion(model="m", messages=messages)
        return int(answer.choices[0].message.content.count(" tk"))

    async def streamed(prompt: str) -> int:
        messages = [{"role": "user", "content": prompt}]
        n = 0
        async for chunk in await router.acompletion(model="m", messages=messages, stream=True):
            n += (chunk.choices[0].delta.content or "").count(" tk") if chunk.choices else 0
        return n

    return streamed if is_stream else whole


async def measure(call: Call, n_calls: int, n_lanes: int, n_tokens: int) -> float:
    """CPU microseconds a call; fails on any wrong answer."""
    numbers = iter(range(n_calls))

    async def lane() -> None:
        for n in numbers:
            got = await call(f"{PROMPT}{n}")
            if got != n_tokens:
                raise SystemExit(f"got {got} tokens instead of {n_tokens}")

    began = time.process_time()
    await asyncio.gather(*(lane() for _ in range(n_lanes)))
    return (time.process_time() - began) / n_calls * 1e6


async def run(name: str, port: int, model: str, n_calls: int, is_stream: bool) -> dict[str, float]:
    n_tokens = int(model.rpartition("n")[2])
    call = build(name, f"http://127.0.0.1:{port}/v1", model, is_stream)
    await measure(call, min(100, n_calls), 8, n_tokens)
    c1 = await measure(call, n_calls, 1, n_tokens)
    c32 = await measure(call, n_calls, 32, n_tokens)
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu_us_c1": c1, "cpu_us_c32": c32, "rss_mib": rss}


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def main(name: str, port: str, model: str, n_calls: str, is_stream: str) -> None:
    with asyncio.Runner(loop_factory=_new_loop) as runner:
        print(json.dumps(runner.run(run(name, int(port), model, int(n_calls), is_stream == "1"))), flush=True)
    os._exit(0)  # what libraries do at their end is not measured


if __name__ == "__main__":
    main(*sys.argv[1:6])
