"""The decision log: one JSON line a request, written by a thread; nothing on a request's way waits for it."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import msgspec

from stepwell.base.config.traffic import TrafficConfig
from stepwell.base.errors import ConfigError, StepwellError
from stepwell.base.reply import Reply
from stepwell.base.request import ChatRequest
from stepwell.router.features import last_ask, read_ask
from stepwell.run import Run
from stepwell.traffic_line import Logged, line_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.traffic_masks import OneWay, Said

    Vector = NDArray[np.float32]

MAX_WAITING = 10_000
_log = logging.getLogger("stepwell.traffic")
_encode = msgspec.json.Encoder().encode
_decode_said = msgspec.json.Decoder(list[dict[str, object]]).decode


class _Job(msgspec.Struct, frozen=True):
    """What a line is made of, once there is time for it."""

    line: Logged
    request: ChatRequest
    reply: Reply | None
    vector: Vector | None
    embedder: str


class TrafficLog:
    """Appends decisions to a file (mode 600) that never grows past its limit.

    Several processes may write to one file. What can't be written is counted in `n_lost`, and requests go on.

    Raises:
        ConfigError: The file can't be written, or a check is unknown.
    """

    def __init__(self, config: TrafficConfig, *, embedder: str = "") -> None:
        if config.path is None:
            raise ConfigError("traffic.path is not set")
        self._share = config.share
        self._keeps_vector = config.keep == "features"
        self._embedder = embedder
        self._lines = _Lines(config)
        self._close = weakref.finalize(self, self._lines.close)

    @property
    def n_lost(self) -> int:
        """Lines that could not be written."""
        return self._lines.n_lost

    def write(
        self, run: Run, status: int, reply: Reply | None, error: str, vector: Vector | None = None
    ) -> None:
        """Put a request's line on its way. Never waits for the disk.

        Args:
            vector: Of the last ask, where the policy read one.
        """
        if not _is_in(run.trace.request_id, self._share):
            return
        line = line_of(run, status, reply, error)
        kept = vector if self._keeps_vector else None
        self._lines.send(_Job(line, run.request, reply, kept, self._embedder))

    def close(self) -> None:
        """Write what waits; blocks meanwhile."""
        self._close()


def _is_in(request_id: str, share: float) -> bool:
    if share >= 1:
        return True
    raw = blake2b(request_id.encode("utf-8", "surrogatepass"), digest_size=8, person=b"stepwell-log")
    return int.from_bytes(raw.digest()) < share * 2**64


class _Lines:
    """The file, and the thread that writes to it."""

    def __init__(self, config: TrafficConfig) -> None:
        self.n_lost = 0
        self._config = config
        self._path = os.path.abspath(config.path or "")
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._masks: OneWay | None = None
        self._is_torn = False
        self._is_closed = False
        if config.keep == "masked":
            from stepwell.traffic_masks import OneWay

            OneWay(config.checks).close()  # what is wrong with the checks shows at the start
        try:
            Path(self._path).parent.mkdir(parents=True, exist_ok=True)
            self._append(b"")
        except OSError as e:
            raise ConfigError(f"traffic.path: {e.strerror}") from e

    def send(self, job: _Job) -> None:
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
                self._thread = threading.Thread(target=self._run, name="stepwell-traffic", daemon=True)
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
        if self._masks is not None:
            self._masks.close()

    def _write(self, batch: list[_Job]) -> None:
        lines = [self._line(job) for job in batch]
        try:
            self._append(b"".join(lines))
        except OSError as e:
            self._lose(len(batch), type(e).__name__)

    def _line(self, job: _Job) -> bytes:
        """As bytes; a request whose text can't be read or masked keeps its decision without it."""
        try:
            return _encode(self._whole(job)) + b"\n"
        except (ValueError, StepwellError, msgspec.MsgspecError):
            return _encode(job.line) + b"\n"

    def _whole(self, job: _Job) -> Logged:
        if self._config.keep == "features":
            return _with_features(job, has_words=self._config.words)
        if self._config.keep == "masked":
            said, answer = self._masked(job)
            return msgspec.structs.replace(job.line, messages=said, answer=answer, is_masked=True)
        return job.line

    def _masked(self, job: _Job) -> tuple[Said, str | None]:
        if self._masks is None:
            from stepwell.traffic_masks import OneWay

            self._masks = OneWay(self._config.checks)
        messages = _decode_said(job.request.fields["messages"])
        return self._masks.masked(messages, None if job.reply is None else job.reply.text)

    def _append(self, raw: bytes) -> None:
        """In one write: lines of several processes don't mix. A line that a full disk cut is ended first."""
        if raw:
            rotate(self._path, len(raw), self._config.max_bytes, self._config.n_files)
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
            _log.warning("lines of the decision log lost: %s", why)
        self.n_lost += n


def rotate(path: str, n_more: int, max_bytes: int, n_files: int) -> None:
    """Move a file that `n_more` bytes would make too long to <path>.1, and that to .2; the last one goes.

    Raises:
        OSError: It can't be moved.
    """
    if _size(path) + n_more <= max_bytes or not _size(path):
        return
    lock = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        _hold(lock)
        if _size(path) + n_more <= max_bytes:  # another process moved it meanwhile
            return
        for n in range(n_files - 1, 0, -1):
            with suppress(FileNotFoundError):
                os.replace(f"{path}.{n}", f"{path}.{n + 1}")
        with suppress(FileNotFoundError):
            os.replace(path, f"{path}.1") if n_files else os.unlink(path)
    finally:
        os.close(lock)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _hold(file: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows has no flock
        return
    fcntl.flock(file, fcntl.LOCK_EX)


def _with_features(job: _Job, *, has_words: bool) -> Logged:
    from stepwell.router.learned.inputs import read_inputs  # imports numpy
    from stepwell.router.traits import TRAITS_HASH

    ask = last_ask(job.request.messages).encode("utf-8", "replace").decode()
    read = read_inputs([read_ask(ask)])
    return msgspec.structs.replace(
        job.line,
        traits=read.traits[0].astype("<f4").tobytes(),
        traits_hash=TRAITS_HASH,
        words=read.words[0].astype("<u2").tobytes() if has_words else b"",
        vector=job.vector.astype("<f2").tobytes() if job.vector is not None else b"",
        embedder=job.embedder if job.vector is not None else "",
    )
