"""Read and replace the weights of an ONNX file, on the bytes: the package `onnx` is not needed.

Only what is used of the format (github.com/onnx/onnx, onnx.proto): ModelProto.graph is field 7,
GraphProto.node 1, initializer 5, output 12 and value_info 13; in a TensorProto dims are field 1, data_type 2, name 8,
raw_data 9.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

_GRAPH, _NODE, _INITIALIZER, _OUTPUT, _VALUE_INFO = 7, 1, 5, 12, 13
_DIMS, _DATA_TYPE, _NAME, _RAW_DATA = 1, 2, 8, 9
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FLOAT, _INT8 = 1, 3


@dataclass(frozen=True, slots=True)
class Int8Weights:
    """One weight matrix of the file, as it lies there."""

    name: str
    dims: tuple[int, ...]
    raw: memoryview


def int8_weights(model: bytes) -> list[Int8Weights]:
    """Every int8 matrix in the file."""
    found: list[Int8Weights] = []
    rewrite(model, lambda weights: found.append(weights))
    return found


def rewrite(model: bytes, to_float32: Callable[[Int8Weights], bytes | None]) -> bytes:
    """The file with some int8 matrices replaced by float32 ones.

    Args:
        to_float32: Gives the new values, little-endian, row by row, or None where a matrix stays.
    """
    return b"".join(
        _field(_GRAPH, _graph(value, to_float32)) if number == _GRAPH else bytes(whole)
        for number, value, whole in _fields(memoryview(model))
    )


def with_output(model: bytes, name: str) -> bytes:
    """The file with one more output: a float32 tensor of any shape that the graph makes on its way."""
    return b"".join(
        _field(_GRAPH, bytes(value) + _output(name)) if number == _GRAPH else bytes(whole)
        for number, value, whole in _fields(memoryview(model))
    )


def up_to(model: bytes, name: str) -> bytes:
    """The file cut off after one tensor: that is its only output, and what it doesn't need is left out."""
    return b"".join(
        _field(_GRAPH, _cut(value, name)) if number == _GRAPH else bytes(whole)
        for number, value, whole in _fields(memoryview(model))
    )


def _cut(graph: memoryview, name: str) -> bytes:
    fields = list(_fields(graph))
    nodes = [_ends(value) for number, value, _ in fields if number == _NODE]
    needed = {name}
    for inputs, outputs in reversed(nodes):  # ONNX keeps nodes in the order in which they run
        if not needed.isdisjoint(outputs):
            needed.update(inputs)
    kept: list[bytes | memoryview] = []
    for number, value, whole in fields:
        is_node_left_out = number == _NODE and needed.isdisjoint(_ends(value)[1])
        is_weight_left_out = number == _INITIALIZER and _name_of(value) not in needed
        if number not in (_OUTPUT, _VALUE_INFO) and not (is_node_left_out or is_weight_left_out):
            kept.append(whole)
    return b"".join([*kept, _output(name)])


def _ends(node: memoryview) -> tuple[list[str], list[str]]:
    """Names of what a node reads and makes."""
    ends: tuple[list[str], list[str]] = ([], [])
    for number, value, _ in _fields(node):
        if number in (1, 2):
            ends[number - 1].append(str(value, "utf-8"))
    return ends


def _name_of(tensor: memoryview) -> str:
    return next((str(value, "utf-8") for number, value, _ in _fields(tensor) if number == _NAME), "")


def _output(name: str) -> bytes:
    """A GraphProto.output: ValueInfoProto with name 1, type 2 > tensor_type 1 > elem_type 1."""
    return _field(_OUTPUT, _field(1, name.encode()) + _field(2, _field(1, bytes([1 << 3, _FLOAT]))))


def _graph(graph: memoryview, to_float32: Callable[[Int8Weights], bytes | None]) -> bytes:
    parts: list[bytes | memoryview] = []
    for number, value, whole in _fields(graph):
        new = _tensor(value, to_float32) if number == _INITIALIZER else None
        parts.append(whole if new is None else _field(_INITIALIZER, new))
    return b"".join(parts)


def _tensor(tensor: memoryview, to_float32: Callable[[Int8Weights], bytes | None]) -> bytes | None:
    dims: list[int] = []
    data_type, name, raw = 0, "", memoryview(b"")
    for number, value, _ in _fields(tensor):
        if number == _DIMS:
            dims += _varints(value)
        elif number == _DATA_TYPE:
            data_type = _varint(value, 0)[0]
        elif number == _NAME:
            name = str(value, "utf-8")
        elif number == _RAW_DATA:
            raw = value
    new = to_float32(Int8Weights(name, tuple(dims), raw)) if data_type == _INT8 else None
    if new is None:
        return None
    head = b"".join(bytes([_DIMS << 3]) + _as_varint(d) for d in dims) + bytes([_DATA_TYPE << 3, _FLOAT])
    return head + _field(_NAME, name.encode()) + _field(_RAW_DATA, new)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Number, value and whole of each field of one protobuf message."""
    at = 0
    while at < len(message):
        begin = at
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _BYTES:
            size, at = _varint(message, at)
            end = at + size
        elif kind == _VARINT:
            end = _varint(message, at)[1]
        else:
            end = at + {_FIXED64: 8, _FIXED32: 4}[kind]
        yield tag >> 3, message[at:end], message[begin:end]
        at = end


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _varints(value: memoryview) -> Iterator[int]:
    at = 0
    while at < len(value):
        number, at = _varint(value, at)
        yield number


def _as_varint(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


def _field(number: int, value: bytes) -> bytes:
    return bytes([number << 3 | _BYTES]) + _as_varint(len(value)) + value
