"""What the checks for values find and cost, beside Presidio and detect-secrets where those are installed.

Run: `python -m tests.bench.guards_rules [--rows FILE.jsonl[.gz] ...] [--limit N] [--curve]`. A row has `text` and
`spans`, a list of [start, end, type]. Without rows only speed is measured. A hit on any labelled span is not false,
whatever its type; spans of types that nobody looks for are left out. Presidio runs on a blank spaCy model (no names).
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from stepwell.base.errors import ConfigError
from stepwell.guards import checks
from stepwell.guards.check import Check
from stepwell.guards.folded import find_folded
from tests.bench.guards_micro import TEXTS

PERSONAL = ("email", "phone", "credit_card", "iban", "us_ssn", "ip_address", "national_id", "date_of_birth")
OTHER_NAMES = {
    "EMAIL_ADDRESS": "EMAIL",
    "IBAN_CODE": "IBAN",
    "PHONE_NUMBER": "PHONE",
    "IP": "IP_ADDRESS",
}
STRUCTURED = ("EMAIL", "PHONE", "CREDIT_CARD", "IBAN", "US_SSN", "IP_ADDRESS")
_PRESIDIO = ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS")
N_CHARS = 1000
Span = tuple[int, int, str]
Finder = Callable[[str], list[Span]]


@dataclass(slots=True)
class Row:
    """A text, and the values in it."""

    text: str
    spans: list[Span]


@dataclass(slots=True)
class Found:
    """What one finder did on one set.

    Attributes:
        hits, missed: Labelled values, by type.
        n_false: Findings on nothing labelled.
        n_flagged: Texts without any value in which something was found, of `n_clean`.
        cpu_s: For all texts, `n_chars` characters.
    """

    hits: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    n_false: int = 0
    n_flagged: int = 0
    n_clean: int = 0
    cpu_s: float = 0.0
    n_chars: int = 0

    @property
    def recall(self) -> float:
        n = self.hits.total() + self.missed.total()
        return self.hits.total() / n if n else float("nan")

    @property
    def precision(self) -> float:
        n = self.hits.total() + self.n_false
        return self.hits.total() / n if n else float("nan")

    @property
    def us_per_1000_chars(self) -> float:
        return self.cpu_s / max(1, self.n_chars) * 1e9


def read_rows(path: Path, limit: int | None) -> list[Row]:
    """Rows of a JSONL file, gzipped or not."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    rows = [json.loads(line) for line in raw.decode().splitlines()[:limit]]
    return [Row(r["text"], [(s, e, OTHER_NAMES.get(k, k)) for s, e, k in r["spans"]]) for r in rows]


def ours(names: Sequence[str]) -> Finder:
    made: list[Check] = [checks.make(n, {}) for n in names]
    return lambda text: [(f.start, f.end, f.kind) for c in made for f in find_folded(c.find, text)]


def presidio() -> Finder | None:
    """Presidio's pattern recognisers at their usual threshold; None where it is not installed."""
    try:
        check = checks.make("presidio", {"entities": list(_PRESIDIO)})
    except ConfigError:
        return None
    return lambda text: [(f.start, f.end, OTHER_NAMES.get(f.kind, f.kind)) for f in check.find(text)]


def detect_secrets() -> Finder | None:
    """detect-secrets' file mode, line by line with all its plug-ins; None where it is not installed."""
    if find_spec("detect_secrets") is None:
        return None
    from detect_secrets.core.scan import _process_line_based_plugins  # type: ignore[import-not-found,unused-ignore]
    from detect_secrets.settings import default_settings  # type: ignore[import-not-found,unused-ignore]

    def find(text: str) -> list[Span]:
        with default_settings():
            lines = list(enumerate(text.splitlines(), start=1))
            secrets = {s.secret_value for s in _process_line_based_plugins(lines, filename="text.txt")}
        return [(text.find(s), text.find(s) + len(s), "SECRET") for s in secrets if s and s in text]

    return find


