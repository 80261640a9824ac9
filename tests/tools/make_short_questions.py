"""Write evals/suites/short_questions.jsonl: short questions of many kinds, which a very small model gets partly right.

Run as `python tests/tools/make_short_questions.py OUT`. Deterministic: word lists of our own, one seed. The kinds and
their wording were fixed before any model was asked.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

N_PER_KIND = 50
SEED = 20261121
PARAMS = {"max_tokens": 16, "temperature": 0}

GOOD = """The soup was hot and the waiter charming.|I would buy this lamp again tomorrow.
A film that made me cry with joy.|The room was spotless and quiet.|Delivery was quick and the box unharmed.
She sings better than ever on this record.|The best bread in town.
My son has not put the book down since Friday.|Clear pictures, easy menu, long battery life.
The guide knew every stone and told it well.|Soft, warm and true to size.
We laughed from the first scene to the last.|It fixed my back within a week.|The garden alone is worth the trip.
Great value, and it looks elegant too.|Nobody was in a hurry to see us leave; a lovely evening.
The staff solved my problem in two minutes.|A brave and tender novel.|Sharp knives that stay sharp.
I slept like a child in that bed.|The coffee is rich and never bitter.|Superb sound for such a small box.
They remembered our names after a year.|Every chapter is a delight.|The bike rides smoothly even uphill."""
BAD = """The kettle broke on the second day.|Nobody answers the phone.
I fell asleep before the first act was over.|The room smelled of smoke.|They sent the wrong size twice.
Her worst album by far.|Stale bread and sour milk.|My son gave up after two pages.
The battery dies within an hour.|The guide read aloud from his phone.|It shrank in the first wash.
Not one joke made me smile.|My back hurts more than before.|The garden was closed and nobody told us.
Far too dear for what it is.|We waited an hour for cold soup.|The staff shrugged and walked away.
A dull and careless novel.|The knives were blunt within a week.|That bed is a torture device.
The coffee tastes of cardboard.|The speaker hums and crackles.|They lost our booking and blamed us.
I want my money back.|The bike's chain falls off at every hill."""
PAST = """go went|eat ate|see saw|take took|give gave|come came|run ran|write wrote|drive drove|sing sang
swim swam|begin began|drink drank|break broke|speak spoke|steal stole|choose chose|fly flew|grow grew|know knew
throw threw|draw drew|blow blew|bring brought|buy bought|think thought|catch caught|teach taught|fight fought
sleep slept|keep kept|feel felt|leave left|meet met|send sent|build built|spend spent|lose lost|find found
hold held|stand stood|tell told|sell sold|make made|hear heard|win won|dig dug|walk walked|play played
jump jumped|cook cooked|open opened|help helped"""
PLURAL = """child children|mouse mice|foot feet|tooth teeth|goose geese|man men|woman women|person people
ox oxen|leaf leaves|knife knives|wife wives|life lives|wolf wolves|half halves|loaf loaves|thief thieves
shelf shelves|city cities|baby babies|lady ladies|story stories|country countries|berry berries|fly flies
box boxes|bus buses|dish dishes|church churches|glass glasses|potato potatoes|tomato tomatoes|hero heroes
cat cats|dog dogs|book books|car cars|tree trees|house houses|chair chairs|cup cups|star stars|river rivers
road roads|boat boats|cactus cacti|fungus fungi|crisis crises|analysis analyses|sheep sheep"""
OPPOSITE = """hot cold|big small|up down|left right|day night|black white|open closed|young old|fast slow
rich poor|happy sad|early late|hard soft|heavy light|high low|wet dry|full empty|strong weak|long short
wide narrow|deep shallow|clean dirty|true false|loud quiet|first last|near far|thick thin|sweet sour|love hate
win lose|begin end|push pull|buy sell|give take|inside outside|above below|before after|always never|top bottom
north south|east west|war peace|success failure|ancient modern|arrive depart|import export|maximum minimum
public private|cheap expensive|generous stingy"""
CAPITAL = """France Paris|Italy Rome|Spain Madrid|Germany Berlin|Portugal Lisbon|Austria Vienna|Greece Athens
Poland Warsaw|Hungary Budapest|Norway Oslo|Sweden Stockholm|Finland Helsinki|Denmark Copenhagen|Ireland Dublin
Belgium Brussels|Switzerland Bern|Japan Tokyo|China Beijing|Thailand Bangkok|Egypt Cairo|Kenya Nairobi
Ghana Accra|Nigeria Abuja|Morocco Rabat|Peru Lima|Chile Santiago|Cuba Havana|Canada Ottawa|Australia Canberra
Turkey Ankara|Iran Tehran|Iraq Baghdad|Nepal Kathmandu|Vietnam Hanoi|Indonesia Jakarta|Colombia Bogota
Ecuador Quito|Uruguay Montevideo|Bulgaria Sofia|Romania Bucharest|Serbia Belgrade|Croatia Zagreb|Latvia Riga
Estonia Tallinn|Ukraine Kyiv|Kazakhstan Astana|Mongolia Ulaanbaatar|Senegal Dakar|Uganda Kampala|Bolivia Sucre"""
FACTS_YES = """Is ice frozen water?|Do fish live in water?|Is Paris in France?|Is the sun a star?
Do bees make honey?|Is ten more than seven?|Do birds have feathers?|Is gold a metal?|Can a dog bark?
Is the Pacific an ocean?|Do plants need light?|Is a whale a mammal?|Does a week have seven days?
Is Mount Everest a mountain?|Do spiders have eight legs?|Is steel harder than butter?
Is winter colder than summer?|Is a rose a flower?|Does the moon circle the earth?|Is salt soluble in water?
Is Shakespeare a writer?|Do cows give milk?|Is a violin an instrument?|Is Brazil in South America?
Does a triangle have three sides?"""
FACTS_NO = """Is the moon made of cheese?|Do fish ride bicycles?|Is Paris in Japan?|Is the earth flat?
Do spiders have two legs?|Is three more than nine?|Do snakes have feathers?|Is wood a metal?|Can a stone sing?
Is the Sahara an ocean?|Do cats lay eggs?|Is a shark a bird?|Does a week have ten days?|Is London a mountain?
Do penguins live in the desert?|Is butter harder than steel?|Is summer colder than winter?|Is a rose a fish?
Does the sun circle the moon?|Is iron lighter than air?|Is Mozart a football club?|Do dogs give wool?
Is a hammer a fruit?|Is Kenya in Europe?|Does a square have five sides?"""
SORTS = """animal dog|animal horse|animal eagle|animal salmon|animal tiger|animal spider|animal frog
animal whale|animal goat|animal parrot|fruit apple|fruit banana|fruit cherry|fruit mango|fruit pear|fruit grape
fruit melon|fruit lemon|fruit peach|fruit plum|colour red|colour blue|colour green|colour purple|colour yellow
colour orange|colour brown|colour pink|colour grey|colour violet|tool hammer|tool saw|tool drill|tool wrench
tool pliers|tool chisel|tool shovel|tool rake|tool axe|tool file|country Norway|country Peru|country Ghana
country Japan|country Chile|country Egypt|country Cuba|country Spain|country Nepal|country Kenya"""
MISSPELT = """believe beleive|receive recieve|friend freind|weird wierd|separate seperate|definite definate
tomorrow tommorow|beginning begining|necessary neccessary|occasion ocassion|address adress
accommodate acommodate|embarrass embarass|government goverment|environment enviroment|grammar grammer
argument arguement|calendar calender|cemetery cemetary|column colum|committee comittee|conscience concience
disappear dissapear|existence existance|fascinate facinate|foreign foriegn|guarantee garantee|height hieght
immediate imediate|independent independant|knowledge knowlege|library libary|maintenance maintainance
neighbour nieghbour|niece neice|parallel paralel|possession posession|privilege privelege
pronunciation pronounciation|queue queu|recommend reccomend|rhythm rythm|schedule shedule|surprise suprise
temperature temprature|twelfth twelth|until untill|vacuum vaccuum|village vilage|wednesday wensday"""

