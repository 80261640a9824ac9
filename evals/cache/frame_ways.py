"""Frames about traits, things, animals and what one may do."""

from __future__ import annotations

import random

from stepwell.evals.cache import frame_values as fills
from stepwell.evals.cache.frame_parts import Made, an, more, pick


def comparison(rng: random.Random) -> Made:
    x, y = pick(fills.COMPARED, rng).split(":")
    z = rng.choice([c for pair in fills.COMPARED.split("|") for c in pair.split(":") if c not in (x, y)])
    up, down = pick(fills.MEASURES, rng).split()
    higher, lower = more(up), more(down)
    same = [
        f"Which are {higher}, {x} or {y}?",
        f"What is {higher}: {y} or {x}?",
        f"Between {x} and {y}, which are {higher}?",
    ]
    other = [
        f"Which are {lower}, {x} or {y}?",
        f"Which are {higher}, {x} or {z}?",
        f"Are {x} and {y} equally {up}?",
    ]
    return same, [*other, f"How {up} are {x}?"]


def told_apart(rng: random.Random) -> Made:
    x, y = pick(fills.COMPARED, rng).split(":")
    same = [
        f"What is the difference between {x} and {y}?",
        f"How do {y} differ from {x}?",
        f"{x} vs {y}: what sets them apart?",
    ]
    return same, [
        f"What do {x} and {y} have in common?",
        f"Are {x} better than {y}?",
        f"Where can I buy {x} and {y}?",
    ]


def opposite_trait(rng: random.Random) -> Made:
    good, bad = pick(fills.TRAITS, rng).split()
    if rng.random() < 0.5:
        good, bad = bad, good
    who = rng.choice(("I", "my son", "my team", "a teenager", "we", "someone"))
    verb = rng.choice(("become", "get", "be", "learn to be"))
    lead = rng.choice(
        (f"How can {who} {verb}", f"What should {who} do to {verb}", f"What helps {who} {verb}")
    )
    same = [f"{lead} more {good}?", f"{lead} less {bad}?"]
    return same, [f"{lead} less {good}?", f"{lead} more {bad}?"]


def not_trait(rng: random.Random) -> Made:
    good, bad = pick(fills.TRAITS, rng).split()
    kind = rng.choice(("person", "boss", "parent", "student", "friend", "driver", "speaker"))
    lead = rng.choice(
        ("How do I become", "What does it take to be", "Tips for becoming", "How can you turn into")
    )
    same = [
        f"{lead} {an(good)} {kind}?",
        f"{lead} a {kind} who is {good}?",
        f"{lead} a {kind} who is not {bad}?",
    ]
    return same, [
        f"{lead} a {kind} who is not {good}?",
        f"{lead} {an(bad)} {kind}?",
        f"{lead} a {kind} who is {bad}?",
    ]


def alike_trait(rng: random.Random) -> Made:
    one, two = pick(fills.ALIKE, rng).split()
    good, _ = pick(fills.TRAITS, rng).split()
    lead = rng.choice(
        ("How can I become more", "What makes a person", "Why are some children so", "Is it useful to be")
    )
    return [f"{lead} {one}?", f"{lead} {two}?"], [
        f"{lead} {good}?",
        f"{lead} un{one}?" if rng.random() < 0 else f"Is it bad to be {one}?",
    ]


def order(rng: random.Random) -> Made:
    x, y = pick(fills.DOINGS, rng).split(":")
    lead = rng.choice(("Should I", "Do I have to", "Is it better to", "Can I", "Is it okay to"))
    same = [f"{lead} {x} before I {y}?", f"Before I {y}, {lead[0].lower()}{lead[1:]} {x}?"]
    return same, [
        f"{lead} {x} after I {y}?",
        f"{lead} {y} before I {x}?",
        f"{lead} {x} instead of when I {y}?",
    ][:2]


def allowed(rng: random.Random) -> Made:
    what, what2 = rng.sample(fills.REASONS.split("|"), 2)
    way, no = rng.choice(
        (
            ("legal", "illegal"),
            ("safe", "dangerous"),
            ("wise", "foolish"),
            ("okay", "wrong"),
            ("polite", "rude"),
        )
    )
    same = [
        f"Is it {way} to {what}?",
        f"Is it {rng.choice(fills.IDLE)} {way} to {what}?",
        f"Would it be {way} to {what}?",
    ]
    other = [
        f"Is it {way} not to {what}?",
        f"Is it {way} to {what2}?",
        f"Why is it {no} to {what}?",
        f"How do I {what}?",
    ]
    return same, other


def pet(rng: random.Random) -> Made:
    (a, b), (x, y) = rng.sample(fills.PETS, 2), rng.sample(fills.FOODS, 2)
    lead, alike = rng.choice(
        (
            ("Can I give my {} {}?", "Is it fine if my {} gets {}?"),
            ("Is it safe for a {} to eat {}?", "May a {} have {}?"),
        )
    )
    same = [lead.format(a, x), alike.format(a, x)]
    return same, [lead.format(b, x), lead.format(a, y), alike.format(b, x), f"Why does my {a} like {x}?"]


def idle_story(rng: random.Random) -> Made:
    """What is asked does not hang on whose pet or friend it was."""
    (a, b), (x, y) = (
        rng.sample([*fills.PETS, "uncle", "neighbour", "flatmate", "cousin"], 2),
        rng.sample(fills.FOODS, 2),
    )
    ask = rng.choice(
        ("Is {} good for children?", "How long does {} keep in the fridge?", "Where does {} come from?")
    )
    return [f"My {a} loves {x}. {ask.format(x)}", f"My {b} loves {x}. {ask.format(x)}", ask.format(x)], [
        f"My {a} loves {y}. {ask.format(y)}",
        ask.format(y),
    ]


def telling_story(rng: random.Random) -> Made:
    (a, b), sport = rng.sample(fills.PARTS, 2), rng.choice(fills.SPORTS)
    ask = rng.choice(
        ("How long until it heals?", "Which exercises help?", "Do I need a scan?", "Can I still train?")
    )
    lead = rng.choice(
        ("I twisted my {} playing {}.", "My {} hurts after {}.", "I got hit on the {} during {}.")
    )
    return [
        f"{lead.format(a, sport)} {ask}",
        f"{lead.format('left ' + a, sport).replace('left ', '')} {ask}".replace(" my ", " my ", 1).lower(),
    ], [
        f"{lead.format(b, sport)} {ask}",
    ]


def beast(rng: random.Random) -> Made:
    a, b = rng.sample(fills.PETS, 2)
    doing = rng.choice(
        (
            "asleep in the bath",
            "sitting on the roof",
            "hiding under the bed",
            "ill in the garden",
            "eating in the kitchen",
        )
    )
    doing2 = rng.choice(("running on the stairs", "lying on the carpet"))
    same = [
        f"Is the {a} {doing}?",
        f"Is the {a} {rng.choice(fills.IDLE[:4])} {doing}?",
        f"Is that {a} {doing} now?",
    ][:2]
    return same, [
        f"Is the {b} {doing}?",
        f"Is the {a} {doing2}?",
        f"Was the {a} {doing}?",
        f"Is the {a} never {doing}?",
    ]
