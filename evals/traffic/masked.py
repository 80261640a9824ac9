"""Imported rows as a decision log may keep them: masked, or without text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from stepwell.base.errors import StepwellError
from stepwell.evals.traffic.redecide import ask_of
from stepwell.router.features import read_ask
from stepwell.router.traits import TRAITS_HASH, traits
from stepwell.traffic_line import Logged
from stepwell.traffic_masks import OneWay

_CODE = re.compile(r"[\w.]{1,64}")


def masked_rows(rows: Iterable[Logged], checks: Sequence[str]) -> Iterator[Logged]:
    """Rows whose messages and answers hold placeholders for what `checks` find; what can't be checked goes."""
    with OneWay(checks) as masks:
        for row in rows:
            yield row if row.is_masked or not row.messages else _masked(row, masks)


def without_text(rows: Iterable[Logged]) -> Iterator[Logged]:
    """Rows with the traits of their asks in place of text: a policy can still decide them."""
    for row in rows:
        ask = ask_of(row)
        kept = row if ask is None else _with_traits(row, ask)
        yield msgspec.structs.replace(kept, messages=(), answer=None, error=_code(row.error))


def _masked(row: Logged, masks: OneWay) -> Logged:
    try:
        said, answer = masks.masked(row.messages, row.answer)
    except StepwellError:
        return msgspec.structs.replace(row, messages=(), answer=None, error=_code(row.error))
    return msgspec.structs.replace(row, messages=said, answer=answer, is_masked=True, error=_code(row.error))


def _with_traits(row: Logged, ask: str) -> Logged:
    made = traits(read_ask(ask)).astype("<f4").tobytes()
    return msgspec.structs.replace(row, traits=made, traits_hash=TRAITS_HASH)


def _code(error: str) -> str:
    """An error's class, and no sentence of another tool's."""
    return error if not error or _CODE.fullmatch(error) else "failed"
