"""Who is compared: the mock itself, Stepwell in its settings, and other gateways where they are installed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.bench.process import free_port

KEY_ENV = "STEPWELL_BENCH_KEY"
KEY = "sk-0123456789abcdef0123456789abcdef"
BEARER = {"authorization": f"Bearer {KEY}"}
RULES = ["secrets", "email", "phone", "credit_card", "iban", "us_ssn", "ip_address"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a peer runs."""

    folder: Path
    port: int
    upstream_port: int
    upstream_model: str


@dataclass(frozen=True, slots=True)
class Peer:
    """One row.

    Attributes:
        command: How it is started; None for the mock itself.
        model: What the request names; None: the upstream's model.
        share: Share of the requests that it gets, for slow ones.
        prompt_bytes: Length of the user's text; where texts are embedded it must be short enough for that.
    """

    name: str
    command: Callable[[Place], list[str]] | None
    model: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    share: float = 1.0
    prompt_bytes: int = 600
    why_missing: str | None = None


def _stepwell(**more: Any) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        path = place.folder / f"stepwell-{place.port}.yaml"
        path.write_text(yaml.safe_dump(_config(place, more)))
        serve = ["-m", "stepwell.front.cli", "serve", "--config", str(path)]
        return [sys.executable, *serve]

    return command


def _config(place: Place, more: Mapping[str, Any]) -> dict[str, Any]:
    deployment = {
        "model": f"openai/{place.upstream_model}",
        "base_url": f"http://127.0.0.1:{place.upstream_port}/v1",
        "api_key_env": KEY_ENV,
        "usd_per_1m_input": 1,
        "window_tokens": 8192,
    }
    base = {
        "tiers": {
            "cheap": {**deployment, "usd_per_1m_output": 2, "quality": 0.95},
            "dear": {**deployment, "usd_per_1m_output": 20, "quality": 0.99},
        },
        "guards": {"input": [], "output": []},
        "cache": {"exact": False, "semantic": "off"},
        "server": {"port": place.port, "keys": [{"env": KEY_ENV, "tenant": "bench"}]},
        "telemetry": {"log_path": str(place.folder / f"requests-{place.port}.jsonl")},
    }
    return {**base, **more}


def stepwell_peers() -> list[Peer]:
    rules = {"input": RULES, "output": RULES}
    # every hit is audited, so every request is embedded, compared and still asked upstream
    serve = {"exact": True, "semantic": "serve", "audit_share": 1.0, "judge": "off"}
    shadow = {"exact": True, "semantic": "shadow"}
    key = {KEY_ENV: KEY}
    return [
        Peer("stepwell pinned", _stepwell(), model="cheap", env=key),
        Peer("stepwell auto", _stepwell(), model="auto", env=key),
        Peer("stepwell guards", _stepwell(guards=rules), model="auto", env=key),
        Peer("stepwell shadow", _stepwell(guards=rules, cache=shadow), "auto", key, 0.2, 300),
        Peer("stepwell serve", _stepwell(guards=rules, cache=serve), "auto", key, 0.05, 300),
    ]


def _installed(venv: str, program: str) -> tuple[str, str | None]:
    path = Path(os.environ.get("BENCH_VENVS", "venvs")) / venv / "bin" / program
    return str(path), None if path.exists() else f"{program} is not in $BENCH_VENVS/{venv}"


def _litellm() -> Peer:
    program, lacks = _installed("litellm", "litellm")

    def command(place: Place) -> list[str]:
        params = {
            "model": f"openai/{place.upstream_model}",
            "api_base": f"http://127.0.0.1:{place.upstream_port}/v1",
            "api_key": "sk-up",
        }
        config = {
            "model_list": [{"model_name": place.upstream_model, "litellm_params": params}],
            "litellm_settings": {"telemetry": False, "num_retries": 0, "request_timeout": 60},
            "general_settings": {"master_key": KEY},
        }
        path = place.folder / f"litellm-{place.port}.yaml"
        path.write_text(yaml.safe_dump(config))
        address = ["--port", str(place.port), "--host", "127.0.0.1"]
        return [program, "--config", str(path), *address, "--num_workers", "1"]

    env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION"}
    return Peer("litellm proxy", command, env=env, share=0.05, why_missing=lacks)


def _router(name: str, program: str, launch: list[str]) -> Peer:
    path, lacks = _installed("routers", program)

    def command(place: Place) -> list[str]:
        upstream = ["--worker-urls", f"http://127.0.0.1:{place.upstream_port}"]
        address = ["--host", "127.0.0.1", "--port", str(place.port)]
        rest = ["--policy", "round_robin", "--log-level", "error"]
        return [path, *launch, *upstream, *address, *rest, "--prometheus-port", str(free_port())]

    return Peer(name, command, env={"TOKIO_WORKER_THREADS": "1"}, why_missing=lacks)


def others() -> list[Peer]:
    return [
        _router("sglang-router", "python", ["-m", "sglang_router.launch_router"]),
        _router("vllm-router", "vllm-router", []),
        _litellm(),
    ]


DIRECT = Peer("direct", None)
