"""The sandbox: programs run, attacks end, the host stays as it was."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.evals.scoring.code import sandbox as module
from stepwell.evals.scoring.code.ended import REASONS, Ended, SandboxUnavailable
from stepwell.evals.scoring.code.inside import MOST_PATIENCE, supervise
from stepwell.evals.scoring.code.sandbox import Job, Sandbox, check_lock, run_program
from tests.evals.scoring.code.hostile import ATTACKS, CHEATS, LOOSE_TESTS, SOLUTION, TESTS, Hostile


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(concurrency=2) as opened:
        yield opened


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Path]:
    """A folder with one file in it; afterwards it holds the same, and no process is left."""
    yield _folder(tmp_path)
    _check_unharmed(tmp_path)
    assert not list(_children())


def _folder(folder: Path) -> Path:
    kept = folder / "kept"
    kept.write_text("sk-secret")
    kept.chmod(0o644)
    return folder


def _check_unharmed(folder: Path) -> None:
    kept = folder / "kept"
    assert [p.name for p in folder.iterdir()] == ["kept"]
    assert (kept.read_text(), kept.stat().st_mode & 0o777) == ("sk-secret", 0o644)
    assert not list(Path("/dev/shm").glob("*stepwell-made*"))


def _children() -> Iterator[int]:
    """Processes of any sandbox of this test process, whoever their parent is by now."""
    folder = os.fsencode(str(Path(module.__file__).parent))
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1]) if line else 0
        except OSError:
            continue
        if line.endswith(folder + b"\0") and parent in (1, os.getpid()):
            yield int(entry.name)


@dataclass(frozen=True)
class Seen:
    """How a program ended, how a right one ended in the same sandbox after it, and the folder it attacked."""

    ended: Ended
    after: Ended
    folder: Path


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """All attacks and cheats, two at a time."""
    waiting: list[tuple[str, str, float]] = [(c, CHEATS[c], 5) for c in CHEATS]
    waiting += [(a.name, f"{a.code}\n{SOLUTION}", 0.4 if "timeout" in a.reasons else 10) for a in ATTACKS]
    found: dict[str, Seen] = {}

    async def work() -> None:
        async with Sandbox(concurrency=1) as sandbox:
            while waiting:
                name, code, timeout_s = waiting.pop()
                folder = _folder(tmp_path_factory.mktemp("host"))
                if name not in CHEATS:
                    code = code.format(dir=folder, pid=os.getpid())
                job, right = (
                    Job((code,), TESTS, names=("square",)),
                    Job((SOLUTION,), TESTS, names=("square",)),
                )
                ended = await sandbox.run(job, timeout_s=timeout_s, max_memory_mb=128)
                found[name] = Seen(ended, await sandbox.run(right), folder)

    async def both() -> None:
        await asyncio.gather(work(), work())

    asyncio.run(both())
    return found


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.name)
def test_an_attack_is_stopped_though_the_program_is_right(attack: Hostile, seen: dict[str, Seen]) -> None:
    assert seen[attack.name].ended.reason in attack.reasons
    assert seen[attack.name].after.passed
    _check_unharmed(seen[attack.name].folder)


@pytest.mark.parametrize("name", CHEATS)
def test_no_trick_makes_a_wrong_answer_right(name: str, seen: dict[str, Seen]) -> None:
    assert seen[name].ended.reason in REASONS - {"passed"}
    assert seen[name].after.passed


def test_no_attack_leaves_a_process(seen: dict[str, Seen]) -> None:
    assert not list(_children())


@pytest.mark.parametrize("name", CHEATS)
async def test_nor_where_tests_leave_it_room(name: str, sandbox: Sandbox) -> None:
    for tests in LOOSE_TESTS:
        ended = await sandbox.run(Job((CHEATS[name],), tests, names=("square",)), timeout_s=2)
        assert ended.reason in REASONS - {"passed"}


async def test_right_answers_pass_loose_tests(sandbox: Sandbox) -> None:
    for tests in LOOSE_TESTS:
        assert (await sandbox.run(Job((f"import math\n{SOLUTION}",), tests, names=("square",)))).passed


async def test_a_right_program_passes_and_says_what_it_used(sandbox: Sandbox) -> None:
    ended = await sandbox.run(Job(("print('hello', flush=True)\n" + SOLUTION,), TESTS, names=("square",)))
    assert (ended.reason, ended.n_output_bytes) == ("passed", 6)
    assert ended.cpu_ms > 0


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("x = 1", "passed"),
        ("1 / 0", "failed"),
        ("def", "syntax"),
        ("x = '\0'", "syntax"),
        ("x = '\ud800'", "syntax"),
        ("(" * 5000, "syntax"),
        ("assert False", "failed"),
        ("import os; os._exit(0)", "exited"),
        ("while True: pass", "timeout"),
    ],
)
async def test_one_program_by_itself(source: str, reason: str) -> None:
    assert (await run_program(source, timeout_s=1)).reason == reason


async def test_what_tests_call_must_be_there(sandbox: Sandbox) -> None:
    assert (await sandbox.run(Job(("x = 1",), TESTS, names=("square",)))).reason == "missing"


PYTHONS_OWN = """
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
import datetime, enum
Pair = namedtuple('Pair', 'a b')
class Colour(enum.IntEnum):
    RED = 1
