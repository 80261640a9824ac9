"""Cut two suites of intents out of BANKING77: to learn from, and to be measured on.

Run as `python -m tests.tools.banking_suite FILE --out DIR`. FILE is upstream's own train.csv (`text,category`;
PolyAI-LDN/task-specific-datasets, banking_data, CC BY 4.0; Casanueva et al., 2020) or JSON lines (.gz too) of `query`,
`cls`. Writes DIR/train.jsonl and DIR/held_out.jsonl: the answer to each question is {"intent": "<label>"}. Intents and
questions are chosen by their hashes; of questions that say nearly the same only one is taken.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from stepwell.evals.traffic.alike import alike

N_INTENTS, N_TRAIN, N_HELD_OUT = 12, 300, 150
PARAMS = {"max_tokens": 64, "temperature": 0}


def questions(path: Path) -> dict[str, list[str]]:
    """Every intent's questions, in the file's order, near-duplicates of one left out."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
    pairs = list(_of_lines(text) if text.lstrip().startswith("{") else _of_csv(text))
    places = alike([question for question, _ in pairs])
    found: dict[str, list[str]] = defaultdict(list)
    for at, (question, intent) in enumerate(pairs):
        if places[at] == at:
            found[intent].append(question)
    return dict(found)


def _of_lines(text: str) -> Iterator[tuple[str, str]]:
    for line in filter(str.strip, text.splitlines()):
        row = json.loads(line)
        yield row["query"], row["cls"]


def _of_csv(text: str) -> Iterator[tuple[str, str]]:
    for row in csv.DictReader(io.StringIO(text)):
        yield row["text"].strip(), row["category"]


def chosen(
    by_intent: dict[str, list[str]], *, n_intents: int, n_train: int, n_held_out: int, seed: int
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Questions with their intents: to learn from, and held out; as many of each intent as come out even.

    Raises:
        SystemExit: Too few intents have enough questions.
    """
    needed = -(-n_train // n_intents) - (-n_held_out // n_intents)
    enough = [intent for intent, asks in by_intent.items() if len(asks) >= needed]
    if len(enough) < n_intents:
        raise SystemExit(f"{len(enough)} intents have {needed} questions or more, {n_intents} are wanted")
    intents = _by_hash(enough, seed)[:n_intents]
    train: list[tuple[str, str]] = []
    held_out: list[tuple[str, str]] = []
    for n, intent in enumerate(intents):
        cut, end = _share(n_train, n_intents, n), _share(n_held_out, n_intents, n)
        asks = _by_hash(by_intent[intent], seed)
        train += [(ask, intent) for ask in asks[:cut]]
        held_out += [(ask, intent) for ask in asks[cut : cut + end]]
    return _mixed(train, seed), _mixed(held_out, seed)


def _share(n: int, n_parts: int, at: int) -> int:
    """Of n in so many parts the size of this one: all as large as they can be alike."""
    return n // n_parts + (at < n % n_parts)


def _by_hash(entries: Iterable[str], seed: int) -> list[str]:
    return sorted(entries, key=lambda e: hashlib.sha256(f"{seed}\0{e}".encode()).digest())


def _mixed(pairs: Sequence[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    intent_of = dict(pairs)
    return [(ask, intent_of[ask]) for ask in _by_hash(intent_of, seed)]


def rows(pairs: Sequence[tuple[str, str]], intents: Sequence[str], part: str) -> Iterator[dict[str, object]]:
    """The suite's rows."""
    system = (
        "A customer of a bank asks a question. Say which intent it has. Answer with one JSON object on one line and "
        'with nothing else: {"intent": "<label>"}. The labels are:\n' + "\n".join(f"- {i}" for i in intents)
    )
    for n, (ask, intent) in enumerate(pairs):
        yield {
            "id": f"{part}-{n:03}",
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": ask}],
            "target": json.dumps({"intent": intent}, separators=(",", ":")),
            "scorer": "json",
            "tags": [intent],
            "params": PARAMS,
        }


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--intents", type=int, default=N_INTENTS)
    parser.add_argument("--train", type=int, default=N_TRAIN)
    parser.add_argument("--held-out", type=int, default=N_HELD_OUT)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    train, held_out = chosen(
        questions(args.file),
        n_intents=args.intents,
        n_train=args.train,
        n_held_out=args.held_out,
        seed=args.seed,
    )
    intents = sorted({intent for _, intent in train})
    args.out.mkdir(parents=True, exist_ok=True)
    for part, pairs in (("train", train), ("held_out", held_out)):
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows(pairs, intents, part))
        (args.out / f"{part}.jsonl").write_text("".join(lines), encoding="utf-8")
        print(f"{args.out / part}.jsonl: {len(pairs)} questions, {len(intents)} intents")


if __name__ == "__main__":
    main()
