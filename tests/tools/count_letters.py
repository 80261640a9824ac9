"""Count pairs of letters for guards/normalise/letters.py: prints its table.

Run as `python -m tests.tools.count_letters TEXTS.jsonl...` on texts of our own (field `text`).
"""

from __future__ import annotations

import argparse
import json
import math
import re
import string
from collections import Counter
from itertools import pairwise
from pathlib import Path

LETTERS = " " + string.ascii_lowercase
PER_BIT = 2
WORD = re.compile(r"(?<![\w@.])[a-z]{1,16}(?![\w@])")


def table(texts: list[str]) -> str:
    """One character for each pair, row by row: how many half bits the second letter costs behind the first."""
    pairs: Counter[str] = Counter()
    for text in texts:
        for word in WORD.findall(text.lower()):
            bounded = f" {word} "
            pairs.update(map("".join, pairwise(bounded)))
    out = ""
    for first in LETTERS:
        total = sum(pairs[first + second] for second in LETTERS)
        for second in LETTERS:
            share = (pairs[first + second] + 0.1) / (total + 0.1 * len(LETTERS))
            out += chr(ord("0") + min(30, round(-PER_BIT * math.log2(share))))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    rows = [json.loads(line) for path in parser.parse_args().paths for line in path.open(encoding="utf-8")]
    for i, row in enumerate(range(0, 27 * 27, 27)):
        print(LETTERS[i], table([r["text"] for r in rows])[row : row + 27])


if __name__ == "__main__":
    main()
