"""Imported rows as a decision log may keep them: masked, or without text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from stepwell.base.config.traffic import MASKED
from stepwell.base.errors import StepwellError
from stepwell.evals.traffic.named import Plain
from stepwell.evals.traffic.redecide import ask_of
from stepwell.router.features import read_ask
from stepwell.router.traits import TRAITS_HASH, traits
from stepwell.traffic_line import Logged
from stepwell.traffic_masks import OneWay

_CODE = re.compile(r"[\w.]{1,64}")


def masked_rows(rows: Iterable[Logged], checks: Sequence[str]) -> Iterator[Logged]:
    """Rows with placeholders for what `checks` find; a text that can't be checked goes.

    What a row says of itself is not believed: one that claims to be masked is masked again.
    """
    with OneWay(checks) as masks:
        plain = Plain(masks)
        for row in rows:
            yield _masked(plain.row(row), masks)


def without_text(rows: Iterable[Logged], checks: Sequence[str] = MASKED) -> Iterator[Logged]:
    """Rows with the traits of their asks in place of text: a policy can still decide them."""
    with OneWay(checks) as masks:
        plain = Plain(masks)
        for row in map(plain.row, rows):
            ask = ask_of(row)
            kept = row if ask is None else _with_traits(row, ask)
            yield msgspec.structs.replace(kept, messages=(), answer=None, error=_code(row.error))


def _masked(row: Logged, masks: OneWay) -> Logged:
    has_text = bool(row.messages) or row.answer is not None
    try:
        said, answer = masks.masked(row.messages, row.answer)
    except StepwellError:
        said, answer, has_text = (), None, False
    error = _code(row.error)
    return msgspec.structs.replace(row, messages=said, answer=answer, is_masked=has_text, error=error)


def _with_traits(row: Logged, ask: str) -> Logged:
    made = traits(read_ask(ask)).astype("<f4").tobytes()
    return msgspec.structs.replace(row, traits=made, traits_hash=TRAITS_HASH)


def _code(error: str) -> str:
    """An error's class, and no sentence of another tool's."""
    return error if not error or _CODE.fullmatch(error) else "failed"
