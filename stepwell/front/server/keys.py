"""API keys: who may ask, and for which tenant."""

from __future__ import annotations

import hashlib
import os

from stepwell.base.config import ServerConfig
from stepwell.base.errors import BadKey, ConfigError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOCAL_TENANT = "local"


class Keys:
    """Maps a bearer token to its tenant; without any key, every caller is the local tenant.

    Raises:
        ConfigError: A key's environment variable is not set.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._tenants: dict[bytes, str] = {}
        self._reviewers: set[bytes] = set()
        for key in config.keys:
            value = os.environ.get(key.env)
            if not value:
                raise ConfigError(f"server.keys: environment variable {key.env} is not set")
            digest = hashlib.sha256(value.encode()).digest()
            self._tenants[digest] = key.tenant
            if key.may_review:
                self._reviewers.add(digest)

    @property
    def is_open(self) -> bool:
        return not self._tenants

    def tenant(self, authorization: bytes) -> str:
        """The tenant of an `authorization` header.

        Raises:
            BadKey: Missing or unknown.
        """
        if not self._tenants:
            return LOCAL_TENANT
        # a hash in the look-up leaves nothing of the key to time
        found = self._tenants.get(hashlib.sha256(authorization[7:]).digest())
        if found is None or authorization[:7].lower() != b"bearer ":
            raise BadKey("The API key is missing or unknown.")
        return found

    def may_review(self, authorization: bytes) -> bool:
        """Whether a known key, or without any key every caller, may decide what waits for people."""
        return self.is_open or hashlib.sha256(authorization[7:]).digest() in self._reviewers


def require_loopback(config: ServerConfig) -> None:
    """Refuse to listen to the world without keys.

    Raises:
        ConfigError: No key is configured and the host is not a loopback address.
    """
    if not config.keys and config.host not in LOOPBACK:
        raise ConfigError(
            f"server.host is {config.host!r} but server.keys is empty: without keys only {LOOPBACK[0]} is served"
        )
