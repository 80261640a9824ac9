"""Frames about two people, and what one is or does."""

from __future__ import annotations

import random

from stepwell.evals.cache import edit_values as values
from stepwell.evals.cache import frame_values as fills
from stepwell.evals.cache.frame_parts import Made, an, person, pick, two


def deed(rng: random.Random) -> Made:
    a, b = two(rng)
    (verb, done), (also, done_too) = (
        d.partition("|")[0].split() for d in rng.sample(fills.DEEDS.split(";"), 2)
    )
    when = rng.choice(("", " last week", " in public", " yesterday", " on purpose", " again"))
    same = [
        f"Did {a} {verb} {b}{when}?",
        f"Was {b} {done} by {a}{when}?",
        f"Is it true that {a} has {done} {b}{when}?",
    ]
    same.append(f"Is it {a} who {done if done.endswith('ed') else 'has ' + done} {b}{when}?")
    other = [f"Did {b} {verb} {a}{when}?", f"Was {a} {done} by {b}{when}?", f"Why did {a} {verb} {b}{when}?"]
    other += [
        f"Did {a} {also} {b}{when}?",
        f"Was {b} {done_too} by {a}{when}?",
        f"Did {a} not {verb} {b}{when}?",
    ]
    return same, other


def present_deed(rng: random.Random) -> Made:
    a, b = two(rng)
    verb, done = rng.choice(fills.DEEDS.split(";")).partition("|")[0].split()
    same = [f"Does {a} {verb} {b}?", f"Is {b} {done} by {a}?", f"Is {a} someone who would {verb} {b}?"]
    return same[:2], [f"Does {b} {verb} {a}?", f"Is {a} {done} by {b}?", f"Did {a} use to {verb} {b}?"]


def thing_done(rng: random.Random) -> Made:
    thing, _, verbs = rng.choice(fills.OBJECTS.split("|")).partition(":")
    verb, done = rng.choice(verbs.split(";")).split()
    a, c = two(rng)
    same = [
        f"Did {a} {verb} the {thing}?",
        f"Was the {thing} {done} by {a}?",
        f"Has the {thing} been {done} by {a}?",
    ]
    other = [
        f"Was {a} {done} by the {thing}?",
        f"Did the {thing} {verb} {a}?",
        f"Did {c} {verb} the {thing}?",
    ]
    return same, [*other, f"Was the {thing} {done} by {c}?", f"Will {a} {verb} the {thing}?"]


def mutual(rng: random.Random) -> Made:
    a, b = two(rng)
    how = pick(fills.MUTUAL, rng)
    other = rng.choice([m for m in fills.MUTUAL.split("|") if m != how])
    was = rng.choice(("Is", "Was"))
    same = [
        f"{was} {a} {how} {b}?",
        f"{was} {b} {how} {a}?",
        f"{was} it {a} that {b} is {how.rsplit(' ', 1)[0]}?",
    ][:2]
    return same, [f"{was} {a} {other} {b}?", f"{'Was' if was == 'Is' else 'Is'} {a} {how} {b}?"]


def one_way(rng: random.Random) -> Made:
    a, b = two(rng)
    how = pick(fills.ONE_WAY, rng)
    same = [f"Is {a} {how} {b}?", f"Is it true that {a} is {how} {b}?", f"is {a} {how} {b}".lower()]
    return same, [f"Is {b} {how} {a}?", f"Is {a} not {how} {b}?", f"Is it true that {b} is {how} {a}?"]


def trade(rng: random.Random) -> Made:
    a, c = two(rng)
    job, job2 = rng.sample(fills.TRADES, 2)
    same = [
        f"Is {a} {an(job)}?",
        f"Does {a} work as {an(job)}?",
        f"Is {a} {rng.choice(fills.IDLE)} {an(job)}?",
    ]
    other = [f"Did {a} use to be {an(job)}?", f"Is {a} becoming {an(job)}?", f"Will {a} be {an(job)}?"]
    other += [
        f"Is {a} {an(rng.choice(fills.INFLUENTIAL))} {job}?",
        f"Is {a} {an(job2)}?",
        f"Is {c} {an(job)}?",
    ]
    return same, [*other, f"Is {a} not {an(job)}?", f"Was {a} once {an(job)}?"]


