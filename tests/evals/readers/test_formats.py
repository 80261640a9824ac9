"""Each format: what its rows become, that they load as a suite, and that the right answer scores."""

from __future__ import annotations

import csv
import gzip
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from stepwell.evals.readers import read_lines
from stepwell.evals.readers.formats import FORMATS
from stepwell.evals.scorers import SCORERS
from stepwell.evals.suite import Suite, SuiteError

Row = dict[str, object]

GSM8K: Row = {
    "question": "A hive makes 3 jars a week. How many in 400 weeks?",
    "answer": "3*400=<<3*400=1200>>1200\n#### 1,200",
}
GSM8K_DEV: Row = {
    "id": "g-7",
    "input": "How many legs have 3 cats?",
    "target": "12",
    "rationale": "4*3\n#### 12",
}
MMLU: Row = {
    "question": "Which is a tree?",
    "subject": "botany",
    "choices": ["moss", "oak", "kelp", "fern"],
    "answer": 1,
}
ARC: Row = {
    "id": "arc-1",
    "question": {
        "stem": "What melts?",
        "choices": [{"text": "ice", "label": "1"}, {"text": "sand", "label": "2"}],
    },
    "answerKey": "1",
}
ARC_HF: Row = {
    "question": "What burns?",
    "choices": {"text": ["rock", "wax"], "label": ["A", "B"]},
    "answerKey": "B",
}
LOGIQA: Row = {
    "context": "All wells are deep.",
    "query": "What follows?",
    "options": ["No well is shallow.", "Some well is shallow."],
    "correct_option": 0,
}
ENDINGS: Row = {"ctx": "She lifts the lid and", "endings": ["sings.", "looks inside."], "label": "1"}
COLUMNS: Row = {"question": "Which is red?", "A": "grass", "B": "blood", "C": "sky", "answer": "B"}
BY_TEXT: Row = {"question": "Which is red?", "options": ["grass", "blood"], "answer": "blood"}
BY_LETTER: Row = {
    "question_stem": "Which is red?",
    "options": {"A": "grass", "B": "blood"},
    "answer": "blood",
    "answer_idx": "B",
}
LETTERED: Row = {
    "article": "Blood is red.",
    "question": "Which?",
    "options": ["(A) grass", "(B) blood"],
    "label": "B",
}
BBH: Row = {"task": "navigate", "input": "Take 3 steps. Turn around. Are you back?", "target": "No"}
BBH_OPTIONS: Row = {
    "task": "hyperbaton",
    "input": "Which order is right?\nOptions:\n(A) red big hat\n(B) big red hat",
    "target": "(B)",
}
BBH_WORDS: Row = {
    "task": "word_sorting",
    "input": "Sort these. List: pear fig apple",
    "target": "apple fig pear",
}
SAMPLE: Row = {"input": [{"role": "user", "content": "Salt is?"}], "ideal": ["NaCl", "sodium chloride"]}
LETTER: Row = {"input": "A or B?", "ideal": "B"}


@pytest.mark.parametrize(
    ("row", "scorer", "right", "wrong"),
    [
        (GSM8K, "gsm8k", "It makes 1,200.\n#### 1200", "#### 120"),
        (GSM8K_DEV, "gsm8k", "#### 12", "#### 13"),
        (MMLU, "choice", "B", "C"),
        (ARC, "choice", "A", "B"),
        (ARC_HF, "choice", "(B)", "A"),
        (LOGIQA, "choice", "A", "B"),
        (ENDINGS, "choice", "B", "A"),
        (COLUMNS, "choice", "B", "C"),
        (BY_TEXT, "choice", "B", "A"),
        (BY_LETTER, "choice", "B", "A"),
        (LETTERED, "choice", "B", "A"),
        (BBH, "bbh", "The answer is No.", "The answer is Yes."),
        (BBH_OPTIONS, "bbh", "The answer is (B).", "The answer is (A)."),
        (BBH_WORDS, "bbh", "The answer is apple fig pear.", "pear fig apple"),
        (SAMPLE, "exact", "sodium chloride", "NaCl2"),
        (LETTER, "choice", "B", "A"),
    ],
)
def test_a_row_of_each_format_is_known_and_scored(
    tmp_path: Path, row: Row, scorer: str, right: str, wrong: str
) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    loaded = Suite.load(tmp_path / "rows.jsonl").rows[0]
    assert loaded.scorer == scorer
    assert SCORERS[scorer].best(right, loaded.targets) == 1.0
    assert SCORERS[scorer].best(wrong, loaded.targets) == 0.0


