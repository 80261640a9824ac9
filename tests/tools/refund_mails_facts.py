"""The facts of one refund mail, drawn anew for each: what is to be extracted, how it is written, and what distracts."""

from __future__ import annotations

import calendar
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

# code: share of the mails, and how a sum may be written; {n} 1,299.50 and {c} 1.299,50
CURRENCIES = {
    "EUR": (0.3, "{n} €|{c} €|€{n}|EUR {n}|EUR {c}|{n} EUR|{c} EUR|{n} euros|{c} euros|{n} euro"),
    "USD": (0.25, "${n}|${n}|${n}|US${n}|USD {n}|{n} USD|{n} dollars|{n} US dollars"),
    "GBP": (0.2, "£{n}|£{n}|£{n}|GBP {n}|{n} GBP|{n} pounds"),
    "CHF": (0.1, "CHF {n}|CHF {n}|{n} CHF|{n} Swiss francs|{n} francs"),
    "SEK": (0.07, "SEK {n}|{n} SEK|{c} SEK|{n} kronor|{n} Swedish kronor"),
    "CAD": (0.08, "C${n}|CAD {n}|{n} CAD|{n} Canadian dollars|CAD ${n}"),
}
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_MONTHS = [month for month in calendar.month_name if month]
# spoken with a vowel first though spelt with none, and the other way round
_AN, _A = ("LED", "X-", "8"), ("USB", "ukulele", "one")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the right answer holds, and every slot of a mail as it is written there."""

    order: str
    item: str
    amount: float
    currency: str
    reason: str
    slots: dict[str, str]


def drawn_facts(rng: random.Random, items: Sequence[str], reason: str, whys: Sequence[str]) -> Facts:
    """One mail's facts."""
    item, other = _two_things(items, rng)
    order, why = _order(rng), rng.choice(whys)
    code = rng.choices(list(CURRENCIES), [share for share, _ in CURRENCIES.values()])[0]
    amount, fee = _amount(rng, 4, 1900), _amount(rng, 3, 15)
    mark = "#" if order.isdecimal() and rng.random() < 0.25 else ""
    slots = {
        "order": mark + order,
        "order2": _order(rng),
        "item": item,
        "an_item": with_article(item),
        "other": other,
        "an_other": with_article(other),
        "money": written_sum(amount, code, rng),
        "fee": written_sum(fee, code, rng),
        "why": why,
        "Why": why[0].upper() + why[1:],
        "date": _date(rng),
        "ticket": _ticket(rng),
        "phone": _phone(rng),
    }
    return Facts(order, item, amount, code, reason, slots)


def with_article(item: str) -> str:
    """The thing after "a" or "an"."""
    is_an = item.startswith(_AN) or (item[0].lower() in "aeiou" and not item.startswith(_A))
    return f"{'an' if is_an else 'a'} {item}"


def written_sum(amount: float, code: str, rng: random.Random) -> str:
    """A sum as some people write it: sign, code or word, dot or comma."""
    form = rng.choice(CURRENCIES[code][1].split("|"))
    plain = f"{amount:,.2f}" if amount != int(amount) or rng.random() < 0.3 else f"{amount:,.0f}"
    if rng.random() < 0.5:
        plain = plain.replace(",", "")
    # 1.299 could be read either way, so where a comma is decimal thousands come with cents
    cents = plain if "." in plain or "," not in plain else f"{plain}.00"
    return form.format(n=plain, c=cents.translate(str.maketrans(".,", ",.")))


def _two_things(items: Sequence[str], rng: random.Random) -> tuple[str, str]:
    while True:
        item, other = rng.sample(items, 2)
        if item.split()[-1] != other.split()[-1]:
            return item, other


def _amount(rng: random.Random, low: float, high: float) -> float:
    """Small sums more often than large ones; most end as prices do. A whole sum is an int."""
    whole = int(math.exp(rng.uniform(math.log(low), math.log(high))))
    cents = rng.choice((0, 0, 0, 50, 90, 95, 99, rng.randrange(100), rng.randrange(100)))
    return whole if cents == 0 else whole + cents / 100


def _digits(rng: random.Random, n: int) -> str:
    return str(rng.randrange(10 ** (n - 1), 10**n))


def _letters(rng: random.Random, n: int) -> str:
    return "".join(rng.choices(_LETTERS, k=n))


def _pairs(rng: random.Random, n: int) -> str:
    return "".join(_letters(rng, 1) + _digits(rng, 1) for _ in range(n))


def _order(rng: random.Random) -> str:
    forms = (
        lambda: _digits(rng, rng.randint(5, 9)),
        lambda: f"{_letters(rng, 1)}-{_digits(rng, 5)}",
        lambda: f"ORD-{_digits(rng, 4)}-{_digits(rng, 2)}",
        lambda: f"20{rng.randint(24, 26)}-{_digits(rng, 6)}",
        lambda: _letters(rng, 2) + _digits(rng, 8),
        lambda: f"{_letters(rng, 2)}/{_digits(rng, 5)}",
        lambda: f"{_digits(rng, 4)}-{_digits(rng, 4)}-{_digits(rng, 2)}",
        lambda: f"{_pairs(rng, 2)}-{_letters(rng, 1)}{_digits(rng, 2)}",
        lambda: f"{_digits(rng, 3)}-{_digits(rng, 4)}-{_letters(rng, 1)}",
    )
    return rng.choice(forms)()


def _date(rng: random.Random) -> str:
    day, month = rng.randint(1, 28), rng.randint(1, 12)
    name = _MONTHS[month - 1]
    forms = (
        f"{day} {name}",
        f"{name} {day}",
        f"{day:02}/{month:02}",
        f"{day}.{month}.2026",
        f"2026-{month:02}-{day:02}",
    )
    return rng.choice(forms)


def _ticket(rng: random.Random) -> str:
    return rng.choice(
        (
            f"T-{_digits(rng, 6)}",
            f"CS-{_digits(rng, 7)}",
            _digits(rng, 8),
            f"{_digits(rng, 3)} {_digits(rng, 4)}",
        )
    )


def _phone(rng: random.Random) -> str:
    """Of the ranges that are kept for stories."""
    last = rng.randint(0, 99)
    return rng.choice(
        (f"555-01{last:02}", f"+1 202 555 01{last:02}", f"01632 9600{last:02}", f"020 7946 00{last:02}")
    )
