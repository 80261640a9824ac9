"""How many labelled values the shipped checks find, and how much of what they find is one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepwell.base.decisions import Finding
from stepwell.guards.calibrate.binomial import interval
from stepwell.guards.check import Check
from stepwell.guards.folded import find_folded

#: Labels of public sets that say the same as a kind of ours; a label in none of them is no structured value.
LABELS = {
    "EMAIL": ("EMAIL", "EMAIL_ADDRESS"),
    "CREDIT_CARD": ("CREDIT_CARD",),
    "IBAN": ("IBAN", "IBAN_CODE"),
    "US_SSN": ("US_SSN",),
    "PHONE": ("PHONE", "PHONE_NUMBER"),
    "IP_ADDRESS": ("IP", "IP_ADDRESS"),
    "DATE_OF_BIRTH": ("DATE_OF_BIRTH",),
}
STRUCTURED = frozenset(label for labels in LABELS.values() for label in labels)


@dataclass(frozen=True, slots=True)
class Counted:
    """Of one label, or of all.

    Attributes:
        n: Labelled values.
        n_found: Those that a finding overlaps; `n_covered` those of which no letter or digit is left.
        n_hits: Findings of the kinds that say the same; `n_false` those that overlap no labelled span at all.
    """

    label: str
    n: int = 0
    n_found: int = 0
    n_covered: int = 0
    n_hits: int = 0
    n_false: int = 0

    @property
    def recall(self) -> float:
        return self.n_found / self.n if self.n else 1.0

    @property
    def precision(self) -> float:
        return 1 - self.n_false / self.n_hits if self.n_hits else 1.0

    @property
    def recall_range(self) -> tuple[float, float]:
        """95 % interval."""
        return interval(self.n_found, self.n)


@dataclass(frozen=True, slots=True)
class ValueReport:
    """Attributes:
    n_clean: Texts without any label; `n_flagged` those of them in which something was found.
    us_per_1000_chars: CPU.
    """

    name: str
    by_label: tuple[Counted, ...]
    total: Counted
    n_clean: int
    n_flagged: int
    us_per_1000_chars: float


Found = Sequence[tuple[str, int, int]]
#: What loads at first use is no cost of the rows: a text with a bit of everything goes first.
WARM = "call +44 20 7888 8577, card 4111 1111 1111 1111, password: hunter2-and-more"


def found_in(checks: Iterable[Check], text: str) -> list[Finding]:
    """What they find, as a guard runs them: in the text as it reads, too."""
    return [f for check in checks for f in find_folded(check.find, text)]


def count_values(rows: Iterable[Mapping[str, Any]], checks: Sequence[Check]) -> ValueReport:
    """Run checks over rows {text, spans: [[start, end, label], …]}.

    Labels outside STRUCTURED count as secrets where the set has none of STRUCTURED; else they are names, places and
    such: nobody has to find them, and a finding on one is not false.
    """
    read = [(str(r["text"]), spans_of(r)) for r in rows]
    found_in(checks, WARM)
    began_s = time.process_time()
    found = [found_in(checks, text) for text, _ in read]
    cpu_s = time.process_time() - began_s
    n_chars = sum(len(text) for text, _ in read) or 1
    return counted("stepwell", read, [_plain(f) for f in found], cpu_s * 1e9 / n_chars)


def counted(
    name: str, read: Sequence[tuple[str, Found]], found: Sequence[Found], us_per_1000_chars: float
) -> ValueReport:
    """The report of anybody's findings, (kind, start, end) each."""
    labels = {label for _, spans in read for label, _, _ in spans}
    wanted = labels & STRUCTURED or labels
    is_secret = not labels & STRUCTURED
    tallies: dict[str, Counter[str]] = {label: Counter() for label in sorted(wanted)}
    n_clean = n_flagged = 0
    total: Counter[str] = Counter()
    for (text, spans), hits in zip(read, found, strict=True):
        if not spans:
            n_clean += 1
            n_flagged += bool(hits)
        for label, start, end in spans:
            if label in wanted:
                got = _of_value(text, start, end, hits)
                tallies[label] += got
                total += got
        for kind, start, end in hits:
            got = Counter(n_hits=1, n_false=int(not any(s < end and start < e for _, s, e in spans)))
            total += got
            for label in () if is_secret else LABELS.get(kind, ()):
                if label in tallies:
                    tallies[label] += got
    rows = tuple(Counted(label, **tally) for label, tally in tallies.items())
    return ValueReport(name, rows, Counted("all", **total), n_clean, n_flagged, us_per_1000_chars)


def _of_value(text: str, start: int, end: int, hits: Found) -> Counter[str]:
    near = [(s, e) for _, s, e in hits if s < end and start < e]
    bare = [i for i in range(start, end) if text[i].isalnum()]
    is_covered = bool(near) and all(any(s <= i < e for s, e in near) for i in bare)
    return Counter(n=1, n_found=int(bool(near)), n_covered=int(is_covered))


def spans_of(row: Mapping[str, Any]) -> Found:
    """A row's labelled spans, (type, start, end) each; queries of URLs are nobody's to find."""
    return [
        (str(s["type"]), int(s["start"]), int(s["end"]))
        if isinstance(s, Mapping)
        else (str(s[2]), int(s[0]), int(s[1]))
        for s in row.get("spans") or ()
        if (s.get("type") if isinstance(s, Mapping) else s[2]) != "URL_QUERY"
    ]


def _plain(found: Sequence[Finding]) -> Found:
    return [(f.kind, f.start, f.end) for f in found]