def test_options_are_lettered_and_the_passage_comes_first(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps(LOGIQA))
    prompt = Suite.load(tmp_path / "rows.jsonl").rows[0].prompt
    assert prompt is not None
    assert (
        prompt.index("deep") < prompt.index("follows") < prompt.index("A) No well") < prompt.index("B) Some")
    )


def test_options_that_have_letters_get_no_second_ones(tmp_path: Path) -> None:
    rows = [
        LETTERED,
        {**LETTERED, "options": ["A) hat", "B) for sale"]},
        {**LETTERED, "options": ["A. Hunt", "C. Hunt"]},
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    prompts = [row.prompt or "" for row in Suite.load(tmp_path / "rows.jsonl").rows]
    assert "A) grass\nB) blood\n" in prompts[0]
    assert "A) hat\nB) for sale\n" in prompts[1]
    assert "A) A. Hunt\nB) C. Hunt\n" in prompts[2]


def test_mt_bench_keeps_its_turns_and_its_references(tmp_path: Path) -> None:
    rows: list[Row] = [
        {"question_id": 1, "category": "math", "turns": ["2+2?", "And +1?"], "reference": ["4", "5"]},
        {"question_id": 2, "category": "writing", "turns": ["Write a haiku."], "reference": ["", " "]},
    ]
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))
    first, second = Suite.load(tmp_path / "q.jsonl").rows
    assert (first.prompt, first.turns, first.tags, first.scorer) == (
        "2+2?",
        ("And +1?",),
        ("math",),
        "graded",
    )
    assert "Turn 2: 5" in first.options["reference"]
    assert (second.turns, "reference" in second.options) == ((), False)


def test_samples_of_openai_evals_keep_their_chat_and_may_match_by_beginning(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text(json.dumps(SAMPLE))
    assert Suite.load(path).rows[0].messages == SAMPLE["input"]
    matched = Suite.load(path, format="openai_match").rows[0]
    assert SCORERS[matched.scorer].best("NaCl, of course", matched.targets) == 1.0
    assert SCORERS[matched.scorer].best("It is NaCl", matched.targets) == 0.0


@pytest.mark.parametrize("row", [GSM8K, {"id": "own", "prompt": "hi", "target": "ho"}])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_pipe_is_read_once(tmp_path: Path, row: Row, pack: Callable[[bytes], bytes]) -> None:
    pipe = tmp_path / "rows.jsonl"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[pack(json.dumps(row).encode())])
    writer.start()
    assert len(Suite.load(pipe).rows) == 1
    writer.join()


def test_a_folder_of_bbh_tasks_names_them_by_its_files(tmp_path: Path) -> None:
    examples = {"navigate": BBH, "word_sorting": BBH_WORDS}
    for task, row in examples.items():
        shown = {"canary": "x", "examples": [{"input": row["input"], "target": row["target"]}]}
        (tmp_path / f"{task}.json").write_text(json.dumps(shown))
    assert [r.tags for r in Suite.load(tmp_path).rows] == [("navigate",), ("word_sorting",)]
    assert len(Suite.load(tmp_path / "navigate.json").rows) == 1


def test_a_file_named_after_a_bbh_task_needs_no_task_in_its_rows(tmp_path: Path) -> None:
    (tmp_path / "navigate.jsonl").write_text(json.dumps({"input": BBH["input"], "target": "No"}))
    assert Suite.load(tmp_path / "navigate.jsonl").rows[0].tags == ("navigate",)
    (tmp_path / "other.jsonl").write_text(json.dumps({"input": BBH["input"], "target": "No"}))
    with pytest.raises(SuiteError, match="no known format"):
        Suite.load(tmp_path / "other.jsonl")


def test_mmlu_as_published_has_no_header(tmp_path: Path) -> None:
    for subject in ("botany_test.csv", "logic_test.csv"):
        with open(tmp_path / subject, "w", newline="") as file:
            csv.writer(file).writerow(['Which is a "tree",\nthen?', "moss", "oak", "kelp", "fern", "B"])
    rows = Suite.load(tmp_path).rows
    assert [(r.tags, r.targets) for r in rows] == [(("botany",), ("B",)), (("logic",), ("B",))]
    assert len({r.id for r in rows}) == 2


