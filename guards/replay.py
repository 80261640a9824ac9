"""Run every shipped check over one recorded text."""

from __future__ import annotations

import time
from functools import cache

from stepwell.guards.check import Check
from stepwell.guards.checks import make, names


@cache
def _checks() -> tuple[Check, ...]:
    return tuple(make(name, {}) for name in names())


def replay(row: dict[str, object]) -> dict[str, object]:
    """Check one row.

    Args:
        row: Has "text" and perhaps "id".

    Returns:
        "id", "findings" (kind, start, end, score, check; never text) and "ms".
    """
    text = str(row.get("text", ""))
    checks = _checks()
    begun = time.perf_counter()
    found = [f for check in checks for f in check.find(text)]
    ms = (time.perf_counter() - begun) * 1e3
    rows = [
        {"kind": f.kind, "start": f.start, "end": f.end, "score": f.score, "check": f.check}
        for f in sorted(found, key=lambda f: (f.start, f.end))
    ]
    return {"id": row.get("id"), "findings": rows, "ms": round(ms, 4)}
