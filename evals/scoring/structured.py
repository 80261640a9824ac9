"""The scorers "json_schema" and "pydantic": an answer's first JSON value has the wanted shape, and holds the target.

Options: {"schema": {...}}, JSON Schema 2020-12 as `base.json_schema` checks it; {"model": "package.module:Class"}, a
pydantic model, dataclass or TypedDict of the user's, found as Python finds modules. A target may be left out; one
that is there is what the value must hold, as for the scorer "json".
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from stepwell.base import plug
from stepwell.base.errors import ConfigError
from stepwell.base.json_schema import first_fault
from stepwell.evals.extract import first_json
from stepwell.evals.scored import Scored
from stepwell.evals.scorers import json_subset

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from stepwell.evals.suite import Row

# base.json_schema leaves these out, so a schema that has them would be met too easily
_UNCHECKED = ("patternProperties", "unevaluatedProperties", "unevaluatedItems")


class _SchemaOptions(msgspec.Struct, forbid_unknown_fields=True):
    schema: dict[str, Any]


class _ModelOptions(msgspec.Struct, forbid_unknown_fields=True):
    model: str


class SchemaScorer:
    """Checks against the row's JSON Schema."""

    async def score(self, row: Row, answers: Sequence[str]) -> Scored:
        """1 where the last answer fits; `why` names the keyword that it breaks first."""
        schema = msgspec.json.decode(row.options_json, type=_SchemaOptions).schema
        found = _json_of(answers[-1])
        if isinstance(found, Scored):
            return found
        broken = first_fault(found[0], schema)
        return Scored(0.0, why=broken) if broken is not None else _held(row, answers[-1])

    def key(self, row: Row) -> str:
        """Nothing: the row's options say all."""
        return ""

    async def close(self) -> None:
        """Nothing is held."""


class ModelScorer:
    """Validates by the row's pydantic model."""

    async def score(self, row: Row, answers: Sequence[str]) -> Scored:
        """1 where the last answer is valid; `why` is pydantic's name of the first error."""
        from pydantic import ValidationError

        found = _json_of(answers[-1])
        if isinstance(found, Scored):
            return found
        try:
            adapter = _adapter(msgspec.json.decode(row.options_json, type=_ModelOptions).model)
            adapter.validate_json(json.dumps(found[0]))
        except ValidationError as e:
            return Scored(0.0, why=e.errors(include_input=False, include_url=False)[0]["type"])
        except ConfigError as e:
            return Scored(None, error=e.code, why="no such model")
        except Exception as e:  # noqa: BLE001 - validators are the user's own code
            return Scored(None, error="scorer_failed", why=type(e).__name__)
        return _held(row, answers[-1])

    def key(self, row: Row) -> str:
        """Nothing: the row's options say all."""
        return ""

    async def close(self) -> None:
        """Nothing is held."""


def schema_fault(options: Mapping[str, object]) -> str | None:
    """What is wrong with the options of "json_schema", or None."""
    try:
        schema = msgspec.convert(dict(options), _SchemaOptions).schema
        return _schema_fault(msgspec.json.encode(schema, order="sorted"))
    except (msgspec.MsgspecError, TypeError, RecursionError):
        return 'json_schema wants {"schema": {...}}'


def model_fault(options: Mapping[str, object]) -> str | None:
    """What is wrong with the options of "pydantic", or None. The model is loaded when the first answer is there."""
    try:
        module, _, name = msgspec.convert(dict(options), _ModelOptions).model.partition(":")
    except msgspec.ValidationError:
        module = name = ""
    is_path = all(part.isidentifier() for part in (*module.split("."), *name.split(".")))
    return None if is_path else 'pydantic wants {"model": "package.module:Class"}'


@lru_cache(maxsize=256)
def _schema_fault(encoded: bytes) -> str | None:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    schema = msgspec.json.decode(encoded)
    try:
        Draft202012Validator.check_schema(schema)
        resolver = Registry().resolver_with_root(DRAFT202012.create_resource(schema))
        for key, value in _keywords(schema):
            if key in _UNCHECKED:
                return f"json_schema can't check {key}"
            if key in ("$ref", "$dynamicRef"):
                resolver.lookup(value)
    except (SchemaError, RecursionError):
        return "not a JSON Schema"
    except (Unresolvable, ValueError):
        return "a $ref leads nowhere: nothing is fetched"
    return None


def _keywords(part: object) -> list[tuple[str, str]]:
    """Every key of a schema with its value as text, but for what is data."""
    if isinstance(part, list):
        return [pair for item in part for pair in _keywords(item)]
    if not isinstance(part, dict):
        return []
    found = [(key, value if isinstance(value, str) else "") for key, value in part.items()]
    inside = (v for k, v in part.items() if k not in ("enum", "const", "default", "examples"))
    return found + [pair for value in inside for pair in _keywords(value)]


@lru_cache(maxsize=64)
def _adapter(model: str) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(plug.load(model, group="stepwell.models"))


def _json_of(answer: str) -> tuple[object] | Scored:
    try:
        return (first_json(answer),)
    except (ValueError, RecursionError):
        return Scored(0.0, why="no_json")


def _held(row: Row, answer: str) -> Scored:
    best = max(json_subset(answer, target) for target in row.targets)
    return Scored(best, why="" if best else "other_values")
