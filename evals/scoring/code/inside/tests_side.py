"""The process with the tests: it calls the program's functions in the other process and compares plain values.

So no trick inside the program (leaving early, a patched `assert`, an object equal to all) can make tests pass.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from contextlib import suppress
from types import CodeType
from typing import Any

from .far import READ_FD, WRITE_FD, Ending, Far, is_theirs
from .lock import Limits, lock
from .preload import preload
from .wire import Gone, Json, read_exactly, receive, send

RESULT_FD = 5
_MODULE = "tests"


def judge_program(n_bytes: int, limits: Limits, *, parent: int) -> None:
    """Read a job from stdin, lock up, run its tests against the program, tell the result."""
    import json

    job = json.loads(read_exactly(0, n_bytes))
    send(RESULT_FD, {"read": True})
    try:
        send(WRITE_FD, {"sources": job["sources"]})
        preload(job["given"] + "\n" + job["tests"])
        lock(limits, parent=parent)
    except OSError as e:
        send(RESULT_FD, {"unlocked": e.strerror or "refused"})
        return
    try:
        started = receive(READ_FD)
        result = {"unlocked": started["unlocked"]} if "unlocked" in started else {"reason": _judge(job)}
    except Gone:
        result = {"reason": "gone"}
    send(RESULT_FD, result)


def _judge(job: Json) -> str:
    far = Far()
    try:
        scope: dict[str, Any] = {"__name__": _MODULE}
        code, used = _prepare(job, scope)
        far.finish_loading()
        _bind(far, scope, used, job["names"])
        exec(code, scope)
        return "passed" if far.ask("echo", job["nonce"]) == job["nonce"] else "failed"
    except Gone:
        raise
    except Ending as e:
        return str(e)
    except MemoryError:
        return "memory"
    except PermissionError:
        return "forbidden"
    except (
        ImportError
    ) as e:  # a module that isn't here is the row's fault, if it isn't the program that wants it
        return "failed" if is_theirs(e) else "unsupported"
    except BaseException:  # noqa: BLE001 - tests are strangers' code too; whatever they raise, they failed
        return "failed"


def _prepare(job: Json, scope: dict[str, Any]) -> tuple[CodeType, set[str]]:
    """The tests, ready to run in `scope`, and the names that they use."""
    try:
        code = compile(job["tests"], _MODULE, "exec")
    except (SyntaxError, ValueError):
        raise Ending("unsupported") from None
    used = {*_names(code), *_run_given(job["given"], scope)}
    if "random" in job["tests"]:  # the same answer scores the same
        import random

        random.seed(0)
    return code, used


def _bind(far: Far, scope: dict[str, Any], used: set[str], names: list[str]) -> None:
    """Give the tests what they use of the program.

    Raises:
        Ending: It lacks something of `names`.
    """
    # what stands in the prompt under the name that is tested is a stub; objects must be of the program's own classes
    for name in [
        n for n, v in scope.items() if n in names or (isinstance(v, type) and v.__module__ == _MODULE)
    ]:
        del scope[name]
    wanted = {n for n in used if not (n in scope or hasattr(builtins, n))} | set(names)
    known = wanted & set(far.ask("names", sorted(wanted), spread=True))  # it may say more than was asked
    if not set(names) <= known:
        raise Ending("missing")
    for name in known:
        # tests that forgot an import get Python's own module, not what the program calls so
        is_module = name in sys.stdlib_module_names and name not in names
        scope[name] = __import__(name) if is_module else far.ask("global", name)


def _run_given(given: str, scope: dict[str, Any]) -> set[str]:
    """Define what the prompt gives, as the tests know it, and tell the names it uses; a prompt in prose gives none."""
    with suppress(SyntaxError):
        code = compile(given, "given", "exec")
        exec(code, scope)
        return set(_names(code))
    return set()


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)
