"""Embed and index what was said, in the background: each text once, and never on a request's way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Sequence
from hashlib import blake2b

from stepwell.base.embedding import Embedder, on_worker
from stepwell.memory.context.recall.marks import embed_marks
from stepwell.memory.context.thread import Thread

_BATCH = 4  # a request that needs its own vector waits for no more than this
_N_READ = 200  # 15 ms: who adds a message waits for it
_MAX_WAITING = 1000
_N_NAME = 4
_log = logging.getLogger("stepwell.memory")

Keep = Callable[[list[tuple[int, bytes]]], None]


class Marking:
    """Gives the messages of threads their marks; one thread at a time, a few messages at once.

    Args:
        embedder: None: nothing is ever embedded, and search goes by words alone.
        name: Of the embedder: marks of another one are not read.
    """

    def __init__(self, embedder: Callable[[], Embedder] | None, name: str) -> None:
        self.embedder = embedder
        self._name = blake2b(name.encode(), digest_size=_N_NAME).digest()
        self._waiting: dict[Hashable, tuple[Thread, Keep]] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    def seal(self, mark: bytes) -> bytes:
        """A mark as the log keeps it: with the embedder's name."""
        return self._name + mark

    def unseal(self, kept: bytes) -> bytes:
        """A mark from the log; b"" where it is another embedder's."""
        return kept[_N_NAME:] if kept.startswith(self._name) else b""

    def want(self, key: Hashable, thread: Thread, keep: Keep) -> None:
        """Embed what of a thread has no mark; never waits.

        Args:
            keep: Takes (place, mark) of each batch, in the event loop.
        """
        if self._is_closed or len(self._waiting) >= _MAX_WAITING:
            return
        self._waiting[key] = (thread, keep)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def forget(self, key: Hashable) -> None:
        """Stop work on a thread that is gone."""
        self._waiting.pop(key, None)

    async def drain(self) -> None:
        """Wait until nothing waits."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Give up what waits: it is embedded when it is wanted again."""
        self._is_closed = True
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        while self._waiting:
            key, (thread, keep) = next(iter(self._waiting.items()))
            # the next in turn: a long conversation must not hold up the others
            self._waiting.pop(key, None)
            is_unread = await asyncio.to_thread(thread.read, _N_READ)
            places = thread.unmarked(_BATCH) if self.embedder is not None else []
            if is_unread and not places and not self._is_closed:
                self._waiting.setdefault(key, (thread, keep))
            if not places:
                continue
            marks = await self._marks([thread.text_of(place) for place in places])
            if marks is None:
                continue
            found = list(zip(places, marks, strict=True))
            for place, mark in found:
                thread.set_mark(place, mark)
            keep(found)
            if not self._is_closed:
                self._waiting.setdefault(key, (thread, keep))

    async def _marks(self, texts: Sequence[str]) -> list[bytes] | None:
        make = self.embedder
        assert make is not None
        try:
            return await on_worker(lambda: embed_marks(make(), texts))
        except Exception as e:  # noqa: BLE001 - the embedder may be a plug-in, and search can do without
            _log.warning("the embedder failed with %s; conversations are searched by words", type(e).__name__)
            return None
