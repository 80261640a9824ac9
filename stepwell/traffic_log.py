"""The decision log: one JSON line a request, written by a thread; nothing on a request's way waits for it."""

from __future__ import annotations

import weakref
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from stepwell.base.config.traffic import TrafficConfig
from stepwell.base.errors import ConfigError, StepwellError
from stepwell.base.line_writer import LineWriter
from stepwell.base.reply import Reply
from stepwell.base.request import ChatRequest
from stepwell.base.rotating import rotate
from stepwell.router.features import last_ask, read_ask
from stepwell.run import Run
from stepwell.traffic_line import Logged, line_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.traffic_masks import OneWay, Said

    Vector = NDArray[np.float32]

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
        self._lines = _writer(config)
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
    """What becomes of jobs, in the writer's thread."""

    def __init__(self, config: TrafficConfig) -> None:
        self._config = config
        self._masks: OneWay | None = None

    def line(self, job: _Job) -> bytes:
        """As bytes; a request whose text can't be read or masked keeps its decision without it."""
        try:
            return _encode(self._whole(job)) + b"\n"
        except (ValueError, StepwellError, msgspec.MsgspecError):
            return _encode(job.line) + b"\n"

    def close(self) -> None:
        if self._masks is not None:
            self._masks.close()

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


def _writer(config: TrafficConfig) -> LineWriter[_Job]:
    if config.keep == "masked":
        from stepwell.traffic_masks import OneWay

        OneWay(config.checks).close()  # what is wrong with the checks shows at the start
    lines = _Lines(config)
    move = partial(rotate, max_bytes=config.max_bytes, n_files=config.n_files)
    what = "lines of the decision log"
    try:
        return LineWriter(
            config.path or "", lines.line, name="traffic", what=what, before=move, at_end=lines.close
        )
    except OSError as e:
        raise ConfigError(f"traffic.path: {e.strerror}") from e


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
