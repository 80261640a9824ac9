"""JSON Schema without its traps: no reference is fetched, no pattern and no nest of references holds up the house.

The schema comes from a caller and the value from a model, so neither is trusted. `jsonschema` comes with litellm.
Not checked: patternProperties and the additionalProperties beside them, unevaluated*, formats, and patterns that could
take long (https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

import msgspec

_MAX_STEPS = 50_000
_MAX_TRIES = 1_000_000
_MAX_UNIQUE_ITEMS = 500
_UNCHECKED = frozenset({"patternProperties", "unevaluatedProperties", "unevaluatedItems"})
_DATA = frozenset({"enum", "const", "default", "examples"})
_REPEATED_GROUP = re.compile(r"\)[*+{]")
_REPETITION = re.compile(r"(?<![\\(])(?:[*+?]|\{\d*,?\d*\})[?+]?")

_n_steps: ContextVar[int] = ContextVar("n_steps", default=0)


class _TooLong(Exception):
    """The check took more steps than any ordinary schema needs."""


def first_fault(value: object, schema: dict[str, Any]) -> str | None:
    """The keyword that `value` breaks first ("required", "type", ...), or None.

    A schema that is itself broken, points to another document or takes too many steps finds no fault: that is the
    caller's doing, and a dearer tier would not mend it.
    """
    try:
        check = _validator(msgspec.json.encode(schema))
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return None
    if check is None:
        return None
    token = _n_steps.set(0)
    try:
        return _first_keyword(check, value)
    finally:
        _n_steps.reset(token)


def _first_keyword(check: Any, value: object) -> str | None:
    from referencing.exceptions import Unresolvable

    try:
        error = next(check.iter_errors(value), None)
    except (
        Unresolvable,
        _TooLong,
        RecursionError,
        re.error,
        ArithmeticError,
        LookupError,
        TypeError,
        ValueError,
    ):
        return None
    if error is None:
        return None
    return error.validator if isinstance(error.validator, str) else "schema"


@lru_cache(maxsize=64)
def _validator(encoded: bytes) -> Any:
    """A validator for one schema; None where that is no schema."""
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]
    from referencing import Registry

    schema = _checkable(msgspec.json.decode(encoded))
    try:
        Draft202012Validator.check_schema(schema)
    except (SchemaError, RecursionError):
        return None
    # an empty registry: the default one fetches what a $ref names
    return _checker()(schema, registry=Registry())


@lru_cache(maxsize=1)
def _checker() -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend  # type: ignore[import-untyped]

    own = {
        **Draft202012Validator.VALIDATORS,
        "pattern": _pattern,
        "uniqueItems": _unique(Draft202012Validator.VALIDATORS["uniqueItems"]),
    }
    return extend(Draft202012Validator, {k: _counted(f) for k, f in own.items()})


def _counted(keyword: Callable[..., Any]) -> Callable[..., Iterator[Any]]:
    def counted(validator: Any, wanted: Any, value: Any, schema: Any) -> Iterator[Any]:
        n = _n_steps.get() + 1
        if n > _MAX_STEPS:
            raise _TooLong
        _n_steps.set(n)
        yield from keyword(validator, wanted, value, schema) or ()

    return counted


def _pattern(validator: Any, pattern: str, value: object, schema: Any) -> Iterator[Any]:
    from jsonschema.exceptions import ValidationError

    if isinstance(value, str) and _is_quick(pattern, len(value)) and re.search(pattern, value) is None:
        yield ValidationError("does not match")


def _unique(keyword: Callable[..., Any]) -> Callable[..., Any]:
    def unique(validator: Any, wanted: Any, value: Any, schema: Any) -> Any:
        is_short = isinstance(value, list) and len(value) <= _MAX_UNIQUE_ITEMS
        return keyword(validator, wanted, value, schema) if is_short else ()

    return unique


def _is_quick(pattern: str, n_chars: int) -> bool:
    """Whether trying every way to match stays cheap: each repetition may end anywhere, each | doubles the ways."""
    if _REPEATED_GROUP.search(pattern):
        return False
    n_open = len(_REPETITION.findall(pattern)) + (not pattern.startswith("^"))
    n_ways = pattern.count("|")
    return n_ways < 20 and n_open < 20 and (n_chars + 1) ** n_open * 2**n_ways <= _MAX_TRIES


def _checkable(schema: Any) -> Any:
    """The schema without what is not checked."""
    if isinstance(schema, list):
        return [_checkable(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    left_out = _UNCHECKED
    if "patternProperties" in schema:
        left_out = left_out | {"additionalProperties"}
    return {k: v if k in _DATA else _checkable(v) for k, v in schema.items() if k not in left_out}
