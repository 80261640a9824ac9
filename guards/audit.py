"""The audit: for each request that a guard looked at one JSON line, which proves who saw it, and holds no text."""

from __future__ import annotations

import hmac
import os
import secrets
import time
import weakref
from collections.abc import Collection
from functools import partial

import msgspec
from msgspec import Raw

from stepwell.base.config.guards import AuditConfig
from stepwell.base.decisions import Trace
from stepwell.base.errors import ConfigError
from stepwell.base.line_writer import LineWriter
from stepwell.base.request import ChatRequest
from stepwell.guards.audit_line import Audited, line_of

_HASH_BYTES = 16
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
        self._lines = _writer(config.path, self._hashes)
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


def _writer(path: str, hashes: Hashes) -> LineWriter[Job]:
    try:
        return LineWriter(path, partial(_line, hashes), name="audit", what="audit lines")
    except OSError as e:
        raise ConfigError(f"guards.audit.path: {e.strerror}") from e


def _line(hashes: Hashes, job: Job) -> bytes:
    line, messages = job
    line.messages = hashes.of_messages(messages)
    return msgspec.json.encode(line) + b"\n"


def _key(config: AuditConfig) -> bytes:
    if config.key_env is None:
        return secrets.token_bytes(32)
    value = os.environ.get(config.key_env)
    if not value:
        raise ConfigError(f"guards.audit.key_env: {config.key_env} is not set in the environment")
    return value.encode()
