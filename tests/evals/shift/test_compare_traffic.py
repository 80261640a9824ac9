"""Two stretches of traffic, from files to the verdict."""

import base64
import gzip
import json
import random
from pathlib import Path

import numpy as np
import pytest

from stepwell.evals.shift.compare import compare_traffic
from stepwell.evals.shift.lines import ShiftError, read_lines
from stepwell.evals.shift.traffic import Traffic, traffic_of
from stepwell.evals.shift.words import told
from stepwell.front.cli.main import main
from stepwell.router.features import Ask, read_ask
from stepwell.router.traits import TRAITS_HASH, traits

SHOP = (
    "Where is my parcel from {}?",
    "Can I send the {} back?",
    "What does the {} cost?",
    "Is the {} in stock?",
)
MATHS = (
    "Prove that {} is irrational and explain each step, if n > 3.",
    "Solve x^2 = {} for x; show the derivation.",
)
THINGS = ("lamp", "red chair", "small table", "bowl", "kettle with a lid", "rug", "mirror", "blue vase")


def _asks(patterns: tuple[str, ...], n: int, seed: int) -> list[dict[str, object]]:
    rng = random.Random(seed)
    return [
        {"prompt": rng.choice(patterns).format(rng.choice(THINGS)) + rng.choice(("", " Thanks!", " Please."))}
        for _ in range(n)
    ]


def _write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def _traffic(path: Path, rows: list[dict[str, object]]) -> Traffic:
    def guess(ask: Ask) -> tuple[dict[str, float], float | None]:
        hard = min(1.0, ask.n_chars / 100)
        return {"cheap": 1 - hard, "dear": 0.95}, hard

    return traffic_of(read_lines(_write(path, rows)), guess=guess)


def test_the_same_traffic_does_not_drift(tmp_path: Path) -> None:
    old, new = (_traffic(tmp_path / "x.jsonl", _asks(SHOP, 300, seed)) for seed in (1, 2))
    report = compare_traffic(old, new)
    assert report.word == "no drift"
    assert report.alarm is not None
    assert report.alarm.row is None


def test_another_kind_of_traffic_drifts_from_where_it_begins(tmp_path: Path) -> None:
    old = _traffic(tmp_path / "old.jsonl", _asks(SHOP, 600, 1))
    new = _traffic(tmp_path / "new.jsonl", _asks(SHOP, 100, 2) + _asks(MATHS, 100, 3))
    report = compare_traffic(old, new)
    assert report.word == "drift"
    assert report.alarm is not None
    assert report.alarm.row is not None
    assert 100 < report.alarm.row < 150
    cheap = next(s for s in report.p_ok if s.name == "cheap")
    assert cheap.recent < cheap.reference
    assert cheap.adjusted_p < 0.01
    said = "\n".join(told(report))
    assert "tier cheap: the router expects less of it" in said
    assert "lamp" not in said


def test_a_shift_too_short_for_the_alarm_is_unsure(tmp_path: Path) -> None:
    old = _traffic(tmp_path / "old.jsonl", _asks(SHOP, 60, 1))
    new = _traffic(tmp_path / "new.jsonl", _asks(MATHS, 60, 2))
    report = compare_traffic(old, new, alpha=1e-9)
    assert report.alarm is not None
    assert not report.alarm.is_on
    assert report.word == "unsure"


def test_an_effect_of_no_note_is_no_drift(tmp_path: Path) -> None:
    old = _traffic(tmp_path / "old.jsonl", _asks(SHOP, 600, 1))
    mixed = _asks(SHOP, 400, 2) + _asks(MATHS, 100, 3)
    random.Random(0).shuffle(mixed)
    new = _traffic(tmp_path / "new.jsonl", mixed)
    assert compare_traffic(old, new, min_effect=0.1).word == "drift"
    tolerant = compare_traffic(old, new, min_effect=0.5)
    assert tolerant.word == "no drift"
    assert tolerant.alarm is not None
    assert tolerant.alarm.is_on
    first, second, *_ = told(tolerant)
    assert "the alarm went off" in first
    assert "nothing moved by 0.5 or more, and that decides" in first
    assert second.startswith("alarm at row")


def test_tiers_that_nothing_changed_for_are_said_at_once(tmp_path: Path) -> None:
    old = _traffic(tmp_path / "old.jsonl", _asks(SHOP, 300, 1))
    said = list(told(compare_traffic(old, _traffic(tmp_path / "new.jsonl", _asks(SHOP, 300, 2)))))
    assert "the router expects as much of every tier as before" in said

    def recorded(name: str, cheap: float) -> Traffic:
        of = (
            r | {"p_ok": {"cheap": cheap, "dear": 0.9 + n % 5 / 100}}
            for n, r in enumerate(_asks(SHOP, 300, 1))
        )
        return traffic_of(read_lines(_write(tmp_path / name, list(of))))

    moved = list(told(compare_traffic(recorded("a.jsonl", 0.8), recorded("b.jsonl", 0.5))))
    assert "the router expects as much of the other tiers as before" in moved
    assert any(line.startswith("tier cheap: the router expects less of it") for line in moved)
    assert not any("tier dear" in line for line in moved)