@dataclass
class Point:
    x: int
    y: int = 0
    def moved(self, by): return Point(self.x + by, self.y)
def same(x): return x
def results():
    return [Counter('aab'), defaultdict(int, a=1), Pair(1, 2), Colour.RED, 10**30, float('inf'), b'x', 2j, range(3),
            Decimal('1.5'), Fraction(1, 3), datetime.date(2026, 11, 21), {(1, 2): {3}}, frozenset([None]), deque([1])]
def count():
    yield 1
    yield 2
def wrong(): raise KeyError('k')
def left(): raise FileNotFoundError(2, 'x')
def sort(values): values.sort()
def empty(mapping): mapping.clear()
def apply(function, value): return function(function(value))
def many(n): return list(range(n))
LIMIT = 7
"""


@pytest.mark.parametrize(
    "test",
    [
        "assert results()[:3] == [{'a': 2, 'b': 1}, {'a': 1}, (1, 2)]",
        "assert results()[3:9] == [1, 10**30, float('inf'), b'x', 2j, range(3)]",
        "from decimal import Decimal\nassert results()[9] == Decimal('1.5')",
        "from fractions import Fraction\nimport datetime\n"
        "assert results()[10:12] == [Fraction(1, 3), datetime.date(2026, 11, 21)]",
        "from collections import deque\nassert results()[12:] == [{(1, 2): {3}}, frozenset([None]), deque([1])]",
        "assert same([1, (2, {'a': {3}})]) == [1, (2, {'a': {3}})] and same(True) is True and same(-0.0) == 0",
        "assert list(count()) == [1, 2] and next(count()) == 1 and [n for n in count()] == [1, 2]",
        "try:\n    wrong()\nexcept KeyError:\n    pass\nelse:\n    assert False",
        "try:\n    left()\nexcept FileNotFoundError:\n    pass\nelse:\n    assert False",
        "values = [3, 1, 2]\nsort(values)\nassert values == [1, 2, 3]",
        "mapping = {'a': 1}\nempty(mapping)\nassert mapping == {}",
        "assert apply(lambda v: v * 2, 3) == 12",
        "assert apply(lambda v: same(v) + 1, 3) == 5",
        "point = Point(1, y=2)\nassert point.x == 1 and point.moved(2).x == 3 and point == Point(1, 2) != Point(2)",
        "point = Point(1)\npoint.x = 5\nassert point.x == 5 and str(point) == repr(point) == 'Point(x=5, y=0)'",
        "assert LIMIT == 7",
        "assert len(many(100_000)) == 100_000",
        "def check(candidate):\n    assert candidate(1) == 1\ncheck(same)",
        "import math\nassert math.isclose(same(0.1) + 0.2, 0.3)",
    ],
)
async def test_tests_see_what_they_would_see_in_one_process(test: str, sandbox: Sandbox) -> None:
    assert (await sandbox.run(Job((PYTHONS_OWN,), test))).reason == "passed"
    broken = f"{test}\nassert same(1) == 2"
    assert (await sandbox.run(Job((PYTHONS_OWN,), broken))).reason == "failed"


async def test_helpers_of_the_prompt_are_the_tests_own() -> None:
    cheat = "def double(x):\n    return 0\ndef halve(x):\n    return 0\n"
    job = Job((cheat,), "assert double(halve(8)) == 8", "def double(x):\n    return 2 * x\n", ("halve",))
    async with Sandbox() as sandbox:
        assert (await sandbox.run(job)).reason == "failed"


async def test_builtins_keep_their_meaning_unless_they_are_what_is_tested(sandbox: Sandbox) -> None:
    cheat = "def set(x):\n    return 0\ndef shared(a, b):\n    return 0\n"
    assert (
        await sandbox.run(Job((cheat,), "assert set(shared(1, 2)) == set([3])", names=("shared",)))
    ).reason == "failed"
    own = "def sum(a, b):\n    return a + b\n"
    assert (await sandbox.run(Job((own,), "assert sum(1, 2) == 3", names=("sum",)))).passed


async def test_programs_know_nothing_of_the_host(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-secret")
    source = "import os, sys\ndef environment(): return dict(os.environ)\ndef path(): return sys.path\n"
    tests = "assert environment() == {}\nassert not [p for p in path() if 'site-packages' in p or 'stepwell' in p]"
    assert (await sandbox.run(Job((source,), tests, names=("environment", "path")))).passed


async def test_the_same_answer_scores_the_same(sandbox: Sandbox) -> None:
    source = "import random\ndef order(): return list({'a', 'b', 'c', 'd', 'e'}), random.random()\n"
    first = "a = order()\nassert a == {!r}"
    values = {(await sandbox.run(Job((source,), first.format(i)))).reason for i in range(2)}
    assert values == {"failed"}
    tests = "kept = order()[0]\nimport random\nassert random.random() == 0.8444218515250481"
    assert (await sandbox.run(Job((source,), tests))).passed


async def test_few_threads_are_fine(sandbox: Sandbox) -> None:
    source = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "def squares(n):\n    with ThreadPoolExecutor(4) as pool:\n"
        "        return list(pool.map(lambda x: x * x, range(n)))\n"
    )
    assert (await sandbox.run(Job((source,), "assert squares(4) == [0, 1, 4, 9]"))).passed


async def test_many_at_once_are_bounded_and_all_end() -> None:
    async with Sandbox(concurrency=3) as sandbox:
        jobs = [Job((SOLUTION,), f"assert square({n}) == {n * n}", names=("square",)) for n in range(64)]
        ended = await asyncio.gather(*(sandbox.run(job) for job in jobs))
        assert len(list(_children())) <= 3
    assert {e.reason for e in ended} == {"passed"}
    assert not list(_children())


def test_waiting_for_a_busy_machine_is_not_the_programs_time(monkeypatch: pytest.MonkeyPatch) -> None:
    run, now = supervise._Run(os.getpid(), os.getpid(), 0, 0), time.monotonic()
    assert supervise._waited_s(os.getpid()) > 0
    monkeypatch.setattr(supervise, "_waited_s", lambda pid: 100.0)
    assert supervise._left_s(run, now - 200, 100) > 0
    assert supervise._left_s(run, now - 100 * MOST_PATIENCE, 100) <= 0
    monkeypatch.setattr(supervise, "_waited_s", lambda pid: 0.0)
    assert supervise._left_s(run, now - 200, 100) < 0


async def test_a_run_called_off_leaves_nothing(host: Path) -> None:
    async with Sandbox(concurrency=1) as sandbox:
        running = asyncio.create_task(sandbox.run(Job(("while True: pass",)), timeout_s=60))
        await asyncio.sleep(0.3)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not list(_children())
        assert (await sandbox.run(Job((SOLUTION,), TESTS))).passed


def test_any_bytes_end_in_a_reason() -> None:
    with asyncio.Runner() as runner:
        sandbox = Sandbox(concurrency=1)

        @settings(max_examples=40)
        @given(data=st.binary(max_size=200), text=st.text(st.sampled_from("([{:=\n \t'\"x1\0é"), max_size=60))
        def ends(data: bytes, text: str) -> None:
            sources = (data.decode("latin-1"), data.decode("utf-8", "surrogateescape"), text)
            ended = [runner.run(sandbox.run(Job((source,)), timeout_s=5)) for source in sources]
            assert {e.reason for e in ended} <= REASONS

        ends()
        runner.run(sandbox.close())


async def test_nothing_runs_where_it_cannot_be_locked_up(monkeypatch: pytest.MonkeyPatch, host: Path) -> None:
    refusing = "import inside.lock\ndef no(*a): raise OSError(38, 'no seccomp')\ninside.lock._prctl = no\n"
    broken = module._START.replace("supervise()\n", f"{refusing}supervise()\n")
    monkeypatch.setattr(module, "_START", broken)
    with pytest.raises(SandboxUnavailable, match="no seccomp"):
        await run_program(f"import os\nos.mkdir('{host}/made')")
    monkeypatch.setattr(module, "_PROBE", module._PROBE.replace("try:\n", f"{refusing}try:\n"))
    with pytest.raises(SandboxUnavailable, match="no seccomp"):
        check_lock()


def test_this_machine_can_lock_up() -> None:
    check_lock()


async def test_other_systems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(SandboxUnavailable, match="Linux only"):
        await run_program("x = 1")


async def test_without_landlock_no_file_opens_and_plain_modules_still_load(
    monkeypatch: pytest.MonkeyPatch, host: Path
) -> None:
    old = module._START.replace(
        "supervise()\n", "import inside.landlock\ninside.landlock.version = lambda libc: 0\nsupervise()\n"
    )
    monkeypatch.setattr(module, "_START", old)
    plain = "import statistics\nfrom fractions import Fraction\ndef f(): return statistics.mean([1, 3])"
    assert (await run_program(plain, tests="import math\nassert f() == math.sqrt(4)")).passed
    assert (await run_program(f"open('{host}/kept').read()")).reason == "forbidden"
    assert (await run_program("import this")).reason == "failed"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_users_without_rights_lock_up_as_well(monkeypatch: pytest.MonkeyPatch, host: Path) -> None:
    other = "import os, threading\nn = [65534] * 3\nos.setgroups([])\nos.setresgid(*n)\nos.setresuid(*n)\n"
    monkeypatch.setattr(module, "_START", module._START.replace("supervise()\n", f"{other}supervise()\n"))
    assert (await run_program(SOLUTION, tests=TESTS)).passed
    assert (await run_program("import os\nos.fork()")).reason == "forbidden"
    assert (await run_program(f"open('{host}/kept').read()")).reason == "forbidden"
    assert (await run_program("import os\nos.kill(os.getppid(), 9)")).reason == "forbidden"
    bomb = "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(9,)).start()"
    assert (await run_program(bomb, timeout_s=2)).reason in ("failed", "memory")
