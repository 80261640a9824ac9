"""Load what a program imports before it is locked up, on kernels that can't say which files it may read."""

from __future__ import annotations

import re

from .lock import can_choose_files

_IMPORT = re.compile(r"^\s*(?:from|import)\s+([\w., ]+)", re.M)
# modules that compute; loading them has no effect outside the process
_PLAIN = frozenset(
    [
        "abc",
        "array",
        "ast",
        "base64",
        "binascii",
        "bisect",
        "calendar",
        "cmath",
        "collections",
        "contextlib",
        "copy",
        "copyreg",
        "csv",
        "dataclasses",
        "datetime",
        "decimal",
        "difflib",
        "enum",
        "fractions",
        "functools",
        "graphlib",
        "hashlib",
        "heapq",
        "html",
        "io",
        "inspect",
        "itertools",
        "json",
        "keyword",
        "math",
        "numbers",
        "operator",
        "os",
        "pprint",
        "queue",
        "random",
        "re",
        "secrets",
        "statistics",
        "string",
        "struct",
        "sys",
        "textwrap",
        "threading",
        "time",
        "timeit",
        "types",
        "typing",
        "unicodedata",
        "warnings",
        "weakref",
        "zlib",
        "zoneinfo",
    ]
)


def preload(source: str) -> None:
    """Import the plain modules that a source names; does nothing where they can still be read later."""
    if can_choose_files():
        return
    for names in _IMPORT.findall(source):
        for word in re.findall(r"[\w.]+", names):
            if word.partition(".")[0] in _PLAIN:
                try:
                    __import__(word.partition(".")[0])
                    __import__(word)
                except ImportError:
                    continue
