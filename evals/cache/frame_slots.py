"""Frames of everyday requests in which one slot decides."""

from __future__ import annotations

import random

from stepwell.evals.cache import edit_values as values
from stepwell.evals.cache import frame_values as fills
from stepwell.evals.cache.frame_parts import Made


def trip(rng: random.Random) -> Made:
    x, y, z = rng.sample(values.PLACES, 3)
    what, day, day2 = rng.choice(fills.TRIPS), *rng.sample([*values.WEEKDAYS, *values.MONTHS], 2)
    on = "on" if day in values.WEEKDAYS else "in"
    on2 = "on" if day2 in values.WEEKDAYS else "in"
    same = [
        f"{what.capitalize()} from {x} to {y} {on} {day}",
        f"I need a {what} to {y} from {x} {on} {day}",
        f"find me a {what} from {x} to {y} {on} {day}",
    ]
    other = [
        f"{what.capitalize()} from {y} to {x} {on} {day}",
        f"{what.capitalize()} from {x} to {z} {on} {day}",
        f"{what.capitalize()} from {x} to {y} {on2} {day2}",
    ]
    return same, [
        *other,
        f"I need a {what} to {x} from {y} {on} {day}",
        f"{what.capitalize()} from {z} to {y} {on} {day}",
    ]


def amount(rng: random.Random) -> Made:
    family = rng.choice(values.UNIT_FAMILIES)
    family = family if len(family) > 2 and family[0] != "$" else values.UNIT_FAMILIES[1]
    x, y, z = rng.sample(family, 3) if len(family) > 2 else (*family, "units")
    n = rng.choice((2, 3, 5, 8, 12, 15, 40, 60, 75, 90, 120, 350, 800, 1200, 4000))
    n2 = rng.choice((n + 1, n * 10, n * 2, n + 5))
    lead = rng.choice(
        (
            "How many {1} are {2} {0}?",
            "Change {2} {0} into {1}",
            "{2} {0} in {1}",
            "What is {2} {0} expressed in {1}?",
        )
    )
    alike = "How much is {2} {0} in {1}?"
    same = [lead.format(x, y, n), alike.format(x, y, n), lead.format(x, y, f"{n:,}") + " please"]
    return same, [
        lead.format(y, x, n),
        lead.format(x, z, n),
        lead.format(x, y, n2),
        alike.format(z, y, n),
        alike.format(y, x, n),
    ]


def slots(rng: random.Random) -> Made:
    """One frame of everyday requests, a number, a day, a place or a thing changed."""
    n, m = rng.sample(range(2, 60), 2)
    day, day2 = rng.sample(values.WEEKDAYS, 2)
    place, place2 = rng.sample(values.PLACES, 2)
    thing, thing2 = rng.sample(values.THINGS, 2)
    frames = (
        ("Wake me up in {n} minutes", "please wake me in {n} mins"),
        ("Book a table for {n} on {day}", "i'd like a table for {n} people {day}"),
        ("How warm will it be in {place} on {day}?", "what's {day}'s temperature in {place}"),
        ("Uninstall {thing} from my computer", "How do I get rid of {thing} on my computer?"),
        ("What time is it in {place}?", "what's the time right now in {place}"),
        ("Who founded {thing}?", "By whom was {thing} founded?"),
        ("Summarise page {n} of the manual", "give me a summary of page {n} of the manual"),
        ("How many people live in {place}?", "What is the population of {place}?"),
        ("How do I change my {thing} password?", "What are the steps to reset the password for {thing}?"),
        ("What is {n} percent of 300?", "{n}% of 300 is how much?"),
        ("Remind me on {day} to call {place} office", "set a reminder for {day}: call the {place} office"),
        ("Do I need a visa for {place}?", "Is a visa required to enter {place}?"),
        ("Is {thing} down?", "are there outages at {thing} right now"),
        ("What is the square of {n}?", "how much is {n} times {n}"),
        ("Play episode {n} of the show", "put on the show's episode number {n}"),
        ("How far is {place} from the sea?", "what's the distance between {place} and the sea"),
        ("Move my {day} meeting to {n} o'clock", "reschedule the meeting on {day} for {n} o'clock"),
        ("Cheapest {thing} subscription", "which {thing} plan costs least"),
    )
    chosen = rng.choice(frames)
    now = {"n": n, "day": day, "place": place, "thing": thing}
    new = {"n": m, "day": day2, "place": place2, "thing": thing2}
    same = [frame.format(**now) for frame in chosen]
    same.append(
        rng.choice((same[0].lower().rstrip("?"), same[0].upper(), "Hi, " + same[0], same[0] + " Thanks!"))
    )
    used = [key for key in now if "{" + key + "}" in "".join(chosen)]
    other = [rng.choice(chosen).format(**{**now, key: new[key]}) for key in used for _ in (0, 1)]
    return same, list(dict.fromkeys(other))
