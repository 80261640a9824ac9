"""Suites in YAML: our own rows, written by hand.

A list of rows, or `rows:` with `defaults:` that every row takes over. Plain words mean what they say: `yes`, `12:30`
and `2026-05-01` are text, as in YAML 1.2, and a target that is a number stays as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from stepwell.evals.readers.fields import plain_value
from stepwell.evals.readers.files import Numbered, opened
from stepwell.evals.suite import SuiteError

ENDINGS = (".yaml", ".yml")
MAX_ROW_CHARS = 10_000_000
_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Safe, and with the plain values of JSON alone."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own way


_Loader.add_implicit_resolver(f"{_TAG}null", re.compile(r"(?:null|~|)$"), ["n", "~", ""])
_Loader.add_implicit_resolver(f"{_TAG}bool", re.compile(r"(?:true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver(f"{_TAG}int", re.compile(r"-?(?:0|[1-9][0-9]*)$"), list("-0123456789"))
_Loader.add_implicit_resolver(
    f"{_TAG}float",
    re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$"),
    list("-0123456789"),
)


def rows_of(path: Path) -> Iterator[Numbered]:
    """Line and row, in our own format.

    Raises:
        SuiteError: It can't be read or is not such a file; names the line.
    """
    with opened(path) as file:
        text = file.read()
    try:
        loader = _Loader(text)
        yield from _rows(loader)
    except yaml.MarkedYAMLError as e:
        mark = e.problem_mark or e.context_mark
        raise SuiteError("not valid YAML", line=mark.line + 1 if mark else None) from None
    except yaml.reader.ReaderError as e:
        raise SuiteError("not valid YAML", line=text.count("\n", 0, e.position) + 1) from None
    except (RecursionError, ValueError):
        raise SuiteError("not valid YAML") from None


def _rows(loader: _Loader) -> Iterator[Numbered]:
    defaults, rows = _parts(loader.get_single_node(), loader)
    sizes: dict[int, int] = {}
    for node in rows:
        if _n_chars(node, sizes, ()) > MAX_ROW_CHARS:
            raise SuiteError("this row is too long", line=_line(node))
        yield _line(node), defaults | _object(node, loader)


def _parts(root: yaml.Node | None, loader: _Loader) -> tuple[dict[str, object], list[yaml.Node]]:
    """Defaults and rows."""
    defaults: dict[str, object] = {}
    rows = root
    if isinstance(root, yaml.MappingNode):
        named = {key.value: value for key, value in root.value if isinstance(key, yaml.ScalarNode)}
        if not set(named) <= {"rows", "defaults"} or "rows" not in named:
            raise SuiteError("a list of rows expected, or rows: and defaults:", line=_line(root))
        rows = named["rows"]
        defaults = _object(named["defaults"], loader) if "defaults" in named else {}
    if not isinstance(rows, yaml.SequenceNode):
        raise SuiteError("a list of rows expected", line=_line(rows) if rows else None)
    return defaults, rows.value


def _object(node: yaml.Node, loader: _Loader) -> dict[str, object]:
    if not isinstance(node, yaml.MappingNode):
        raise SuiteError("fields expected", line=_line(node))
    row: dict[str, object] = {}
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else None
        if name is None or name in row:
            raise SuiteError(
                "this field is there twice" if name else "a field's name expected", line=_line(key)
            )
        is_written = name == "target" and isinstance(value, yaml.ScalarNode)
        made = value.value if is_written else loader.construct_object(value, deep=True)
        row[name] = plain_value(made, name)
    return row


def _n_chars(node: yaml.Node, sizes: dict[int, int], above: tuple[int, ...]) -> int:
    """How long a row gets once its aliases are written out: a few lines of YAML can stand for billions."""
    if id(node) in above:
        raise SuiteError("a value that holds itself", line=_line(node))
    if id(node) not in sizes:
        inside = (*above, id(node))
        if isinstance(node, yaml.ScalarNode):
            size = len(node.value) + 1
        elif isinstance(node, yaml.MappingNode):
            size = 1 + sum(_n_chars(part, sizes, inside) for pair in node.value for part in pair)
        else:
            size = 1 + sum(_n_chars(part, sizes, inside) for part in node.value)
        sizes[id(node)] = size
    return sizes[id(node)]


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1