def two_trades(rng: random.Random) -> Made:
    a = person(rng)
    x, y, z = rng.sample(fills.TRADES, 3)
    link = rng.choice(("and", "or"))
    same = [f"Is {a} {an(x)} {link} {an(y)}?", f"Is {a} {an(y)} {link} {an(x)}?"]
    turned = "or" if link == "and" else "and"
    return same, [
        f"Is {a} {an(x)} {turned} {an(y)}?",
        f"Is {a} {an(x)} {link} {an(z)}?",
        f"Is {a} {an(x)} but not {an(y)}?",
    ]


def nation(rng: random.Random) -> Made:
    a, c = two(rng)
    job, job2 = rng.sample(fills.TRADES, 2)
    of, of2 = rng.sample(fills.NATIONS, 2)
    article = "an" if of[0] in "AEIO" else "a"
    same = [f"Is {a} {article} {of} {job}?", f"Is {a} {an(job)} and {of}?", f"Is {a} {of} and {an(job)}?"]
    return same, [
        f"Is {a} {article} {of} {job2}?",
        f"Is {a} {an(job)} and {of2}?",
        f"Is {c} {article} {of} {job}?",
    ]


def life(rng: random.Random) -> Made:
    a, _ = two(rng)
    job = rng.choice(fills.TRADES)
    ways = (("before", "prior to", "after"), ("after", "following", "before"))
    now, alike, turned = rng.choice(ways)
    thing = rng.choice(
        (
            f"becoming {an(job)}",
            "getting married",
            "moving abroad",
            "the accident",
            "winning the lottery",
            "the war",
        )
    )
    lead = rng.choice(
        (f"How did {a} live", f"What did {a} do", f"Where was {a}", f"What was life like for {a}")
    )
    return [
        f"{lead} {now} {thing}?",
        f"{lead} {alike} {thing}?",
        f"{now.capitalize()} {thing}, {lead[0].lower()}{lead[1:]}?",
    ], [
        f"{lead} {turned} {thing}?",
        f"{lead} during {thing}?",
        f"{turned.capitalize()} {thing}, {lead[0].lower()}{lead[1:]}?",
    ]


def who_is_meant(rng: random.Random) -> Made:
    she, he = rng.choice(values.WOMEN), rng.choice(values.MEN)
    x, y = (she, he) if rng.random() < 0.5 else (he, she)
    scene = rng.choice(
        (
            f"When {x} and {y} meet",
            f"If {x} and {y} share a flat",
            f"After {x} and {y} argued",
            f"Now that {x} and {y} work together",
        )
    )
    verb = rng.choice(("pay for", "listen to", "cook for", "lie to", "wait for", "laugh at", "apologise to"))
    same = [
        f"{scene}, does he {verb} her?",
        f"{scene}, does {he} {verb} {she}?",
        f"{scene}, does {he} {verb} her?",
    ]
    return same, [
        f"{scene}, does she {verb} him?",
        f"{scene}, does {she} {verb} {he}?",
        f"{scene}, does {she} {verb} him?",
    ]


def whose(rng: random.Random) -> Made:
    she, he = rng.choice(values.WOMEN), rng.choice(values.MEN)
    x, y = (she, he) if rng.random() < 0.5 else (he, she)
    scene = rng.choice(
        (f"If {x} and {y} travel together", f"When {x} and {y} move in", f"Suppose {x} and {y} get married")
    )
    what = rng.choice(("family", "car", "boss", "money", "friends", "job", "dog"))
    tail = rng.choice(("be a problem", "be enough", "change", "come along", "matter"))
    return [f"{scene}, will his {what} {tail}?", f"{scene}, will {he}'s {what} {tail}?"], [
        f"{scene}, will her {what} {tail}?",
        f"{scene}, will {she}'s {what} {tail}?",
    ]


def opinion(rng: random.Random) -> Made:
    who, who2 = rng.sample(fills.JUDGES, 2)
    what, what2 = rng.sample(fills.SUPERLATIVES.split("|"), 2)
    same = [
        f"What do {who} think is the {what}?",
        f"According to {who}, what is the {what}?",
        f"What is the {what} in the view of {who}?",
    ]
    return same, [
        f"What is the {what} according to {who2}?",
        f"What do {who} think is the {what2}?",
        f"What is the {what2} according to {who}?",
    ]
