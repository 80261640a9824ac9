"""How two texts' words differ: what is left over on either side, and of which class it is."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from stepwell.memory.cache.verifier import wordlists as lists
from stepwell.memory.cache.verifier.lexicon import lexicon
from stepwell.memory.cache.verifier.words import Words, is_known

NAMES = (
    "jaccard", "idf_shared_min", "idf_shared_max", "idf_left_max", "idf_left_min", "n_left_max", "n_left_min",
    "n_typos", "n_synonyms", "n_kin", "number", "has_number", "unit", "date", "name", "negation", "has_negation",
    "opposites", "more_less", "preposition", "he_she", "quantifier", "past", "future", "modal", "wh", "inverted",
    "same_words", "moved", "passive", "linked", "mutual", "length", "n_words_min", "n_words_max", "edge", "span_max",
    "span_min", "function_left", "flips", "name_order", "other_left",
)  # fmt: skip


@dataclass(slots=True)
class _Left:
    """Words of one side that the other does not have; places in it."""

    a: list[int] = field(default_factory=list)
    b: list[int] = field(default_factory=list)


def lexical(a: Words, b: Words) -> list[float]:
    """The features named in NAMES, in that order; the same when the two change places."""
    pairs, left = _matched(a, b)
    n_typos, n_synonyms = _softly(a, b, pairs, left)
    fa, fb = [a.forms[i] for i in left.a], [b.forms[i] for i in left.b]
    content = _content(a, b, left)
    edge, span = _edge(a.forms, b.forms)
    na, nb = max(len(a.forms), 1), max(len(b.forms), 1)
    opposites = _count_opposites(fa, fb)
    negation = _parity(a.forms, b.forms)
    more = float(_one_more(fa, fb, lists.MORE, lists.LESS))
    order, name_order, linked = _order(a, b, pairs)
    same = float(not left.a and not left.b)
    return [
        *content,
        float(n_typos), float(n_synonyms), float(_kin(fa, fb)),
        _conflict(fa, fb, "#"), float(any(f[0] == "#" for f in (*a.forms, *b.forms))),
        _class(fa, fb, lists.UNIT), _class(fa, fb, lists.DATE),
        _names(a, b, left), negation, float(not lists.NEGATIONS.isdisjoint(a.forms + b.forms)),
        float(opposites), more, _class(fa, fb, lists.PREPOSITIONS), float(_one_more(fa, fb, lists.HE, lists.SHE)),
        _class(fa, fb, lists.QUANTIFIERS), _class(fa, fb, lists.PAST), _class(fa, fb, lists.FUTURE),
        _class(fa, fb, lists.MODALS), _wh(a.forms, b.forms), order, same, same * float(a.forms != b.forms),
        float(_is_passive(a.forms) != _is_passive(b.forms)), linked,
        float(not lists.MUTUAL.isdisjoint(a.forms) or not lists.MUTUAL.isdisjoint(b.forms)),
        min(na, nb) / max(na, nb), float(min(na, nb)), float(max(na, nb)), edge, *span,
        float(sum(f in lists.STOP for f in (*fa, *fb))), float((negation + opposites + more) % 2),
        name_order, _other(fa, fb),
    ]  # fmt: skip


def _matched(a: Words, b: Words) -> tuple[list[tuple[int, int]], _Left]:
    """Pair equal words, then words of one stem; each once, from left to right."""
    key = lexicon().key
    pairs: list[tuple[int, int]] = []
    left = _Left(list(range(len(a.forms))), list(range(len(b.forms))))
    for keyed in (str, key):
        places: dict[str, list[int]] = {}
        for j in reversed(left.b):
            places.setdefault(keyed(b.forms[j]), []).append(j)
        rest = []
        for i in left.a:
            there = places.get(keyed(a.forms[i]))
            if there:
                pairs.append((i, there.pop()))
            else:
                rest.append(i)
        left.a = rest
        left.b = sorted(j for js in places.values() for j in js)
        if not left.a or not left.b:
            break
    return sorted(pairs), left


def _softly(a: Words, b: Words, pairs: list[tuple[int, int]], left: _Left) -> tuple[int, int]:
    """Pair what is left where it is a typo or a synonym; drop words that are there for politeness."""
    n_typos = n_synonyms = 0
    meanings = {f: _meanings(f) for f in (*(a.forms[i] for i in left.a), *(b.forms[j] for j in left.b))}
    for i in list(left.a):
        for j in left.b:
            x, y = a.forms[i], b.forms[j]
            is_typo = _is_typo(x, y)
            if is_typo or not meanings[x].isdisjoint(meanings[y]):
                n_typos += is_typo
                n_synonyms += not is_typo
                pairs.append((i, j))
                left.a.remove(i)
                left.b.remove(j)
                break
    left.a = [i for i in left.a if a.forms[i] not in lists.POLITE]
    left.b = [j for j in left.b if b.forms[j] not in lists.POLITE]
    pairs.sort()
    return n_typos, n_synonyms


def _meanings(form: str) -> frozenset[int]:
    return frozenset() if form in lists.STOP else lexicon().meanings_of(form)


def _is_typo(x: str, y: str) -> bool:
    """One insertion, deletion, replacement or swap apart, in words of four letters and more, not both of them known."""
    if (
        abs(len(x) - len(y)) > 1
        or min(len(x), len(y)) < 4
        or "#" in (x[0], y[0])
        or (is_known(x) and is_known(y))
    ):
        return False
    start = 0
    while start < min(len(x), len(y)) and x[start] == y[start]:
        start += 1
    x, y = x[start:], y[start:]
    return x[1:] == y[1:] or x[1:] == y or x == y[1:] or (x[2:] == y[2:] and x[:2] == y[1::-1])


def _content(a: Words, b: Words, left: _Left) -> tuple[float, ...]:
    def weights(words: Words, places: list[int] | None = None) -> list[float]:
        at = range(len(words.forms)) if places is None else places
        return [words.idf[i] / 25 for i in at if words.forms[i] not in lists.STOP]

    wa, wb = weights(a), weights(b)
    la, lb = weights(a, left.a), weights(b, left.b)
    shared = [1 - math.fsum(x) / s if (s := math.fsum(w)) else 1.0 for x, w in ((la, wa), (lb, wb))]
    n = len(wa) + len(wb)
    n_common = (n - len(la) - len(lb)) / 2
    tops = sorted((max(la, default=0.0), max(lb, default=0.0)))
    counts = sorted((len(la), len(lb)))
    jaccard = n_common / (n - n_common) if n - n_common else 1.0
    return jaccard, min(shared), max(shared), tops[1], tops[0], float(counts[1]), float(counts[0])


def _kin(fa: list[str], fb: list[str]) -> int:
    """How many of one side's words have one of their kind on the other."""
    families = lexicon().families_of
    there = frozenset[int]().union(*(families(y) for y in fb if y not in lists.STOP))
    return sum(not there.isdisjoint(families(x)) for x in fa if x not in lists.STOP)


