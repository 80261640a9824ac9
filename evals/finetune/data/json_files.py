"""Files of JSON, told by what stands in them: people name them as they like."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from stepwell.evals.traffic import langfuse, litellm, otel
from stepwell.evals.traffic.records import Record, TrafficError, read_records

_MAGIC = b"\x1f\x8b"
_decode = msgspec.json.Decoder().decode
_BROKEN = (OSError, EOFError, zlib.error)


def is_lines(path: Path) -> bool:
    """Whether the first line that says something is a JSON object; of a packed file, too."""
    try:
        return path.is_file() and isinstance(_decode(_first_line(path)), dict)
    except (*_BROKEN, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def is_json(path: Path) -> bool:
    """Whether it begins as a JSON object or array does."""
    try:
        return path.is_file() and bool(_first_line(path))
    except _BROKEN:
        return False


def is_of_another_tool(path: Path) -> bool:
    """Whether it is a log as LiteLLM, Langfuse or OpenTelemetry writes it: names stand in it as they are."""
    try:
        first = next((r.values for r in read_records(path) if isinstance(r, Record)), None)
    except TrafficError:
        return False
    return first is not None and not _is_ours(first) and _is_another_tools(first)


def _is_ours(values: Mapping[str, object]) -> bool:
    return "id" in values and ("at_s" in values or "tenant" in values)


def _is_another_tools(values: Mapping[str, object]) -> bool:
    return any(is_(values) for is_ in (otel.is_otel, litellm.is_litellm, langfuse.is_langfuse))


def _first_line(path: Path) -> bytes:
    """b"" where it is not of JSON: what begins otherwise is not read on."""
    with path.open("rb") as file:
        is_packed = file.peek(2)[:2] == _MAGIC
        text = gzip.GzipFile(fileobj=file) if is_packed else file
        while head := text.read(1):
            if not head.isspace():
                return head + text.readline() if head in (b"{", b"[") else b""
    return b""
