"""Secrets that a known wording gives away: PEM blocks, JWTs, URLs with a password, `password = …`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from stepwell.guards.check import edge

_BREAK = r"(?:\s|\\[nrt])"
_PEM = (
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
    rf"(?:{_BREAK}{{1,4}}[A-Z][A-Za-z-]{{3,20}}: ?[^\s\\]{{1,80}})*+(?:{_BREAK}{{1,4}}[A-Za-z0-9+/=]{{16,}}+)"
)
_PEM_END = r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
_PEM_TAIL = rf"{_BREAK}{{0,4}}[A-Za-z0-9+/=]{{0,15}}+{_BREAK}{{0,4}}"
_PEM_OPEN = (
    r"-----BEGIN [A-Z0-9 ]{0,40}-{0,4}\Z|-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
    rf"(?:{_BREAK}{{1,4}}[A-Z][A-Za-z-]{{3,20}}: ?[^\s\\]{{1,80}})*+(?:{_BREAK}{{1,4}}[A-Za-z0-9+/=]{{16,}}+)*+"
    rf"(?:{_BREAK}{{0,4}}[A-Z][A-Za-z-]{{0,20}}:? ?[^\s\\]{{0,80}}"
    rf"|{_PEM_TAIL}\\?(?:-{{0,5}}|-----[A-Z0-9 ]{{0,40}}-{{0,4}}))\Z"
)
_WORDS = (
    r"(?ai:pass(?:word|wd|phrase)|passwd|pwd|secret(?:[_ -]?(?:access[_ -]?)?key)?|api[_ -]?key|private[_ -]?key"
    r"|access[_ -]?key|token)"
)
_GIVES = _WORDS + r"""\\?["'`]?[ \t]{0,3}(?:=>|[:=]{1,2})[ \t]{0,3}"""
_QUOTE, _QUOTED, _BARE = r"""\\?["'`]""", r"""[^\s"'`\\]""", r"""[^\s"'`\\,;(){}<>]"""
_NOT_VALUES = ("$", "<", "{", "your", "os.", "process.", "env", "[", "%", "***", "...", "http")
_USER = r"[^\s/@:\"'`<>\\]{0,100}+"
_PASS = r"[^\s/@\"'`<>\\]"
_HOST = r"[^\s\"'`<>\\]"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One wording, in no text that has not `hint` in lower case.

    Group v of `whole` is the secret, of `begun` one that the end of the text cuts off.
    """

    kind: str
    hint: str
    whole: re.Pattern[str]
    begun: re.Pattern[str]
    accepts: Callable[[str], bool]


def _any(value: str) -> bool:
    return True


def _is_remote(value: str) -> bool:
    return not re.match(r"[^@]*@(?:localhost|127\.|0\.0\.0\.0|\[?::1)", value)


def _has_digit(value: str) -> bool:
    return any(c.isdigit() for c in value)


def _is_literal(value: str) -> bool:
    """Not a placeholder, a variable or one plain word."""
    if value.lower().startswith(_NOT_VALUES):
        return False
    return (
        _has_digit(value)
        or value.lower() != value != value.upper()
        or any(c in "!@#$%^&*+/=?~" for c in value)
    )


def _is_bare_literal(value: str) -> bool:
    return (
        _is_literal(value) and _has_digit(value) and any(c.isalpha() for c in value) and value[0] not in "/."
    )


def _phrase(
    kind: str, hint: str, whole: str, begun: str, accepts: Callable[[str], bool] = _any, flags: int = 0
) -> Phrase:
    return Phrase(kind, hint, re.compile(whole, flags), re.compile(begun, flags), accepts)


SHAPES = (
    _phrase(
        "PEM_PRIVATE_KEY",
        "-----begin",
        rf"(?P<v>{_PEM}(?:{_BREAK}{{1,4}}[A-Za-z0-9+/=]{{16,}}+)*+(?:{_PEM_TAIL}{_PEM_END})?)",
        rf"(?P<v>{_PEM_OPEN})",
    ),
    _phrase(
        "JWT",
        "eyj",
        edge("A-Za-z0-9") + r"(?P<v>eyJ[\w-]{8,}+\.eyJ[\w-]{5,}+\.[\w-]{10,}+)",
        edge("A-Za-z0-9") + r"(?P<v>eyJ[\w-]*+(?:\.[\w-]*+){0,2}+)\Z",
        flags=re.ASCII,
    ),
    _phrase(
        "SLACK_WEBHOOK",
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows)/(?P<v>[A-Z0-9]{6,14}/[\w/-]{20,100}+)",
        r"hooks\.slack\.com/(?:services|workflows)/(?P<v>[\w/-]*+)\Z",
        flags=re.ASCII,
    ),
    _phrase(
        "DB_URL_PASSWORD",
        "://",
        rf"://(?P<v>{_USER}:{_PASS}{{3,200}}+@{_HOST}{{1,300}}+)",
        rf"://(?P<v>{_USER}(?::{_PASS}{{0,200}}+(?:@{_HOST}{{0,300}}+)?)?)\Z",
        _is_remote,
    ),
    _phrase(
        "AZURE_STORAGE",
        "accountkey=",
        r"AccountKey=(?P<v>[A-Za-z0-9+/]{40,100}+={0,2}+)",
        r"AccountKey=(?P<v>[A-Za-z0-9+/]{0,100}+={0,2}+)\Z",
    ),
    _phrase(
        "BEARER",
        "bearer",
        r"(?ai:bearer)[ \t]{1,3}(?P<v>[\w.~+/=-]{20,}+)",
        r"(?ai:bearer)[ \t]{1,3}(?P<v>[\w.~+/=-]*+)\Z",
        _has_digit,
        re.ASCII,
    ),
)
ASSIGNMENTS = (
    _phrase(
        "AWS_SECRET_KEY",
        "",
        rf"(?ai:secret[_ -]?(?:access[_ -]?)?key)\\?[\"'`]?[ \t]{{0,3}}[:=][ \t]{{0,3}}(?:{_QUOTE})?"
        r"(?P<v>[A-Za-z0-9/+]{40}+)(?![A-Za-z0-9/+=])",
        rf"(?ai:secret[_ -]?(?:access[_ -]?)?key)\\?[\"'`]?[ \t]{{0,3}}[:=][ \t]{{0,3}}(?:{_QUOTE})?"
        r"(?P<v>[A-Za-z0-9/+]{0,40}+)\Z",
    ),
    _phrase(
        "PASSWORD_ASSIGN",
        "",
        rf"(?={_GIVES}{_QUOTE}(?P<v>{_QUOTED}{{10,}}+))",
        rf"{_GIVES}{_QUOTE}(?P<v>{_QUOTED}*+)\Z",
        _is_literal,
    ),
    _phrase(
        "PASSWORD_ASSIGN",
        "",
        rf"(?={_GIVES}(?P<v>{_BARE}{{10,}}+)(?!\())",
        rf"{_GIVES}(?P<v>{_BARE}*+)\Z",
        _is_bare_literal,
    ),
)
ALERT = rf"-----BEGIN|(?<=://){_USER}:{_PASS}{{3,200}}+@"
TAIL = rf"-{{1,5}}\Z|-----B(?:E(?:GI?)?)?\Z|(?<=://){_USER}(?::{_PASS}{{0,200}}+)?\Z"
# what the phrases above have in common, less what may follow
NEAR = ("passw", "passp", "pwd", "secret", "token", "key", "bearer", "slack.com")
LEAD = (
    rf"{_GIVES}(?:{_QUOTE})?(?:{_QUOTED}{{10}}|{_QUOTED}*+\Z)"
    r"|AccountKey=(?:[A-Za-z0-9+/]{40}|[A-Za-z0-9+/]*+=*\Z)"
    r"|(?ai:bearer)[ \t]{1,3}(?:[A-Za-z0-9_.~+/=-]{20}|[A-Za-z0-9_.~+/=-]*+\Z)"
    r"|hooks\.slack\.com/(?:services|workflows)/(?:[A-Z0-9]{6}|[A-Za-z0-9_/-]*+\Z)"
)
_ASSIGNS = re.compile("[:=]")
_GIVEN = ("word", "wd", "phrase", "secret", "key", "token")
_MOST_CHARS = 16


def gives(lower: str) -> bool:
    """Whether a lower-case text may assign something to one of the words: then ASSIGNMENTS may match."""
    for m in _ASSIGNS.finditer(lower):
        before = lower[max(0, m.start() - _MOST_CHARS) : m.start()]
        if before.rstrip(" \t\\\"'`").endswith(_GIVEN):
            return True
    return False