LINES = {
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "month": "January February March April May June July August September October November December",
    "letter": " ".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    "number": "one two three four five six seven eight nine ten eleven twelve",
}
SORT_NAMES = ("animal", "fruit", "colour", "tool", "country")

Made = tuple[str, list[str], str]


def pairs(text: str) -> list[tuple[str, str]]:
    found = (item.split() for item in items(text))
    return [(a, b) for a, b in found]


def items(text: str) -> list[str]:
    return [item.strip() for item in text.replace("\n", "|").split("|") if item.strip()]


def first(right: str, *others: str) -> str:
    """A pattern: of these words the right one is named first, whatever is said after it."""
    return rf"(?is)\A(?:(?!\b(?:{'|'.join(others)})\b).)*?\b{right}\b"


def sentiment(rng: random.Random) -> Iterator[Made]:
    for word, other, texts in (("positive", "negative", GOOD), ("negative", "positive", BAD)):
        for text in items(texts):
            ask = f"Is this review positive or negative? Answer with one word.\n\n{text}"
            yield ask, [first(word, other)], "regex"


def past(rng: random.Random) -> Iterator[Made]:
    for verb, done in pairs(PAST):
        yield f'What is the past tense of "{verb}"? Answer with one word.', [done], "contains"


def plural(rng: random.Random) -> Iterator[Made]:
    for one, many in pairs(PLURAL):
        yield f'What is the plural of "{one}"? Answer with one word.', [many], "contains"


