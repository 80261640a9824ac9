"""Suites in YAML."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell.evals.suite import Suite, SuiteError

SUITE = """\
# by hand
defaults:
  scorer: exact
  tags: [hand]
rows:
  - id: a
    prompt: |
      Say when.
      Then stop.
    target: 12:30
  - {id: b, prompt: on, target: yes, scorer: {name: exact}}
  - id: 3
    prompt: how much?
    target: 1.50
    params: {max_tokens: 5, temperature: 0.5}
  - id: d
    prompt: which day?
    target: [2026-05-01, 1 May]
    tags: []
"""


def load(tmp_path: Path, text: str) -> Suite:
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    return Suite.load(tmp_path / "s.yaml")


def test_plain_words_stay_as_they_are_written(tmp_path: Path) -> None:
    a, b, c, d = load(tmp_path, SUITE).rows
    assert a.prompt == "Say when.\nThen stop.\n"
    assert [r.targets for r in (a, b, c, d)] == [("12:30",), ("yes",), ("1.50",), ("2026-05-01", "1 May")]
    assert (c.id, c.params) == ("3", {"max_tokens": 5, "temperature": 0.5})
    assert (a.tags, d.tags, a.scorer) == (("hand",), (), "exact")


def test_a_list_alone_is_a_suite_and_the_same_one_as_in_json(tmp_path: Path) -> None:
    suite = load(tmp_path, '- {id: a, prompt: "hi", target: {city: Rome, n: 2}, scorer: json}\n')
    json = '{"id": "a", "prompt": "hi", "target": {"city": "Rome", "n": 2}, "scorer": "json"}'
    assert suite.sha256 == Suite.parse([json], name="s").sha256


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- id: a\n  prompt: x\n  target: y\n- id: b\n  prompt: never shown\n", 4),
        ("- id: a\n  prompt: x\n  target: y\n- never shown\n", 4),
        ("- id: a\n  prompt: [never shown\n", 3),
        ("- id: a\n  prompt: x\n  prompt: never shown\n  target: y\n", 3),
        ("rows: 4\n", 1),
        ("rows: []\nmore: never shown\n", 1),
        ("- &a {id: never shown, prompt: *a, target: y}\n", 1),
        ("- {id: a, prompt: !!python/object/apply:os.system [never shown], target: y}", 1),
    ],
)
def test_what_is_wrong_is_named_by_its_line(tmp_path: Path, text: str, line: int) -> None:
    with pytest.raises(SuiteError, match=f"line {line}:") as caught:
        load(tmp_path, text)
    assert "never shown" not in str(caught.value)


def test_a_few_lines_cannot_stand_for_billions(tmp_path: Path) -> None:
    lines = ["- id: bomb", "  target: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"  t{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(SuiteError, match="too long"):
        load(tmp_path, "\n".join(lines))


@pytest.mark.parametrize(
    "text", ["", "[" * 3000, "a: b: c", "\t- x", "--- 1\n--- 2\n", "- {id: \x01}", "%YAML 3.0\n---\n- 1"]
)
def test_what_is_no_yaml_is_an_error_of_ours(tmp_path: Path, text: str) -> None:
    with pytest.raises(SuiteError):
        load(tmp_path, text)
