"""The refund mails: nothing that is held out is seen in training, and every target is right and stands in the mail."""

import csv
import json
import re
import subprocess
import sys
from collections import Counter
from importlib import resources
from pathlib import Path

import pytest

from stepwell.evals.finetune.data.example import Example
from stepwell.evals.scorers import SCORERS
from stepwell.evals.suite import Row, Suite
from stepwell.evals.traffic.alike import alike
from tests.tools import refund_mails_more as more
from tests.tools import refund_mails_text as text
from tests.tools.banking_suite import chosen, questions
from tests.tools.make_refunds import FIELDS, SMALL_FIELDS, files, listed, pools_of, side_of

FULL = Suite.load("refund_mails"), Suite.load("refund_mails_held_out")
SMALL = Suite.load("refund_mails_small"), Suite.load("refund_mails_small_held_out")
ROWS = [row for suite in (*FULL, *SMALL) for row in suite.rows]
SUITES = resources.files("stepwell.evals") / "suites"
MARKS = {
    "EUR": r"€|EUR|\beuros?\b",
    "USD": r"(?<!C)\$|USD|\bdollars\b",
    "GBP": r"£|GBP|\bpounds\b",
    "CHF": r"CHF|\bfrancs\b",
    "SEK": r"SEK|\bkronor\b",
    "CAD": r"C\$|CAD|\bCanadian dollars\b",
}


def _mail(row: Row) -> str:
    return str(row.messages[-1]["content"])


def _sums(mail: str) -> set[float]:
    """Every number of the mail, read with a point before the decimals and with a comma."""
    found = set()
    for number in re.findall(r"\d[\d.,]*\d|\d", mail):
        for thousands, decimals in ((",", "."), (".", ",")):
            plain = number.replace(thousands, "").replace(decimals, ".")
            if plain.count(".") <= 1:
                found.add(float(plain))
    return found


@pytest.mark.parametrize("is_small", [False, True])
def test_the_script_gives_the_shipped_bytes(is_small: bool) -> None:
    made = files(is_small=is_small)
    assert len(made) == 2
    assert {name: (SUITES / name).read_bytes() for name in made} == made


@pytest.mark.parametrize("name", ["refund_mails", "refund_mails_small"])
def test_the_card_names_what_ships(name: str) -> None:
    card = (SUITES / f"{name}.md").read_text("utf-8")
    assert all(Suite.load(n).sha256 in card for n in (name, f"{name}_held_out"))


def test_there_are_as_many_rows_as_the_card_says() -> None:
    assert [len(s.rows) for s in (*FULL, *SMALL)] == [1600, 200, 240, 60]
    mails = [{row.cluster for row in suite.rows} for suite in FULL]
    assert [len(m) for m in mails] == [70, 24]
    for train, held_out in (FULL, SMALL):
        assert {r.cluster for r in train.rows}.isdisjoint({r.cluster for r in held_out.rows})


def test_reasons_and_mails_come_equally_often() -> None:
    for suite in FULL:
        reasons = Counter(row.tags[1] for row in suite.rows)
        assert reasons.keys() == text.REASONS.keys()
        assert max(reasons.values()) - min(reasons.values()) <= 1
        per_mail = Counter(row.cluster for row in suite.rows).values()
        assert max(per_mail) - min(per_mail) <= 1


@pytest.mark.parametrize(("train", "held_out"), [FULL, SMALL])
def test_no_near_duplicate_crosses(train: Suite, held_out: Suite) -> None:
    mails = [_mail(row) for row in (*train.rows, *held_out.rows)]
    places = alike(mails, min_similarity=0.4)
    n_train = len(train.rows)
    assert all(place >= n_train for place in places[n_train:])
    assert len(set(mails)) == len(mails)


def test_nothing_held_out_is_seen_in_training() -> None:
    seen = "\n".join(_mail(row) for row in FULL[0].rows)
    for phrases in text.REASONS.values():
        for phrase in side_of(listed(phrases), "held_out"):
            assert not re.search(rf"\b{re.escape(phrase)}(?!\w)", seen, re.IGNORECASE), phrase
    for line in side_of(listed(text.ITEMS), "held_out"):
        noun = re.escape(line.partition(":")[0])
        assert not re.search(rf"(?:\ba|\ban|the|order|item|product|bought) {noun}\b", seen, re.IGNORECASE), (
            noun
        )
    train_items = {json.loads(row.targets[0])["item"] for row in FULL[0].rows}
    assert train_items.isdisjoint(json.loads(row.targets[0])["item"] for row in FULL[1].rows)
    orders = {json.loads(row.targets[0])["order"] for row in FULL[0].rows}
    assert orders.isdisjoint(json.loads(row.targets[0])["order"] for row in FULL[1].rows)
    names = set(pools_of("train").names)
    assert names.isdisjoint(pools_of("held_out").names)


