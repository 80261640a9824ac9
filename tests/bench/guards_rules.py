"""What the checks for values find and cost, beside Presidio and detect-secrets where those are installed.

Run: `python -m tests.bench.guards_rules [--rows FILE.jsonl[.gz] ...] [--limit N] [--curve]`. A row has `text` and
`spans`, a list of [start, end, type]; `stepwell eval guards FILE --peers` tells more of one file. Without rows only
speed is measured. Presidio runs on a blank spaCy model (no names).
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from stepwell.evals.guards.peers import detect_secrets, presidio, value_peers
from stepwell.evals.guards.replay import value_checks
from stepwell.evals.guards.values import count_values, found_in
from stepwell.guards import checks
from tests.bench.guards_micro import TEXTS

PERSONAL = ("email", "phone", "credit_card", "iban", "us_ssn", "ip_address", "national_id", "date_of_birth")
N_CHARS = 1000
Finder = Callable[[str], object]


def read_rows(path: Path, limit: int | None) -> list[dict[str, Any]]:
    """Rows of a JSONL file, gzipped or not."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in raw.decode().split("\n")[:limit] if line.strip()]


def ours(names: Sequence[str]) -> Finder:
    made = [checks.make(n, {}) for n in names]
    return lambda text: found_in(made, text)


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
    print(f"\n{path.name}: {len(rows)} rows")
    for m in (count_values(rows, value_checks()), *value_peers(rows, print)):
        print(
            f"  {m.name:15} recall {m.total.recall:.3f}  precision {m.total.precision:.3f}"
            f"  flags {m.n_flagged}/{m.n_clean} clean texts  {m.us_per_1000_chars:.0f} us per 1,000 characters"
        )
        for one in m.by_label:
            print(f"    {one.label:22} {one.recall:.3f} of {one.n}")


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
