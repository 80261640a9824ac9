"""Messages between the process with the tests and the one with the program: framed JSON, plain values.

What comes from the program is data and nothing else: no pickle, no code, no object with an `__eq__` of its own.
"""

from __future__ import annotations

import json
import os
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable
from typing import Any

MAX_MESSAGE_BYTES = 32 << 20
Json = Any
Refer = Callable[[object], Json]  # what to send for something that is no plain value


class Gone(Exception):
    """The other side has ended, or sends what is no message."""


def send(fd: int, message: Json) -> None:
    """Write one message.

    Raises:
        Gone: Nobody reads.
    """
    data = json.dumps(message, separators=(",", ":")).encode("ascii")
    view = memoryview(len(data).to_bytes(4, "little") + data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except OSError:
        raise Gone from None


def receive(fd: int) -> Json:
    """Read one message.

    Raises:
        Gone: There is none.
    """
    n_bytes = int.from_bytes(read_exactly(fd, 4), "little")
    if n_bytes > MAX_MESSAGE_BYTES:
        raise Gone
    try:
        return json.loads(read_exactly(fd, n_bytes))
    except (ValueError, RecursionError):
        raise Gone from None


def read_exactly(fd: int, n_bytes: int) -> bytes:
    """Read so many bytes.

    Raises:
        Gone: There are fewer.
    """
    data = bytearray()
    while len(data) < n_bytes:
        part = os.read(fd, min(n_bytes - len(data), 1 << 20))
        if not part:
            raise Gone
        data += part
    return bytes(data)


def pack(value: object, refer: Refer) -> Json:
    """A value as JSON that keeps Python's own types; a subclass goes as what it is based on."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        plain = int.__pos__(value)
        return plain if -(1 << 63) <= plain < 1 << 63 else {"int": hex(plain)}
    if isinstance(value, float):
        return float.__pos__(value)
    if isinstance(value, str):
        return str.__str__(value)
    if type(value) is list:
        return [pack(v, refer) for v in value]
    for base, name in _HOLDING.items():
        if isinstance(value, base):
            return {name: [pack(v, refer) for v in value]}
    for pairs, name in _MAPPING.items():
        if isinstance(value, pairs):
            return {name: [[pack(k, refer), pack(v, refer)] for k, v in value.items()]}
    return _rare(value, refer)


_HOLDING: dict[type[Iterable[Any]], str] = {
    list: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    deque: "deque",
}
_MAPPING: dict[type[dict[Any, Any]], str] = {Counter: "Counter", OrderedDict: "OrderedDict", dict: "dict"}


def _rare(value: object, refer: Refer) -> Json:
    if isinstance(value, bytes | bytearray):
        return {"bytearray" if isinstance(value, bytearray) else "bytes": bytes(value).hex()}
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, range):
        return {"range": [pack(n, refer) for n in (value.start, value.stop, value.step)]}
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    parts = _TO_PARTS.get(kind)
    return {kind: parts(value)} if parts is not None else refer(value)


_TO_PARTS: dict[str, Callable[[Any], list[Json]]] = {
    "decimal.Decimal": lambda v: [str(v)],
    "fractions.Fraction": lambda v: [str(v)],
    "datetime.timedelta": lambda v: [v.days, v.seconds, v.microseconds],
    "datetime.date": lambda v: [v.year, v.month, v.day],
    "datetime.time": lambda v: [v.hour, v.minute, v.second, v.microsecond],
    "datetime.datetime": lambda v: [v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond],
}
_FROM_LIST: dict[str, Callable[[list[Any]], object]] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "deque": deque,
    "range": lambda v: range(*v),
    "complex": lambda v: complex(*v),
    "Counter": lambda v: Counter(dict(v)),
    "OrderedDict": OrderedDict,
    "dict": dict,
}
_FROM_TEXT: dict[str, Callable[[str], object]] = {
    "int": lambda v: int(v, 16),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
}


def unpack(packed: Json, resolve: Callable[[str, int], object]) -> object:
    """The value again.

    Args:
        resolve: What a reference stands for: its kind and number.

    Raises:
        ValueError, TypeError: It isn't one that `pack` gives.
    """
    if isinstance(packed, list):
        return [unpack(p, resolve) for p in packed]
    if not isinstance(packed, dict):
        return packed
    ((kind, inner),) = packed.items()
    if kind in _FROM_LIST:
        return _FROM_LIST[kind]([unpack(p, resolve) for p in inner])
    if kind in _FROM_TEXT:
        return _FROM_TEXT[kind](inner)
    if kind in _TO_PARTS:
        module, _, name = kind.partition(".")
        return getattr(__import__(module), name)(*inner)
    return resolve(str(kind), int(inner))
