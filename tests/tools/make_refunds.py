"""Write the suites of refund mails: short letters to a shop, and five fields to extract from each.

Run as `python -m tests.tools.make_refunds OUT`, OUT a folder: refund_mails.jsonl.gz to learn from and
refund_mails_held_out.jsonl.gz to be measured on; with `--small` two suites of two fields and plainer mails instead. The
same bytes on every machine. Mails, things, reasons, greetings and names are halved once and for all by their hashes, a
quarter of each being held out, so nothing that a held-out mail is put together from has been seen in training.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

from tests.tools import refund_mails_more as more
from tests.tools import refund_mails_text as text
from tests.tools.refund_mails_facts import Facts, drawn_facts

SEED = 20261121
HELD_OUT_SHARE = 0.25
N_TRAIN, N_HELD_OUT = 1600, 200
MAX_SHARED_WORDS = 0.25  # of both phrases' words
N_SMALL_TRAIN, N_SMALL_HELD_OUT = 240, 60
PARAMS = {"max_tokens": 160, "temperature": 0}

T = TypeVar("T")
Side = Literal["train", "held_out"]
FIELDS = {
    "order": "the number of the order that the refund is for, as written, without a leading #",
    "item": "the product to be refunded, as the customer names it, without an article",
    "amount": "the sum to be refunded, a JSON number: a dot before decimals, no thousands separators, no zeros at the"
    " end",
    "currency": "its ISO 4217 code",
    "reason": "one of damaged (broken, dirty or spoilt on arrival), wrong_item (not what was ordered), late (came too"
    " late or never came), missing_part (something is not in the box), changed_mind (the customer does not want it any"
    " more), charged_twice (paid for more than once)",
}
SMALL_FIELDS = ("order", "amount")
_SLOT = re.compile(r"(\{\w+\})")


@dataclass(frozen=True, slots=True)
class Pools:
    """What the mails of one side are put together from; a mail goes by its number."""

    mails: Sequence[tuple[str, str]]
    items: Sequence[str]
    reasons: dict[str, list[str]]
    hellos: Sequence[str]
    byes: Sequence[str]
    names: Sequence[str]


def listed(words: str) -> list[str]:
    """What stands between bars and line ends."""
    return [w.strip() for w in words.replace("\n", "|").split("|") if w.strip()]


def side_of(pool: Sequence[str], side: Side) -> list[str]:
    """A pool's part: the quarter whose hashes are least is held out."""
    ranked = sorted(pool, key=lambda entry: hashlib.sha256(f"{SEED}\0{entry}".encode()).digest())
    held_out = frozenset(ranked[: round(HELD_OUT_SHARE * len(pool))])
    return [entry for entry in pool if (entry in held_out) == (side == "held_out")]


def pools_of(side: Side, *, is_small: bool = False) -> Pools:
    """All of one side; the small task takes the shorter mails that name both of its fields."""
    numbered = {mail: f"mail-{n:02}" for n, mail in enumerate(text.MAILS.split("\n\n"))}
    mails = [(numbered[mail], mail) for mail in side_of(list(numbered), side)]
    plain = [(n, m) for n, m in mails if len(m) < 130 and not re.search(r"\{(fee|order2|ticket|phone)\}", m)]
    names = [
        f"{first} {last}"
        for first in side_of(listed(text.FIRST_NAMES), side)
        for last in side_of(listed(text.LAST_NAMES), side)
    ]
    has_more = side == "train" and not is_small
    return Pools(
        mails=plain if is_small else mails,
        items=[item for noun in side_of(listed(text.ITEMS), side) for item in _items(noun)]
        + (_more_items() if has_more else []),
        reasons={
            label: side_of(listed(whys), side) + (_more_reasons(label) if has_more else [])
            for label, whys in text.REASONS.items()
        },
        hellos=side_of(listed(text.HELLOS), side),
        byes=side_of(listed(text.BYES), side),
        names=names,
    )


def _items(line: str) -> list[str]:
    """The noun, and the noun with each of what may stand before it."""
    noun, _, before = line.partition(": ")
    return [noun, *(f"{kind} {noun}" for kind in before.split(", "))]


def _more_reasons(label: str) -> list[str]:
    """Those that share too few words with a held-out reason to give it away."""
    held_out = [_words(why) for why in side_of(listed(text.REASONS[label]), "held_out")]
    return [
        why
        for why in listed(more.REASONS[label])
        if all(len(_words(why) & of) < MAX_SHARED_WORDS * len(_words(why) | of) for of in held_out)
    ]


