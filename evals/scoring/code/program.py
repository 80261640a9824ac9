"""Find the program in an answer: a fenced block, bare code, or the rest of a function that the prompt began."""

from __future__ import annotations

import re
from collections.abc import Sequence

_FENCED = re.compile(r"^([ \t]*)(```+|~~~+)[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:^[ \t]*\2[ \t]*$|\Z)", re.M | re.S)
_PYTHON = frozenset({"", "python", "python3", "py", "py3", "ipython", "pycon"})
_CODE_LINE = re.compile(r"^(?:import |from \w[\w.]* import |(?:async )?def \w|class \w|@\w)", re.M)
_DEFINED = re.compile(r"^(?:(?:async )?def|class)\s+(\w+)|^(\w+)\s*(?::[^=\n]+)?=(?!=)", re.M)
_THOUGHTS_END = "</think>"


def programs(answer: str, *, prompt: str = "", names: Sequence[str] = ()) -> tuple[str, ...]:
    """Readings of an answer as a program, the likeliest first.

    Args:
        prompt: Python that the answer was to go on with; "" where it was asked in words.
        names: What the tests call.
    """
    said = answer.rpartition(_THOUGHTS_END)[2].replace("\r\n", "\n")
    block = _block(said, names)
    bare = [block] if block is not None else _bare(said)
    readings = [reading for code in bare for reading in _after(prompt, code, names)]
    return tuple(dict.fromkeys(readings))


def _block(answer: str, names: Sequence[str]) -> str | None:
    """The last fenced block that defines what is called, with the other blocks that it needs."""
    found = _FENCED.findall(answer)
    blocks = [_outdented(code, by) for by, _, kind, code in found if kind.lower() in _PYTHON and code.strip()]
    if not blocks:
        return None
    fitting = [n for n, block in enumerate(blocks) if names and set(names) <= defined(block)]
    if not fitting:
        together = "\n".join(blocks)
        return together if set(names) <= defined(together) else max(blocks, key=len)
    chosen = blocks[fitting[-1]]
    missing = set(re.findall(r"\w+", chosen)) - defined(chosen)
    helpers = [
        block
        for n, block in enumerate(blocks)
        if (defined(block) if n < fitting[-1] else _made(block)) & missing and not set(names) & defined(block)
    ]
    return "\n".join([*helpers, chosen])


def _outdented(code: str, by: str) -> str:
    """A block within a list is indented as its fence is."""
    return "\n".join(line.removeprefix(by) for line in code.split("\n")) if by else code


def defined(code: str) -> set[str]:
    """Names that code defines at its top level; by its looks, so code that is none may be asked too."""
    return {name for found in _DEFINED.findall(code) for name in found if name}


def _made(code: str) -> set[str]:
    """Functions and classes: what a block after the program is needed for, unlike the variables of an example."""
    return {made for made, _ in _DEFINED.findall(code) if made}


def _bare(answer: str) -> list[str]:
    """An answer without fences: all of it, else from its first line of code on, else to the last that is one."""
    begun = _CODE_LINE.search(answer)
    if begun is None:
        return [answer]
    code = answer[begun.start() :]
    return [answer, code, _cut(code)]


def _cut(code: str) -> str:
    """Code without the prose that follows it."""
    lines = code.splitlines()
    last = max((n for n, line in enumerate(lines) if line[:1].isspace() and line.strip()), default=len(lines))
    return "\n".join(lines[: last + 1])


def _after(prompt: str, code: str, names: Sequence[str]) -> list[str]:
    """The code after the prompt's: as a program of its own, or as the rest of the prompt's last function."""
    if not prompt:
        return [code]
    whole = [f"{prompt.rstrip()}\n\n{code}", code]
    if set(names) & defined(code):
        return whole
    indented = "\n".join(f"    {line}" if line.strip() else line for line in code.splitlines())
    body = code if code[:1].isspace() else f"    {code}"
    rest = [prompt + code, prompt + body, prompt + indented, prompt + _first_body(body)]
    return [part if prompt.endswith("\n") else part.replace(prompt, f"{prompt}\n", 1) for part in rest]


def _first_body(code: str) -> str:
    """The lines up to the first that is not indented: models write on after the function's end."""
    kept: list[str] = []
    for line in code.splitlines():
        if line.strip() and not line[:1].isspace():
            break
        kept.append(line)
    return "\n".join(kept) + "\n"
