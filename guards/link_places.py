"""Where a text has links: bare ones, and destinations in Markdown, HTML and CSS, whatever they look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_LINK_CHARS = 2048
"""What is longer is taken for a link of so many characters and text behind it."""
LOOK_BACK = 120
"""How far before a destination the mark of an image may stand. One that is not found there counts as found."""
_OPENER_CHARS = 40

_SPACE = r"[ \t\r\n]{0,4}"
_CHARS = r"[^\s<>()\"`]"
# one level of parentheses belongs to a link (CommonMark 6.3); an open one at the end of the text may yet close
_BODY = (
    rf"{_CHARS}{{0,{MAX_LINK_CHARS}}}+"
    rf"(?:(?<!\])\({_CHARS}{{0,512}}+(?:\)|\Z){_CHARS}{{0,512}}+){{0,3}}+"
)
_LOADERS = "src|srcset|poster|background|formaction|action"
_MARKDOWN = rf"\](?P<markdown>[(:]){_SPACE}"
_ATTRIBUTE = rf"\b(?P<attribute>href|{_LOADERS}){_SPACE}={_SPACE}"
_STYLE = rf"(?P<style>url\({_SPACE}|@import\s{{1,4}})"
_BEGUN = r"(?:https?|ftp|wss?):[/\\]|www\.|(?<=<)(?:javascript|vbscript|data):"
_REFERENCE = r"(?<=\])(?P<reference>\[)"
_START = re.compile(
    rf"(?:{_MARKDOWN}|{_ATTRIBUTE}|{_STYLE})(?P<quote>[<\"'])?|{_REFERENCE}"
    rf"|(?<![A-Za-z0-9])(?P<bare>(?={_BEGUN}))",
    re.IGNORECASE,
)
_PLAIN = re.compile(_BODY)
_BETWEEN = {
    "<": re.compile(rf"[^<>\n]{{0,{MAX_LINK_CHARS}}}"),
    '"': re.compile(rf"[^\"<>]{{0,{MAX_LINK_CHARS}}}"),
    "'": re.compile(rf"[^'<>]{{0,{MAX_LINK_CHARS}}}"),
    "[": re.compile(r"\[[^\[\]]{0,999}(?:\]|\Z)?"),
}
_HINT = re.compile(r"[:/\\][/\\]|\](?=[(:\[])|www\.|=|url\(|@import|<(?:j|v|d)", re.IGNORECASE)
_BRACKET = re.compile(r"\\.|[\[\]]", re.DOTALL)
_LINE_BEGIN = re.compile(r"(?:\A|\n) {0,3}\Z")
_TAG = re.compile(r"<([A-Za-z][A-Za-z0-9:-]*)[^<>]*\Z")
_BEHIND_LINK = ".,;:!?'*_~\\|]}"

NEAR = ("href", "src", "poster", "background", "action", "url(", "@import")
LEAD = rf"(?i:(?:href|{_LOADERS}){_SPACE}(?:=|\Z)|url\(|@import)"
ALERT = rf"(?i:{_BEGUN})|(?<=\])[(:\[]"
# what may become one of the above
TAIL = (
    r"(?i:(?:h(?:t(?:t(?:ps?)?)?)?|f(?:tp?)?|w(?:ss?)?):?|www?|"
    r"(?<=<)(?:j[a-z]{0,9}|v[a-z]{0,7}|d[a-z]{0,3}))\Z"
)
_TAIL = re.compile(rf"(?<![A-Za-z0-9])(?:{TAIL})")
_TAIL_CHARS = 12


@dataclass(frozen=True, slots=True)
class Link:
    """One destination.

    Attributes:
        start, end: Its characters, less punctuation that ends a sentence.
        to: The destination as written; None where another place of the text gives it.
        loads: Whether it is fetched without a click, as an image's is; so too where that is too far off to tell.
        is_definition: Markdown that gives a destination to other places of the text.
        is_markup: In a place made for links, where more than web addresses counts.
        is_open: The end of the text cuts it off.
        opener: Where the mark begins that ALERT sees it by, or `start`.
    """

    start: int
    end: int
    to: str | None
    loads: bool
    is_definition: bool
    is_markup: bool
    is_open: bool
    opener: int


def links(text: str, start: int = 0) -> Iterator[Link]:
    """Every link that begins at `start` or later, in order."""
    begun = max(0, start - _OPENER_CHARS)
    if _HINT.search(text, begun) is None:
        return
    brackets = _Brackets(text)
    seen = 0  # a link holds no other, but its end may begin one
    for m in _START.finditer(text, begun):
        is_reference = m["reference"] is not None
        at = m.start() if is_reference else m.end()
        if at < seen:
            continue
        to = _BETWEEN.get("[" if is_reference else m["quote"] or "", _PLAIN).match(text, at)
        seen = at if to is None else to.end()
        if at >= start:
            yield _link(brackets, m, at, seen)


def open_at(text: str, start: int) -> int:
    """Where the link begins that more text may complete; len(text) where there is none."""
    tail = _TAIL.search(text, max(start, len(text) - _TAIL_CHARS))
    at = tail.start() if tail else len(text)
    return min([at, *(link.opener for link in links(text, start) if link.is_open)])


class _Brackets:
    """Which brackets of a text belong together; looked for once, where that is asked."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._begin: dict[int, int] | None = None

    def is_image(self, at: int) -> bool:
        """Whether the brackets that close at `at` have an exclamation mark before them."""
        begin = self._pairs().get(at)
        if begin is None or at - begin >= LOOK_BACK:
            return at >= LOOK_BACK
        return self.text[begin - 1 : begin] == "!"

    def _pairs(self) -> dict[int, int]:
        if self._begin is None:
            self._begin = {}
            open_ones: list[int] = []
            for m in _BRACKET.finditer(self.text):
                if m[0] == "[":
                    open_ones.append(m.start())
                elif m[0] == "]" and open_ones:
                    self._begin[m.start()] = open_ones.pop()
        return self._begin


def _link(brackets: _Brackets, m: re.Match[str], at: int, end: int) -> Link:
    text, is_open, kind = brackets.text, end == len(m.string), m["markdown"]
    if m["reference"]:
        is_whole = text[at:end].endswith("]")
        return Link(at, end, None, is_whole and brackets.is_image(at - 1), False, True, is_open, at)
    if not m["quote"]:
        end = at + len(text[at:end].rstrip(_BEHIND_LINK))
    is_definition = kind == ":" and _is_definition(text, m.start())
    is_markup = is_definition or (m["bare"] is None and kind != ":")
    if not is_markup:
        loads = _is_in_tag(text, at, unsure=False)
    elif kind:
        loads = kind == "(" and brackets.is_image(m.start())
    else:
        loads = (m["attribute"] or "").lower() != "href" or _is_in_tag(text, m.start(), unsure=True)
    opener = m.start("markdown") if kind else at
    return Link(at, end, text[at:end], loads, is_definition, is_markup, is_open, opener)


def _is_definition(text: str, bracket: int) -> bool:
    """Whether a line begins with the brackets that close at `bracket`; a footnote's is none."""
    begun = max(0, bracket - LOOK_BACK)
    at = text.rfind("[", begun, bracket)
    if at < 0:
        return begun > 0
    return text[at + 1] != "^" and _LINE_BEGIN.search(text, max(0, at - 4), at) is not None


def _is_in_tag(text: str, at: int, *, unsure: bool) -> bool:
    """Whether `at` stands in an HTML tag that loads what it names; `unsure` where no tag is near."""
    m = _TAG.search(text[max(0, at - LOOK_BACK) : at])
    return unsure if m is None else m[1].lower() not in ("a", "area")