def _conflict(fa: list[str], fb: list[str], mark: str) -> float:
    """1 where both sides have one left of a class, 0.5 where one has."""
    return (any(f[0] == mark for f in fa) + any(f[0] == mark for f in fb)) / 2


def _class(fa: list[str], fb: list[str], of: frozenset[str]) -> float:
    return (not of.isdisjoint(fa)) / 2 + (not of.isdisjoint(fb)) / 2


def _names(a: Words, b: Words, left: _Left) -> float:
    return (any(a.is_name[i] for i in left.a) + any(b.is_name[i] for i in left.b)) / 2


def _other(fa: list[str], fb: list[str]) -> float:
    """Content words left that are of no class."""

    def n(forms: list[str]) -> int:
        return sum(
            f[0] != "#" and f not in lists.STOP and f not in lists.UNIT and f not in lists.DATE for f in forms
        )

    return float(min(n(fa), n(fb)))


def _parity(fa: list[str], fb: list[str]) -> float:
    return float((sum(f in lists.NEGATIONS for f in fa) - sum(f in lists.NEGATIONS for f in fb)) % 2)


def _one_more(fa: list[str], fb: list[str], up: frozenset[str], down: frozenset[str]) -> bool:
    """Whether one side has a word of one class left, and the other one of its opposite."""
    return (not up.isdisjoint(fa) and not down.isdisjoint(fb)) or (
        not down.isdisjoint(fa) and not up.isdisjoint(fb)
    )


def _count_opposites(fa: list[str], fb: list[str]) -> int:
    there = {form for y in fb for form in lexicon().forms(y)}
    skip = lists.MORE | lists.LESS
    return sum(not there.isdisjoint(lexicon().opposites_of(x)) for x in fa if x not in skip)


def _wh(fa: list[str], fb: list[str]) -> float:
    """1: the same question word; 0: another; 0.5: one side or both have none."""
    x = next((f for f in fa if f in lists.WH), "")
    y = next((f for f in fb if f in lists.WH), "")
    return 0.5 if not x or not y else float(x == y)


def _is_passive(forms: list[str]) -> bool:
    """ "Was X called by": a form of be, and "by" later on."""
    be = next(
        (i for i, f in enumerate(forms) if f in ("is", "are", "was", "were", "be", "been", "being")), None
    )
    return be is not None and "by" in forms[be:]


def _edge(fa: list[str], fb: list[str]) -> tuple[float, tuple[float, float]]:
    """Share of the longer text that lies before and after all differences; what lies between them."""
    n = min(len(fa), len(fb))
    start = 0
    while start < n and fa[start] == fb[start]:
        start += 1
    end = 0
    while end < n - start and fa[-1 - end] == fb[-1 - end]:
        end += 1
    rest = sorted((len(fa) - start - end, len(fb) - start - end))
    return (start + end) / max(len(fa), len(fb), 1), (float(rest[1]), float(rest[0]))


def _order(a: Words, b: Words, pairs: list[tuple[int, int]]) -> tuple[float, float, float]:
    """Share of inverted pairs among common content words, whether names are, and whether across and/or only."""
    kept = [
        (i, j) for i, j in pairs
        if a.forms[i] not in lists.STOP or a.is_name[i] or b.is_name[j] or a.forms[i] in lists.HE | lists.SHE
    ]  # fmt: skip
    turned = [(p, q) for n, p in enumerate(kept) for q in kept[n + 1 :] if q[1] < p[1]]
    if not turned:
        return 0.0, 0.0, 0.0
    possible = len(kept) * (len(kept) - 1) / 2
    names = any(_nameish(a, b, p) and _nameish(a, b, q) for p, q in turned)
    (i, j), (k, m) = turned[0]
    between = a.forms[i + 1 : k], b.forms[m + 1 : j]
    linked = all(not lists.LINKS.isdisjoint(x) for x in between)
    return len(turned) / possible, float(names), float(linked)


def _nameish(a: Words, b: Words, pair: tuple[int, int]) -> bool:
    return bool(a.is_name[pair[0]] or b.is_name[pair[1]]) or a.forms[pair[0]][0] == "#"
