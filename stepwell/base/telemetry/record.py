"""One record a request, fanned out to metrics, the log and the user's sinks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

log = logging.getLogger("stepwell")


class ContextRecord(msgspec.Struct, omit_defaults=True):
    """What packing did to a conversation; numbers only. `n_same_tokens`: of a prompt cache's, None where unknown."""

    n_kept: int
    n_dropped: int
    n_recalled: int
    n_tokens: int
    expected_recall: float = 1.0
    n_summary_tokens: int = 0
    n_same_tokens: int | None = None


class Record(msgspec.Struct, omit_defaults=True):
    """What is known of a request when it has ended. `status` is the HTTP status, 499 for a caller who left."""

    ts_s: float
    request_id: str
    status: int
    ms: float
    tier: str = ""
    model: str = ""
    tenant: str = ""
    cache: str = ""
    policy: str = ""
    n_input_tokens: int = 0
    n_output_tokens: int = 0
    cost_usd: float = 0.0
    saved_usd: float | None = None
    p_ok: float | None = None
    need: float | None = None
    novelty: float | None = None
    price: float | None = None
    budget: str = ""
    n_escalations: int = 0
    is_stream: bool = False
    is_degraded: bool = False
    ttft_ms: float | None = None
    attempts: list[tuple[str, str]] = []
    guard_input: str = ""
    guard_output: str = ""
    error: str = ""
    n_cached_tokens: int = 0
    context: ContextRecord | None = None
    is_logged: bool | None = None


class Sink(Protocol):
    """Takes every record. Called on the event loop: it must not block."""

    def __call__(self, record: Record) -> None: ...


class Recorder:
    """Hands each record to every sink; a sink that raises is logged once and dropped."""

    def __init__(self, sinks: Sequence[Callable[[Record], None]]) -> None:
        self._sinks = list(sinks)

    def __call__(self, record: Record) -> None:
        for sink in self._sinks:
            try:
                sink(record)
            except Exception as e:  # noqa: BLE001 - a user's sink must not take requests down
                self._sinks = [s for s in self._sinks if s is not sink]
                log.warning(
                    "record sink %s failed with %s and is dropped", type(sink).__name__, type(e).__name__
                )