def test_a_tier_that_does_not_answer_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def rows(name: str, p_ok: float) -> str:
        lines = [r | {"p_ok": {"cheap": 0.8, "judge": p_ok}} for r in _asks(SHOP, 100, 1)]
        return str(_write(tmp_path / name, lines))

    files = [rows("old.jsonl", 0.9), rows("new.jsonl", 0.5)]
    main(["eval", "drift", *files, "--recorded"])
    assert "judge" in capsys.readouterr().out
    main(["eval", "drift", *files, "--recorded", "--tiers", "cheap"])
    assert "judge" not in capsys.readouterr().out
    assert main(["eval", "drift", *files, "--recorded", "--tiers", "chaep"]) == 64


def test_the_report_does_not_depend_on_the_run(tmp_path: Path) -> None:
    old, new = _traffic(tmp_path / "o", _asks(SHOP, 200, 1)), _traffic(tmp_path / "n", _asks(MATHS, 80, 2))
    assert compare_traffic(old, new).as_dict() == compare_traffic(old, new).as_dict()


def test_logs_without_text_are_compared_by_what_they_kept(tmp_path: Path) -> None:
    def kept(row: dict[str, object]) -> dict[str, object]:
        ask = read_ask(str(row["prompt"]))
        packed = base64.b64encode(traits(ask).astype("<f4").tobytes()).decode()
        vector = base64.b64encode(np.array([len(ask.words), 1.0], "<f2").tobytes()).decode()
        p_ok = {"cheap": 1 - ask.n_chars / 200}
        return {
            "id": "r",
            "traits": packed,
            "traits_hash": TRAITS_HASH,
            "vector": vector,
            "p_ok": p_ok,
            "need": 0.5,
        }

    old = traffic_of(read_lines(_write(tmp_path / "o", [kept(r) for r in _asks(SHOP, 200, 1)])))
    new = traffic_of(read_lines(_write(tmp_path / "n", [kept(r) for r in _asks(MATHS, 100, 2)])))
    report = compare_traffic(old, new)
    assert report.word == "drift"
    assert {s.name for s in report.shifts} >= {"cheap", "log_chars", "topic", "vectors"}


def test_scores_under_what_was_expected_are_told(tmp_path: Path) -> None:
    rows = [
        r | {"tier": "cheap", "p_ok": {"cheap": 0.9}, "scores": {"cheap": 0.2}} for r in _asks(SHOP, 100, 1)
    ]
    new = traffic_of(read_lines(_write(tmp_path / "n", rows)))
    report = compare_traffic(traffic_of(read_lines(_write(tmp_path / "o", _asks(SHOP, 100, 2)))), new)
    assert report.answers is not None
    assert report.answers.is_drifting
    assert any("lower than expected" in line for line in told(report))


def test_files_that_share_nothing_are_an_error(tmp_path: Path) -> None:
    old = traffic_of(read_lines(_write(tmp_path / "o", _asks(SHOP, 60, 1))))
    new = traffic_of(read_lines(_write(tmp_path / "n", [{"p_ok": 0.5, "tier": "cheap"}] * 60)))
    with pytest.raises(ShiftError, match="nothing that can be compared"):
        compare_traffic(old, new)


def test_a_damaged_line_is_named_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"prompt": "one"}\n{"prompt": "my secret"\n')
    with pytest.raises(ShiftError, match="line 2") as e:
        list(read_lines(path))
    assert "secret" not in str(e.value)
    with pytest.raises(ShiftError):
        list(read_lines(tmp_path / "none"))


def test_packed_files_and_separators_within_text_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(
        gzip.compress(
            '{"prompt": "a\u2028b"}\n\n{"messages": [{"role": "user", "content": "hi"}]}\n'.encode()
        )
    )
    assert [line.text for line in read_lines(path)] == ["a\u2028b", "hi"]


@pytest.mark.parametrize(
    ("recent", "code", "said"),
    [
        (_asks(SHOP, 200, 2), 0, "no drift of note"),
        (_asks(MATHS, 200, 2), 1, "alarm at row"),
        (_asks(SHOP, 5, 2), 2, "too few rows"),
    ],
)
def test_the_command_says_so_and_exits_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], recent: list[dict[str, object]], code: int, said: str
) -> None:
    old, new = _write(tmp_path / "old.jsonl", _asks(SHOP, 300, 1)), _write(tmp_path / "new.jsonl", recent)
    assert main(["eval", "drift", str(old), str(new)]) == code
    assert said in capsys.readouterr().out
    assert main(["eval", "drift", str(old), str(new), "--json"]) == code
    assert json.loads(capsys.readouterr().out)["n_recent"] == len(recent)


def test_wrong_usage_has_a_code_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(_write(tmp_path / "old.jsonl", _asks(SHOP, 60, 1)))
    with pytest.raises(SystemExit) as e:
        main(["eval", "drift", path, path, "--alpha", "2"])
    assert e.value.code == 64
    assert main(["eval", "drift", path, str(tmp_path / "none")]) == 64
    assert "--alpha" in capsys.readouterr().err
