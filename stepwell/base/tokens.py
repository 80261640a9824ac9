"""How many tokens a conversation has: a bound that costs microseconds, and an exact count.

The bound rests on one fact: a byte-level BPE never makes more tokens than the text has UTF-8 bytes
(each merge joins two or more of them). The exact count is tiktoken's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import Raw

from stepwell.base.laden import Laden, part_tokens
from stepwell.base.messages import Message, ToolCall
from stepwell.base.vocabulary import encoding_for, is_openai

# What the chat format adds: 3 a message and 3 to open the reply for OpenAI's models, 5 a message for ChatML
# as small open models use it. A name costs 1, a tool call's frame is not published: 8 covers ChatML's.
N_REPLY_TOKENS = 3
N_MESSAGE_TOKENS = 5
N_NAME_TOKENS = 1
N_TOOL_CALL_TOKENS = 8

_FIXED = ("tools", "functions")
_FORMAT = "response_format"
_CHUNK_CHARS = 20_000
_FOREIGN_MARGIN = 1.35


def upper_bound(messages: Sequence[Message], tools_json: bytes | None = None) -> int:
    """Tokens that `messages` and the tools have at most, for any byte-level BPE. Loads no vocabulary."""
    n = N_REPLY_TOKENS + (len(tools_json) if tools_json else 0)
    for message in messages:
        n += frame_tokens(message) + sum(map(_n_bytes, _texts(message)))
    return n


def estimate_text(text: str) -> int:
    """A rough count, four characters a token; for expected cost, never for a limit."""
    return (len(text) + 3) // 4


def count_text(text: str, model: str) -> int:
    """Tokens of `text`: exact for OpenAI's models; for others on the safe side (see `is_exact_for`).

    A small local vocabulary may need a token for each digit, so `local/` models count bytes, which is never less.
    Hosted ones count o200k_base and a margin: published vocabularies of their size stay within it on ordinary text.

    Raises:
        ConfigError: The vocabulary is not on this machine.
    """
    if model.startswith("local/"):
        return _n_bytes(text)
    encode = encoding_for(model).encode_ordinary
    # tiktoken's time is quadratic in the length of one unbroken run; a cut adds a token or two
    pieces = (text[i : i + _CHUNK_CHARS] for i in range(0, len(text), _CHUNK_CHARS))
    n = sum(len(encode(piece)) for piece in pieces)
    return n if is_exact_for(model) else math.ceil(n * _FOREIGN_MARGIN)


def is_exact_for(model: str) -> bool:
    """Whether `count_text` is the model's own count."""
    return is_openai(model)


def count_message(message: Message, model: str) -> int:
    """Tokens of one message with its frame, without what opens the reply."""
    return frame_tokens(message) + sum(count_text(t, model) for t in _texts(message))


def count_messages(messages: Sequence[Message], *, model: str, tools_json: bytes | None = None) -> int:
    """Tokens of the whole prompt, the tools' JSON included (providers turn it into something shorter).

    Raises:
        ConfigError: The vocabulary is not on this machine.
    """
    n = N_REPLY_TOKENS + sum(count_message(m, model) for m in messages)
    return n + (count_text(tools_json.decode("utf-8", "ignore"), model) if tools_json else 0)


def safest(models: Sequence[str]) -> str:
    """Of the models of one tier, the one whose count is never less than another's."""
    return max(models, key=lambda m: (m.startswith("local/"), not is_exact_for(m)))


def fixed_json(fields: Mapping[str, Raw]) -> bytes | None:
    """What of a request takes room in the prompt beside its messages: tools, functions, the answer's schema."""
    found = [bytes(fields[name]) for name in _FIXED if name in fields]
    if _FORMAT in fields and b"json_schema" in bytes(fields[_FORMAT]):
        found.append(bytes(fields[_FORMAT]))
    return b"\n".join(found) if found else None


def frame_tokens(message: Message) -> int:
    """Tokens of everything in the message that is not text."""
    n = N_MESSAGE_TOKENS
    if message.name is not None:
        n += N_NAME_TOKENS
    if message.tool_calls:
        n += N_TOOL_CALL_TOKENS * len(message.tool_calls)
    if message.function_call is not None:
        n += N_TOOL_CALL_TOKENS
    if isinstance(message.content, list):
        n += sum(map(part_tokens, message.content))
    if isinstance(message, Laden):
        n += message.n_more_tokens
    return n


def _texts(message: Message) -> list[str]:
    content = message.content
    texts = [message.role]
    if isinstance(content, str):
        texts.append(content)
    elif content is not None:
        texts += [p.text for p in content if p.text is not None]
    if message.name is not None:
        texts.append(message.name)
    if message.tool_call_id is not None:
        texts.append(message.tool_call_id)
    if message.tool_calls:
        texts += [t for call in message.tool_calls for t in _call_texts(call)]
    if message.function_call is not None:
        texts += [message.function_call.name, message.function_call.arguments]
    if isinstance(message, Laden):
        texts.append(message.more)
    return texts


def _call_texts(call: ToolCall) -> tuple[str, str, str]:
    return call.id, call.function.name, call.function.arguments


def _n_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
