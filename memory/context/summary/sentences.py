"""The sentences of a message, as they stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

_FENCE = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_LIST_MARK = re.compile(r"^\s*(?:[-*+•>#|]+|\d{1,3}[.)])\s+")
_STOP = re.compile(r"(?<![.!?…])[.!?…]++[\"'”’)\]*]*+(?=\s)|[。！？]++[」』”）]*+")
_NO_STOP = re.compile(r"(?:^|[\s(])(?:Dr|Mr|Mrs|Ms|Prof|St|vs|No|Nr|Fig|approx|e\.g|i\.e|[A-Z])\.$")
_CLAUSE = re.compile(r"[;,:，；、]\s*|\s[-–—]\s|\s")
_LONG_WORD = re.compile(r"\S{60,}")
_CODE_START = (
    "{",
    "[{",
    "</",
    "<?",
    "<!",
    "import ",
    "from ",
    "def ",
    "class ",
    "return ",
    "Traceback ",
    "$ ",
    ">>> ",
)
_CODE_MARKS = re.compile(r"[{}\[\]()<>=;\\/_|$%^~`#*&]")

MAX_CHARS = 280
_MAX_READ_CHARS = 40_000  # a pasted book: its beginning has to do
_MAX_CODE_SHARE = 0.12
_LONGEST_NO_STOP = 10


def sentences(text: str) -> list[str]:
    """Sentences in order, each a verbatim piece of `text` of at most MAX_CHARS; code, tables and blobs are left out."""
    prose = _FENCE.sub("\n", text[:_MAX_READ_CHARS])
    return [piece for line in prose.splitlines() if not _is_code(line) for piece in _of_line(line)]


def is_unspaced(letter: str) -> bool:
    """Whether its script puts no spaces between words, which have about two such letters."""
    return "\u3040" <= letter <= "\u9fff" or "\u0e00" <= letter <= "\u0eff"


def _of_line(line: str) -> Iterator[str]:
    line = _LIST_MARK.sub("", line).strip()
    start = 0
    for stop in _STOP.finditer(line):
        if not _NO_STOP.search(line, max(start, stop.end() - _LONGEST_NO_STOP), stop.end()):
            yield from _short(line[start : stop.end()].strip())
            start = stop.end()
    yield from _short(line[start:].strip())


def _short(sentence: str) -> Iterator[str]:
    """A sentence that never ends (speech, a list in one line) in pieces, cut at a clause or a word."""
    while len(sentence) > MAX_CHARS:
        cuts = [m.end() for m in _CLAUSE.finditer(sentence, MAX_CHARS // 2, MAX_CHARS)]
        cut = cuts[-1] if cuts else MAX_CHARS
        yield from _unless_blob(sentence[:cut].strip())
        sentence = sentence[cut:].strip()
    yield from _unless_blob(sentence)


def _unless_blob(piece: str) -> Iterator[str]:
    """Nothing of keys, addresses and encoded data: they fill a summary and say nothing."""
    if piece and not ((blob := _LONG_WORD.search(piece)) and not is_unspaced(blob[0][0])):
        yield piece


def _is_code(line: str) -> bool:
    line = line.strip()
    if not line or line.startswith(_CODE_START):
        return True
    return len(_CODE_MARKS.findall(line)) > _MAX_CODE_SHARE * len(line) + 1
