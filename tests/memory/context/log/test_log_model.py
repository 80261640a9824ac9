"""Whatever is done to a log, in whatever order and through whichever replica: it holds what a few lists would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.base.errors import ConversationErased, ForeignConversation, StepwellError
from stepwell.memory.context.log.log import (
    NO_PAST,
    ConversationLog,
    Listed,
    Name,
    NewTurn,
    Past,
    Pin,
    Summary,
    Turn,
)
from stepwell.memory.context.log.redis_log import RedisLog
from stepwell.memory.context.log.sqlite_log import SqliteLog
from tests.router.redis_server import Server

KINDS = ["append", "append", "append", "read", "marks", "summary", "pin", "unpin", "erase", "list"]
# which replica, tenant, id and user, and two numbers whose sense depends on the kind
two = st.integers(0, 1)
steps = st.tuples(st.sampled_from(KINDS), two, two, two, two, st.integers(0, 5), st.integers(0, 9))
Step = tuple[str, int, int, int, int, int, int]


@dataclass
class Held:
    user: str
    epoch: int
    turns: list[Turn] = field(default_factory=list)
    pins: list[Pin] = field(default_factory=list)
    summary: Summary | None = None
    began_s: float = 0.0
    last_s: float = 0.0

    def past(self, after: int) -> Past:
        turns = tuple(t for t in self.turns if t.seq > after)
        return Past(self.epoch, len(self.turns), turns, tuple(self.pins), self.summary)


@dataclass
class Model:
    held: dict[tuple[str, str], Held] = field(default_factory=dict)
    epochs: list[int] = field(default_factory=lambda: [0])

    def refusal(self, name: Name, epoch: int) -> type[StepwellError] | None:
        held = self.held.get((name.tenant, name.id))
        if held is not None and held.user != name.user:
            return ForeignConversation
        return None if epoch == (held.epoch if held else 0) else ConversationErased

    def take(self, name: Name, epoch: int, turns: Sequence[NewTurn]) -> Held:
        if (name.tenant, name.id) not in self.held:
            assert epoch not in self.epochs
            self.epochs.append(epoch)
            self.held[name.tenant, name.id] = Held(name.user, epoch)
        held = self.held[name.tenant, name.id]
        for turn in turns:
            held.began_s, held.last_s = held.began_s or turn.at_s, max(held.last_s, turn.at_s)
            held.turns.append(Turn.of(len(held.turns), turn))
        return held

    def erase(self, tenant: str, user: str | None, id: str | None) -> int:
        gone = [
            key
            for key, held in self.held.items()
            if key[0] == tenant and user in (None, held.user) and id in (None, key[1])
        ]
        for key in gone:
            del self.held[key]
        return len(gone)


class Run:
    """Does each step to the log and to the model, and compares what both say."""

    def __init__(self, logs: Sequence[ConversationLog], prefix: str) -> None:
        self._logs = logs
        self._prefix = prefix
        self._model = Model()
        self._at_s = 1000.0

    async def step(self, step: Step) -> None:
        kind, replica, tenant, id, user, x, y = step
        log, name = self._logs[replica], Name(f"c{id}", f"{self._prefix}{tenant}", f"u{user}")
        await getattr(self, f"_{kind}")(log, name, x, y)

    async def compare(self) -> None:
        for log in self._logs:
            for (tenant, id), held in self._model.held.items():
                assert await log.read(Name(id, tenant, held.user)) == held.past(-1)
            for tenant in (f"{self._prefix}0", f"{self._prefix}1"):
                found = await log.list(tenant=tenant)
                assert {(tenant, x.name.id) for x in found} == {k for k in self._model.held if k[0] == tenant}

    async def _append(self, log: ConversationLog, name: Name, x: int, y: int) -> None:
        held = self._model.held.get((name.tenant, name.id))
        right = held.epoch if held else 0
        epoch = [
            right,
            right,
            right,
            0,
            self._model.epochs[-1],
            self._model.epochs[y % len(self._model.epochs)],
        ][x]
        self._at_s += y - 3
        turns = [
            NewTurn(f"{self._at_s} {n}".encode(), self._at_s + n, b"g" * n, n % 2 == 0)
            for n in range(1, 2 + y % 3)
        ]
        wrong = self._model.refusal(name, epoch)
        if wrong is not None:
            with pytest.raises(wrong):
                await log.append(name, turns, epoch=epoch)
            return
        said = await log.append(name, turns, epoch=epoch)
        held = self._model.take(name, said.epoch, turns)
        assert said == Past(held.epoch, len(held.turns), tuple(held.turns[-len(turns) :]))

    async def _read(self, log: ConversationLog, name: Name, x: int, y: int) -> None:
        held = self._model.held.get((name.tenant, name.id))
        if held is not None and held.user != name.user:
            with pytest.raises(ForeignConversation):
                await log.read(name)
        else:
            assert await log.read(name, after=y - 1) == (held.past(y - 1) if held else NO_PAST)

    async def _marks(self, log: ConversationLog, name: Name, x: int, y: int) -> None:
        held = self._model.held.get((name.tenant, name.id))
        epoch = held.epoch if held and x else self._model.epochs[-1]
        log.keep_marks(name, [(y, b"m%d" % x), (y + 1, b"n")], epoch=epoch)
        if held is not None and epoch == held.epoch:
            for seq, mark in ((y, b"m%d" % x), (y + 1, b"n")):
                if seq < len(held.turns):
                    t = held.turns[seq]
                    held.turns[seq] = msgspec.structs.replace(t, mark=mark)
        await log.unpin(Name("none"), "none")

    async def _summary(self, log: ConversationLog, name: Name, x: int, y: int) -> None:
        held = self._model.held.get((name.tenant, name.id))
        epoch = held.epoch if held and x else self._model.epochs[-1]
        made = Summary(f"s{x}", y, "extract", x)
        log.keep_summary(name, made, epoch=epoch)
        if held is not None and epoch == held.epoch and (held.summary is None or y >= held.summary.upto):
            held.summary = made
        await log.unpin(Name("none"), "none")

    async def _pin(self, log: ConversationLog, name: Name, x: int, y: int) -> None:
        held = self._model.held.get((name.tenant, name.id))
        if held is not None and held.user != name.user:
            with pytest.raises(ForeignConversation):
                await log.pin(name, "x")
            return
        pin = await log.pin(name, f"p{x}")
        if held is None:
            held = self._model.take(name, (await log.read(name)).epoch, [])
            [held.began_s] = [x.began_s for x in await log.list(tenant=name.tenant) if x.name == name]
            held.last_s = held.began_s
        held.pins.append(pin)

    async def _unpin(self, log: ConversationLog, name: Name, x: int, y: int) -> None:
        held = self._model.held.get((name.tenant, name.id))
        pin = held.pins[y % len(held.pins)] if held and held.pins else Pin("none", "")
        if held is not None and held.user != name.user:
            with pytest.raises(ForeignConversation):
                await log.unpin(name, pin.id)
            return
        assert await log.unpin(name, pin.id) is (held is not None and pin in held.pins)
        if held is not None and pin in held.pins:
            held.pins.remove(pin)

    async def _erase(self, log: ConversationLog, name: Name, x: int, y: int) -> None:
        user, id = [(None, None), (name.user, None), (None, name.id), (name.user, name.id)][x % 4]
        n_gone = await log.erase(tenant=name.tenant, user=user, id=id)
        assert n_gone == self._model.erase(name.tenant, user, id)

    async def _list(self, log: ConversationLog, name: Name, x: int, y: int) -> None:
        user = name.user if x % 2 else None
        wanted = [
            Listed(Name(id, tenant, held.user), len(held.turns), held.began_s, held.last_s)
            for (tenant, id), held in self._model.held.items()
            if tenant == name.tenant and user in (None, held.user)
        ]
        found = await log.list(tenant=name.tenant, user=user, limit=9)
        assert [x.last_s for x in found] == sorted((w.last_s for w in wanted), reverse=True)
        assert sorted(found, key=str) == sorted(wanted, key=str)


async def _do(make: Callable[[], ConversationLog], work: Sequence[Step], prefix: str) -> None:
    logs = [make(), make()]
    try:
        run = Run(logs, prefix)
        for step in work:
            await run.step(step)
        await run.compare()
    finally:
        for log in logs:
            await log.close()


@settings(max_examples=60)
@given(st.lists(steps, max_size=30))
async def test_two_logs_on_one_file_hold_what_lists_would(work: list[Step]) -> None:
    with TemporaryDirectory() as folder:
        await _do(lambda: SqliteLog(str(Path(folder) / "c.db")), work, "t")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


n_runs = 0


@settings(max_examples=60)
@given(work=st.lists(steps, max_size=30))
async def test_two_replicas_on_one_redis_hold_what_lists_would(server: Server, work: list[Step]) -> None:
    global n_runs
    n_runs += 1  # tenants of its own
    await _do(lambda: RedisLog(server.url, timeout_s=20), work, f"run{n_runs}.")
