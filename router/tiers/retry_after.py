"""Retry-After (RFC 9110, 10.2.3) and its millisecond cousin."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

# No deployment is left alone for longer on an upstream's word alone
MAX_S = 3600.0


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that an upstream asks to wait, 0 to `MAX_S`, or None."""
    wait_s = _number(headers.get("retry-after-ms"))
    if wait_s is not None:
        return _clip(wait_s / 1e3)
    value = headers.get("retry-after")
    wait_s = _number(value)
    if wait_s is None and value is not None:
        wait_s = _until(value)
    return None if wait_s is None else _clip(wait_s)


def _number(value: str | None) -> float | None:
    try:
        number = math.nan if value is None else float(value)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _until(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def _clip(wait_s: float) -> float:
    return min(MAX_S, max(0.0, wait_s))