def test_a_table_with_a_header_is_read_by_its_fields(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("id\tprompt\ttarget\nx\tSay hi\thi\n")
    assert Suite.load(tmp_path / "t.tsv").rows[0].targets == ("hi",)


def test_any_fields_can_be_mapped(tmp_path: Path) -> None:
    row = {"q": {"text": "How many?"}, "gold": ["7", "seven"], "topic": "sums", "doc": 4}
    (tmp_path / "rows.json").write_text(json.dumps([row, row]))
    fields = {"prompt": "q.text", "target": "gold.0", "tags": "topic", "cluster": "doc", "scorer": "=numeric"}
    first, second = Suite.load(tmp_path / "rows.json", fields=fields).rows
    assert (first.prompt, first.targets, first.scorer) == ("How many?", ("7",), "numeric")
    assert (first.tags, first.cluster, second.id) == (("sums",), "4", "2")


@pytest.mark.parametrize("row", [GSM8K, MMLU, BBH, SAMPLE, ARC])
def test_a_suite_is_the_same_however_its_file_is_packed(tmp_path: Path, row: Row) -> None:
    line = json.dumps(row).encode()
    (tmp_path / "a.jsonl").write_bytes(line)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(line))
    (tmp_path / "a.json").write_bytes(b"[" + line + b"]")
    suites = [Suite.load(tmp_path / name) for name in ("a.jsonl", "a.jsonl.gz", "a.json")]
    again = Suite.parse((line.decode() for line in suites[0].lines()), name="again")
    assert len({s.sha256 for s in (*suites, again)}) == 1


SECRET = "never shown"


@pytest.mark.parametrize(
    ("rows", "line", "field"),
    [
        ([GSM8K, {"question": SECRET}], 2, "answer"),
        ([GSM8K, {"question": SECRET, "answer": SECRET}], 2, "answer"),
        ([MMLU, MMLU, {**MMLU, "answer": 9}], 3, "answer"),
        ([MMLU, {**MMLU, "answer": SECRET}], 2, "answer"),
        ([MMLU, {**MMLU, "choices": [SECRET]}], 2, "choices"),
        ([MMLU, {**MMLU, "choices": [SECRET, 4]}], 2, "choices"),
        ([ARC, {**ARC, "question": {"stem": SECRET}}], 2, "choices"),
        ([BBH, {**BBH, "task": SECRET}], 2, "task"),
        ([BBH, {**BBH_WORDS, "input": SECRET}], 2, "input"),
        ([SAMPLE, {"input": [SECRET], "ideal": "x"}], 2, "input"),
        ([SAMPLE, {"input": SECRET, "ideal": []}], 2, "ideal"),
        ([{"question_id": 1, "turns": ["x"]}, {"question_id": None, "turns": [SECRET]}], 2, "question_id"),
        ([{"question_id": 1, "turns": ["x"]}, {"question_id": 2, "turns": [SECRET, 1]}], 2, "turns"),
    ],
)
def test_a_wrong_row_is_named_by_line_and_field(
    tmp_path: Path, rows: list[Row], line: int, field: str
) -> None:
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(SuiteError) as caught:
        Suite.load(tmp_path / "rows.jsonl")
    assert (caught.value.line, caught.value.field) == (line, field)
    assert SECRET not in str(caught.value)


def test_a_missing_mapped_field_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"q": "x", "a": "y"}\n{"q": "never shown"}\n')
    with pytest.raises(SuiteError, match="line 2: this field is missing") as caught:
        Suite.load(tmp_path / "rows.jsonl", fields={"prompt": "q", "target": "a"})
    assert caught.value.field == "a"


@pytest.mark.parametrize(
    "fields", [{"prompt": ""}, {"target": "a"}, {"promt": "q"}, {"prompt": "q", "target": "="}]
)
def test_a_mapping_that_says_nothing_is_refused(tmp_path: Path, fields: dict[str, str]) -> None:
    (tmp_path / "rows.jsonl").write_text('{"q": "x"}')
    with pytest.raises(SuiteError, match="prompt=THEIRS"):
        read_lines(tmp_path / "rows.jsonl", fields=fields)


def test_formats_that_fit_no_row_are_listed(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('[{"what": "else"}]')
    with pytest.raises(SuiteError, match=", ".join(FORMATS)):
        Suite.load(tmp_path / "rows.json")
    with pytest.raises(SuiteError, match="no format of this name"):
        Suite.load(tmp_path / "rows.json", format="gsm9k")


def test_our_own_lines_are_left_to_our_own_reader(tmp_path: Path) -> None:
    (tmp_path / "own.jsonl").write_text('{"id": "a", "prompt": "hi", "target": "ho"}')
    assert read_lines(tmp_path / "own.jsonl") is None
    assert read_lines(tmp_path / "none.jsonl") is None
    assert read_lines(tmp_path / "own.jsonl", format="stepwell") is None
