"""Does a suite share text with other sets? Prints the rows that share 8 words in a row with a file.

python tests/tools/check_suite.py evals/suites/chatbot.jsonl FILE.jsonl[.gz] ...
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

N_WORDS = 8
_WORD = re.compile(r"\w+")


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _runs(value: object) -> set[str]:
    found: set[str] = set()
    for text in _texts(value):
        words = _WORD.findall(text.casefold())
        found.update(" ".join(words[i : i + N_WORDS]) for i in range(len(words) - N_WORDS + 1))
    return found


def _values(path: Path) -> Iterator[object]:
    text = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
    if ".jsonl" in path.name:
        yield from (json.loads(line) for line in text.split("\n") if line.strip())
    else:
        yield json.loads(text)


def main(suite: str, *others: str) -> int:
    rows = {str(row["id"]): _runs(row) for row in map(json.loads, Path(suite).read_text().split("\n")[:-1])}
    n_found = 0
    for path in map(Path, others):
        for value in _values(path):
            runs = _runs(value)
            for row, own in rows.items():
                for run in sorted(own & runs):
                    n_found += 1
                    print(f"{row}: {path.name}: {run}")
    print(f"{n_found} shared runs of {N_WORDS} words in {len(others)} files")
    return int(n_found > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
