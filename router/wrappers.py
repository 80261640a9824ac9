"""Find what the human asked: the last user message without what agents wrap around it.

Coding agents send their reminders, tool results, open files and environment in the user's role;
routed on those, every request looks like code (BerriAI/litellm#42720).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stepwell.base.messages import Message

HEAD_CHARS = 4000
TAIL_CHARS = 1000

# the ask is what these hold
_ASK_TAGS = frozenset({"task", "user_query", "userrequest", "user_message", "user_input", "feedback"})
# the ask is what lies outside these, and outside every tag whose name has "context" in it
_NAMES = """system-reminder system_reminder reminder reminderinstructions tool_result tool-result tool_results
    function_results function_result command-name command-message command-args local-command-stdout
    local-command-stderr bash-stdout bash-stderr environment_details user_instructions
    attachment attachments attached_files attached-files file files file_content document documents
    document_content editor_selection open_files recently_viewed_files git_status linter_errors
    project_layout additional_data workspace_info workspace_structure user_rules memories"""
_WRAPPER_TAGS = frozenset(_NAMES.split())
_TAG = re.compile(r"([<\[])(/?)([A-Za-z][\w-]{1,40})([^<>\[\]\n]{0,200})[>\]]")
_TOOL_RESULT = re.compile(r"\s*\[[\w-]+(?: for [^\]\n]{0,300})?\] Result:")


def last_ask(messages: Sequence[Message]) -> str:
    """What the human asked last, at most HEAD_CHARS + TAIL_CHARS characters of it.

    User messages that hold nothing but wrappers are passed over; where there is nothing else, the last
    user message comes back as it is, and "" where nobody asked.
    """
    fallback = ""
    for message in reversed(messages):
        if message.role != "user":
            continue
        text = bounded(message.text)
        asked = strip_wrappers(text)
        if asked:
            return asked
        fallback = fallback or text.strip()
    return fallback


def bounded(text: str) -> str:
    """The beginning and the end of a text; a NUL marks where the middle was left out."""
    if len(text) <= HEAD_CHARS + TAIL_CHARS:
        return text
    return f"{text[:HEAD_CHARS]}\0{text[-TAIL_CHARS:]}"


def strip_wrappers(text: str) -> str:
    """Leave out wrappers' blocks; "" where nothing else is there. Linear in the text."""
    if "<" not in text and "[" not in text:
        return text.strip()
    if _TOOL_RESULT.match(text):
        return ""
    kept, asked = _split(text)
    return (asked[-1] if asked else " ".join(kept)).strip()


def _split(text: str) -> tuple[list[str], list[str]]:
    """Pieces outside every wrapper, and the insides of ask tags."""
    cut = text.find("\0")
    kept: list[str] = []
    asked: list[str] = []
    done = 0
    for name, start, inside, stop, end in _blocks(text, cut):
        kept.append(text[done:start])
        if name in _ASK_TAGS:
            asked.append(text[inside:stop])
        done = end
    kept.append(text[done:])
    return [k for k in kept if k.strip(" \n\t\0")], [a for a in asked if a.strip()]


def _blocks(text: str, cut: int) -> Iterator[tuple[str, int, int, int, int]]:
    """Outermost known blocks: name, start, start of the inside, its stop, end.

    A block whose other end lies in the middle that was left out (at `cut`, -1: nothing was) ends or begins
    there; one that is never closed is ordinary text.
    """
    name, depth, start, inside = "", 0, 0, 0
    for m in _TAG.finditer(text):
        tag, closes = m[3].lower(), m[2] == "/"
        if m[4].endswith("/") or not _is_known(tag) or (depth and tag != name):
            continue
        if not depth and not closes:
            name, depth, start, inside = tag, 1, m.start(), m.end()
        elif depth:
            depth += -1 if closes else 1
            if not depth:
                yield name, start, inside, m.start(), m.end()
                cut = cut if cut >= m.end() else -1
        elif 0 <= cut < m.start():
            yield tag, cut, cut, m.start(), m.end()
            cut = -1
    if depth and start < cut:
        yield name, start, inside, cut, cut


def _is_known(tag: str) -> bool:
    return tag in _WRAPPER_TAGS or tag in _ASK_TAGS or "context" in tag
