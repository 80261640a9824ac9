"""Replay: a row out for each row in, whatever the row."""

from __future__ import annotations

import msgspec
import pytest

from stepwell.base.config import Config
from stepwell.base.errors import ConfigError
from stepwell.evals.replay import run_replay
from stepwell.evals.stages import STAGES

SECRET = "never shown"
PRICES = {"usd_per_1m_input": 1, "usd_per_1m_output": 2}
KEYED = {"tiers": {"only": {"model": "test/x", "base_url": "http://127.0.0.1:9", "quality": 0.95, **PRICES}}}


def replayed(stage: str, *rows: object, values: object = None) -> tuple[list[dict[str, object]], int]:
    lines = [row if isinstance(row, str) else msgspec.json.encode(row).decode() for row in rows]
    out: list[dict[str, object]] = []
    n_bad = run_replay(stage, lines, config=Config.make(values or {}), out=out.append)  # type: ignore[arg-type]
    return out, n_bad


@pytest.mark.parametrize("stage", ["cache", "context"])
def test_bad_rows_are_told_by_line_and_the_rest_goes_on(stage: str) -> None:
    values = {**KEYED, "cache": {"semantic": "off"}}
    bad = ["{", "[1]", {"id": "odd", "prompt": 5, "messages": SECRET}]
    good = {
        "id": "good",
        "prompt": "hi",
        "messages": [{"role": "user", "content": "hi"}],
        "window_tokens": 4096,
    }
    out, n_bad = replayed(stage, good, *bad, "", good | {"id": "later"}, values=values)
    assert n_bad == 3
    assert [row["id"] for row in out] == ["good", 2, 3, "odd", "later"]
    assert [row.get("line") for row in out] == [None, 2, 3, 4, None]
    assert all(isinstance(row["error"], str) and SECRET not in row["error"] for row in out[1:4])
    assert not any("error" in row for row in (out[0], out[4]))


def test_an_unknown_stage_names_those_that_are() -> None:
    with pytest.raises(ConfigError, match="guards"):
        replayed("fly", {})


def test_guards_find_what_a_row_holds() -> None:
    out, n_bad = replayed("guards", {"id": 7, "text": "mail ada@example.org"}, {"text": "nothing"})
    assert (n_bad, [row["id"] for row in out]) == (0, [7, 2])
    assert "EMAIL" in str(out[0]["findings"])
    assert out[1]["findings"] == []


def test_the_cache_remembers_the_rows_before() -> None:
    values = {"cache": {"semantic": "off"}}
    rows = [{"prompt": "a", "answer": "b"}, {"prompt": "c"}, {"prompt": 5}, {"prompt": "a"}]
    out, n_bad = replayed("cache", *rows, values=values)
    assert n_bad == 1
    assert [row.get("status") for row in out] == ["miss", "miss", None, "hit"]


def test_context_keeps_what_fits() -> None:
    turns = [{"role": "system", "content": "Be short."}]
    turns += [{"role": r, "content": "word " * 100} for _ in range(20) for r in ("user", "assistant")]
    turns.append({"role": "user", "content": "last"})
    row = {"messages": turns, "window_tokens": 600, "reserve_tokens": 50}
    (out,), n_bad = replayed("context", row)
    assert n_bad == 0
    kept = out["kept"]
    assert isinstance(kept, tuple)
    assert {0, len(turns) - 1} <= set(kept)
    assert len(kept) + int(str(out["n_dropped"])) == len(turns)
    assert int(str(out["n_tokens"])) + 50 <= 600


def test_every_stage_of_the_house_is_there() -> None:
    assert set(STAGES) == {"guards", "cache", "context"}
