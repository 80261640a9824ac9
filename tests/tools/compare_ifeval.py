"""Compare our checks of IFEval's instructions with the reference's, by `python -m tests.tools.compare_ifeval FILE`.

FILE holds IFEval's rows as JSON lines, gzip'ed or not: {key, prompt, instruction_id_list, kwargs}, and `response`
where there are answers; else answers are made (ifeval_answers.py). The reference is google-research's
instruction_following_eval as lm-eval ships it: `pip install "lm-eval[ifeval]"`, langdetect seeded with 0. Without
NLTK's punkt_tab, which pip doesn't bring, it is given our sentences, and we say so.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from string import ascii_lowercase

from stepwell.evals.scoring.ifeval.loose import readings
from stepwell.evals.scoring.ifeval.score import follows
from stepwell.evals.scoring.ifeval.sentences import sentences
from tests.tools.ifeval_answers import answers

_CHANCE = "(by chance)"
Row = Mapping[str, object]
Verdicts = tuple[list[bool], list[bool]]


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("file", type=Path)
    asked.add_argument("--every", type=int, default=1, help="take each nth row")
    asked.add_argument("--seed", type=int, default=0, help="of the answers made")
    asked.add_argument("--show", type=int, default=0, help="disagreements to print, with their answers")
    args = asked.parse_args()
    try:
        reference = _reference()
    except ImportError as e:
        print(f"the reference is not installed ({e.name}): pip install 'lm-eval[ifeval]'")
        return 3
    return _compare(args, reference)


def _compare(args: argparse.Namespace, reference: Callable[[Row, str], Verdicts]) -> int:
    counts: Counter[tuple[str, str]] = Counter()
    n_answers, n_shown = 0, 0
    for row in list(_rows(args.file))[:: args.every]:
        given = [str(row["response"])] if "response" in row else answers(row, seed=args.seed)
        for answer in given:
            n_answers += 1
            for name, ours, theirs in _pairs(row, answer, reference):
                counts[name, "compared"] += 1
                counts[name, "followed"] += theirs[0]
                counts[name, "strict differs"] += ours[0] != theirs[0]
                counts[name, "loose differs"] += ours[1] != theirs[1]
                if ours != theirs and n_shown < args.show:
                    n_shown += 1
                    print(row.get("key"), name, f"ours {ours}, theirs {theirs}", ascii(answer[:300]))
    return _table(counts, n_answers)


def _pairs(
    row: Row, answer: str, reference: Callable[[Row, str], Verdicts]
) -> Iterator[tuple[str, tuple[bool, bool], tuple[bool, bool]]]:
    names, kwargs = row["instruction_id_list"], row["kwargs"]
    assert isinstance(names, list)
    assert isinstance(kwargs, list)
    strict, loose = reference(row, answer)
    for i, (name, given) in enumerate(zip(names, kwargs, strict=True)):
        prompt = str(row["prompt"])
        ours = follows(name, given, prompt, answer)
        ours_loose = any(follows(name, given, prompt, reading) for reading in readings(answer))
        # of a sign the reference makes a letter, by chance
        is_chance = name.endswith("letter_frequency") and given["letter"].lower() not in ascii_lowercase
        yield f"{name} {_CHANCE}" if is_chance else name, (ours, ours_loose), (strict[i], loose[i])


def _table(counts: Counter[tuple[str, str]], n_answers: int) -> int:
    columns = ("compared", "followed", "strict differs", "loose differs")
    names = sorted({name for name, _ in counts})
    print("instruction".ljust(52), *(c.rjust(14) for c in columns))
    for name in names:
        print(name.ljust(52), *(str(counts[name, c]).rjust(14) for c in columns))
    judged = [name for name in names if not name.endswith(_CHANCE)]
    n = sum(counts[name, "compared"] for name in judged)
    differ = {c: sum(counts[name, c] for name in judged) for c in columns[2:]}
    print(
        f"{n_answers} answers, {n} verdicts; strict differs {differ[columns[2]]}, loose differs {differ[columns[3]]}"
    )
    return int(any(differ.values()))


def _rows(file: Path) -> Iterator[Row]:
    data = file.read_bytes()
    text = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    return (json.loads(line) for line in text.decode().splitlines() if line.strip())


def _reference() -> Callable[[Row, str], Verdicts]:
    nltk = importlib.import_module("nltk")
    importlib.import_module("langdetect").DetectorFactory.seed = 0
    setattr(nltk, "download", lambda *_, **__: False)  # noqa: B010 - never over the network
    logging.disable(logging.ERROR)  # it logs the texts that have no letters
    utils = importlib.import_module("lm_eval.tasks.ifeval.utils")
    try:
        nltk.data.find("tokenizers/punkt_tab")
    except LookupError:
        print("NLTK's punkt_tab is not there: the reference gets our sentences", file=sys.stderr)
        _lend_sentences(nltk)

    def verdicts(row: Row, answer: str) -> Verdicts:
        fields = {name: row[name] for name in ("key", "instruction_id_list", "prompt", "kwargs")}
        example = utils.InputExample(**fields)
        found = [
            test(example, answer).follow_instruction_list
            for test in (utils.test_instruction_following_strict, utils.test_instruction_following_loose)
        ]
        return found[0], found[1]

    return verdicts


def _lend_sentences(nltk: object) -> None:
    util = importlib.import_module("lm_eval.tasks.ifeval.instructions_util")
    words = importlib.import_module("nltk.tokenize").NLTKWordTokenizer()
    setattr(util, "count_sentences", lambda text: len(sentences(text)))  # noqa: B010
    setattr(nltk, "word_tokenize", lambda text: [w for s in sentences(text) for w in words.tokenize(s)])  # noqa: B010


if __name__ == "__main__":
    sys.exit(main())
