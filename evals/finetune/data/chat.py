"""A dataset as the JSON lines that hosted fine-tuning takes: one list of messages a line, and each host's limits.

Hosts' pages:
OpenAI: platform.openai.com/docs/guides/fine-tuning (10 examples at least; messages and tools; 65,536 tokens an example)
    and platform.openai.com/docs/api-reference/files (512 MB a file).
Together: docs.together.ai/docs/fine-tuning/data-preparation (system or user first, then user and assistant in turn;
    100 GB a file).
Fireworks: docs.fireworks.ai/fine-tuning/fine-tuning-models (3 to 3,000,000 examples; system only as the first).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from stepwell.base import tokens
from stepwell.base.errors import ConfigError
from stepwell.evals.finetune.data.dataset import DatasetCard
from stepwell.evals.finetune.data.example import Example, FinetuneError
from stepwell.evals.finetune.data.said import is_system, text_of
from stepwell.evals.finetune.data.whole import whole_file

HostName = Literal["openai", "together", "fireworks"]
Messages = tuple[dict[str, object], ...]


@dataclass(frozen=True, slots=True)
class Host:
    """What a host takes.

    Attributes:
        takes_tools: Tools, calls of tools and their results.
        is_in_turn: User and assistant must alternate, and a user speaks first.
        max_tokens: Of an example, where the host states a limit that holds for its small models.
        model: By whose vocabulary tokens are counted.
    """

    min_examples: int
    max_examples: int | None
    max_bytes: int | None
    takes_tools: bool
    is_in_turn: bool
    max_tokens: int | None = None
    model: str = ""


LIMITS: Mapping[HostName, Host] = {
    "openai": Host(10, None, 512_000_000, True, False, 65_536, "gpt-4.1-mini"),
    "together": Host(1, None, 100_000_000_000, False, True),
    "fireworks": Host(3, 3_000_000, None, False, False),
}


class ChatTold(msgspec.Struct, frozen=True):
    """What was written.

    Attributes:
        left_out: By reason.
        n_tokens: Of the longest example, where a vocabulary is at hand; else None.
    """

    host: str
    n_lines: int
    n_bytes: int
    left_out: dict[str, int] = {}
    n_tokens: int | None = None


def write_chat(
    path: Path, examples: Sequence[Example], card: DatasetCard, *, host: HostName, is_validation: bool = False
) -> ChatTold:
    """Write a file (mode 600) that the host takes; what it would refuse is left out and counted.

    Args:
        is_validation: The host only measures on it: one example is enough.

    Raises:
        FinetuneError: The host would refuse the file: too few or too many examples, or too many bytes.
    """
    limits, left = LIMITS[host], Counter[str]()
    lines: list[bytes] = []
    n_tokens: int | None = None
    for example in examples:
        messages = chat_messages(example, card.system)
        n = _n_tokens(messages, limits)
        reason = _against(messages, n, limits)
        if reason is not None:
            left[reason] += 1
            continue
        n_tokens = n if n_tokens is None or n is None else max(n_tokens, n)
        lines.append(_line(messages, example, limits))
    told = ChatTold(host, len(lines), sum(map(len, lines)), dict(left.most_common()), n_tokens)
    _check(told, limits, min_examples=1 if is_validation else limits.min_examples)
    with whole_file(path) as out:
        out.writelines(lines)
    return told


def chat_messages(example: Example, system: str | None) -> Messages:
    """What is asked and answered; a dataset's own system prompt stands in place of the example's."""
    own = tuple(_plain(m) for m in example.messages if system is None or not is_system(m))
    first: Messages = () if system is None else ({"role": "system", "content": system},)
    return (*first, *own, {"role": "assistant", "content": example.answer})


def _plain(message: Mapping[str, object]) -> dict[str, object]:
    role = "system" if is_system(message) else str(message.get("role"))
    kept = {n: message[n] for n in ("tool_calls", "tool_call_id", "name") if message.get(n)}
    return {"role": role, "content": text_of(message), **kept}


def _line(messages: Messages, example: Example, limits: Host) -> bytes:
    tools = {"tools": example.tools} if example.tools and limits.takes_tools else {}
    return msgspec.json.encode({"messages": messages, **tools}) + b"\n"


def _against(messages: Messages, n_tokens: int | None, limits: Host) -> str | None:
    roles = [str(m["role"]) for m in messages]
    if not limits.takes_tools and any(
        r == "tool" or "tool_calls" in m for r, m in zip(roles, messages, strict=True)
    ):
        return "with calls of tools, which the host does not take"
    known = {"system", "user", "assistant", *(["tool"] if limits.takes_tools else [])}
    if not known.issuperset(roles):
        return "with a role that the host does not know"
    if "user" not in roles:
        return "without a user's message"
    if "system" in roles[1:]:
        return "with a system prompt that is not the first message"
    if limits.is_in_turn and not _is_in_turn(roles):
        return "where user and assistant do not take turns"
    if n_tokens is not None and limits.max_tokens is not None and n_tokens > limits.max_tokens:
        return f"over {limits.max_tokens:,} tokens"
    return None


def _is_in_turn(roles: Iterable[str]) -> bool:
    spoken = [r for r in roles if r != "system"]
    return all(r == ("user", "assistant")[n % 2] for n, r in enumerate(spoken))


def _n_tokens(messages: Messages, limits: Host) -> int | None:
    if not limits.model:
        return None
    try:
        return sum(tokens.count_text(text_of(m), limits.model) + 4 for m in messages)
    except ConfigError:  # no vocabulary on this machine
        return None


def _check(told: ChatTold, limits: Host, *, min_examples: int) -> None:
    why = ", ".join(f"{n:,} {reason}" for reason, n in told.left_out.items())
    left = f" (left out: {why})" if why else ""
    if told.n_lines < min_examples:
        raise FinetuneError(
            f"{told.host} takes {min_examples} examples or more; here are {told.n_lines}{left}"
        )
    if limits.max_examples is not None and told.n_lines > limits.max_examples:
        raise FinetuneError(
            f"{told.host} takes {limits.max_examples:,} examples at most; here are {told.n_lines:,}"
        )
    if limits.max_bytes is not None and told.n_bytes > limits.max_bytes:
        raise FinetuneError(
            f"{told.host} takes {limits.max_bytes:,} bytes at most; these are {told.n_bytes:,}"
        )
