"""The measure of streams: 0 where all is well, and it notices a guard that leaks."""

from __future__ import annotations

import pytest

from stepwell.base.config import CheckConfig, GuardsConfig
from stepwell.evals.guards.streams import FIELDS, Streamed, check_rows
from stepwell.guards.guard import Guard
from stepwell.guards.plan import make_plan
from stepwell.guards.stream import GuardStream

TEXT = 'Write to jane.doe@example.org,\nor "call" +44 20 7888 8577; card 4111 1111 1111 1111 is hers.'
ROWS = [
    {"text": TEXT},
    {"text": "Nothing here, but 12 words and a colon: none of them is anybody's. " * 3},
    {"text": "\u200b".join("jane.doe@example.org") + " and ４１１１ 1111 1111 1111 "},
]


def guard(kind: type[Guard] = Guard, action: str = "redact") -> Guard:
    listed = [CheckConfig(check=c, action=action) for c in ("email", "phone", "credit_card")]  # type: ignore[arg-type]
    return kind(GuardsConfig(input=[], output=listed))


class Leaky(Guard):
    """Checks whole answers, but no streams."""

    def open_stream(self, request: object = None) -> GuardStream | None:
        return GuardStream(make_plan([], hold_back_chars=64))


def test_a_guarded_stream_shows_what_redacting_the_whole_shows_in_every_field() -> None:
    found = list(check_rows(ROWS, guard(), n_chunkings=5 * len(FIELDS)))
    assert [(s.n_unequal, s.n_leaked) for s in found] == [(0, 0)] * len(ROWS)
    assert [s.n_values for s in found] == [3, 0, 2]
    assert all(0 < s.max_held_chars <= 64 for s in found[:2])


def test_a_leak_is_noticed() -> None:
    found = list(check_rows(ROWS[:1], guard(Leaky), n_chunkings=12))
    assert found == [Streamed(12, 12, 36, 3, 1)]  # one character waits: a backslash may begin an escape


def test_known_values_are_looked_for_whatever_the_guard_finds() -> None:
    at = TEXT.index("jane")
    row = {"text": TEXT, "spans": [{"start": at, "end": at + 20}]}
    assert next(iter(check_rows([row], guard(Leaky), n_chunkings=6))).n_leaked == 6


def test_where_the_whole_is_blocked_no_value_may_show() -> None:
    found = list(check_rows(ROWS, guard(action="block"), n_chunkings=12))
    assert [(s.n_unequal, s.n_leaked) for s in found] == [(0, 0)] * len(ROWS)


def test_a_seed_gives_the_same_chunkings() -> None:
    one, same = (list(check_rows(ROWS, guard(), n_chunkings=6, seed=7)) for _ in range(2))
    assert one == same


def test_guardrails_stream_runner_is_measured_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("guardrails")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    from stepwell.evals.guards.streams_guardrails import check_rows_with_guardrails

    rows = [{"text": "Ask jane@x.io, then bo@y.io. Then all is said.\n"}]
    found = next(iter(check_rows_with_guardrails(rows, guard(), n_chunkings=4, seed=2)))
    assert (found.n_chunkings, found.n_values) == (4, 2)
    assert found.n_leaked > 0
