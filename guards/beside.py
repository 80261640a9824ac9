"""What an answer says beside its texts: fields of the choice and of the answer, ids, labels, names, probabilities."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

from msgspec import Raw

from stepwell.base.messages import encode_json
from stepwell.guards.leaves import BLOBS, KNOWN_WORDS, MEDIA, Path, decode_dict, decode_list

# words of the wire itself: who answers names them, no model writes them
_WIRE = frozenset({"id", "object", "created", "model", "system_fingerprint", "service_tier", "usage"})
_BARE = _WIRE | {"choices"}
_BARE_CHOICE = frozenset({"index", "message", "finish_reason", "logprobs"})
_BARE_MESSAGE = frozenset({"role", "content", "refusal", "annotations"})
_FINISHES = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
_PLAIN_NAME = re.compile(r"[A-Za-z_]{1,40}")
_BYTES_TOKEN = re.compile(r"(?:bytes:)?(?:\\x[0-9a-f]{2})+")


def is_bare(answer: Any) -> bool:
    """Whether a decoded answer holds nothing but the wire's fields and plain messages: there is nothing beside them."""
    return (
        isinstance(answer, dict) and answer.keys() <= _BARE and all(map(_is_bare_choice, answer["choices"]))
    )


def _is_bare_choice(choice: Any) -> bool:
    if not choice.keys() <= _BARE_CHOICE or choice.get("logprobs") is not None:
        return False
    message, finish = choice["message"], choice.get("finish_reason")
    return (
        message.keys() <= _BARE_MESSAGE
        and message.get("role") in KNOWN_WORDS
        and not message.get("annotations")
        and (finish is None or finish in _FINISHES)
    )


def strings(answer: Any, said: Iterable[Path] = ()) -> Iterator[tuple[Path, str]]:
    """Every string of a decoded answer or event that is neither text of the model nor a word of the wire, in order.

    Args:
        said: Places of the model's texts.
    """
    texts = frozenset(said)
    for path, value in _walk(answer, _is_skipped):
        if isinstance(value, str) and value and path not in texts and not _is_word(path, value):
            yield path, value


def names(answer: Any) -> Iterator[tuple[Path, str]]:
    """The names of fields that are no plain words, each with the place of its field."""
    for path, value in _walk(answer, _is_skipped):
        if isinstance(value, dict):
            for name in value:
                if not _PLAIN_NAME.fullmatch(name):
                    yield (*path, name), name


@lru_cache(maxsize=1024)  # the same few places in every request
def where(path: Path) -> str:
    """The place as verdicts show it: names of fields that are no plain words may be text, so they don't."""
    return ".".join(str(s) if isinstance(s, int) or _PLAIN_NAME.fullmatch(s) else "*" for s in path)


def _walk(value: Any, is_skipped: Callable[[Path], bool]) -> Iterator[tuple[Path, Any]]:
    """All values within one, in order."""
    open_values: list[tuple[Path, Any]] = [((), value)]
    while open_values:
        path, value = open_values.pop()
        if is_skipped(path):
            continue
        yield path, value
        if isinstance(value, dict):
            open_values += [((*path, k), v) for k, v in reversed(value.items())]
        elif isinstance(value, list):
            open_values += [((*path, i), value[i]) for i in range(len(value) - 1, -1, -1)]


def _is_skipped(path: Path) -> bool:
    """Whether it is of the wire, or probabilities, which `spoken` reads."""
    if len(path) == 1:
        return path[0] in _WIRE
    return len(path) == 3 and path[0] == "choices" and path[2] == "logprobs"


def _is_word(path: Path, text: str) -> bool:
    key = path[-1]
    if len(path) == 3 and key == "finish_reason":
        return text in _FINISHES
    return key in BLOBS or path[-2:] in MEDIA or (key in ("role", "type") and text in KNOWN_WORDS)


def repeats(logprobs: Any, said: Iterable[str]) -> bool:
    """Whether the tokens of a choice's log probabilities spell its texts, and nothing else."""
    tokens = list(_tokens(logprobs))
    if not all(_is_honest(t) for t in tokens):
        return False
    return b"".join(map(_spelled, tokens)) == "".join(said).encode("utf-8", "replace")


def spoken(logprobs: Any) -> list[str]:
    """What log probabilities spell: the tokens, their alternatives by rank, both as bytes too; all other strings."""
    ranks: list[list[Any]] = [list(_tokens(logprobs))]
    for token in ranks[0]:
        others = token.get("top_logprobs")
        for n, other in enumerate(others if isinstance(others, list) else (), start=1):
            if n == len(ranks):
                ranks.append([])
            ranks[n].append(other)
    spelled = ["".join(map(_text, rank)) for rank in ranks]
    spelled += [b"".join(map(_spelled, rank)).decode("utf-8", "replace") for rank in ranks]
    return [*(text for text in dict.fromkeys(spelled) if text), *_others(logprobs)]


def _others(logprobs: Any) -> Iterator[str]:
    for _, value in _walk(logprobs, lambda path: path[-1:] == ("token",)):
        if isinstance(value, dict):
            yield from (name for name in value if not _PLAIN_NAME.fullmatch(name))
        elif isinstance(value, str):
            yield value


def _tokens(logprobs: Any) -> Iterator[dict[str, Any]]:
    for listed in logprobs.values() if isinstance(logprobs, dict) else ():
        for token in listed if isinstance(listed, list) else ():
            if isinstance(token, dict):
                yield token


def _spelled(token: Any) -> bytes:
    said = token.get("bytes") if isinstance(token, dict) else None
    if isinstance(said, list) and all(isinstance(b, int) and 0 <= b < 256 for b in said):
        return bytes(said)
    return _text(token).encode("utf-8", "replace")


def _is_honest(token: dict[str, Any]) -> bool:
    """Whether a token is what its bytes spell, as far as those are whole characters."""
    text, said = _text(token), _spelled(token)
    return text.encode("utf-8", "replace") == said or _BYTES_TOKEN.fullmatch(text) is not None


def _text(token: Any) -> str:
    text = token.get("token") if isinstance(token, dict) else None
    return text if isinstance(text, str) else ""


def without(raw: Raw | bytes, path: Path) -> Raw:
    """The JSON without the field at `path`; everything beside it stays verbatim."""
    step, deeper = path[0], path[1:]
    fields: dict[Any, Raw] | list[Raw] = decode_list(raw) if isinstance(step, int) else decode_dict(raw)
    if deeper:
        fields[step] = without(fields[step], deeper)  # type: ignore[index]
    else:
        del fields[step]  # type: ignore[arg-type]
    return Raw(encode_json(fields))
