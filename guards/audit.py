"""The audit: for each request that a guard looked at one JSON line, which proves who saw it, and holds no text."""

from __future__ import annotations

import hmac
import logging
import os
import secrets
import threading
import time
import weakref
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue

import msgspec
from msgspec import Raw

from stepwell.base.config.guards import AuditConfig
from stepwell.base.decisions import Trace
from stepwell.base.errors import ConfigError
from stepwell.base.request import ChatRequest
from stepwell.guards.audit_line import Audited, line_of

MAX_WAITING = 10_000
_HASH_BYTES = 16
_log = logging.getLogger("stepwell.audit")
_NO_MESSAGES = Raw(b"")
Job = tuple[Audited, bytes]


class Audit:
    """Appends lines to a file (mode 600), by a thread of its own; the file may be moved away at any time.

    Hashes are HMAC-SHA256 (RFC 2104) under the key of `key_env`: who holds that can tell whether a line is of a known
    text or tenant, and nobody else can try.

    Args:
        tiers: All there are: a request may be bound to a name that is none of them, and then is its caller's own word.

    Raises:
        ConfigError: The file can't be written, or the key is not in the environment.
    """

    def __init__(self, config: AuditConfig, *, tiers: Collection[str]) -> None:
        if config.path is None:
            raise ConfigError("guards.audit.path is not set")
        self._tiers = frozenset(tiers)
        self._hashes = Hashes(_key(config))
        self._lines = _Lines(config.path, self._hashes)
        self._close = weakref.finalize(self, self._lines.close)

    @property
    def n_lost(self) -> int:
        """Lines that could not be written."""
        return self._lines.n_lost

    def write(self, trace: Trace, request: ChatRequest, status: int, tier: str | None) -> None:
        """Put a request's line on its way; one that no guard looked at has none. Never waits for the disk.

        Args:
            request: As it was when it ended.
            status: HTTP's, 499 for a caller who left.
            tier: Who wrote the answer; None where there was none.
        """
        if trace.guard_input is None and trace.guard_output is None and request.keep_to is None:
            return
        line = line_of(trace, request.keep_to, ts_s=time.time(), status=status, tier=tier, named=self._named)
        line.tenant = self._hashes.of_name(request.caller.tenant or "")
        self._lines.send((line, bytes(request.fields.get("messages", _NO_MESSAGES))))

    def hash_of(self, messages: bytes) -> str:
        """The hash by which a line names messages, given their JSON as it left the guards."""
        return self._hashes.of_messages(messages)

    def _named(self, tier: str) -> str:
        return tier if tier in self._tiers else self._hashes.of_name(tier)

    def close(self) -> None:
        """Write what waits; blocks meanwhile."""
        self._close()


class Hashes:
    """Keyed hashes, 16 bytes in hexadecimal."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of_name(self, name: str) -> str:
        return self._made(b"name", name.encode("utf-8", "surrogatepass"))

    def of_messages(self, raw: bytes) -> str:
        return self._made(b"messages", raw)

    def _made(self, what: bytes, raw: bytes) -> str:
        return hmac.digest(self._key, what + b"\0" + raw, "sha256")[:_HASH_BYTES].hex()


class _Lines:
    """The file, and the thread that writes to it."""

    def __init__(self, path: str, hashes: Hashes) -> None:
        self.n_lost = 0
        self._path = os.path.abspath(path)
        self._hashes = hashes
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._is_torn = False
        self._is_closed = False
        try:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            self._append(b"")
        except OSError as e:
            raise ConfigError(f"guards.audit.path: {e.strerror}") from e

    def send(self, job: Job) -> None:
        if self._is_closed or self._jobs.qsize() >= MAX_WAITING:
            return self._lose(1, "closed" if self._is_closed else "too many wait for the disk")
        self._jobs.put(job)
        if self._thread is None:
            self._start()
        return None

    def close(self) -> None:
        self._is_closed = True
        self._jobs.put(None)
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="stepwell-audit", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        is_over = False
        while not is_over:
            batch = [self._jobs.get()]
            with suppress(Empty):
                while True:
                    batch.append(self._jobs.get_nowait())
            is_over = None in batch
            self._write([job for job in batch if job is not None])

    def _write(self, batch: list[Job]) -> None:
        try:
            lines = [self._line(*job) for job in batch]
            self._append(b"".join(lines))
        except (OSError, ValueError) as e:
            self._lose(len(batch), type(e).__name__)

    def _line(self, line: Audited, messages: bytes) -> bytes:
        line.messages = self._hashes.of_messages(messages)
        return msgspec.json.encode(line) + b"\n"

    def _append(self, raw: bytes) -> None:
        """In one write: lines of several processes don't mix. A line that a full disk cut is ended first."""
        file = os.open(self._path, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        try:
            whole = b"\n" + raw if self._is_torn else raw
            n = os.write(file, whole)
            self._is_torn = n < len(whole)
            if self._is_torn:
                raise OSError("the disk is full")
        finally:
            os.close(file)

    def _lose(self, n: int, why: str) -> None:
        if self.n_lost == 0:
            _log.warning("audit lines lost: %s", why)
        self.n_lost += n


def _key(config: AuditConfig) -> bytes:
    if config.key_env is None:
        return secrets.token_bytes(32)
    value = os.environ.get(config.key_env)
    if not value:
        raise ConfigError(f"guards.audit.key_env: {config.key_env} is not set in the environment")
    return value.encode()
