"""The request log: one JSON line a request, written in batches off the hot path."""

from __future__ import annotations

import asyncio
from pathlib import Path

from stepwell.base.errors import ConfigError
from stepwell.base.messages import encode_json
from stepwell.base.telemetry.record import Record


class RequestLog:
    """A sink that buffers lines and writes them every `flush_s` seconds, and on `close`."""

    def __init__(self, path: str, flush_s: float) -> None:
        try:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._file = open(path, "ab", buffering=0)  # noqa: SIM115 - closed in close()
        except OSError as e:
            raise ConfigError(f"telemetry.log_path: {e.strerror}") from e
        self._lines: list[bytes] = []
        self._flush_s = flush_s
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self, record: Record) -> None:
        self._lines.append(encode_json(record))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._flush_s, self.flush)

    def flush(self) -> None:
        self._timer = None
        if self._lines:
            batch, self._lines = b"\n".join(self._lines) + b"\n", []
            self._file.write(batch)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.flush()
        self._file.close()
