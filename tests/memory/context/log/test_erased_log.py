"""What was erased from a log's file can't be read from it."""

from __future__ import annotations

import asyncio
import random
import stat
from pathlib import Path

from stepwell.memory.context.log.log import NO_PAST, Name, NewTurn, Summary
from stepwell.memory.context.log.sqlite_log import SqliteLog


def new(*texts: str) -> list[NewTurn]:
    return [NewTurn(text.encode(), 1.0) for text in texts]


def bytes_in(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in folder.iterdir())


def modes_in(folder: Path) -> set[int]:
    return {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()}


def blobs(log: SqliteLog) -> list[bytes]:
    """All that was sealed, and the keys."""
    tables = {"turns": "raw", "marks": "mark", "summaries": "text", "pins": "text", "conversations": "names"}
    queries = [f"SELECT {column} FROM {table}" for table, column in tables.items()]
    return [blob for sql in (*queries, "SELECT key FROM keys") for (blob,) in log._long.all(sql)]


async def test_erased_bytes_leave_the_disk(tmp_path: Path) -> None:
    path, name = str(tmp_path / "c.db"), Name("SECRET-ID", "SECRET-TENANT", "SECRET-USER")
    log, beside = SqliteLog(path), SqliteLog(path)  # as another process would have it open
    await log.append(Name("kept", "t"), new("kept" * 500), epoch=0)
    kept = blobs(log)
    for n in range(3):
        epoch = (await log.append(name, new("SECRET-TEXT" * 20, "SECRET-TEXT"), epoch=0)).epoch
        log.keep_marks(name, [(0, b"SECRET-MARK" * 20)], epoch=epoch)
        log.keep_summary(name, Summary("SECRET-GIST" * 20, 1, "extract"), epoch=epoch)
        await log.pin(name, "SECRET-PIN")
        assert (await beside.read(name)).n_turns == 2
        going = [blob for blob in blobs(log) if blob not in kept and any(blob)]
        assert len(going) == 7
        assert all(blob in bytes_in(tmp_path) for blob in going)
        chosen = [{}, {"user": name.user}, {"id": name.id}][n]
        assert await log.erase(tenant=name.tenant, **chosen) == 1
        assert not any(blob in bytes_in(tmp_path) for blob in going)
        assert b"SECRET" not in bytes_in(tmp_path)
        assert await beside.read(name) == NO_PAST
    assert modes_in(tmp_path) == {0o600}
    assert all(blob in bytes_in(tmp_path) for blob in kept)
    assert (await beside.read(Name("kept", "t"))).turns[0].raw == b"kept" * 500
    await log.close()
    await beside.close()


async def test_no_page_that_was_split_keeps_the_key_of_what_was_erased(tmp_path: Path) -> None:
    """What is left of moved rows can't be read without it."""
    log, rng, epochs = SqliteLog(str(tmp_path / "c.db")), random.Random(1), dict[int, int]()
    for first in range(0, 300, 50):
        calls = [log.append(Name(f"c{i}", "t"), new("hi"), epoch=0) for i in range(first, first + 50)]
        epochs.update(enumerate([past.epoch for past in await asyncio.gather(*calls)], first))
    for _ in range(20):
        some = rng.choices(range(300), k=100)
        await asyncio.gather(*(log.append(Name(f"c{i}", "t"), new("so"), epoch=epochs[i]) for i in some))
    keys = [key for (key,) in log._long.all("SELECT key FROM keys ORDER BY n")]
    gone = rng.sample(range(300), 100)
    for i in gone:
        assert await log.erase(tenant="t", id=f"c{i}") == 1
    found = bytes_in(tmp_path)
    assert [i for i in range(300) if keys[i] in found] == sorted(set(range(300)) - set(gone))
    await log.close()


async def test_the_same_text_is_never_sealed_alike() -> None:
    log = SqliteLog()
    await log.append(Name("c1"), new("same" * 9, "same" * 9), epoch=0)
    await log.append(Name("c2"), new("same" * 9), epoch=0)
    one, two, three = (raw[12:] for (raw,) in log._long.all("SELECT raw FROM turns"))
    assert len({one, two, three}) == 3
    assert len(one) == 36
    await log.close()
