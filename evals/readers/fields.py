"""Fields of a foreign row: checked, and named when they are wrong; what they hold is never shown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal

from stepwell.evals.suite import SuiteError

Foreign = Mapping[str, object]
_MAX_DEPTH = 32


def text(row: Foreign, field: str) -> str:
    """A field that must be text, and not empty.

    Raises:
        SuiteError: It is not.
    """
    value = row.get(field)
    if not isinstance(value, str) or not value.strip():
        raise SuiteError("text expected" if field in row else "this field is missing", field=field)
    return value


def texts(row: Foreign, field: str) -> list[str]:
    """A field that must be a list of texts, one at least.

    Raises:
        SuiteError: It is not.
    """
    value = row.get(field)
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise SuiteError("a list of texts expected" if field in row else "this field is missing", field=field)
    return value


def first_of(row: Foreign, names: Sequence[str]) -> str | None:
    """The first of these fields that the row has, and that is not null."""
    return next((name for name in names if row.get(name) is not None), None)


def id_of(row: Foreign, n: int, prefix: str) -> str:
    """The row's own id, or one made of the prefix and its place, from 1."""
    own = row.get("id")
    return (
        str(own)
        if isinstance(own, str | int) and not isinstance(own, bool) and own != ""
        else f"{prefix}-{n}"
    )


def tags_of(row: Foreign, *names: str) -> list[str]:
    """The texts that these fields hold, as tags."""
    return [value for name in names if isinstance(value := row.get(name), str) and value]


def plain_value(value: object, field: str, depth: int = 0) -> object:
    """A value as JSON knows it; dates and decimals as text.

    Raises:
        SuiteError: It can't be part of a suite: bytes, pictures, numbers that are none.
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, date | time | Decimal):
        return str(value)
    if isinstance(value, list | tuple) and depth < _MAX_DEPTH:
        return [plain_value(v, field, depth + 1) for v in value]
    if isinstance(value, Mapping) and depth < _MAX_DEPTH:
        return {str(k): plain_value(v, field, depth + 1) for k, v in value.items()}
    raise SuiteError("this kind of value can't be part of a suite", field=field)
