"""Long conversations that come whole with each request: what was read of them before need not be read again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from threading import Lock

from stepwell.base.messages import Message, encode_json
from stepwell.memory.context.thread.thread import Thread

_DIGEST_BYTES = 16


class Threads:
    """Keeps the threads of recent requests, found again by a digest of all their messages; any thread may call.

    A request that goes on where another one ended gets that one's thread, and adds what is new. One that begins
    alike and goes on otherwise (an edited message, a regenerated answer) gets a thread of its own; texts that were
    embedded before are known in it. Tenants and users never share anything.
    """

    def __init__(
        self, *, max_threads: int = 256, max_bytes: int = 128_000_000, max_marks: int = 20_000
    ) -> None:
        self._max_threads = max_threads
        self._max_bytes = max_bytes
        self._max_marks = max_marks
        self._lock = Lock()
        self._held: OrderedDict[bytes, tuple[Thread, int]] = OrderedDict()
        self._n_bytes = 0
        self._marks: OrderedDict[bytes, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    @property
    def n_bytes(self) -> int:
        """Memory that the threads take, about; those just lent are not counted."""
        return self._n_bytes

    @contextmanager
    def get(self, messages: Sequence[Message], *, tenant: str = "", user: str = "") -> Iterator[Thread]:
        """Lend a thread of exactly these messages; nobody else adds to it before the block ends.

        Args:
            messages: Best without the system prompt at their head: where that tells the time, no two requests
                begin alike.
        """
        owner = _owner(tenant, user)
        digests = _digests(owner, messages)
        thread, n = self._find(digests)
        if thread is None:
            thread = Thread(on_mark=lambda text, mark: self._learn(owner, text, mark))
        for message in messages[n:]:
            self._mark(owner, thread, thread.add(message))
        try:
            yield thread
        finally:
            if digests:
                self._keep(digests[-1], thread)

    def clear(self) -> None:
        with self._lock:
            self._held.clear()
            self._marks.clear()
            self._n_bytes = 0

    def _find(self, digests: Sequence[bytes]) -> tuple[Thread | None, int]:
        """The thread that ends where some beginning of these ends, and how long that is."""
        with self._lock:
            for n in range(len(digests), 0, -1):
                found = self._held.pop(digests[n - 1], None)
                if found is not None:
                    self._n_bytes -= found[1]
                    return found[0], n
        return None, 0

    def _keep(self, digest: bytes, thread: Thread) -> None:
        n_bytes = thread.n_bytes
        with self._lock:
            _, n_before = self._held.pop(digest, (None, 0))
            self._held[digest] = (thread, n_bytes)
            self._n_bytes += n_bytes - n_before
            while len(self._held) > self._max_threads or (self._held and self._n_bytes > self._max_bytes):
                _, (_, n_freed) = self._held.popitem(last=False)
                self._n_bytes -= n_freed

    # ---- marks

    def _learn(self, owner: bytes, text: str, mark: bytes) -> None:
        key = _key(owner, text)
        with self._lock:
            self._marks[key] = mark
            self._marks.move_to_end(key)
            while len(self._marks) > self._max_marks:
                self._marks.popitem(last=False)

    def _mark(self, owner: bytes, thread: Thread, place: int) -> None:
        text = thread.text_of(place) if self._marks else ""
        if not text:
            return
        with self._lock:
            mark = self._marks.get(_key(owner, text))
        if mark is not None:
            thread.set_mark(place, mark)


def _owner(tenant: str, user: str) -> bytes:
    return blake2b(encode_json([tenant, user]), digest_size=_DIGEST_BYTES).digest()


def _digests(owner: bytes, messages: Sequence[Message]) -> list[bytes]:
    """A digest of each beginning of the conversation, the shortest first."""
    found, digest = [], owner
    for message in messages:
        digest = blake2b(encode_json(message), key=digest, digest_size=_DIGEST_BYTES).digest()
        found.append(digest)
    return found


def _key(owner: bytes, text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), key=owner, digest_size=_DIGEST_BYTES).digest()