def opposite(rng: random.Random) -> Iterator[Made]:
    for word, other in pairs(OPPOSITE):
        yield f'What is the opposite of "{word}"? Answer with one word.', [other], "contains"


def capital(rng: random.Random) -> Iterator[Made]:
    for country, city in pairs(CAPITAL):
        yield f"What is the capital of {country}? Answer with the city's name only.", [city], "contains"


def yes_no(rng: random.Random) -> Iterator[Made]:
    for word, other, texts in (("yes", "no", FACTS_YES), ("no", "yes", FACTS_NO)):
        for text in items(texts):
            yield f"{text} Answer yes or no.", [first(word, other)], "regex"


def total(rng: random.Random) -> Iterator[Made]:
    for n in range(N_PER_KIND):
        top = 9 if n % 2 else 30
        a, b = rng.randint(1, top), rng.randint(1, top)
        yield f"What is {a} + {b}? Answer with the number only.", [str(a + b)], "numeric"


def larger(rng: random.Random) -> Iterator[Made]:
    for n in range(N_PER_KIND):
        a, b = rng.sample(range(2, 99 if n % 2 else 999), 2)
        ask = f"Which number is larger, {a} or {b}? Answer with the number only."
        yield ask, [first(str(max(a, b)), str(min(a, b)))], "regex"


def first_letter(rng: random.Random) -> Iterator[Made]:
    words = [b for _, b in pairs(OPPOSITE + "|" + PAST)]
    for word in rng.sample(words, N_PER_KIND):
        yield (
            f'What is the first letter of the word "{word}"? Answer with the letter only.',
            [word[0]],
            "contains",
        )


def sort(rng: random.Random) -> Iterator[Made]:
    for name, word in pairs(SORTS):
        ask = f'Is "{word}" an animal, a fruit, a colour, a tool or a country? Answer with one word.'
        others = [n for n in SORT_NAMES if n != name]
        yield ask, [first("colou?r" if name == "colour" else name, *others)], "regex"


def after(rng: random.Random) -> Iterator[Made]:
    for kind, line in LINES.items():
        for a, b in pairwise(line.split()):
            yield f"Which {kind} comes right after {a}? Answer with one word.", [b], "contains"


def spelling(rng: random.Random) -> Iterator[Made]:
    for right, wrong in pairs(MISSPELT):
        a, b = (right, wrong) if rng.random() < 0.5 else (wrong, right)
        ask = f'Which word is spelled correctly, "{a}" or "{b}"? Answer with the word only.'
        yield ask, [first(right, wrong)], "regex"


KINDS: dict[str, Callable[[random.Random], Iterator[Made]]] = {
    "sentiment": sentiment,
    "past-tense": past,
    "plural": plural,
    "opposite": opposite,
    "capital": capital,
    "yes-no": yes_no,
    "sum": total,
    "larger": larger,
    "first-letter": first_letter,
    "sort": sort,
    "after": after,
    "spelling": spelling,
}


def rows() -> Iterator[dict[str, object]]:
    """Every kind, at most N_PER_KIND of each, in a fixed order."""
    for kind, make in KINDS.items():
        rng = random.Random(f"{SEED}-{kind}")
        made = list(make(rng))
        for n, (prompt, targets, scorer) in enumerate(rng.sample(made, min(N_PER_KIND, len(made)))):
            target = targets[0] if len(targets) == 1 else targets
            row = {"id": f"{kind}-{n}", "prompt": prompt, "target": target, "scorer": scorer}
            yield {**row, "tags": [kind], "params": PARAMS}


def text() -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
