"""What becomes of examples on their way into a dataset."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.evals.finetune.data.alike_across import leaks
from stepwell.evals.finetune.data.curate import CurateOptions, curate
from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.data.example import Example, FinetuneError, write_examples
from stepwell.evals.finetune.data.judged import graded
from stepwell.front.cli.main import main
from stepwell.testing import FakeTier
from tests.house import house
from tests.support.judged import shown

NAMES = (
    "otter",
    "lynx",
    "heron",
    "badger",
    "stoat",
    "curlew",
    "marten",
    "plover",
    "adder",
    "newt",
    "shrew",
    "dipper",
)


def example(name: str, ask: str, answer: str = "yes", **more: object) -> Example:
    return msgspec.convert(
        {"id": name, "messages": [{"role": "user", "content": ask}], "answer": answer, **more}, Example
    )


def some(n: int, answer: str = "Fact {n} of it") -> list[Example]:
    """Asks of which no two are near."""
    pairs = [(a, b) for a in NAMES for b in NAMES if a < b]
    asks = [f"What does the {a} eat beside the {b} in month {k}?" for a, b in pairs for k in range(8)]
    drawn = random.Random(1).sample(asks, len(asks))[:n]
    return [example(f"s{i}", ask, answer.format(n=i)) for i, ask in enumerate(drawn)]


def dropped(examples: Sequence[Example], **options: object) -> dict[str, int]:
    made = curate([*some(60), *examples], options=msgspec.convert(options, CurateOptions))
    assert made.card.n_given == 60 + len(examples)
    assert made.card.n_train + made.card.n_held_out + sum(made.card.dropped.values()) == made.card.n_given
    return made.card.dropped


def test_poor_and_empty_ones_go() -> None:
    given_ = [
        example("a", "Is this one scored low?", score=0.2),
        example("b", "   "),
        example("c", "Is this one without an answer?", "  "),
        example("d", "Was this one good?", score=0.9),
    ]
    assert dropped(given_) == {"empty": 2, "scored below 0.75": 1}


def test_a_score_can_be_required() -> None:
    scored = [msgspec.structs.replace(e, score=1.0) for e in some(30)]
    made = curate([*scored, example("x", "Nobody said anything?")], options=CurateOptions(require_score=True))
    assert made.card.dropped == {"without a score": 1}


def test_one_of_two_that_say_the_same_stays_the_better_or_newer() -> None:
    ask = "Where do the grey herons of the lower marsh sleep in the winter months?"
    given_ = [
        example("old", ask, at_s=1.0),
        example("new", ask, at_s=2.0),
        example("scored", ask, at_s=0.5, score=1.0),
        example("copy", f"Hello, {ask.replace('sleep', 'slepe')}", at_s=9.0),
    ]
    made = curate([*some(60), *given_])
    assert made.card.dropped == {"duplicate": 2, "near-duplicate": 1}
    assert {"scored"} == {e.id for e in (*made.train, *made.held_out)} & {e.id for e in given_}


def test_of_two_answers_to_one_ask_the_better_stays() -> None:
    given_ = [
        example("a", "Is the shop in Lund open on Sundays?", "Yes, from ten.", score=0.8),
        example("b", "is the shop in lund open on sundays", "No.", score=0.9),
        example("c", "Is the shop in Lund open on Mondays?", "Never."),
    ]
    made = curate([*some(60), *given_])
    assert made.card.dropped == {"the same ask with another answer": 1}
    assert {"b", "c"} == {e.id for e in (*made.train, *made.held_out)} & {"a", "b", "c"}


def test_the_same_words_in_another_order_are_another_ask() -> None:
    turned = [
        example("a", "Who pays the courier from Lund to Umea?", "You do."),
        example("b", "Who pays the courier from Umea to Lund?", "We do."),
    ]
    assert dropped(turned) == {}


def test_two_orders_in_one_template_are_two_examples() -> None:
    mail = (
        "Dear team, I want a refund for order {0}: the {1} came broken. Please send {2} EUR back to my card."
    )
    rng = random.Random(3)
    mails = [
        (str(rng.randrange(10_000, 99_999)), rng.choice(NAMES), f"{rng.randrange(9000) / 100}")
        for _ in range(80)
    ]
    examples = [
        example(o, mail.format(o, i, a), msgspec.json.encode({"order": o, "item": i, "amount": a}).decode())
        for o, i, a in mails
    ]
    assert curate(examples).card.dropped == {}


def test_a_system_prompt_tells_asks_apart_unless_it_is_replaced() -> None:
    def asked(name: str, system: str, answer: str) -> Example:
        said: tuple[dict[str, object], ...] = (
            {"role": "system", "content": system},
            {"role": "user", "content": "Good morning to all of you"},
        )
        return Example(name, said, answer)

    both = [
        asked("de", "Translate to German.", "Guten Morgen"),
        asked("fr", "Translate to French.", "Bonjour"),
    ]
    assert dropped(both) == {}
    assert dropped(both, system="translate") == {"the same ask with another answer": 1}


def test_answers_that_quote_what_the_ask_lacks_go() -> None:
    given_ = [
        example("bad", "Whom do I write to?", "Write to [EMAIL]."),
        example("good", "My address is [EMAIL], is it known?", "[EMAIL] is known."),
    ]
    assert dropped(given_) == {"answer quotes a placeholder that the ask lacks": 1}


def test_json_answers_are_written_one_way() -> None:
    examples = some(40, '{{ "b": {n}.50,\n "a": "ü" }}')
    fenced = example("f", "Is it fenced?", '```json\n{"a": 1}\n```')
    made = curate([*examples, fenced, example("x", "Is it broken?", '{"b": 1')])
    assert made.card.kind == "json"
    assert made.card.dropped == {"answer is no JSON object": 1}
    answers = {e.id: e.answer for e in (*made.train, *made.held_out)}
    assert answers["s3"] == '{"b":3.50,"a":"ü"}'
    assert answers["f"] == '{"a":1}'


def test_a_schema_is_kept_to_and_orders_keys() -> None:
    schema = (
        '{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"number"}},"required":["a","b"]}'
    )
    made = curate(
        [*some(40, '{{"b":{n},"a":"x"}}'), example("x", "No a?", '{"b":1}')],
        options=CurateOptions(schema_json=schema),
    )
    assert made.card.dropped == {"answer breaks the schema": 1}
    assert all(e.answer.startswith('{"a":"x","b":') for e in made.train)
    with pytest.raises(FinetuneError, match="schema"):
        curate(some(40), options=CurateOptions(schema_json="[]"))


def test_long_ones_go() -> None:
    long = [example("l", "Why? " * 300)]
    assert dropped(long, max_chars=500) == {"over 500 characters": 1}
    assert dropped(long, max_tokens=200) == {"over about 200 tokens": 1}


def labelled(n_each: int, n_labels: int = 4) -> list[Example]:
    found = some(n_each * n_labels)
    return [msgspec.structs.replace(e, answer=NAMES[i % n_labels]) for i, e in enumerate(found)]


def test_labels_are_held_out_evenly_and_balanced() -> None:
    made = curate(labelled(50), options=CurateOptions(held_out=40, per_label=20))
    assert made.card.kind == "labels"
    assert [sum(e.answer == a for e in made.held_out) for a in NAMES[:4]] == [10] * 4
    assert [sum(e.answer == a for e in made.train) for a in NAMES[:4]] == [20] * 4
    assert made.card.dropped == {"over 20 of its answer": 80}
    few = curate(labelled(50), options=CurateOptions(max_examples=30))
    assert len(few.train) == 30


def test_the_same_examples_fall_the_same_side_when_data_grows() -> None:
    examples = some(400)
    before, after = curate(examples[:200]), curate(examples)
    assert {e.id for e in before.held_out} <= {e.id for e in after.held_out}
    assert {e.id for e in before.train} <= {e.id for e in after.train}


def test_conversations_stay_together() -> None:
    examples = [msgspec.structs.replace(e, group=f"talk {i % 25}") for i, e in enumerate(some(200))]
    made = curate(examples)
    assert {e.group for e in made.train}.isdisjoint({e.group for e in made.held_out})
    assert 10 <= len(made.held_out) <= 80


def test_an_own_held_out_part_drops_what_is_near_it() -> None:
    own = [
        example("h1", "How long may a marten stay in the upper barn?", group="talk"),
        example("h2", "What do you feed plovers?"),
    ]
    near = [
        example("n1", "how long may the marten stay in the upper barn"),
        example("n2", "How long may a marten stay in the uper barn?", "no"),
        example("n3", "And in the lower one?", group="talk"),
    ]
    made = curate([*some(40), *near], held_out=own)
    assert {e.id for e in made.held_out} == {"h1", "h2"}
    assert {e.id for e in made.train}.isdisjoint({"n1", "n2", "n3"})
    assert sum(made.card.dropped.values()) == 3


def test_too_few_say_why() -> None:
    poor = [msgspec.structs.replace(e, score=0.1) for e in some(30)]
    with pytest.raises(FinetuneError, match="30 scored below"):
        curate(poor)
    with pytest.raises(FinetuneError, match="at least 10 and 1"):
        curate(some(8))


_WORDS = st.lists(st.sampled_from(NAMES[:6]), min_size=1, max_size=9).map(" ".join)
_EXAMPLES = st.lists(
    st.builds(
        lambda name, ask, answer, group, at: example(name, ask, answer, group=group, at_s=float(at)),
        st.text("abc", max_size=3),
        _WORDS,
        st.sampled_from(["yes", "no", "perhaps"]),
        st.sampled_from(["", "", "g1", "g2", "g3"]),
        st.integers(0, 3),
    ),
    min_size=25,
    max_size=60,
)


@settings(max_examples=40, deadline=None)
@given(_EXAMPLES, st.randoms(), st.sampled_from([0.2, 0.4, 6]))
def test_nothing_crosses_and_order_does_not_matter(
    examples: list[Example], rng: random.Random, held_out: float | int
) -> None:
    options = CurateOptions(held_out=held_out, made_on="2026-11-21")
    try:
        made = curate(examples, options=options)
    except FinetuneError as e:
        assert "at least 10 and 1" in str(e)  # noqa: PT017 - hypothesis draws some that are too few
        return
    assert leaks(made.train, made.held_out) == []
    groups = {e.group for e in made.train if e.group}
    assert groups.isdisjoint(e.group for e in made.held_out)
    mixed = list(examples)
    rng.shuffle(mixed)
    assert curate(mixed, options=options).card == made.card
    assert made.card.n_train + made.card.n_held_out + sum(made.card.dropped.values()) == len(examples)


async def test_a_judge_grades_what_passed_and_its_cost_is_told() -> None:
    def judge(request: object) -> str:
        answer = next(text for name, text in shown(request).items() if "answer" in name)  # type: ignore[arg-type]
        return '{"reason": "so", "correct": %s}' % ("false" if answer.strip() == "Fact 7 of it" else "true")

    examples = some(40)
    async with house(FakeTier(), FakeTier(judge)) as well:
        found = await graded(examples, well, judge="dear")
    assert found.cost_usd > 0
    assert found.grades.count(0.0) == 1
    by_id = dict(zip((e.id for e in examples), found.grades, strict=True))
    made = curate(examples, judge=lambda left: [by_id[e.id] for e in left])
    assert made.card.dropped == {"graded below 0.75": 1}
    assert "s7" not in {e.id for e in (*made.train, *made.held_out)}


def test_the_command_writes_a_dataset_and_replaces_none_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given_, out = tmp_path / "e.jsonl", tmp_path / "dataset"
    write_examples(given_, some(80))
    words = ["local", "curate", str(given_), "--out", str(out), "--json"]
    assert main([*words, "--system", "animal facts"]) == 0
    card = msgspec.json.decode(capsys.readouterr().out)["card"]
    made = Dataset.load(out)
    assert (made.card.sha256, made.card.system) == (card["sha256"], "animal facts")
    assert main([*words, "--system", "animal facts"]) == 0
    assert main([*words, "--seed", "1"]) == 2
    assert main([*words, "--seed", "1", "--replace"]) == 0
    assert Dataset.load(out).card.sha256 != card["sha256"]
    assert main(["local", "curate", str(tmp_path / "none.jsonl"), "--out", str(out)]) == 2


@pytest.mark.parametrize("more", [[], ["--seed", "1", "--replace"]])
def test_a_dataset_made_again_still_knows_of_erasures(tmp_path: Path, more: list[str]) -> None:
    given_, out = tmp_path / "e.jsonl", tmp_path / "dataset"
    write_examples(given_, some(80))
    words = ["local", "curate", str(given_), "--out", str(out)]
    assert main(words) == 0
    made = Dataset.load(out)
    known = {"earlier": ("a" * 64,), "n_erased": 3, "erased_asks": ("b" * 32,)}
    replace(made, card=msgspec.structs.replace(made.card, **known)).save(out)
    assert main([*words, *more]) == 0
    card = Dataset.load(out).card
    assert {name: getattr(card, name) for name in known} == known


def test_a_dataset_is_named_by_all_that_is_learnt(tmp_path: Path) -> None:
    made = curate(some(80))
    other = curate(some(80), options=CurateOptions(system="animal facts"))
    assert other.card.sha256 != made.card.sha256
    assert {e.id for e in other.train} == {e.id for e in made.train}
    made.save(tmp_path)
    part = tmp_path / "train.jsonl"
    whole = part.read_text()
    for before, after in (('"id":"s', '"id":"t'), ('"answer"', '"user":"kim","answer"')):
        part.write_text(whole.replace(before, after, 1))
        with pytest.raises(FinetuneError, match="curate again"):
            Dataset.load(tmp_path)
    part.write_text(whole)
    Dataset.load(tmp_path)


@given(st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_the_share_that_is_said_is_the_one_that_was_kept_aside(seed: int) -> None:
    made = curate(some(40), options=CurateOptions(seed=seed)).card
    n_all = made.n_train + made.n_held_out
    assert made.held_out_by.startswith(
        f"{made.n_held_out:,} of {n_all:,}, {made.n_held_out / n_all:.3g} of all"
    )
    assert "0.2 was asked for" in made.held_out_by


def test_the_command_hints_and_keeps_no_paths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given_, own, out = tmp_path / "e.jsonl", tmp_path / "own.jsonl", tmp_path / "dataset"
    write_examples(given_, some(40, '{{"n":{n},"reason":"late"}}'))
    rest = [msgspec.structs.replace(e, id=f"h{e.id}") for e in some(60, '{{"n":{n},"reason":"lost"}}')[40:]]
    write_examples(own, rest)
    words = ["local", "curate", str(given_), "--out", str(out), "--held-out", str(own), "--schema", "auto"]
    monkeypatch.setattr("sys.argv", ["stepwell", *words])
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "20 of 20 held-out answers can't be said" in said
    assert "only values seen in training can be answered for reason" in said
    command = Dataset.load(out).card.command
    assert command == "stepwell local curate e.jsonl --out dataset --held-out own.jsonl --schema auto"
    found = next(s for s in range(30) if curate(some(40), options=CurateOptions(seed=s)).card.n_held_out > 11)
    write_examples(given_, some(40))
    words = ["local", "curate", str(given_), "--out", str(tmp_path / "other"), "--seed", str(found)]
    assert main(words) == 0
    assert "--held-out 8 keeps just so many aside" in capsys.readouterr().out
