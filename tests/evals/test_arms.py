"""Arms: what is sent, what names an answer, and what a file of them may say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell.base.errors import ConfigError
from stepwell.base.messages import encode_json
from stepwell.evals.arms import Arm, arm_of_tier, arms_of, policy_sha256, read_arms
from stepwell.evals.held import read_held
from stepwell.evals.run import RunOptions, run_suite
from stepwell.evals.suite import Row, Suite


def row(**more: object) -> Row:
    line = {"id": "r", "target": 5, "scorer": "numeric", **(more or {"prompt": "2 + 3"})}
    return Suite.parse([encode_json(line).decode()], name="one").rows[0]


def test_a_template_takes_the_user_s_text_and_a_system_prompt_goes_first() -> None:
    (arm,) = arms_of(["weak"], prompts={"careful": "Think. {input} Check {input}."})
    assert arm.name == "weak/careful"
    assert arm.messages(row()) == [{"role": "user", "content": "Think. 2 + 3 Check 2 + 3."}]
    (arm,) = arms_of(["weak"], prompts={"short": "Be short."})
    assert [m["role"] for m in arm.messages(row())] == ["system", "user"]


def test_parts_that_are_no_text_stay_as_they_are() -> None:
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "https://a/b"}}]
    given = row(messages=[{"role": "user", "content": parts}])
    assert Arm("a", tier="weak", template="T {input}").messages(given)[0]["content"] == parts


def test_what_decides_an_answer_is_in_the_key_and_a_name_is_not(tmp_path: Path) -> None:
    policy = tmp_path / "policy"
    policy.mkdir()
    (policy / "card.json").write_text("{}")
    plain = Arm("a", tier="weak")
    assert plain.key(["m"]) == Arm("b", tier="weak").key(["m"]) == arm_of_tier("weak").key(["m"])
    routed = Arm("a", policy=str(policy))
    others = [
        plain.key(["n"]),
        Arm("a", tier="strong").key(["m"]),
        Arm("a", tier="weak", system="s").key(["m"]),
        Arm("a", tier="weak", template="s{input}").key(["m"]),
        Arm("a", tier="weak", params={"top_p": 0.5}).key(["m"]),
        routed.key(["m"]),
    ]
    (policy / "card.json").write_text("{ }")
    others.append(routed.key(["m"]))
    assert len({plain.key(["m"]), *others}) == len(others) + 1


def test_the_folder_of_a_policy_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        policy_sha256(str(tmp_path / "nowhere"))


GOOD = """
- {name: weak, tier: weak}
- {name: terse, tier: weak, system: Be terse., params: {temperature: 0}}
- {name: auto, tier: auto}
- {name: mine, policy: some/folder}
"""


def test_arms_are_read_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "arms.yaml"
    file.write_text(GOOD)
    weak, terse, auto, mine = read_arms(file)
    assert weak == arm_of_tier("weak")
    assert (terse.system, terse.params) == ("Be terse.", {"temperature": 0})
    assert auto == arm_of_tier("auto")
    assert auto.is_routed
    assert mine.policy == "some/folder"


def test_an_arm_of_another_name_may_be_the_router_s_choice(tmp_path: Path) -> None:
    (tmp_path / "arms.yaml").write_text("- {name: mine, tier: auto, system: Be terse.}")
    (arm,) = read_arms(tmp_path / "arms.yaml")
    assert (arm.name, arm.is_routed, arm.system) == ("mine", True, "Be terse.")


# ten values within ten within ten, seven times
BOMB = "- name: a\n  params:\n    x0: &x0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"    x{n + 1}: &x{n + 1} [{', '.join([f'*x{n}'] * 10)}]\n" for n in range(6)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {name: a, tier: b, model: c}", "one of tier, model, policy"),
        ("- {name: a, template: no place}", "lacks {input}"),
        ("- {name: a, params: {cache: true}}", "params can't set cache"),
        ("- {name: a}\n- {name: a}", "each only once"),
        ("- {name: a, teir: b}", "teir"),
        ("- {name: a, temperature: 0}", "temperature.*belongs under params"),
        ("- [", "not valid YAML"),
        ("[" * 3000, "not valid YAML"),
        ("- {name: a, params: {x: 2020-99-01}}", "not valid YAML"),
        ("- {name: ''}", "not empty"),
        ('- {name: "a\\ud800"}', "printable"),
        ('- {name: "a\\e[31m"}', "printable"),
        ('- {name: a, system: "\\ud800"}', "JSON can't hold"),
        ("- {name: a, params: {temperature: .nan}}", "type float that JSON can't hold"),
        ("- {name: a, params: {temperature: -.inf}}", "type float that JSON can't hold"),
        ("- {name: a, params: {x: [{y: 2020-01-01}]}}", "type date that JSON can't hold"),
        ("- {name: a, params: {x: {1: 2}}}", "is no text"),
        (f"- {{name: a, params: {{x: 1{'0' * 40}}}}}", "type int that JSON can't hold"),
        ("- &a {name: a, params: {x: *a}}", "nested too deep"),
        ("- &a {name: a, params: *a}", "nested too deep"),
        (BOMB, "too many"),
        ("[]", "at least one"),
    ],
)
def test_a_wrong_file_of_arms_says_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "arms.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_arms(file)


async def test_prompts_run_side_by_side_and_are_told_apart(
    tmp_path: Path, sums: Suite, make_well: Any
) -> None:
    well = make_well()
    arms = arms_of(["weak"], prompts={"as is": "{input}", "five more": "5 + {input}"})
    report = await run_suite(well, sums, arms=arms, journal_path=tmp_path / "j")
    as_is, more = report.tiers
    assert (as_is.tier, more.tier) == ("weak/as is", "weak/five more")
    assert (as_is.quality, more.quality) == (0.8, 0.0)
    header = read_held(tmp_path / "j").header
    assert header is not None
    assert len({a.prompt_sha256 for a in header.arms}) == 2
    again = make_well()
    await run_suite(again, sums, arms=arms, journal_path=tmp_path / "j")
    assert again.calls == []


async def test_a_policy_is_asked_through_its_own_well(tmp_path: Path, sums: Suite, make_well: Any) -> None:
    (tmp_path / "policy").mkdir()
    own, other = make_well(), make_well()
    folder = str(tmp_path / "policy")
    await run_suite(
        own,
        sums,
        arms=[arm_of_tier("weak"), Arm("tuned", policy=folder)],
        by_policy={folder: other},
        journal_path=tmp_path / "j",
        options=RunOptions(baseline="weak"),
    )
    assert {call["tier"] for call in own.calls} == {"weak"}
    assert [call["tier"] for call in other.calls] == [None] * len(sums.rows)
