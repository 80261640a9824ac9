"""litellm's map of prices and windows, read as a file: importing litellm takes 1.5 s and fetches one."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
from msgspec import Raw

_FILE = "model_prices_and_context_window_backup.json"
_MODES = ("chat", "responses")
_STEP = re.compile(r"(?:in|out)put_cost_per_token_above_(\d+)k_tokens")

_decode_map = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_keys = msgspec.json.Decoder(dict[str, Raw]).decode


class _Row(msgspec.Struct):
    litellm_provider: str = ""
    mode: str = ""
    input_cost_per_token: float | None = None
    cache_read_input_token_cost: float | None = None
    output_cost_per_token: float | None = None
    max_input_tokens: int | None = None
    max_tokens: int | None = None
    max_output_tokens: int | None = None
    supports_function_calling: bool | None = None
    supports_response_schema: bool | None = None
    supports_vision: bool | None = None


_decode_row = msgspec.json.Decoder(_Row, strict=False).decode


@dataclass(frozen=True, slots=True)
class Fact:
    """What litellm's map says of one chat model; prices in dollars a token, None where unknown."""

    input_cost_per_token: float | None
    cache_read_input_token_cost: float | None
    output_cost_per_token: float | None
    max_input_tokens: int | None
    max_tokens: int | None
    max_output_tokens: int | None
    capabilities: frozenset[str]
    price_holds_to_tokens: int | None
    source: str


def litellm_fact(model: str) -> Fact | None:
    """The map's row for `provider/name`, or None. Reads and scans 3 MB (some 10 ms): keep the answer."""
    path = _path()
    if path is None:
        return None
    rows = _decode_map(path.read_bytes())
    provider, slash, name = model.partition("/")
    found = _fact(rows[model], None) if model in rows else None
    if found is None and slash and name in rows:
        found = _fact(rows[name], provider)
    return found


def _path() -> Path | None:
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / _FILE
    return path if path.is_file() else None


def _fact(raw: Raw, provider: str | None) -> Fact | None:
    try:
        row = _decode_row(raw)
    except msgspec.ValidationError:  # the map's own sample row, or a shape that we don't know
        return None
    if row.mode not in _MODES or (
        provider is not None and row.litellm_provider.removesuffix("_chat") != provider
    ):
        return None
    is_priced = bool(row.input_cost_per_token or row.output_cost_per_token)  # 0 and 0: nobody filled it in
    return Fact(
        input_cost_per_token=row.input_cost_per_token if is_priced else None,
        cache_read_input_token_cost=row.cache_read_input_token_cost if is_priced else None,
        output_cost_per_token=row.output_cost_per_token if is_priced else None,
        max_input_tokens=row.max_input_tokens,
        max_tokens=row.max_tokens,
        max_output_tokens=row.max_output_tokens,
        capabilities=_capabilities(row),
        price_holds_to_tokens=_price_step(raw),
        source=_source(),
    )


def _capabilities(row: _Row) -> frozenset[str]:
    has = {
        "tools": row.supports_function_calling,
        "json_schema": row.supports_response_schema,
        "images": row.supports_vision,
    }
    return frozenset(name for name, is_there in has.items() if is_there)


def _price_step(raw: Raw) -> int | None:
    steps = [int(m[1]) * 1000 for key in _decode_keys(raw) if (m := _STEP.fullmatch(key))]
    return min(steps, default=None)


def _source() -> str:
    try:
        return f"litellm {version('litellm')}"
    except PackageNotFoundError:
        return "litellm"
