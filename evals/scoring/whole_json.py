"""The scorer "json_exact": the whole answer is one JSON value, and it is the target, nothing less and nothing more.

Figures beside the score: `valid`, whether a program could parse the answer as it came, and `fields`, the share of the
target's fields that the answer has right.
"""

from __future__ import annotations

import json
import re

from stepwell.evals.scored import Scored

_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)


def json_exact(answer: str, target: str) -> float:
    """1 where the answer is the target's JSON value, alone or in one code fence; key order and spacing don't count."""
    return json_exact_scored(answer, target).score or 0.0


def json_exact_scored(answer: str, target: str) -> Scored:
    """The score with its figures; `why` says what an answer lacks."""
    wanted, said = _parsed(target), answer.strip()
    bare = _parsed(said)
    fenced = _FENCED.fullmatch(said) if bare is _NONE else None
    found = bare if fenced is None else _parsed(fenced[1])
    is_right = found is not _NONE and is_same_json(found, wanted)
    parts = {"valid": float(bare is not _NONE), "fields": _share(found, wanted)}
    why = "" if is_right else "no_json" if found is _NONE else "other_values"
    return Scored(float(is_right), parts=parts, why=why)


def is_same_json(a: object, b: object) -> bool:
    """Equal as JSON: 1 is 1.0, and true is not 1."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(is_same_json(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(is_same_json, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and a == b


_NONE = object()


def _parsed(text: str) -> object:
    """The text's JSON value; _NONE where it is none, or names a key twice."""
    try:
        return json.loads(text, parse_constant=_refuse, object_pairs_hook=_each_once)
    except (ValueError, RecursionError):
        return _NONE


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def _share(found: object, wanted: object) -> float:
    if not isinstance(wanted, dict) or not wanted:
        return float(found is not _NONE and is_same_json(found, wanted))
    if not isinstance(found, dict):
        return 0.0
    return sum(k in found and is_same_json(found[k], v) for k, v in wanted.items()) / len(wanted)
