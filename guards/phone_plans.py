"""How numbers look within a country: the numbering plans of `phonenumbers`, made ready to ask a thousand times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

_DIGITS = re.compile(r"\d+")
_KINDS = (
    "fixed_line",
    "mobile",
    "toll_free",
    "premium_rate",
    "shared_cost",
    "personal_number",
    "voip",
    "uan",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One region's numbers.

    Attributes:
        trunk: What is dialled before a number within the country, "" where nothing is.
        numbers: Matches a number without it.
        formats: Which numbers, and the groups in which those are written.
    """

    trunk: str
    numbers: re.Pattern[str]
    formats: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]

    def has(self, groups: Sequence[str]) -> bool:
        """Whether groups of digits are such a number and part it nowhere else than its formats do."""
        digits = "".join(groups)
        n_trunk = len(self.trunk) if digits.startswith(self.trunk) else 0
        number = digits[n_trunk:]
        if self.numbers.fullmatch(number) is None:
            return False
        written = {n - n_trunk for n in accumulate(map(len, groups))}
        return any(
            written <= {0, *accumulate(map(len, m.groups()))}
            for leading, form in self.formats
            if leading.match(number) and (m := form.fullmatch(number))
        )


def is_national(value: str, regions: Iterable[str]) -> bool:
    """Whether one of the regions writes a number so, without a country code."""
    groups = [group for group in _DIGITS.findall(value) if group.isascii()]
    return any(plan(region).has(groups) for region in regions)


def is_international(value: str) -> bool:
    """Whether a number with a plus is in some region's plan."""
    import phonenumbers

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(value))
    except phonenumbers.NumberParseException:
        return False


@cache
def plan(region: str) -> Plan:
    """The plan of a region, by its two letters.

    Raises:
        KeyError: There is none.
    """
    import phonenumbers

    known = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if known is None:
        raise KeyError(region)
    patterns = [desc.national_number_pattern for k in _KINDS if (desc := getattr(known, k)) is not None]
    formats = tuple(
        (re.compile((f.leading_digits_pattern or [""])[-1]), re.compile(f.pattern))
        for f in known.number_format
        if f.pattern is not None
    )
    return Plan(known.national_prefix or "", re.compile("|".join(p for p in patterns if p)), formats)