def test_no_sentence_of_a_held_out_mail_is_in_one_to_learn_from() -> None:
    sides = [
        {
            tuple(re.findall(r"\{\w+\}|\w+", sentence.casefold()))
            for _, mail in pools_of(side).mails
            for sentence in re.split(r"[.!?:;]\s|\n| \| ", mail)
        }
        for side in ("train", "held_out")
    ]
    # "Order {order}" and "I'd like a refund" are nobody's own
    shared = {s for s in sides[0] & sides[1] if len(s) > 2 and any(w.startswith("{") for w in s)}
    assert shared == set()


@pytest.mark.parametrize("suite", [*FULL, *SMALL], ids=lambda s: s.name)
def test_targets_are_right_and_stand_in_the_mail(suite: Suite) -> None:
    fields = SMALL_FIELDS if "small" in suite.name else tuple(FIELDS)
    for row in suite.rows:
        (target,) = row.targets
        wanted, mail = json.loads(target), _mail(row)
        assert tuple(wanted) == fields
        assert json.dumps(wanted, ensure_ascii=False, separators=(",", ":")) == target
        assert re.search(rf"(?<![\w-]){re.escape(wanted['order'])}(?![\w-])", mail), row.id
        assert wanted["amount"] in _sums(mail), row.id
        assert wanted["amount"] > 0
        if fields != SMALL_FIELDS:
            assert wanted["item"] in mail, row.id
            assert re.search(MARKS[wanted["currency"]], mail), row.id
            assert wanted["reason"] == row.tags[1]
            whys = listed(text.REASONS[wanted["reason"]]) + listed(more.REASONS[wanted["reason"]])
            assert any(why.casefold() in mail.casefold() for why in whys), row.id


def test_a_reason_has_no_phrase_of_another() -> None:
    for label, phrases in text.REASONS.items():
        others = {p for other, ps in text.REASONS.items() if other != label for p in listed(ps)}
        assert others.isdisjoint(listed(phrases))


def test_the_scorer_takes_the_target_and_refuses_a_changed_field() -> None:
    for row in FULL[1].rows[:20]:
        wanted = json.loads(row.targets[0])
        score = SCORERS[row.scorer].best
        assert score(row.targets[0], row.targets) == 1.0
        for field in wanted:
            assert score(json.dumps({**wanted, field: "other"}), row.targets) == 0.0


def test_rows_make_examples() -> None:
    row = ROWS[0]
    example = Example(row.id, tuple(row.messages), row.targets[0], group=row.cluster or "")
    assert example.ask == _mail(row)


def test_the_module_writes_both_files(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.tools.make_refunds", "--small", str(tmp_path / "out")]
    subprocess.run(command, check=True, cwd=Path(__file__).parents[3], timeout=60)
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {"refund_mails_small.jsonl.gz", "refund_mails_small_held_out.jsonl.gz"}


def test_intents_are_cut_alike_from_both_formats(tmp_path: Path) -> None:
    pairs = [
        (f"how do I {verb} my {thing} on the {day} of a month?", verb)
        for verb in ("block", "top up", "close", "open")
        for thing in ("card", "account", "wallet")
        for day in ("first", "second", "third", "last")
    ]
    table, lines = tmp_path / "train.csv", tmp_path / "stream.jsonl"
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([("text", "category"), *pairs])
    lines.write_text("".join(json.dumps({"query": q, "cls": c}) + "\n" for q, c in pairs))
    assert questions(table) == questions(lines)
    train, held_out = chosen(questions(table), n_intents=3, n_train=15, n_held_out=7, seed=1)
    assert sorted(Counter(c for _, c in train).values()) == [5, 5, 5]
    assert sorted(Counter(c for _, c in held_out).values()) == [2, 2, 3]
    assert not {q for q, _ in train} & {q for q, _ in held_out}
    with pytest.raises(SystemExit, match="4 intents have 9"):
        chosen(questions(table), n_intents=5, n_train=30, n_held_out=15, seed=1)
