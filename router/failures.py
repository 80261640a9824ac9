"""Tell a tool's failure from its result, by structure alone: an ordinary text may speak of errors."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import Raw

_MAX_JSON_CHARS = 20_000
_END_CHARS = 1_000
_N_END_LINES = 3
_TRACE = "Traceback (most recent call last):"
_SHORT_LINES = 3
_N_LAST = 8
_MAX_EXIT_CHARS = 120
_FLAGS = ("is_error", "isError")
_EXITS = ("exit_code", "exitCode", "returncode", "return_code")
_STATUSES = ("status_code", "statusCode", "http_status", "status")
_NO_ERROR = frozenset({"", "none", "null", "no", "ok", "false", "no error", "success"})

# what a harness or a program puts at the very beginning
_OPENS = re.compile(
    r"<(?:tool_use_)?error>|(?:fatal |tool |internal |execution |validation )?error: |[A-Z]\w*(?:Error|Exception): |"
    r"fatal: |panic: |HTTP/\d(?:\.\d)? [45]\d\d\b|HTTP (?:error |status )?[45]\d\d\b|"
    r"the tool execution failed\b|[^\n]{0,80}\bfailed with (?:HTTP )?(?:status )?(?:code )?[45]\d\d\b",
    re.IGNORECASE,
)
# a whole line that says how a process ended
_EXIT_LINE = re.compile(
    r"\W{0,3}(?:the |process |command |program )*"
    r"(?:(?:exited|failed|returned|ended) with (?:non-zero )?(?:exit )?|exit )"
    r"(?:code|status)(?: is| was)?[\s:=]{1,3}\(?(-?\d{1,6})\)?\W{0,3}|"
    r"<(?:returncode|exit_code|exitcode)>\s?(-?\d{1,6})\s?</\w+>",
    re.IGNORECASE,
)
_RAISED = re.compile(r"[\w.]{1,80}(?:Error|Exception|Interrupt|Exit)(?:: |$)")
_SHELL = re.compile(
    r"[^\n]{1,200}: (?:command not found|No such file or directory|Permission denied|not found|Is a directory)"
)


def is_failure(text: str) -> bool:
    """Whether the result of a tool is a failure. Reads its beginning and its end; a short JSON object whole."""
    text = text.strip()
    if not text:
        return False
    if text[0] == "{" and text[-1] == "}" and len(text) <= _MAX_JSON_CHARS:
        try:
            return _is_failed_object(_decode(text))
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
            pass  # not JSON after all
    return _OPENS.match(text) is not None or _ends_badly(text)


def _ends_badly(text: str) -> bool:
    lines = [line for line in text[-_END_CHARS:].rsplit("\n", _N_LAST) if line.strip()]
    ends = lines[-_N_END_LINES:]
    if any(_exit_code(line) for line in (*ends, text[:200].partition("\n")[0])):
        return True
    if len(text) <= _END_CHARS and len(lines) <= _SHORT_LINES and _SHELL.fullmatch(lines[-1].strip()):
        return True
    if _RAISED.match(lines[-1]) is None:
        return False
    # a stack trace that is the last word, not one that is quoted
    return text.startswith(_TRACE) or f"\n{_TRACE}" in text


def _exit_code(line: str) -> int:
    may_be = len(line) <= _MAX_EXIT_CHARS and ("ode" in line or "xit" in line or "CODE" in line)
    found = _EXIT_LINE.fullmatch(line.strip()) if may_be else None
    return 0 if found is None else int(found[1] or found[2])


def _is_failed_object(fields: Mapping[str, Raw]) -> bool:
    if any(_value(fields, name) is True for name in _FLAGS):
        return True
    if any(_value(fields, name) is False for name in ("success", "ok")):
        return True
    if any(_says_error(_value(fields, name)) for name in ("error", "errors")):
        return True
    if any(_whole(_value(fields, name)) for name in _EXITS):
        return True
    statuses = [_value(fields, name) for name in _STATUSES]
    return "error" in statuses or any(400 <= _whole(s) < 600 for s in statuses)


def _value(fields: Mapping[str, Raw], name: str) -> object:
    raw = fields.get(name)
    return None if raw is None else msgspec.json.decode(raw)


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _says_error(value: object) -> bool:
    """A number is a measurement, not a failure."""
    if isinstance(value, str):
        return value.strip().lower() not in _NO_ERROR
    return value is True or (isinstance(value, dict | list) and bool(value))


_decode = msgspec.json.Decoder(dict[str, Raw]).decode
