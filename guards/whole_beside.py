"""Read what a whole answer says beside the model's texts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Raw

from stepwell.base.decisions import Stage
from stepwell.guards.beside import names, spoken, strings, where, without
from stepwell.guards.leaves import Path, read
from stepwell.guards.rules import Rule
from stepwell.guards.scan import Scan
from stepwell.guards.stream_beside import reads_fields

Edits = dict[Path, str | None]


async def without_names(body: bytes, rules: tuple[Rule, ...], stage: Stage, scan: Scan) -> bytes:
    """The answer without fields whose names hold what the rules would cut out; the same bytes where none does.

    Raises:
        GuardBlocked: As Scan.clean.
    """
    gone = []
    for path, name in names(read(body)):
        if await _cleaned(name, path[:-1], rules, stage, scan) != name:
            gone.append(path)
    raw = Raw(body)
    for path in reversed(gone):  # what is deeper comes later
        raw = without(raw, path)
    return bytes(raw) if gone else body


async def edits_beside(
    answer: Any, said: Iterable[Path], rules: tuple[Rule, ...], stage: Stage, scan: Scan
) -> Edits:
    """What changes of a decoded answer but for its texts; log probabilities that spell a value go.

    Args:
        said: Places of the model's texts, which somebody else reads.

    Raises:
        GuardBlocked: As Scan.clean.
    """
    edits: Edits = {}
    for path, text in strings(answer, said):
        if (clean := await _cleaned(text, path, rules, stage, scan)) != text:
            edits[path] = clean
    for i, choice in enumerate(answer["choices"]):
        path = ("choices", i, "logprobs")
        for text in spoken(choice.get("logprobs")):
            if await _cleaned(text, path, rules, stage, scan) != text:
                edits[path] = None
                break
    return edits


async def _cleaned(text: str, path: Path, rules: tuple[Rule, ...], stage: Stage, scan: Scan) -> str:
    return await scan.clean(text, tuple(filter(reads_fields, rules)), stage, where(path), is_json=None)
