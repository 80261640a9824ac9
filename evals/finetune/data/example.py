"""An example: what was asked, and the answer to learn."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from stepwell.base.errors import StepwellError
from stepwell.evals.suite import sha256_of

Source = Literal["traffic", "suite", "run"]
_encode = msgspec.json.Encoder(order="sorted").encode


class FinetuneError(StepwellError):
    """Examples, a dataset or a trained adapter can't be read, written or used; shows no text of theirs."""

    code = "finetune_error"


class Example(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a file of examples.

    Attributes:
        id: Of the request, the row or the sample it was made of.
        messages: As asked, the answer left out; masked where they come from traffic.
        answer: What is to be learnt.
        source: What it was made of.
        tier: Who gave the answer; "" where it is a suite's own target.
        tenant, user: Digests of who asked; "" where nobody was named.
        group: What must stay together when some are held out: a conversation, a suite's cluster; "" for none.
        score: 0..1, what feedback, a scorer or a judge said of the answer; None where nobody did.
        licence: Of the text, where it is known.
        at_s: Unix time of the answer; 0 where it is not known.
        tools: As the request offered them, where it did and they are known.
    """

    id: str
    messages: tuple[dict[str, object], ...]
    answer: str
    source: Source = "suite"
    tier: str = ""
    tenant: str = ""
    user: str = ""
    group: str = ""
    score: float | None = None
    licence: str = ""
    at_s: float = 0.0
    tools: tuple[dict[str, object], ...] = ()

    @property
    def ask(self) -> str:
        """The last user's words."""
        said = [m.get("content") for m in self.messages if m.get("role") == "user"]
        return said[-1] if said and isinstance(said[-1], str) else ""

    @property
    def sha256(self) -> str:
        """Names what is asked and answered, wherever it came from."""
        return sha256_of(_encode([self.messages, self.answer]))


_decode = msgspec.json.Decoder(Example).decode


def write_examples(path: Path, examples: Iterable[Example]) -> int:
    """Write a file for its owner alone, whole or not at all; how many lines it holds.

    Raises:
        FinetuneError: It can't be written.
    """
    from stepwell.evals.finetune.data.whole import whole_file

    n = 0
    with whole_file(path) as out:
        for example in examples:
            out.write(_encode(example) + b"\n")
            n += 1
    return n


def read_examples(paths: Sequence[Path]) -> Iterator[Example]:
    """Every line of the files.

    Raises:
        FinetuneError: A file can't be read, or a line is no example; names file and line, shows no text.
    """
    for path in paths:
        try:
            with path.open("rb") as lines:
                for n, line in enumerate(lines, start=1):
                    if line.strip():
                        yield _read(line, path, n)
        except OSError as e:
            raise FinetuneError(f"{path}: {e.strerror or type(e).__name__}") from e


def _read(line: bytes, path: Path, n: int) -> Example:
    try:
        return _decode(line)
    except msgspec.ValidationError as e:
        what = str(e).partition(" - at ")
        raise FinetuneError(
            f"{path}, line {n}: {what[0].partition(chr(39))[0].rstrip()} {what[2]}".rstrip()
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        problem = "half a surrogate pair, which is no text" if _has_half(line) else "not JSON"
        raise FinetuneError(f"{path}, line {n}: {problem}") from None


def _has_half(line: bytes) -> bool:
    """Whether it is JSON all the same, with half of a character."""
    try:
        json.dumps(json.loads(line), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False
