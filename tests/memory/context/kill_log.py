"""Processes that write to a log until they are killed, and what must be true of its file afterwards."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import stepwell
from stepwell.base.errors import ConversationErased
from stepwell.memory.context.log.log import Name, NewTurn
from stepwell.memory.context.log.sqlite_log import SqliteLog

N_WRITERS = 3  # in each process, so that several appends share a commit
SHARED = Name("shared", "t")
_ERASE_EACH = 23
_SHARED_EACH = 3

_WRITE_FOREVER = """
import asyncio, sys
from tests.memory.context.kill_log import write_forever
asyncio.run(write_forever(sys.argv[1], *map(int, sys.argv[2:])))
"""

Step = tuple[str, int]  # who, and which of theirs


def own(who: str) -> Name:
    return Name(f"own {who}", "t", who)


def exchange(who: str, n: int) -> list[NewTurn]:
    """A question and its answer, of up to 40 kB."""
    rng = random.Random(f"{who}.{n}")
    words = f" {who} {n}".encode() * (5000 if rng.random() < 0.05 else rng.randrange(1, 60))
    return [NewTurn(role + words, float(n)) for role in (b"ask", b"answer")]


def what(n: int) -> str:
    return "erase" if n % _ERASE_EACH == 0 else "shared" if n % _SHARED_EACH == 0 else "own"


# ---- in the process that is killed


async def write_forever(path: str, process: int, first: int) -> None:
    log = SqliteLog(path)
    await asyncio.gather(*(_write(log, f"{process}.{w}", first) for w in range(N_WRITERS)))


async def _write(log: SqliteLog, who: str, n: int) -> None:
    while True:
        _say("sent", who, n)
        if what(n) == "erase":
            await log.erase(tenant="t", user=who)
        else:
            await _append(log, SHARED if what(n) == "shared" else own(who), exchange(who, n))
        _say("sure", who, n)
        n += 1


async def _append(log: SqliteLog, name: Name, turns: list[NewTurn]) -> None:
    while True:
        epoch = (await log.read(name, after=1 << 27)).epoch
        with suppress(ConversationErased):  # two may begin it at once
            made = await log.append(name, turns, epoch=epoch)
            break
    log.keep_marks(name, [(t.seq, t.raw[:64]) for t in made.turns], epoch=made.epoch)


def _say(word: str, who: str, n: int) -> None:
    sys.stdout.write(f"{word} {who} {n}\n")
    sys.stdout.flush()


# ---- in the process that kills


@dataclass(slots=True)
class Said:
    """What writers had said before they were killed: steps begun and not confirmed, and those confirmed, in order."""

    sure: list[Step] = field(default_factory=list)
    open: dict[str, int] = field(default_factory=dict)
    n_died: int = 0  # of themselves

    def hear(self, lines: list[str]) -> None:
        for line in lines:
            if line.endswith("\n"):  # the last one may be torn
                word, who, n = line.split()
                if word == "sent":
                    self.open[who] = int(n)
                else:
                    del self.open[who]
                    self.sure.append((who, int(n)))


def killed_while_they_write(path: str, first: int, *, after_s: list[float]) -> Said:
    """Let a process for each of `after_s` write from number `first` on, and kill it so long after it began to."""
    said = Said()
    threads = [
        threading.Thread(target=_killed, args=(path, process, first, s, said))
        for process, s in enumerate(after_s)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return said


def _killed(path: str, process: int, first: int, after_s: float, said: Said) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(stepwell.__file__).parents[1])}
    args = [sys.executable, "-c", _WRITE_FOREVER, path, str(process), str(first)]
    with subprocess.Popen(args, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline()]
        killer = threading.Thread(target=_kill, args=(child, after_s))
        killer.start()
        lines += child.stdout.readlines()
        killer.join()
    said.n_died += child.returncode != -signal.SIGKILL
    said.hear(lines)


def _kill(child: subprocess.Popen[str], after_s: float) -> None:
    time.sleep(after_s)
    child.send_signal(signal.SIGKILL)


@dataclass(slots=True)
class Truth:
    """What must be in the log, by conversation: steps in order; over several rounds of killing."""

    own: dict[str, list[Step]] = field(default_factory=dict)
    shared: list[Step] = field(default_factory=list)
    n_unsure_kept: int = 0

    async def faults(self, path: str, said: Said) -> list[str]:
        """What is wrong with the file; takes over what of the steps not confirmed is there."""
        log = SqliteLog(path)
        found = ["a process died of itself"] * said.n_died
        if log._writer._connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            found.append("the file is corrupt")
        for who in {who for who, _ in said.sure} | set(said.open):
            found += await self._own_faults(log, who, said)
        found += await self._shared_faults(log, said)
        await log.close()
        return found

    async def _own_faults(self, log: SqliteLog, who: str, said: Said) -> list[str]:
        must = self.own.get(who, [])
        for step in [s for s in said.sure if s[0] == who]:
            must = [] if what(step[1]) == "erase" else must if what(step[1]) == "shared" else [*must, step]
        n = said.open.get(who)
        may = must if n is None or what(n) == "shared" else [] if what(n) == "erase" else [*must, (who, n)]
        self.own[who], found = await self._read(log, own(who))
        self.n_unsure_kept += self.own[who] == may != must
        return found if self.own[who] in (must, may) else [*found, f"{who} has {len(self.own[who])} steps"]

    async def _shared_faults(self, log: SqliteLog, said: Said) -> list[str]:
        """Each writer's steps must be there in order; whose come first is theirs to settle."""
        got, found = await self._read(log, SHARED)
        if got[: len(self.shared)] != self.shared:
            found.append("the shared conversation's past has changed")
        sure = [s for s in said.sure if what(s[1]) == "shared"]
        for who in {who for who, _ in got} | {who for who, _ in sure}:
            must = [s for s in (*self.shared, *sure) if s[0] == who]
            may = [*must, *((who, n) for n in [said.open.get(who)] if n is not None and what(n) == "shared")]
            if [s for s in got if s[0] == who] not in (must, may):
                found.append(f"{who}'s steps of the shared conversation are not as confirmed")
        self.n_unsure_kept += len(got) - len(self.shared) - len(sure)
        self.shared = got
        return found

    async def _read(self, log: SqliteLog, name: Name) -> tuple[list[Step], list[str]]:
        """The steps in a conversation, and what is torn, half or out of place."""
        past, steps, found = await log.read(name), list[Step](), []
        if past.n_turns != len(past.turns) or [t.seq for t in past.turns] != [*range(past.n_turns)]:
            found.append("there are gaps")
        for ask, answer in zip(past.turns[::2], past.turns[1::2], strict=False):
            _, who, n = ask.raw[:40].split()[:3]
            step = who.decode(), int(n)
            if [ask.raw, answer.raw] != [t.raw for t in exchange(*step)]:
                found.append(f"{step} is torn")
            if any(t.mark not in (b"", t.raw[:64]) for t in (ask, answer)):
                found.append(f"{step} has another's mark")
            steps.append(step)
        if past.n_turns % 2:
            found.append("half an exchange is there")
        return steps, found
