"""`StepwellCache`: LangChain's cache of model answers, on the store that a well's cache uses."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Coroutine, Sequence
from hashlib import sha256
from typing import Any, TypeVar

from langchain_core.caches import BaseCache
from langchain_core.messages import message_to_dict, messages_from_dict
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, Generation, GenerationChunk

from stepwell.base.config import CacheConfig
from stepwell.memory.sqlite_store import SqliteStore
from stepwell.memory.store import Entry

T = TypeVar("T")

# a closed list: what lies in the file can't name a class of its own to build
_KINDS: dict[str, type[Generation]] = {
    c.__name__: c for c in (Generation, GenerationChunk, ChatGeneration, ChatGenerationChunk)
}
_DEFAULTS = CacheConfig()


class StepwellCache(BaseCache):
    """Answers by prompt and model parameters, in SQLite: `set_llm_cache(StepwellCache("cache.sqlite3"))`.

    Args:
        path: A file, which a well's cache may share; None keeps the answers in memory.
        tenant: Whose they are; `clear` erases this tenant's only.
        ttl_s: Counted from the write; a hit does not extend it.
        max_entries: The oldest beyond it go.

    An answer that can't be written as JSON is not cached. Prompts are not kept, only their fingerprints.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        tenant: str = "langchain",
        ttl_s: float = _DEFAULTS.ttl_s,
        max_entries: int = _DEFAULTS.max_entries_per_tenant,
    ) -> None:
        self._store = SqliteStore(path, max_entries_per_tenant=max_entries)
        self._tenant = tenant
        self._ttl_s = ttl_s

    def lookup(self, prompt: str, llm_string: str) -> Sequence[Generation] | None:
        return _at_once(self.alookup(prompt, llm_string))

    def update(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        _at_once(self.aupdate(prompt, llm_string, return_val))

    def clear(self, **kwargs: Any) -> None:
        """Erase all of the tenant's answers; blocks until they are gone from the disk."""
        self._store.erase(tenant=self._tenant)

    async def alookup(self, prompt: str, llm_string: str) -> Sequence[Generation] | None:
        entry = await self._store.get(self._key(prompt, llm_string), now_s=time.time())
        return None if entry is None else _read(entry.body)

    async def aupdate(self, prompt: str, llm_string: str, return_val: Sequence[Generation]) -> None:
        body = _write(return_val)
        if body is not None:
            await self._store.put(self._entry(self._key(prompt, llm_string), body))

    async def aclear(self, **kwargs: Any) -> None:
        await asyncio.to_thread(self.clear)

    def close(self) -> None:
        """Write what is queued and let go of the file."""
        _at_once(self._store.close())

    def _key(self, prompt: str, llm_string: str) -> bytes:
        # JSON keeps the borders between the parts
        return sha256(json.dumps(["langchain", self._tenant, prompt, llm_string]).encode()).digest()

    def _entry(self, key: bytes, body: bytes) -> Entry:
        now_s = time.time()
        return Entry(
            hit_id=secrets.token_hex(16),
            key=key,
            tenant=self._tenant,
            user="",
            body=body,
            tier="",
            model="",
            cost_usd=0.0,
            stored_at_s=now_s,
            expires_at_s=now_s + self._ttl_s,
        )


def _at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits, as SqliteStore's don't; so any thread may ask."""
    try:
        work.send(None)
    except StopIteration as e:
        result: T = e.value
        return result
    work.close()
    raise RuntimeError("this store waits; use the async methods")


def _write(generations: Sequence[Generation]) -> bytes | None:
    try:
        return json.dumps([_plain(g) for g in generations]).encode()
    except (TypeError, ValueError):
        return None


def _plain(generation: Generation) -> dict[str, Any]:
    kind = type(generation).__name__
    if kind not in _KINDS:
        raise TypeError(f"{kind} is no known kind of generation")
    plain: dict[str, Any] = {"kind": kind, "info": generation.generation_info}
    if isinstance(generation, ChatGeneration):
        return {**plain, "message": message_to_dict(generation.message)}
    return {**plain, "text": generation.text}


def _read(body: bytes) -> list[Generation] | None:
    """The generations, or None where another program or version wrote the entry."""
    try:
        return [_made(**plain) for plain in json.loads(body)]
    except (ValueError, TypeError, KeyError):
        return None


def _made(kind: str, info: dict[str, Any] | None, message: Any = None, text: str = "") -> Generation:
    given = {"text": text} if message is None else {"message": messages_from_dict([message])[0]}
    return _KINDS[kind].model_validate({**given, "generation_info": info})