def measure(find: Finder, rows: Sequence[Row], wanted: Sequence[str] | None) -> Found:
    """Run over rows; `wanted` are the types that count, None: all."""
    found = Found()
    find(TEXTS["PII-dense"])  # what loads at first use has loaded
    for row in rows:
        begun = time.process_time()
        spans = find(row.text)
        found.cpu_s += time.process_time() - begun
        found.n_chars += len(row.text)
        for start, end, kind in row.spans:
            if wanted is None or kind in wanted:
                is_hit = any(s < end and e > start for s, e, _ in spans)
                (found.hits if is_hit else found.missed)[kind] += 1
        n_false = sum(not any(s < end and e > start for start, end, _ in row.spans) for s, e, _ in spans)
        found.n_false += n_false
        found.n_clean += not row.spans
        found.n_flagged += not row.spans and n_false > 0
    return found


def us_per_text(find: Finder, text: str, n_rounds: int = 5) -> float:
    """Least CPU of one text, in us."""
    find(text)
    times = []
    for _ in range(n_rounds):
        begun = time.process_time()
        for _ in range(20):
            find(text)
        times.append((time.process_time() - begun) / 20)
    return min(times) * 1e6


HOSTILE = {
    "digits": "1234567890" * 3,
    "groups": "12 34 56 ",
    "dots": "1.1.",
    "colons": "a:",
    "keys": "key=",
    "told": "token is ",
    "urls": "://a:b",
    "mails": "a@a.",
    "births": "born 12 ",
    "capitals": "ABCDEF12",
    "dashes": "-----BEGIN PRIVATE KEY-----\n",
    "phones": "06 12 34 56 78 ",
    "invisible": "4\u200b1",
}


def curve(find: Finder, unit: str) -> Iterator[float]:
    """CPU seconds for 10 KB, 100 KB and 1 MB of a unit over and over."""
    for n_chars in (10_000, 100_000, 1_000_000):
        text = (unit * (n_chars // len(unit) + 1))[:n_chars]
        begun = time.process_time()
        find(text)
        yield time.process_time() - begun


def _finders(is_secrets: bool) -> dict[str, Finder]:
    name, other = ("detect-secrets", detect_secrets()) if is_secrets else ("presidio", presidio())
    if other is None:
        print(f"{name}: skipped, not installed here")
    found = {"stepwell": ours(("secrets",) if is_secrets else PERSONAL)}
    return found if other is None else found | {name: other}


def show_rows(path: Path, limit: int | None) -> None:
    rows = read_rows(path, limit)
    kinds = {kind for row in rows for _, _, kind in row.spans}
    is_secrets = not kinds & set(STRUCTURED)
    wanted = None if is_secrets else STRUCTURED
    print(f"\n{path.name}: {len(rows)} rows")
    for name, find in _finders(is_secrets).items():
        m = measure(find, rows, wanted)
        print(
            f"  {name:15} recall {m.recall:.3f}  precision {m.precision:.3f}"
            f"  flags {m.n_flagged}/{m.n_clean} clean texts  {m.us_per_1000_chars:.0f} us per 1,000 characters"
        )
        for kind in sorted(kinds if wanted is None else kinds & set(wanted)):
            n = m.hits[kind] + m.missed[kind]
            print(f"    {kind:22} {m.hits[kind] / n:.3f} of {n}")


def show_speed() -> None:
    print(f"\nCPU for {N_CHARS:,} characters, us")
    for is_secrets in (False, True):
        finders = _finders(is_secrets)
        for name, text in TEXTS.items():
            sized = (text * (N_CHARS // len(text) + 1))[:N_CHARS]
            costs = ", ".join(f"{who} {us_per_text(find, sized):.0f}" for who, find in finders.items())
            print(f"  {'secrets' if is_secrets else 'personal data':14} {name:14} {costs}")


def show_curve() -> None:
    print("\nCPU seconds for 10 KB, 100 KB, 1 MB of hostile text, all checks")
    find = ours((*PERSONAL, "secrets"))
    for name, unit in HOSTILE.items():
        print(f"  {name:10} " + "  ".join(f"{s:8.3f}" for s in curve(find, unit)), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.guards_rules", description=__doc__)
    parser.add_argument("--rows", type=Path, nargs="*", default=[], help="labelled JSONL files")
    parser.add_argument("--limit", type=int, help="rows of each")
    parser.add_argument("--curve", action="store_true", help="time on 10 KB to 1 MB of hostile text")
    args = parser.parse_args()
    for path in args.rows:
        show_rows(path, args.limit)
    show_speed()
    if args.curve:
        show_curve()


if __name__ == "__main__":
    main()
