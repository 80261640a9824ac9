"""Encrypt what is kept of a conversation, under a key of its own."""

from __future__ import annotations

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from stepwell.base.errors import ConfigError

_KEY_BYTES = 32
_MAKE_KEY = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


class WrongKey(Exception):
    """The bytes were not sealed under this key, or were changed since."""


class Seal:
    """Seals under a file's key: Fernet tokens (AES-128-CBC and HMAC-SHA256), and prints of names (HMAC-SHA256).

    Each salt gives a key of its own, HMAC-SHA256 of the salt under the file's key.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def print_of(self, name: str) -> bytes:
        """Stands for a name; 20 bytes."""
        return self._made(b"name:" + name.encode("utf-8", "surrogatepass"))[:20]

    def sealed(self, salt: bytes, text: bytes) -> bytes:
        from cryptography.fernet import Fernet

        return Fernet(self._key_of(salt)).encrypt(text)

    def opened(self, salt: bytes, sealed: bytes) -> bytes:
        """Raises: WrongKey."""
        from cryptography.fernet import Fernet, InvalidToken

        try:
            return Fernet(self._key_of(salt)).decrypt(sealed)
        except InvalidToken:
            raise WrongKey from None

    def _key_of(self, salt: bytes) -> bytes:
        return urlsafe_b64encode(self._made(b"salt:" + salt))

    def _made(self, what: bytes) -> bytes:
        return hmac.digest(self._key, what, hashlib.sha256)

    def __repr__(self) -> str:
        return "Seal()"


def new_seal() -> Seal:
    """A seal that nobody can open once the process has ended."""
    return Seal(os.urandom(_KEY_BYTES))


def seal_from(key_env: str) -> Seal:
    """The seal whose key, as Fernet writes it, is in an environment variable.

    Raises:
        ConfigError: There is none, or what is there is no such key.
    """
    written = os.environ.get(key_env, "").strip()
    if not written:
        raise ConfigError(f"guards.masks: set {key_env} to a key, made by: {_MAKE_KEY}")
    try:
        key = urlsafe_b64decode(written)
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise ConfigError(f"guards.masks: {key_env} holds no Fernet key; make one by: {_MAKE_KEY}")
    return Seal(key)
