"""The process with the program: it runs what it is sent and answers calls. Nothing it says is trusted.

It never sees the tests, only the arguments that they pass.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable
from types import CodeType
from typing import Any

from .lock import Limits, lock
from .preload import preload
from .wire import Gone, Json, pack, receive, send, unpack

READ_FD, WRITE_FD = 3, 4
MODULE = "program"
_CHANGEABLE = (list, dict, set, bytearray)


def serve_program(limits: Limits, *, parent: int) -> None:
    """Lock up, load the program, answer until the other side is gone."""
    try:
        request = receive(READ_FD)
        for source in request["sources"]:
            preload(source)
        lock(limits, parent=parent)
    except OSError as e:
        send(WRITE_FD, {"unlocked": e.strerror or "refused"})
        return
    send(WRITE_FD, {"locked": True})
    Program().serve(request["sources"])


class Program:
    """The loaded program and the objects of it that the tests hold."""

    def __init__(self) -> None:
        module = type(sys)(MODULE)
        sys.modules[MODULE] = module  # dataclasses and typing look their module up there
        self._globals = module.__dict__
        self._held: list[object] = []

    def serve(self, sources: list[str]) -> None:
        """Load the first of these readings of an answer that is Python, then answer requests one by one."""
        self._reply(lambda: exec(_compiled(sources), self._globals), [])
        while True:
            try:
                request = receive(READ_FD)
            except Gone:
                return
            self._answer(request)

    def _answer(self, request: Json) -> None:
        name, arguments = request["do"], request["args"]
        values = [unpack(a, self._resolve) for a in arguments]
        named = {k: unpack(v, self._resolve) for k, v in request.get("named", {}).items()}
        self._reply(lambda: self._do(name, values, named), list(zip(values, arguments, strict=True)))

    def _do(self, name: str, values: list[Any], named: dict[str, Any]) -> object:
        if name == "names":
            return [n for n in values if n in self._globals]
        if name == "global":
            return self._globals[values[0]]
        return _DOING[name](*values, **named)

    def _reply(self, work: Callable[[], object], arguments: list[tuple[object, Json]]) -> None:
        try:
            result = pack(work(), self._refer)
        except BaseException as e:  # noqa: BLE001 - whatever a stranger's program raises is its answer
            kinds = [c.__name__ for c in type(e).__mro__ if vars(builtins).get(c.__name__) is c]
            send(WRITE_FD, {"raised": kinds})
            return
        # tests may look at what a function did to its arguments
        changed = {
            str(n): now
            for n, (value, sent) in enumerate(arguments)
            if isinstance(value, _CHANGEABLE) and (now := pack(value, self._refer)) != sent
        }
        send(WRITE_FD, {"value": result, "changed": changed})

    def _refer(self, value: object) -> Json:
        self._held.append(value)
        return {"held": len(self._held) - 1}

    def _resolve(self, kind: str, number: int) -> object:
        if kind == "held":
            return self._held[number]
        return lambda *args: self._call_back(number, args)

    def _call_back(self, number: int, args: tuple[object, ...]) -> object:
        """Call a function that the tests passed; they may call this side again meanwhile."""
        send(WRITE_FD, {"call": number, "args": [pack(a, self._refer) for a in args]})
        while "returned" not in (request := receive(READ_FD)):
            self._answer(request)
        if request["returned"] is None:
            raise ValueError("the function raised")
        return unpack(request["returned"][0], self._resolve)


def _compiled(sources: list[str]) -> CodeType:
    for source in sources:
        try:
            return compile(source, MODULE, "exec")
        except (
            SyntaxError,
            ValueError,
            MemoryError,
            RecursionError,
        ):  # the parser's words for "too deep", too
            continue
    raise SyntaxError


def _set_item(held: Any, key: object, value: object) -> None:
    held[key] = value


_DOING: dict[str, Callable[..., object]] = {
    "echo": lambda value: value,
    "call": lambda function, *args, **named: function(*args, **named),
    "attribute": getattr,
    "set_attribute": setattr,
    "item": lambda held, key: held[key],
    "set_item": _set_item,
    "has": lambda held, value: value in held,
    "length": len,
    "items": list,
    "next": next,
    "text": str,
    "shown": repr,
    "truth": bool,
    "same": lambda a, b: bool(a == b),
}
