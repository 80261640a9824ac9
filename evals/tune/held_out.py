"""Rows that are kept from a tuning, so that the policy can be judged by them."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.lines import read_rows


def is_held_out(line: str | bytes, share: float, seed: int = 0) -> bool:
    """Whether a line of outcomes is one of a share that is the same on every machine: alike asks go together.

    Lines that can't be read are not: whoever reads them says what is wrong.
    """
    if not line.strip():
        return False
    try:
        row = next(iter(read_rows([line])), None)
    except BadRequest:
        return False
    if row is None:
        return False
    said = " ".join(row.prompt.casefold().split()) if row.prompt else msgspec.json.encode(row.traits).decode()
    drawn = blake2b(f"{seed}\0{said}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(drawn) < share * 2**64
