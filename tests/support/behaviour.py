"""What the mock upstream does with a request, spelled in the model's name.

    mock[-n<tokens>][-d<ms before headers>][-i<ms between tokens>][-e<status>][-r<Retry-After, s>][-p<every>][-<fault>]

`mock-n16` answers 16 tokens, `mock-e429-r2` refuses, `mock-n8-reset` breaks after the first token, and
`mock-p10-e503` fails every tenth request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast, get_args

Fault = Literal[
    "ok",
    "hanghead",  # takes the request and says nothing
    "hangmid",  # headers and the first token (or half a body), then nothing
    "hangdone",  # everything up to [DONE], but the body never ends
    "drop",  # closes before the headers
    "reset",  # RST after the first token (or half a body)
    "cut",  # closes after the first token (or half a body)
    "unfinished",  # a stream that ends well in HTTP, without finish_reason and [DONE]
    "early",  # a stream that ends well in HTTP before its first token
    "errorevent",  # an error event after the first token
    "garbage",  # 200 with broken JSON
    "html",  # 200 with a page
    "empty",  # 200 with an answer that has no choices
    "huge",  # 100 MB, made while it is sent
    "endless",  # a stream of one line that never ends
    "dribble",  # a few bytes at a time
    "short",  # content-length below the body
    "long",  # content-length above the body, and no more to come
]
_NUMBER = re.compile(r"([ndierp])(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way to answer; times in seconds."""

    fault: Fault = "ok"
    n_tokens: int = 16
    delay_s: float = 0.0
    gap_s: float = 0.0
    status: int = 200
    retry_after: str | None = None
    every: int = 1


@lru_cache(maxsize=1024)
def behaviour(model: str) -> Behaviour:
    """Read a model's name; a part that is no known word or number raises ValueError."""
    fault: Fault = "ok"
    numbers: dict[str, str] = {}
    for part in model.split("-")[1:]:
        found = _NUMBER.fullmatch(part)
        if found is not None:
            numbers[found[1]] = found[2]
        elif part in get_args(Fault):
            fault = cast(Fault, part)
        else:
            raise ValueError(f"the mock knows no {part!r}")
    return Behaviour(
        fault,
        int(numbers.get("n", 16)),
        float(numbers.get("d", 0)) / 1e3,
        float(numbers.get("i", 0)) / 1e3,
        int(numbers.get("e", 200)),
        numbers.get("r"),
        int(numbers.get("p", 1)),
    )
