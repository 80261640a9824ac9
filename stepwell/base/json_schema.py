"""JSON Schema without its traps: no reference is fetched, no pattern and no nest of references holds up the house.

The schema comes from a caller and the value from a model, so neither is trusted. `jsonschema` comes with litellm.
Not checked: patternProperties and the additionalProperties beside them, unevaluated*, formats, and patterns that could
take long (https://owasp.org/www-community/attacks/Regular_expression_Denial_of_Service_-_ReDoS).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import suppress
from contextvars import ContextVar
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec

_MAX_STEPS = 50_000
_MAX_TRIES = 1_000_000
_MAX_UNIQUE_ITEMS = 500
_MAX_SAID_CHARS = 200
_SAID = {
    "type": "must be of type {}",
    "enum": "must be one of {}",
    "const": "must be {}",
    "minimum": "must be {} or more",
    "maximum": "must be {} or less",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have {} characters or more",
    "maxLength": "must have {} characters or less",
    "minItems": "must have {} items or more",
    "maxItems": "must have {} items or less",
    "minProperties": "must have {} properties or more",
    "maxProperties": "must have {} properties or less",
    "uniqueItems": "must not hold an item twice",
    "pattern": "must match the pattern {}",
    "additionalProperties": "has properties that are not allowed",
    "anyOf": "is none of the shapes that are allowed",
    "oneOf": "is not just one of the shapes that are allowed",
}
_UNCHECKED = frozenset({"patternProperties", "unevaluatedProperties", "unevaluatedItems"})
_DATA = frozenset({"enum", "const", "default", "examples"})
_REPEATED_GROUP = re.compile(r"\)[*+{]")
_REPETITION = re.compile(r"(?<![\\(])(?:[*+?]|\{\d*,?\d*\})[?+]?")

_n_steps: ContextVar[int] = ContextVar("n_steps", default=0)


class _TooLong(Exception):
    """The check took more steps than any ordinary schema needs."""


def first_fault(value: object, schema: Mapping[str, Any]) -> str | None:
    """The keyword that `value` breaks first ("required", "type", ...), or None.

    A schema that is itself broken, points to another document or takes too many steps finds no fault: that is the
    caller's doing, and a dearer tier would not mend it.
    """
    errors = _errors(value, schema, 1)
    return _keyword(errors[0]) if errors else None


def faults(value: object, schema: Mapping[str, Any], *, most: int = 3) -> list[str]:
    """What `value` breaks, in words of the schema: "at $.items[2].price: must be of type number".

    Names that the schema does not know, and what the value says, are left out. As `first_fault` for bad schemas.
    """
    known = names_in(schema)
    return list(dict.fromkeys(_in_words(e, known) for e in _errors(value, schema, most)))


def place_of(path: Iterable[object], known: Set[str]) -> str:
    """A path in a JSON value; names that are not known become a star."""
    steps = (f"[{p}]" if isinstance(p, int) else f".{p}" if p in known else ".*" for p in path)
    return "$" + "".join(steps)


def names_in(schema: object) -> frozenset[str]:
    """Every property that a schema names."""
    found: set[str] = set()
    left = [schema]
    while left:
        part = left.pop()
        if isinstance(part, Mapping):
            named = part.get("properties")
            if isinstance(named, Mapping):
                found.update(str(name) for name in named)
            left += part.values()
        elif isinstance(part, list):
            left += part
    return frozenset(found)


def _errors(value: object, schema: Mapping[str, Any], most: int) -> list[Any]:
    try:
        check = _validator(msgspec.json.encode(schema))
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return []
    if check is None:
        return []
    token = _n_steps.set(0)
    try:
        return _first_errors(check, value, most)
    finally:
        _n_steps.reset(token)


def _first_errors(check: Any, value: object, most: int) -> list[Any]:
    from referencing.exceptions import Unresolvable

    found: list[Any] = []
    broken = (Unresolvable, _TooLong, RecursionError, re.error, ArithmeticError)
    with suppress(*broken, LookupError, TypeError, ValueError):
        found += islice(check.iter_errors(value), most)
    return found


def _keyword(error: Any) -> str:
    return error.validator if isinstance(error.validator, str) else "schema"


def _in_words(error: Any, known: Set[str]) -> str:
    keyword, wanted = _keyword(error), error.validator_value
    if keyword == "required" and isinstance(wanted, list) and isinstance(error.instance, dict):
        lacking = ", ".join(str(name) for name in wanted if name not in error.instance)
        said = f"lacks {lacking[:_MAX_SAID_CHARS]}"
    elif keyword in _SAID:
        shown = wanted if isinstance(wanted, str) else msgspec.json.encode(wanted).decode()
        said = _SAID[keyword].format(shown[:_MAX_SAID_CHARS])
    else:
        said = f"breaks {keyword}"
    return f"at {place_of(error.absolute_path, known)}: {said}"


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
