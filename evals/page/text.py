"""Numbers and names as the page writes them; every text that came from outside passes `esc`."""

from __future__ import annotations

import math
import re
from html import escape

# controls, and marks that turn the direction of what follows: in a name they would hide or turn other text
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def seen(text: str) -> str:
    """Text without what would hide or turn its neighbours."""
    return _UNSEEN.sub("\ufffd", text)


def esc(text: str) -> str:
    """Text for HTML, in attributes too."""
    return escape(seen(text), quote=True)


def pct(share: float, digits: int = 0) -> str:
    """A share as "61%"; never "100%" or "0%" for what only rounds to it."""
    shown = f"{100 * share:.{digits}f}"
    step = 10.0**-digits
    if share < 1 and float(shown) >= 100:
        shown = f"{100 - step:.{digits}f}"
    if 0 < share < step / 200:
        return f"&lt;{step:.{digits}f}%"
    return f"{shown.replace('-', '−')}%"


def exact(share: float) -> str:
    """A share that someone chose, with the digits it was chosen with: "92.5%"."""
    return f"{round(100 * share, 6):g}%"


def usd(cost_usd: float) -> str:
    """Dollars with three figures: "$3.38", "$0.0329", "$0.0000043"."""
    if cost_usd == 0:
        return "$0"
    if cost_usd >= 1000:
        return f"${cost_usd:,.0f}"
    if cost_usd >= 0.01:
        return f"${cost_usd:.{2 if cost_usd >= 1 else 3 if cost_usd >= 0.1 else 4}f}"
    plain = f"{cost_usd:.{2 - math.floor(math.log10(cost_usd))}f}"
    return f"${plain.rstrip('0') if cost_usd < 0.0001 else plain}"


def per_1k(cost_usd: float) -> str:
    """Cost of one request, as dollars per 1,000."""
    return usd(1000 * cost_usd)


def num(value: float, digits: int = 3) -> str:
    """A score: "0.650"."""
    return f"{value:z.{digits}f}".replace("-", "−")


def points(value: float) -> str:
    """A difference of scores in points of 100, signed: "+2.1"."""
    return f"{100 * value:+z.1f}".replace("-", "−")


def shares(tiers: tuple[str, ...], of: tuple[float, ...], *, least: float = 0.005, most: int = 4) -> str:
    """ "weak 39%, strong 61%"; tiers without a visible share are left out, and the smallest of many."""
    seen = [(t, s) for t, s in zip(tiers, of, strict=True) if s >= least] or [(tiers[0], of[0])]
    smallest = sorted(s for _, s in seen)[-most:][0]
    shown = [f"{esc(t)} {pct(s)}" for t, s in seen if s >= smallest][:most]
    left = len(seen) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def short(name: str, most: int = 22) -> str:
    """A name of at most that many characters."""
    return name if len(name) <= most else name[: most - 1] + "…"
