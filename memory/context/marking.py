"""Embed and index what was said, in the background: each text once, and never on a request's way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from stepwell.base.embedding import Embedder, on_worker
from stepwell.memory.context.recall.marks import embed_marks
from stepwell.memory.context.thread.thread import Thread

_BATCH = 1  # what a request that needs a vector of its own waits for; on a CPU more at once are no faster
_N_READ = 200  # 15 ms
_MAX_WAITING = 1000
_N_NAME = 4
_log = logging.getLogger("stepwell.memory")

Marks = list[tuple[int, bytes]]
Keep = Callable[[Marks], None]


@dataclass(slots=True, eq=False)
class _Work:
    thread: Thread
    keep: Keep
    embeds: bool

    def next(self) -> tuple[bool, list[int], list[str]]:
        """Read on; whether some are left to read, and what to embed next: places and texts. Blocks."""
        is_unread = self.thread.read(_N_READ)
        places = self.thread.unmarked(_BATCH) if self.embeds else []
        return is_unread, places, [self.thread.text_of(place) for place in places]

    def mark(self, found: Marks) -> None:
        """Give the thread its marks. Blocks."""
        for place, mark in found:
            self.thread.set_mark(place, mark)


class Marking:
    """Gives the messages of threads their marks; one thread at a time, a few messages at once.

    All that may wait for a thread's lock waits in a worker; what fails for one thread ends the work on that one, until
    it is wanted again.

    Args:
        embedder: None: nothing is ever embedded, and search goes by words alone.
        name: Of the embedder: marks of another one are not read.
    """

    def __init__(self, embedder: Callable[[], Embedder] | None, name: str) -> None:
        self.embedder = embedder
        self._name = blake2b(name.encode(), digest_size=_N_NAME).digest()
        self._waiting: dict[Hashable, _Work] = {}  # the first one may be under way
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
        is_full = len(self._waiting) >= _MAX_WAITING and key not in self._waiting
        if self._is_closed or is_full:
            return
        self._waiting[key] = _Work(thread, keep, self.embedder is not None)
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
            key, work = next(iter(self._waiting.items()))
            try:
                is_more = await self._step(key, work)
            except Exception as e:  # noqa: BLE001 - `keep` is the caller's, and no thread may end the others' work
                _log.error("a conversation was not embedded to its end: %s", type(e).__name__)
                is_more = False
            now = self._waiting.pop(key, None)
            if now is not None and (is_more or now is not work):
                self._waiting[key] = now  # the last in turn: a long conversation must not hold up the others

    async def _step(self, key: Hashable, work: _Work) -> bool:
        """Index and embed a little of a thread; whether more is to be done."""
        is_unread, places, texts = await asyncio.to_thread(work.next)
        if not places or not self._is_wanted(key):
            return is_unread
        marks = await self._marks(texts)
        if marks is None:
            work.embeds = False
            return is_unread
        found = list(zip(places, marks, strict=True))
        await asyncio.to_thread(work.mark, found)
        if self._is_wanted(key):
            work.keep(found)
        return True

    def _is_wanted(self, key: Hashable) -> bool:
        return key in self._waiting

    async def _marks(self, texts: Sequence[str]) -> list[bytes] | None:
        make = self.embedder
        assert make is not None
        try:
            marks = await on_worker(lambda: embed_marks(make(), texts))
            if len(marks) != len(texts):
                raise ValueError
        except Exception as e:  # noqa: BLE001 - the embedder may be a plug-in, and search can do without
            _log.warning("the embedder failed with %s; conversations are searched by words", type(e).__name__)
            return None
        return marks
