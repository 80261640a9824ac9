"""Write memory/cache/verifier/lexicon.txt: what words have to do with each other, from WordNet 3.0.

Run as `python tests/tools/make_verifier_lexicon.py /usr/share/wordnet OUT` (Debian: wordnet-base). Keeps single words
that are common. Lines: "f FORM LEMMA" an irregular form; "s WORD..." words of one meaning; "a WORD WORD" opposites;
"h WORD..." words that are kinds of one thing.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path

LICENCE = """\
This software and database is being provided to you, the LICENSEE, by
Princeton University under the following license.  By obtaining, using
and/or copying this software and database, you agree that you have
read, understood, and will comply with these terms and conditions.:

Permission to use, copy, modify and distribute this software and
database and its documentation for any purpose and without fee or
royalty is hereby granted, provided that you agree to comply with
the following copyright notice and statements, including the disclaimer,
and that the same appear on ALL copies of the software, database and
documentation, including modifications that you make for internal
use or for distribution.

WordNet 3.0 Copyright 2006 by Princeton University.  All rights reserved.

THIS SOFTWARE AND DATABASE IS PROVIDED "AS IS" AND PRINCETON
UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES, EXPRESS OR
IMPLIED.  BY WAY OF EXAMPLE, BUT NOT LIMITATION, PRINCETON
UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES OF MERCHANT-
ABILITY OR FITNESS FOR ANY PARTICULAR PURPOSE OR THAT THE USE
OF THE LICENSED SOFTWARE, DATABASE OR DOCUMENTATION WILL NOT
INFRINGE ANY THIRD PARTY PATENTS, COPYRIGHTS, TRADEMARKS OR
OTHER RIGHTS.

The name of Princeton University or Princeton may not be used in
advertising or publicity pertaining to distribution of the software
and/or database.  Title to copyright in this software, database and
any associated documentation shall at all times remain with
Princeton University and LICENSEE agrees to preserve same.
"""
POS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}
N_SENSES = 3  # rarer senses make synonyms that nobody would take for ones
N_FAMILY = 60  # a kind with more members says nothing


def words_of(vocabulary: Path, folder: Path) -> set[str]:
    """Words that are common in one of two corpora: MiniLM's, and the one in which WordNet's senses were counted."""
    lines = vocabulary.read_text(encoding="utf-8").split("\n")
    counted = (line.partition("%")[0] for line in (folder / "cntlist.rev").read_text().split("\n"))
    return {w for w in (*lines, *counted) if re.fullmatch(r"[a-z]{2,}", w)}


class Synset:
    def __init__(self, line: str) -> None:
        fields = line.split(" | ")[0].split()
        self.kind = fields[2]
        n = int(fields[3], 16)
        self.words = [re.sub(r"\(.*\)", "", w).lower() for w in fields[4 : 4 + 2 * n : 2]]
        at = 4 + 2 * n
        m = int(fields[at])
        rest = fields[at + 1 : at + 1 + 4 * m]
        self.pointers = [tuple(rest[i : i + 4]) for i in range(0, len(rest), 4)]


def synsets(folder: Path, pos: str) -> dict[str, Synset]:
    lines = (folder / f"data.{pos}").read_text(encoding="latin-1").split("\n")
    return {line[:8]: Synset(line) for line in lines if re.match(r"\d{8} ", line)}


def senses(folder: Path, pos: str, vocabulary: set[str]) -> dict[str, list[str]]:
    """Of each word its commonest senses."""
    found = {}
    for line in (folder / f"index.{pos}").read_text(encoding="latin-1").split("\n"):
        fields = line.split()
        if fields and fields[0] in vocabulary:
            n = int(fields[2])
            found[fields[0]] = fields[-n:][:N_SENSES]
    return found


def opposites(all_of: dict[str, Synset], known: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    """Direct ones; of adjectives also those of the words near either side (WordNet's satellites)."""
    by_synset = defaultdict(list)
    for word, offsets in known.items():
        for offset in offsets:
            by_synset[offset].append(word)
    for offset, synset in all_of.items():
        for symbol, target, _, where in synset.pointers:
            if symbol != "!" or target not in all_of:
                continue
            a = synset.words[int(where[:2], 16) - 1]
            b = all_of[target].words[int(where[2:], 16) - 1]
            yield a, b
            if synset.kind == "a":
                yield from product(near(all_of, offset, by_synset), near(all_of, target, by_synset))


def near(all_of: dict[str, Synset], offset: str, by_synset: dict[str, list[str]]) -> list[str]:
    satellites = [t for s, t, _, _ in all_of[offset].pointers if s == "&"]
    return [w for o in (offset, *satellites) for w in by_synset.get(o, ())]


def lines(folder: Path, vocabulary: set[str]) -> Iterator[str]:
    for pos in ("noun", "verb"):
        for line in (folder / f"{pos}.exc").read_text().split("\n"):
            form, *lemmas = line.split() or [""]
            if form in vocabulary and lemmas and lemmas[0] in vocabulary and form != lemmas[0]:
                yield f"f {form} {lemmas[0]}"
    pairs: set[tuple[str, str]] = set()
    for pos in POS:
        all_of, known = synsets(folder, pos), senses(folder, pos, vocabulary)
        one, kin = defaultdict(set), defaultdict(set)
        for word, offsets in known.items():
            for rank, offset in enumerate(offsets):
                one[offset].add(word)
                if rank < 2:
                    for symbol, target, _, _ in all_of[offset].pointers:
                        if symbol in ("@", "@i"):
                            kin[target].add(word)
        yield from (f"s {' '.join(sorted(ws))}" for ws in one.values() if len(ws) > 1)
        yield from (f"h {' '.join(sorted(ws))}" for ws in kin.values() if 1 < len(ws) <= N_FAMILY)
        pairs |= {tuple(sorted(p)) for p in opposites(all_of, known)}  # type: ignore[misc]
    yield from (f"a {a} {b}" for a, b in sorted(pairs) if a != b and {a, b} <= vocabulary)


def main() -> None:
    folder = Path(sys.argv[1])
    vocabulary = words_of(Path(__file__).parents[2] / "stepwell/base/minilm_vocab.txt", folder)
    made = sorted(set(lines(folder, vocabulary)))
    head = [f"# {line}".rstrip() for line in ("Taken from WordNet 3.0.", *LICENCE.split("\n"))]
    Path(sys.argv[2]).write_text("\n".join([*head, *made]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