def _words(phrase: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z']+", phrase.lower()))


def _more_items() -> list[str]:
    """Two forms of each noun: with a kind, a made-up brand or a code before it, or bare."""
    rng = random.Random(f"{SEED} more")
    kinds, brands = listed(more.KINDS), listed(more.BRANDS)
    held_out = {
        word for noun in side_of(listed(text.ITEMS), "held_out") for word in noun.partition(": ")[0].split()
    }
    found = []
    for noun in listed(more.NOUNS):
        code = f"{rng.choice('BDGKMPRTVX')}{rng.choice(('', '-'))}{rng.randrange(2, 990)}"
        forms = (
            noun,
            f"{rng.choice(kinds)} {noun}",
            f"{rng.choice(brands)} {noun}",
            f"{rng.choice(brands)} {code} {noun}",
        )
        if held_out.isdisjoint(noun.split()):
            found += rng.sample(forms, 2)
    return found


def rows(side: Side, n_rows: int, *, is_small: bool = False) -> Iterator[dict[str, object]]:
    """Every mail comes equally often, and so does every reason."""
    rng = random.Random(f"{SEED} {side}{' small' * is_small}")
    pools = pools_of(side, is_small=is_small)
    fields = SMALL_FIELDS if is_small else tuple(FIELDS)
    turns = zip(_rounds(pools.mails, rng), _rounds(list(pools.reasons), rng), strict=True)
    for n, ((mail_id, mail), reason) in enumerate(islice(turns, n_rows)):
        facts = drawn_facts(rng, pools.items, reason, pools.reasons[reason])
        yield {
            "id": f"{'small-' * is_small}{side.replace('_', '-')}-{n:04}",
            "messages": [
                {"role": "system", "content": system_prompt(fields)},
                {"role": "user", "content": _written(mail, facts, pools, rng)},
            ],
            # as text: a JSON object would come back with its keys sorted
            "target": target(facts, fields),
            "scorer": "json",
            "tags": ["refund", reason],
            "cluster": mail_id,
            "params": PARAMS,
        }


def _rounds(pool: Sequence[T], rng: random.Random) -> Iterator[T]:
    """Everything once in a new order, again and again."""
    while True:
        yield from rng.sample(pool, len(pool))


def system_prompt(fields: Sequence[str]) -> str:
    """The instructions, in full, as any large model would need them."""
    keys = "\n".join(f"- {name}: {FIELDS[name]}" for name in fields)
    return (
        "You read mails in which customers ask an online shop for a refund. Answer with one JSON object on one line, "
        f"and with nothing else. It has exactly these keys, in this order:\n{keys}\n"
        "A mail may name other orders, products, dates, numbers and sums: leave those out. Make nothing up."
    )


def target(facts: Facts, fields: Sequence[str]) -> str:
    """The right answer as compact JSON."""
    return json.dumps(
        {name: getattr(facts, name) for name in fields}, ensure_ascii=False, separators=(",", ":")
    )


def _written(mail: str, facts: Facts, pools: Pools, rng: random.Random) -> str:
    """The mail with its facts: sentences in some order, at times a greeting, a slip of the keyboard, no capitals."""
    parts = mail.split(" | ")
    rng.shuffle(parts)
    body = " ".join(parts)
    if rng.random() < 0.2:
        body = _slipped(body, rng)
    if rng.random() < 0.08:
        body = _lowered(body)
    body = body.format(**facts.slots)
    hello = (
        f"{rng.choice(pools.hellos)}\n\n"
        if rng.random() < 0.65 and not body.startswith(("Subject", "Re:"))
        else ""
    )
    return f"{hello}{body}{_signature(pools, rng)}"


def _signature(pools: Pools, rng: random.Random) -> str:
    name = rng.choice(pools.names)
    drawn = rng.random()
    if drawn < 0.25:
        return ""
    if drawn < 0.45:
        return f"\n\n{name.split()[0]}"
    return f"\n\n{rng.choice(pools.byes)}\n{name}"


def _slipped(body: str, rng: random.Random) -> str:
    """One word of the mail's own has two letters swapped, or lacks one."""
    spots = [m.span() for m in re.finditer(r"(?<![\w{])[a-z]{5,}(?![\w}])", body)]
    if not spots:
        return body
    start, end = rng.choice(spots)
    at = rng.randrange(start + 1, end - 1)
    middle = body[at + 1] + body[at] if rng.random() < 0.5 else body[at + 1]
    return body[:at] + middle + body[at + 2 :]


def _lowered(body: str) -> str:
    """No capitals in the mail's own words."""
    parts = _SLOT.split(body.replace("{Why}", "{why}"))
    return "".join(part if part.startswith("{") else part.lower() for part in parts)


def packed(lines: Iterator[dict[str, object]]) -> bytes:
    """The rows as JSON lines, gzipped without a date."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", filename="", mtime=0, compresslevel=9) as file:
        for line in lines:
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    return out.getvalue()


def files(*, is_small: bool = False) -> dict[str, bytes]:
    """The suites' files by name."""
    n_train, n_held_out = (N_SMALL_TRAIN, N_SMALL_HELD_OUT) if is_small else (N_TRAIN, N_HELD_OUT)
    name = "refund_mails_small" if is_small else "refund_mails"
    return {
        f"{name}.jsonl.gz": packed(rows("train", n_train, is_small=is_small)),
        f"{name}_held_out.jsonl.gz": packed(rows("held_out", n_held_out, is_small=is_small)),
    }


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--small", action="store_true", help="two fields, plainer mails")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, data in files(is_small=args.small).items():
        (args.out / name).write_bytes(data)


if __name__ == "__main__":
    main()
