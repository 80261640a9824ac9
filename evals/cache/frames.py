"""Blocks made from sentence frames of our own: where grammar or one slot decides whether the answer is the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stepwell.evals.cache import edit_values as values


@dataclass(frozen=True, slots=True)
class Block:
    """Prompts around one question.

    Attributes:
        same: The question in several wordings: one answer does for all of them.
        other: Near in wording, but in need of another answer than any of `same`.
    """

    same: tuple[str, ...]
    other: tuple[str, ...]
    domain: str


Frame = Callable[[random.Random], tuple[list[str], list[str]]]

DEEDS = (
    "call called|call;invite invited|invite;help helped|help;hug hugged|hug;hire hired|hire;sue sued|sue;"
    "visit visited|visit;meet met|meet;pay paid|pay;blame blamed|blame;rescue rescued|rescue;teach taught|teach;"
    "follow followed|follow;trust trusted|trust;beat beaten|beat;chase chased|chase;cheat cheated|cheat;"
    "warn warned|warn;kiss kissed|kiss;fire fired|fire;film filmed|film;greet greeted|greet;ignore ignored|ignore;"
    "interview interviewed|interview;admire admired|admire;betray betrayed|betray;forgive forgiven|forgive;"
    "replace replaced|replace;see seen|see;insult insulted|insult;contact contacted|contact;stop stopped|stop"
)
OBJECTS = (
    "parcel:lose lost;open opened;send sent;hide hidden;return returned|letter:write written;read read;sign signed;"
    "burn burnt|bike:steal stolen;paint painted;sell sold;fix fixed|cake:bake baked;eat eaten;drop dropped;"
    "order ordered|song:sing sung;record recorded;write written|window:break broken;clean cleaned;close closed|"
    "dog:feed fed;adopt adopted;walk walked|contract:sign signed;cancel cancelled;draft drafted|"
    "garden:plan planned;water watered;design designed|painting:buy bought;frame framed;copy copied"
)
MUTUAL = (
    "married to|related to|friends with|a cousin of|engaged to|in love with each other, like|a neighbour of|"
    "a classmate of|the same age as|as tall as|divorced from|going out with|a twin of|on the same team as|"
    "a colleague of|a roommate of|in business with|a sibling of"
).replace("in love with each other, like|", "")
ONE_WAY = (
    "the boss of|the father of|older than|taller than|in love with|afraid of|the doctor of|a fan of|angry with|"
    "richer than|jealous of|the tenant of|faster than|a student of|proud of|the heir of|the coach of|younger than|"
    "a customer of|a follower of|stronger than|suing|paying|the owner of|the creator of|the lawyer of"
)
MEASURES = (
    "tall short|old young|heavy light|long short|fast slow|cheap expensive|big small|strong weak|rich poor|loud quiet|"
    "bright dark|hard soft|warm cold|wide narrow|deep shallow|safe dangerous|easy difficult|clean dirty"
)
COMPARED = (
    "trains:buses|cats:dogs|apples:pears|gold:silver|laptops:tablets|whales:sharks|bicycles:scooters|rice:pasta|"
    "lions:tigers|rivers:lakes|copper:iron|oak:pine|coffee:tea|ferries:planes|hotels:hostels|wool:cotton|eagles:owls"
)
TRAITS = (
    "confident insecure|patient impatient|optimistic pessimistic|polite rude|generous stingy|brave timid|active lazy|"
    "honest dishonest|calm nervous|organised messy|friendly hostile|modest arrogant|careful careless|tidy untidy|"
    "flexible rigid|independent dependent|creative unimaginative|cheerful gloomy|loyal disloyal|humble proud|"
    "tolerant intolerant|reliable unreliable|mature childish|curious indifferent|sociable shy|serious silly"
)
ALIKE = (
    "brave courageous|smart intelligent|happy joyful|calm peaceful|rich wealthy|kind compassionate|honest truthful|"
    "famous renowned|funny humorous|angry furious|thin slim|attractive good-looking|polite courteous|lazy idle|"
    "stubborn obstinate|strong powerful|modest humble|cautious careful|silent quiet|wise sage"
).replace("|wise sage", "")
TRADES = values.words(
    "plumber pilot baker surgeon barber judge painter chemist farmer dentist violinist translator carpenter butcher "
    "tailor sailor detective librarian florist diver paramedic jeweller mechanic welder programmer cashier midwife "
    "economist novelist poet banker broker sculptor drummer referee optician vet roofer postman miner"
)
NATIONS = values.words(
    "Greek Polish Swedish Brazilian Kenyan Turkish Dutch Irish Peruvian Korean Danish Cuban Swiss Finnish Thai Czech "
    "Chilean Nigerian Welsh Hungarian Norwegian Moroccan Belgian Vietnamese Portuguese Scottish Argentine Egyptian"
)
PETS = values.words(
    "hamster parrot gecko tortoise pony ferret canary puppy kitten guinea-pig lizard hedgehog goose donkey"
)
FOODS = values.words(
    "spinach honey yoghurt walnuts grapes oats tuna mango broccoli raisins bacon lentils cheese garlic"
)
PARTS = values.words(
    "ankle shoulder thumb jaw hip neck toe calf elbow rib knee wrist heel shin back hamstring"
)
SPORTS = values.words("rugby squash volleyball badminton hockey judo golf handball basketball cricket")
DOINGS = (
    "brush my teeth:eat breakfast|stretch:run|rinse rice:cook it|paint a wall:sand it|shower:swim|take vitamins:eat|"
    "sign a lease:see the flat|prune roses:feed them|drink water:exercise|wash jeans:wear them|nap:study|"
    "salt meat:grill it|book a hotel:get a visa|water plants:repot them|walk a dog:feed it|iron a shirt:starch it"
)
REASONS = (
    "park here|swim after lunch|drink tap water abroad|work on Sundays|tip the driver|wear shorts at work|"
    "travel alone|skip breakfast|bring a dog on the train|pay by cheque|record a phone call|share a password|"
    "sleep on the floor|use a VPN|sell home-made jam|fly a drone|camp on the beach|quit without notice"
)
JUDGES = values.words(
    "critics scientists voters teachers experts fans doctors farmers historians players engineers chefs"
)
SUPERLATIVES = (
    "best goalkeeper in Europe|most useful app for students|worst film of the decade|safest city in Asia|"
    "greatest composer ever|most dangerous snake|healthiest breakfast|best guitarist alive|funniest sitcom|"
    "most beautiful coast|hardest language|strongest coffee|best airline for families|cleverest animal"
)
INFLUENTIAL = (
    "fake",
    "retired",
    "would-be",
    "former",
    "amateur",
    "unlicensed",
    "aspiring",
    "vegan",
    "fictional",
    "blind",
)
IDLE = ("really", "actually", "truly", "indeed", "in fact", "honestly", "by any chance")
TRIPS = ("flight", "train", "bus", "ferry", "cheap ticket", "night train", "car rental", "parcel delivery")


def _pick(text: str, rng: random.Random, at: str = "|") -> str:
    return rng.choice(text.split(at))


def _two(rng: random.Random) -> tuple[str, str]:
    a, b = rng.sample([*values.WOMEN, *values.MEN], 2)
    if rng.random() < 0.3:
        return f"{a} {rng.choice(values.FAMILY)}", f"{b} {rng.choice(values.FAMILY)}"
    return a, b


def _person(rng: random.Random) -> str:
    a, _ = _two(rng)
    return a


def _an(word: str) -> str:
    return ("an " if word[0] in "aeiou" else "a ") + word


def deed(rng: random.Random) -> tuple[list[str], list[str]]:
    a, b = _two(rng)
    (verb, done), (also, done_too) = (d.partition("|")[0].split() for d in rng.sample(DEEDS.split(";"), 2))
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


def present_deed(rng: random.Random) -> tuple[list[str], list[str]]:
    a, b = _two(rng)
    verb, done = rng.choice(DEEDS.split(";")).partition("|")[0].split()
    same = [f"Does {a} {verb} {b}?", f"Is {b} {done} by {a}?", f"Is {a} someone who would {verb} {b}?"]
    return same[:2], [f"Does {b} {verb} {a}?", f"Is {a} {done} by {b}?", f"Did {a} use to {verb} {b}?"]


def thing_done(rng: random.Random) -> tuple[list[str], list[str]]:
    thing, _, verbs = rng.choice(OBJECTS.split("|")).partition(":")
    verb, done = rng.choice(verbs.split(";")).split()
    a, c = _two(rng)
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


def mutual(rng: random.Random) -> tuple[list[str], list[str]]:
    a, b = _two(rng)
    how = _pick(MUTUAL, rng)
    other = rng.choice([m for m in MUTUAL.split("|") if m != how])
    was = rng.choice(("Is", "Was"))
    same = [
        f"{was} {a} {how} {b}?",
        f"{was} {b} {how} {a}?",
        f"{was} it {a} that {b} is {how.rsplit(' ', 1)[0]}?",
    ][:2]
    return same, [f"{was} {a} {other} {b}?", f"{'Was' if was == 'Is' else 'Is'} {a} {how} {b}?"]


def one_way(rng: random.Random) -> tuple[list[str], list[str]]:
    a, b = _two(rng)
    how = _pick(ONE_WAY, rng)
    same = [f"Is {a} {how} {b}?", f"Is it true that {a} is {how} {b}?", f"is {a} {how} {b}".lower()]
    return same, [f"Is {b} {how} {a}?", f"Is {a} not {how} {b}?", f"Is it true that {b} is {how} {a}?"]


def comparison(rng: random.Random) -> tuple[list[str], list[str]]:
    x, y = _pick(COMPARED, rng).split(":")
    z = rng.choice([c for pair in COMPARED.split("|") for c in pair.split(":") if c not in (x, y)])
    up, down = _pick(MEASURES, rng).split()
    more, less = _more(up), _more(down)
    same = [
        f"Which are {more}, {x} or {y}?",
        f"What is {more}: {y} or {x}?",
        f"Between {x} and {y}, which are {more}?",
    ]
    other = [
        f"Which are {less}, {x} or {y}?",
        f"Which are {more}, {x} or {z}?",
        f"Are {x} and {y} equally {up}?",
    ]
    return same, [*other, f"How {up} are {x}?"]


def _more(word: str) -> str:
    if len(word) > 5 or word.endswith("ous"):
        return {"heavy": "heavier"}.get(word, f"more {word}")
    if word in ("big",):
        return "bigger"
    if word.endswith("y"):
        return word[:-1] + "ier"
    return word + ("r" if word.endswith("e") else "er")


def told_apart(rng: random.Random) -> tuple[list[str], list[str]]:
    x, y = _pick(COMPARED, rng).split(":")
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


def opposite_trait(rng: random.Random) -> tuple[list[str], list[str]]:
    good, bad = _pick(TRAITS, rng).split()
    if rng.random() < 0.5:
        good, bad = bad, good
    who = rng.choice(("I", "my son", "my team", "a teenager", "we", "someone"))
    verb = rng.choice(("become", "get", "be", "learn to be"))
    lead = rng.choice(
        (f"How can {who} {verb}", f"What should {who} do to {verb}", f"What helps {who} {verb}")
    )
    same = [f"{lead} more {good}?", f"{lead} less {bad}?"]
    return same, [f"{lead} less {good}?", f"{lead} more {bad}?"]


def not_trait(rng: random.Random) -> tuple[list[str], list[str]]:
    good, bad = _pick(TRAITS, rng).split()
    kind = rng.choice(("person", "boss", "parent", "student", "friend", "driver", "speaker"))
    lead = rng.choice(
        ("How do I become", "What does it take to be", "Tips for becoming", "How can you turn into")
    )
    same = [
        f"{lead} {_an(good)} {kind}?",
        f"{lead} a {kind} who is {good}?",
        f"{lead} a {kind} who is not {bad}?",
    ]
    return same, [
        f"{lead} a {kind} who is not {good}?",
        f"{lead} {_an(bad)} {kind}?",
        f"{lead} a {kind} who is {bad}?",
    ]


def alike_trait(rng: random.Random) -> tuple[list[str], list[str]]:
    one, two = _pick(ALIKE, rng).split()
    good, _ = _pick(TRAITS, rng).split()
    lead = rng.choice(
        ("How can I become more", "What makes a person", "Why are some children so", "Is it useful to be")
    )
    return [f"{lead} {one}?", f"{lead} {two}?"], [
        f"{lead} {good}?",
        f"{lead} un{one}?" if rng.random() < 0 else f"Is it bad to be {one}?",
    ]


def trade(rng: random.Random) -> tuple[list[str], list[str]]:
    a, c = _two(rng)
    job, job2 = rng.sample(TRADES, 2)
    same = [f"Is {a} {_an(job)}?", f"Does {a} work as {_an(job)}?", f"Is {a} {rng.choice(IDLE)} {_an(job)}?"]
    other = [f"Did {a} use to be {_an(job)}?", f"Is {a} becoming {_an(job)}?", f"Will {a} be {_an(job)}?"]
    other += [f"Is {a} {_an(rng.choice(INFLUENTIAL))} {job}?", f"Is {a} {_an(job2)}?", f"Is {c} {_an(job)}?"]
    return same, [*other, f"Is {a} not {_an(job)}?", f"Was {a} once {_an(job)}?"]


def two_trades(rng: random.Random) -> tuple[list[str], list[str]]:
    a = _person(rng)
    x, y, z = rng.sample(TRADES, 3)
    link = rng.choice(("and", "or"))
    same = [f"Is {a} {_an(x)} {link} {_an(y)}?", f"Is {a} {_an(y)} {link} {_an(x)}?"]
    turned = "or" if link == "and" else "and"
    return same, [
        f"Is {a} {_an(x)} {turned} {_an(y)}?",
        f"Is {a} {_an(x)} {link} {_an(z)}?",
        f"Is {a} {_an(x)} but not {_an(y)}?",
    ]


def nation(rng: random.Random) -> tuple[list[str], list[str]]:
    a, c = _two(rng)
    job, job2 = rng.sample(TRADES, 2)
    of, of2 = rng.sample(NATIONS, 2)
    article = "an" if of[0] in "AEIO" else "a"
    same = [f"Is {a} {article} {of} {job}?", f"Is {a} {_an(job)} and {of}?", f"Is {a} {of} and {_an(job)}?"]
    return same, [
        f"Is {a} {article} {of} {job2}?",
        f"Is {a} {_an(job)} and {of2}?",
        f"Is {c} {article} {of} {job}?",
    ]


def life(rng: random.Random) -> tuple[list[str], list[str]]:
    a, _ = _two(rng)
    job = rng.choice(TRADES)
    ways = (("before", "prior to", "after"), ("after", "following", "before"))
    now, alike, turned = rng.choice(ways)
    thing = rng.choice(
        (
            f"becoming {_an(job)}",
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
    return [f"{lead} {now} {thing}?", f"{lead} {alike} {thing}?", f"{now.capitalize()} {thing}, {lead[0].lower()}{lead[1:]}?"], [
        f"{lead} {turned} {thing}?", f"{lead} during {thing}?", f"{turned.capitalize()} {thing}, {lead[0].lower()}{lead[1:]}?"
    ]  # fmt: skip


def order(rng: random.Random) -> tuple[list[str], list[str]]:
    x, y = _pick(DOINGS, rng).split(":")
    lead = rng.choice(("Should I", "Do I have to", "Is it better to", "Can I", "Is it okay to"))
    same = [f"{lead} {x} before I {y}?", f"Before I {y}, {lead[0].lower()}{lead[1:]} {x}?"]
    return same, [
        f"{lead} {x} after I {y}?",
        f"{lead} {y} before I {x}?",
        f"{lead} {x} instead of when I {y}?",
    ][:2]


def allowed(rng: random.Random) -> tuple[list[str], list[str]]:
    what, what2 = rng.sample(REASONS.split("|"), 2)
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
        f"Is it {rng.choice(IDLE)} {way} to {what}?",
        f"Would it be {way} to {what}?",
    ]
    other = [
        f"Is it {way} not to {what}?",
        f"Is it {way} to {what2}?",
        f"Why is it {no} to {what}?",
        f"How do I {what}?",
    ]
    return same, other


def who_is_meant(rng: random.Random) -> tuple[list[str], list[str]]:
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


def whose(rng: random.Random) -> tuple[list[str], list[str]]:
    she, he = rng.choice(values.WOMEN), rng.choice(values.MEN)
    x, y = (she, he) if rng.random() < 0.5 else (he, she)
    scene = rng.choice(
        (f"If {x} and {y} travel together", f"When {x} and {y} move in", f"Suppose {x} and {y} get married")
    )
    what = rng.choice(("family", "car", "boss", "money", "friends", "job", "dog"))
    tail = rng.choice(("be a problem", "be enough", "change", "come along", "matter"))
    return [f"{scene}, will his {what} {tail}?", f"{scene}, will {he}'s {what} {tail}?"], [
        f"{scene}, will her {what} {tail}?", f"{scene}, will {she}'s {what} {tail}?",
    ]  # fmt: skip


def opinion(rng: random.Random) -> tuple[list[str], list[str]]:
    who, who2 = rng.sample(JUDGES, 2)
    what, what2 = rng.sample(SUPERLATIVES.split("|"), 2)
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


def pet(rng: random.Random) -> tuple[list[str], list[str]]:
    (a, b), (x, y) = rng.sample(PETS, 2), rng.sample(FOODS, 2)
    lead, alike = rng.choice(
        (
            ("Can I give my {} {}?", "Is it fine if my {} gets {}?"),
            ("Is it safe for a {} to eat {}?", "May a {} have {}?"),
        )
    )
    same = [lead.format(a, x), alike.format(a, x)]
    return same, [lead.format(b, x), lead.format(a, y), alike.format(b, x), f"Why does my {a} like {x}?"]


def idle_story(rng: random.Random) -> tuple[list[str], list[str]]:
    """What is asked does not hang on whose pet or friend it was."""
    (a, b), (x, y) = rng.sample([*PETS, "uncle", "neighbour", "flatmate", "cousin"], 2), rng.sample(FOODS, 2)
    ask = rng.choice(
        ("Is {} good for children?", "How long does {} keep in the fridge?", "Where does {} come from?")
    )
    return [f"My {a} loves {x}. {ask.format(x)}", f"My {b} loves {x}. {ask.format(x)}", ask.format(x)], [
        f"My {a} loves {y}. {ask.format(y)}", ask.format(y),
    ]  # fmt: skip


def telling_story(rng: random.Random) -> tuple[list[str], list[str]]:
    (a, b), sport = rng.sample(PARTS, 2), rng.choice(SPORTS)
    ask = rng.choice(
        ("How long until it heals?", "Which exercises help?", "Do I need a scan?", "Can I still train?")
    )
    lead = rng.choice(
        ("I twisted my {} playing {}.", "My {} hurts after {}.", "I got hit on the {} during {}.")
    )
    return [f"{lead.format(a, sport)} {ask}", f"{lead.format('left ' + a, sport).replace('left ', '')} {ask}".replace(" my ", " my ", 1).lower()], [
        f"{lead.format(b, sport)} {ask}",
    ]  # fmt: skip


def beast(rng: random.Random) -> tuple[list[str], list[str]]:
    a, b = rng.sample(PETS, 2)
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
        f"Is the {a} {rng.choice(IDLE[:4])} {doing}?",
        f"Is that {a} {doing} now?",
    ][:2]
    return same, [
        f"Is the {b} {doing}?",
        f"Is the {a} {doing2}?",
        f"Was the {a} {doing}?",
        f"Is the {a} never {doing}?",
    ]


def trip(rng: random.Random) -> tuple[list[str], list[str]]:
    x, y, z = rng.sample(values.PLACES, 3)
    what, day, day2 = rng.choice(TRIPS), *rng.sample([*values.WEEKDAYS, *values.MONTHS], 2)
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


def amount(rng: random.Random) -> tuple[list[str], list[str]]:
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


def slots(rng: random.Random) -> tuple[list[str], list[str]]:
    """One frame of everyday requests, a number, a day, a place or a thing changed."""
    n, m = rng.sample(range(2, 60), 2)
    day, day2 = rng.sample(values.WEEKDAYS, 2)
    place, place2 = rng.sample(values.PLACES, 2)
    thing, thing2 = rng.sample(values.THINGS, 2)
    frames = (
        ("Wake me up in {n} minutes", "please wake me in {n} mins"), ("Book a table for {n} on {day}", "i'd like a table for {n} people {day}"),
        ("How warm will it be in {place} on {day}?", "what's {day}'s temperature in {place}"), ("Uninstall {thing} from my computer", "How do I get rid of {thing} on my computer?"),
        ("What time is it in {place}?", "what's the time right now in {place}"), ("Who founded {thing}?", "By whom was {thing} founded?"),
        ("Summarise page {n} of the manual", "give me a summary of page {n} of the manual"), ("How many people live in {place}?", "What is the population of {place}?"),
        ("How do I change my {thing} password?", "What are the steps to reset the password for {thing}?"), ("What is {n} percent of 300?", "{n}% of 300 is how much?"),
        ("Remind me on {day} to call {place} office", "set a reminder for {day}: call the {place} office"), ("Do I need a visa for {place}?", "Is a visa required to enter {place}?"),
        ("Is {thing} down?", "are there outages at {thing} right now"), ("What is the square of {n}?", "how much is {n} times {n}"),
        ("Play episode {n} of the show", "put on the show's episode number {n}"), ("How far is {place} from the sea?", "what's the distance between {place} and the sea"),
        ("Move my {day} meeting to {n} o'clock", "reschedule the meeting on {day} for {n} o'clock"), ("Cheapest {thing} subscription", "which {thing} plan costs least"),
    )  # fmt: skip
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


FRAMES: dict[str, Frame] = {f.__name__: f for f in (
    deed, present_deed, thing_done, mutual, one_way, comparison, told_apart, opposite_trait, not_trait, alike_trait,
    trade, two_trades, nation, life, order, allowed, who_is_meant, whose, opinion, pet, idle_story, telling_story, beast,
    trip, amount, slots,
)}  # fmt: skip


def framed_blocks(*, seed: int, per_frame: int = 60) -> Iterator[Block]:
    """Fill each frame `per_frame` times."""
    for name, frame in FRAMES.items():
        rng = random.Random(f"{seed} {name}")
        for _ in range(per_frame):
            same, other = frame(rng)
            same = list(dict.fromkeys(same))
            yield Block(tuple(same), tuple(o for o in dict.fromkeys(other) if o not in same), f"frame:{name}")
