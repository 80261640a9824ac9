"""Secrets that a known wording gives away: PEM blocks, JWTs, URLs with a password, `password = …`."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass

from stepwell.guards.check import NEAR_CHARS, edge

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
_KEYS = (
    "api|private|access|encryption|signing|auth|master|account|service|client|session|license|storage|shared"
)
_WORDS = (
    r"(?ai:pass(?:word|wd|phrase|code)|(?<![a-z])pass|passwd|pwd|credentials?"
    rf"|secret(?:[_ -]?(?:access[_ -]?)?key)?|(?:{_KEYS})[_ -]?key|token)"
)
ASSIGNED = _WORDS + r"""\\?["'`]?[ \t]{0,3}(?:=>|[:=]{1,2})[ \t]{0,3}"""
_TOLD = _WORDS + r" {1,3}(?ai:is|was):? {1,3}"
_GIVES = rf"(?:{ASSIGNED}|{_TOLD})"
_QUOTE, _QUOTED, BARE = r"""\\?["'`]""", r"""[^\s"'`\\]""", r"""[^\s"'`\\,;(){}<>]"""
LEAST_CHARS, _SURE_CHARS = 8, 10
_NOT_VALUES = ("$", "<", "{", "your", "os.", "process.", "env", "[", "%", "***", "...", "http")
NOT_BARE = (*_NOT_VALUES, "/", ".")
"""How what no quotes stand around does not begin where it is a value."""
PASSWORD = "PASSWORD_ASSIGN"
_USER = r"[^\s/@:\"'`<>\\]{0,100}+"
_PASS = r"[^\s/@\"'`<>\\]"
_HOST = r"[^\s\"'`<>\\]"


@dataclass(frozen=True, slots=True)
class Phrase:
    """One wording, in no text that has not `hint` in lower case.

    Group v of `whole` is the secret, of `begun` one that the end of the text cuts off. Whole ones hold `sign`. A
    match without v only passes over characters that a second try would read again.
    """

    kind: str
    hint: str
    whole: re.Pattern[str]
    begun: re.Pattern[str]
    accepts: Callable[[str], bool]
    sign: str = ""


def _any(value: str) -> bool:
    return True


def _is_remote(value: str) -> bool:
    return not re.match(r"[^@]*@(?:localhost|127\.|0\.0\.0\.0|\[?::1)", value)


def _has_digit(value: str) -> bool:
    return any(c.isdigit() for c in value)


def _is_user_and_password(value: str) -> bool:
    """Whether it is base64 of `user:password` (RFC 7617)."""
    try:
        said = b64decode(value, validate=True)
    except ValueError:
        return False
    return b":" in said and all(32 <= byte < 127 for byte in said)


def _is_literal(value: str) -> bool:
    """Not a placeholder, a variable or one plain word."""
    if value.lower().startswith(_NOT_VALUES):
        return False
    if len(value) < _SURE_CHARS:
        return _has_digit(value) and any(c.isalpha() for c in value)
    return _has_digit(value) or value.lower() != value != value.upper() or _has_sign(value)


def _is_bare_literal(value: str) -> bool:
    return _has_digit(value) and any(c.isalpha() for c in value) and not value.lower().startswith(NOT_BARE)


def _is_told_literal(value: str) -> bool:
    """What stands behind "is" is more often prose: 256-bit, 2048-byte."""
    is_mixed = _has_sign(value) or value.lower() != value != value.upper() or len(value) > _SURE_CHARS
    return _is_bare_literal(value) and is_mixed


def _has_sign(value: str) -> bool:
    return any(c in "!@#$%^&*+/=?~" for c in value)


def _phrase(
    kind: str,
    hint: str,
    whole: str,
    begun: str,
    accepts: Callable[[str], bool] = _any,
    flags: int = 0,
    sign: str = "",
) -> Phrase:
    return Phrase(kind, hint, re.compile(whole, flags), re.compile(begun, flags), accepts, sign)


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
        edge("A-Za-z0-9") + r"(?:(?P<v>eyJ[\w-]{8,}+\.eyJ[\w-]{5,}+\.[\w-]{10,}+)|eyJ[\w-]*+)",
        edge("A-Za-z0-9") + r"(?:(?P<v>eyJ[\w-]*+(?:\.[\w-]*+){0,2}+\Z)|eyJ[\w-]*+)",
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
        "DISCORD_WEBHOOK",
        "/api/webhooks/",
        r"/api/webhooks/(?P<v>\d{16,22}/[\w-]{50,100}+)",
        r"/api/webhooks/(?P<v>\d{0,22}+(?:/[\w-]{0,100}+)?)\Z",
        flags=re.ASCII,
    ),
    _phrase(
        "TEAMS_WEBHOOK",
        "webhook.office.com",
        r"webhook\.office\.com/webhookb2/(?P<v>[\w@-]{36,80}+/[\w/@-]{30,150}+)",
        r"webhook\.office\.com/webhookb2/(?P<v>[\w/@-]{0,230}+)\Z",
        flags=re.ASCII,
    ),
    _phrase(
        "URL_SIGNATURE",
        "sig",
        r"(?ai:[?&](?:sig|x-(?:amz|goog)-signature|signature)=)(?P<v>[\w%+/=~-]{32,}+)",
        r"(?ai:[?&](?:sig|x-(?:amz|goog)-signature|signature)=)(?P<v>[\w%+/=~-]*+)\Z",
        _has_digit,
        flags=re.ASCII,
    ),
    _phrase(
        "BASIC_AUTH",
        "basic",
        r"(?ai:basic)[ \t]{1,3}(?P<v>[A-Za-z0-9+/]{8,1000}+={0,2}+)",
        r"(?ai:basic)[ \t]{1,3}(?P<v>[A-Za-z0-9+/]{0,1000}+={0,2}+)\Z",
        _is_user_and_password,
    ),
    _phrase(
        "TELEGRAM_BOT",
        "",
        edge("A-Za-z0-9") + r"(?P<v>\d{8,10}:AA[\w-]{33})(?![\w-])",
        edge("A-Za-z0-9") + r"(?P<v>\d{1,10}(?::(?:A(?:A[\w-]{0,33}+)?)?)?)\Z",
        flags=re.ASCII,
        sign=":AA",
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
        PASSWORD,
        "",
        rf"(?={_GIVES}{_QUOTE}(?P<v>{_QUOTED}{{{LEAST_CHARS},}}+))",
        rf"{_GIVES}{_QUOTE}(?P<v>{_QUOTED}*+)\Z",
        _is_literal,
    ),
    _phrase(
        PASSWORD,
        "",
        rf"(?={_TOLD}(?P<v>{BARE}{{{LEAST_CHARS},}}+)(?!\())",
        rf"{_TOLD}(?P<v>{BARE}*+)\Z",
        _is_told_literal,
    ),
)
ALERT = rf"-----BEGIN|(?<=://){_USER}:{_PASS}{{3,200}}+@|[0-9]{{8,10}}:AA"
TAIL = (
    rf"-{{1,5}}\Z|-----B(?:E(?:GI?)?)?\Z|(?<=://){_USER}(?::{_PASS}{{0,200}}+)?\Z"
    r"|[0-9]{1,10}(?::A?)?\Z"
)
# what the phrases above have in common, less what may follow
NEAR = (
    *("pass", "pwd", "credential", "secret", "token", "key", "bearer", "basic"),
    *("slack.com", "webhooks/", "office.com", "sig=", "ature="),
)
LEAD = (
    rf"{_GIVES}(?:{_QUOTE})?(?:{_QUOTED}{{{LEAST_CHARS}}}|{_QUOTED}*+\Z)"
    r"|AccountKey=(?:[A-Za-z0-9+/]{40}|[A-Za-z0-9+/]*+=*\Z)"
    r"|(?ai:bearer)[ \t]{1,3}(?:[A-Za-z0-9_.~+/=-]{20}|[A-Za-z0-9_.~+/=-]*+\Z)"
    r"|(?ai:basic)[ \t]{1,3}(?:[A-Za-z0-9+/]{8}|[A-Za-z0-9+/]*+=*\Z)"
    r"|(?ai:[?&](?:sig|x-(?:amz|goog)-signature|signature)=)"
    r"|hooks\.slack\.com/(?:services|workflows)/(?:[A-Z0-9]{6}|[A-Za-z0-9_/-]*+\Z)"
    r"|/api/webhooks/|webhook\.office\.com/webhookb2/"
)
_ASSIGNS = re.compile("[:=]")
_TELLS = re.compile(" (?i:is|was)[ :]")
_GIVEN = ("word", "wd", "phrase", "pass", "code", "credential", "credentials", "secret", "key", "token")
_SEEN = ("word", "wd", "phrase", "pass", "code", "credential", "secret", "key", "token")
_MOST_CHARS = 16
_WORDING = re.compile(_GIVES)


def may_give(lower: str) -> bool:
    """Whether a text in lower case has one of the words that something is assigned to."""
    return any([word in lower for word in _SEEN])  # noqa: C419  twice as fast where there is none


def given_by(text: str) -> list[int]:
    """Where ASSIGNMENTS may begin to match: at one of the words that something is assigned to, or told of."""
    begun: dict[int, None] = {}
    for giver in (_ASSIGNS, _TELLS):
        for m in giver.finditer(text):
            at = m.start()
            if text[max(0, at - _MOST_CHARS) : at].lower().rstrip(" \t\\\"'`").endswith(_GIVEN):
                begun |= {
                    w.start(): None for w in _WORDING.finditer(text, max(0, at - NEAR_CHARS), m.end() + 1)
                }
    return sorted(begun)
