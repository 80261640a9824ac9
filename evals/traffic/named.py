"""Ids and names of a log without what other tools, or their users, put into them: addresses, numbers, keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b

import msgspec

from stepwell.router.outcome_notes import tenant_digest
from stepwell.traffic_line import Logged
from stepwell.traffic_masks import OneWay

_HEX = re.compile(r"[0-9a-fA-F]{8,64}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# as tools make them: letters alone may be somebody's name, and a long number somebody's phone
_MADE = re.compile(r"(?=.*[0-9])(?![0-9-]{7,}$)[A-Za-z0-9_-]{1,128}")
_DIGEST = re.compile(r"[0-9a-f]{32}")
_MAX_NAME_CHARS = 128
_FORMATS = ("text", "json_object", "json_schema")
UNNAMED = "[NAME]"


class Plain:
    """Makes rows plain.

    Args:
        masks: What no id and no name may hold.
    """

    def __init__(self, masks: OneWay) -> None:
        self._masks = masks
        self._names: dict[str, str] = {}

    def id(self, given: str) -> str:
        """The id where it is one that a tool made, else its hash: the same for the same id."""
        if not given or _is_random(given) or (_MADE.fullmatch(given) and self._masks.text(given) == given):
            return given
        raw = given.encode("utf-8", "surrogatepass")
        return f"id-{blake2b(raw, digest_size=16, person=b'stepwell-id').hexdigest()}"

    def name(self, given: str) -> str:
        """The name of a tier, a model or a policy, masked."""
        if not given:
            return given
        if given not in self._names:
            is_sound = len(given) <= _MAX_NAME_CHARS and given.isprintable()
            self._names[given] = (self._masks.text(given) or UNNAMED) if is_sound else UNNAMED
        return self._names[given]

    def names(self, row: Logged) -> Logged:
        """A row with all its names masked; its ids stay."""
        needs = row.needs
        form = needs.response_format if needs.response_format in _FORMATS else ""
        return msgspec.structs.replace(
            row,
            **{field: self.name(getattr(row, field)) for field in _NAMES},
            **{field: self._keys(getattr(row, field)) for field in _BY_TIER},
            states={self.name(tier): self.name(state) for tier, state in row.states.items()},
            rules=tuple(map(self.name, row.rules)),
            tenant=_digest(row.tenant),
            user=_digest(row.user),
            conversation=_digest(row.conversation),
            needs=msgspec.structs.replace(needs, response_format=form),
        )

    def row(self, row: Logged) -> Logged:
        """A row with plain names and ids."""
        return msgspec.structs.replace(self.names(row), id=self.id(row.id), body_id=self.id(row.body_id))

    def _keys(self, values: Mapping[str, float]) -> dict[str, float]:
        return {self.name(tier): value for tier, value in values.items()}


_NAMES = ("source", "cache", "policy", "tier", "own", "served", "model", "traits_hash", "embedder")
_BY_TIER = ("p_ok", "expected_usd", "propensity", "scores")


def with_plain_names(rows: Iterable[Logged], checks: Sequence[str]) -> Iterator[Logged]:
    """Rows whose names hold nothing of what `checks` find."""
    with OneWay(checks) as masks:
        yield from map(Plain(masks).names, rows)


def _is_random(given: str) -> bool:
    """Hexadecimal, and no decimal number."""
    return _HEX.fullmatch(given) is not None and not given.replace("-", "").isdecimal()


def _digest(given: str) -> str:
    return given if not given or _DIGEST.fullmatch(given) else tenant_digest(given).hex()
