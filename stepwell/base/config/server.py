"""The server and what it tells about itself."""

from __future__ import annotations

from pydantic import Field

from stepwell.base.config.env_name import EnvName
from stepwell.base.config.section import Section


class KeyConfig(Section):
    """One API key, held in an environment variable, and the tenant it speaks for."""

    env: EnvName
    tenant: str
    may_review: bool = Field(
        default=False,
        description="may read what waits for people, and decide (/v1/reviews, guards.review): not for a key that an "
        "application asks with",
    )


class ServerConfig(Section):
    host: str = "127.0.0.1"
    port: int = Field(default=8400, ge=0, le=65535)
    keys: list[KeyConfig] = Field(
        default_factory=list,
        description="none: the server binds to loopback only, and asks for no key: whoever reaches it may "
        "ask, read and decide what waits for people (/v1/reviews)",
    )
    max_body_bytes: int = Field(default=32 * 2**20, ge=1024)
    drain_timeout_s: float = Field(default=30, ge=0, description="SIGTERM: open streams may go on this long")


class TelemetryConfig(Section):
    log_path: str | None = Field(default=None, description="one JSON line a request; no text, no keys")
    log_flush_s: float = Field(default=0.5, gt=0)
    sinks: list[str] = Field(
        default_factory=list, description="dotted paths 'module:factory' of record sinks"
    )
