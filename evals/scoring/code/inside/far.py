"""The program as its tests see it: functions and objects of another process, asked over its pipes."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from typing import Any

from .wire import Gone, Json, pack, receive, send, unpack

READ_FD, WRITE_FD = 3, 4


class Ending(BaseException):
    """The program can't be judged further; says how it ended. No test's `except Exception` is to catch it."""


class Theirs(Exception):
    """Marks what the program raised, as its cause."""


def is_theirs(error: BaseException) -> bool:
    """Whether the program raised it, not the tests."""
    return isinstance(error.__cause__, Theirs)


class Far:
    """The program's process, asked over its pipes."""

    def __init__(self) -> None:
        self._functions: list[Callable[..., object]] = []

    def finish_loading(self) -> None:
        """Wait for the program to have run to its end.

        Raises:
            Ending: It did not.
        """
        reply = receive(READ_FD)
        if "raised" in reply:
            raise Ending(_ending(reply["raised"]))

    def ask(self, name: str, *args: object, spread: bool = False, **named: object) -> Any:
        """Have something done there.

        Args:
            spread: The only argument is a list of the arguments.

        Raises:
            Exception: What the program raised, as the nearest class of Python's own.
            Ending: It tried to leave, or ran out of memory.
            Gone: It ended.
        """
        values: Any = args[0] if spread else args
        request: dict[str, Json] = {"do": name, "args": [pack(v, self._refer) for v in values]}
        if named:
            request["named"] = {k: pack(v, self._refer) for k, v in named.items()}
        send(WRITE_FD, request)
        while "call" in (reply := receive(READ_FD)):
            self._call(reply)
        if "raised" in reply:
            raise _exception(reply["raised"])
        for n, packed in reply["changed"].items():
            _replace(values[int(n)], self._unpack(packed))
        return self._unpack(reply["value"])

    def _call(self, request: Json) -> None:
        """The program calls a function that a test passed it."""
        function = self._functions[int(request["call"])]
        try:
            result = function(*[self._unpack(a) for a in request["args"]])
        except Gone:
            raise
        except Exception:  # noqa: BLE001 - a test's function given wrong arguments raises anything
            send(WRITE_FD, {"returned": None})
        else:
            send(WRITE_FD, {"returned": [pack(result, self._refer)]})

    def _refer(self, value: object) -> Json:
        if isinstance(value, Held):
            return {"held": object.__getattribute__(value, "_number")}
        if not callable(value):
            raise Ending("unsupported")
        self._functions.append(value)
        return {"function": len(self._functions) - 1}

    def _unpack(self, packed: Json) -> Any:
        return unpack(packed, lambda kind, number: Held(self, number) if kind == "held" else None)


def _ending(kinds: list[str]) -> str:
    if "MemoryError" in kinds:
        return "memory"
    if "SystemExit" in kinds or "KeyboardInterrupt" in kinds:
        return "exited"
    if "SyntaxError" in kinds:
        return "syntax"
    return "forbidden" if "PermissionError" in kinds else "failed"


def _exception(kinds: list[str]) -> BaseException:
    for kind in kinds:
        found = getattr(builtins, str(kind), None)
        if isinstance(found, type) and issubclass(found, Exception) and kind != "PermissionError":
            try:
                theirs = found()
                theirs.__cause__ = Theirs()
                return theirs
            except TypeError:  # UnicodeDecodeError and the like want arguments
                continue
        if kind in ("SystemExit", "KeyboardInterrupt", "PermissionError"):
            return Ending(_ending(kinds))
    return Ending(_ending(kinds))


def _replace(old: Any, new: Any) -> None:
    """Give a test's own argument the content that the program left in its copy."""
    if isinstance(old, list | bytearray) and isinstance(new, list | bytearray):
        old[:] = new
    elif isinstance(old, dict | set) and isinstance(new, dict | set):
        old.clear()
        old.update(new)


class Held:
    """An object of the program that is no plain value: a function, a generator, one of its classes.

    It never equals a plain value, and no arithmetic or order is asked of it: the program would have its say.
    """

    __slots__ = ("_far", "_number")

    def __init__(self, far: Far, number: int) -> None:
        object.__setattr__(self, "_far", far)
        object.__setattr__(self, "_number", number)

    def _ask(self, name: str, *args: object, **named: object) -> Any:
        return object.__getattribute__(self, "_far").ask(name, self, *args, **named)

    def __call__(self, *args: object, **named: object) -> Any:
        try:
            return self._ask("call", *args, **named)
        except StopIteration:  # would end a test's `all(map(...))` early
            raise RuntimeError from None

    def __getattr__(self, name: str) -> Any:
        return self._ask("attribute", name)

    def __setattr__(self, name: str, value: object) -> None:
        self._ask("set_attribute", name, value)

    def __getitem__(self, key: object) -> Any:
        return self._ask("item", key)

    def __setitem__(self, key: object, value: object) -> None:
        self._ask("set_item", key, value)

    def __contains__(self, value: object) -> bool:
        return bool(self._ask("has", value))

    def __len__(self) -> int:
        return int(self._ask("length"))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._ask("items"))

    def __next__(self) -> Any:
        return self._ask("next")

    def __str__(self) -> str:
        return str(self._ask("text"))

    def __repr__(self) -> str:
        return str(self._ask("shown"))

    def __bool__(self) -> bool:
        return bool(self._ask("truth"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Held) and bool(self._ask("same", other))

    def __hash__(self) -> int:
        return hash(object.__getattribute__(self, "_number"))
