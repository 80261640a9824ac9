"""How the mock writes each behaviour onto its connection."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterable
from typing import Protocol

from tests.support import payloads
from tests.support.behaviour import Behaviour
from tests.support.payloads import DONE, LAST_CHUNK, SSE_HEAD, chunked, sized


class Line(Protocol):
    """A connection to write to."""

    transport: asyncio.Transport

    async def drain(self) -> None: ...


async def respond(line: Line, how: Behaviour, model: str, *, is_stream: bool, has_usage: bool) -> None:
    """Answer as told; never returns from a fault that hangs (the client's leaving cancels it)."""
    write, fault = line.transport.write, how.fault
    if how.status != 200:
        extra = b"" if how.retry_after is None else b"retry-after: %s\r\n" % how.retry_after.encode()
        write(sized(how.status, payloads.error(how.status), extra))
    elif fault == "hanghead":
        await _forever()
    elif fault == "drop":
        line.transport.close()
    elif fault == "html":
        write(payloads.head(200, kind=b"text/html", extra=b"content-length: %d\r\n" % len(payloads.HTML)))
        write(payloads.HTML)
    elif is_stream:
        await _stream(line, how, payloads.events(model, how.n_tokens, has_usage))
    else:
        await _whole(line, how, payloads.answer(model, how.n_tokens))


async def _whole(line: Line, how: Behaviour, body: bytes) -> None:
    write, fault, half = line.transport.write, how.fault, len(body) // 2
    if fault == "garbage":
        write(sized(200, body[:half] + b"}}}}"))
    elif fault == "empty":
        write(sized(200, b'{"id":"mock-1","choices":[]}'))
    elif fault == "huge":
        await _huge(line)
    elif fault == "short":
        write(payloads.head(200, extra=b"content-length: %d\r\n" % half) + body)
    elif fault in ("hangmid", "long", "reset", "cut"):
        write(payloads.head(200, extra=b"content-length: %d\r\n" % (len(body) + 100)))
        write(body if fault == "long" else body[:half])
        await _end(line, how)
    elif fault == "dribble":
        await _dribble(line, how, sized(200, body))
    else:
        write(sized(200, body))


async def _stream(line: Line, how: Behaviour, events: tuple[bytes, ...]) -> None:
    write, fault = line.transport.write, how.fault
    if fault == "ok" and not how.gap_s:
        write(SSE_HEAD + b"".join(map(chunked, events)) + chunked(DONE) + LAST_CHUNK)
    elif fault == "ok":
        write(SSE_HEAD)
        await _paced(line, how, events)
        write(chunked(DONE) + LAST_CHUNK)
    elif fault == "early":
        write(SSE_HEAD + chunked(events[0]) + LAST_CHUNK)
    elif fault == "dribble":
        await _dribble(line, how, SSE_HEAD + b"".join(map(chunked, events)) + chunked(DONE) + LAST_CHUNK)
    elif fault == "endless":
        write(SSE_HEAD + b"".join(map(chunked, events[:2])) + chunked(b"data: "))
        await _pour(line, (chunked(b"x" * 4096) for _ in range(10**9)))
    elif fault == "huge":
        write(SSE_HEAD + b"".join(map(chunked, events[:2])))
        many = payloads.N_HUGE_BYTES // len(events[1])
        await _pour(line, (chunked(events[1] * 16) for _ in range(many // 16)))
    else:
        write(SSE_HEAD + b"".join(map(chunked, events[:2])))
        await asyncio.sleep(how.gap_s)
        await _after_first(line, how, events[2:])


async def _after_first(line: Line, how: Behaviour, rest: tuple[bytes, ...]) -> None:
    write, fault = line.transport.write, how.fault
    if fault == "unfinished":
        write(LAST_CHUNK)
    elif fault == "errorevent":
        write(chunked(payloads.ERROR_EVENT) + chunked(DONE) + LAST_CHUNK)
    elif fault == "garbage":
        write(chunked(b"data: {garbage\n\n") + chunked(DONE) + LAST_CHUNK)
    elif fault == "hangdone":
        write(b"".join(map(chunked, rest)) + chunked(DONE))
        await _forever()
    else:
        await _end(line, how)


async def _end(line: Line, how: Behaviour) -> None:
    if how.fault == "reset":
        await asyncio.sleep(0.005)  # a reset overtakes what is still on its way
        raw = line.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.transport.abort()
    elif how.fault == "cut":
        line.transport.close()
    else:
        await _forever()


async def _paced(line: Line, how: Behaviour, events: Iterable[bytes]) -> None:
    for event in events:
        line.transport.write(chunked(event))
        await line.drain()
        await asyncio.sleep(how.gap_s)


async def _dribble(line: Line, how: Behaviour, data: bytes) -> None:
    for i in range(0, len(data), 7):
        line.transport.write(data[i : i + 7])
        await asyncio.sleep(how.gap_s)


async def _huge(line: Line) -> None:
    line.transport.write(payloads.head(200, extra=b"transfer-encoding: chunked\r\n"))
    await _pour(line, map(chunked, payloads.huge()))
    line.transport.write(LAST_CHUNK)


async def _pour(line: Line, pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        line.transport.write(piece)
        await line.drain()
        await asyncio.sleep(0)


async def _forever() -> None:
    await asyncio.get_running_loop().create_future()
