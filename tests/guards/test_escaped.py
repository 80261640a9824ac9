"""Values that JSON text spells with escapes are found, in whole texts and in streams alike."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stepwell.base.config import CheckConfig, GuardsConfig
from stepwell.evals.guards.streams import check_rows
from stepwell.guards import checks
from stepwell.guards.escaped import n_cut_off, read
from stepwell.guards.folded import find_folded
from stepwell.guards.guard import Guard
from stepwell.guards.spans import join
from stepwell.guards.stream_twin import Twin

PARTS = (
    *("\\u0040", "\\", "u", "0040", "\\\\", "\\/", "/", "\\ud835", "\\udffa", "\\u200b", "\\uff14", "\\u"),
    *("a", "4", "é", "\u200b", "ﬁ", "４", '"', "\\n", "d835", " ", "{"),
)
texts = st.lists(st.sampled_from(PARTS), max_size=16).map("".join)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email", r"jane\u0040x.io"),
        ("email", r"\u006aane@x.io"),
        ("email", r"jane\\u0040x.io"),
        ("credit_card", r"4111\u00201111\u00201111\u00201111"),
        ("credit_card", r"\ud835\udffa111 1111 1111 1111"),
        ("credit_card", r"\uff14111\u200b 1111 1111 1111"),
        ("date_of_birth", r"12\/03\/1985"),
    ],
)
def test_finds_the_escaped_value_whole(name: str, value: str) -> None:
    text = '{"about": "born ' + value + '", "n": 1}'
    found = find_folded(checks.make(name, {}).find, text, is_json=True)
    assert [text[s.start : s.end] for s in join(found)] == [value]
    assert value not in [text[f.start : f.end] for f in find_folded(checks.make(name, {}).find, text)]


@given(st.text('a"\\/@é\u200b４ﬁ\U0001d7fa', max_size=12))
def test_a_string_reads_as_what_it_says_but_for_the_short_escapes(said: str) -> None:
    plain = said.replace("\\", "").replace('"', "")
    written = json.dumps(plain)[1:-1]
    folded, direct = read(written, is_json=True), read(plain)
    assert (written if folded is None else folded.text) == (plain if direct is None else direct.text)


@given(texts)
def test_no_span_cuts_an_escape(text: str) -> None:
    folded = read(text, is_json=True)
    if folded is None:
        return
    for i in range(len(folded.text)):
        start, end = folded.span(i, i + 1)
        assert 0 <= start < end <= len(text)
        again = read(text[start:end], is_json=True)
        assert folded.text[i] in (text[start:end] if again is None else again.text)


@given(texts, st.randoms(use_true_random=False))
@example("\\\\\\\\\\u0040", random.Random(1))
def test_pieces_read_as_the_whole(text: str, rng: random.Random) -> None:
    twin, at = Twin("", 0), 0
    while at < len(text):
        n = rng.randint(1, 5)
        twin.push(text[at : at + n], at, is_json=True)
        at += n
    twin.close(len(text))
    folded = read(text, is_json=True)
    assert twin.text == (text if folded is None else folded.text)
    for i in range(len(twin.text)):
        assert twin.span(i, i + 1) == ((i, i + 1) if folded is None else folded.span(i, i + 1))


@given(texts)
def test_little_waits(text: str) -> None:
    assert 0 <= n_cut_off(text) <= 20


def test_only_escapes_cost_a_second_reading() -> None:
    assert read('{"a": "b\\n\\"c\\\\"}', is_json=True) is None
    assert read(r'{"a": "\u0040"}') is None


def test_streams_of_escaped_text_show_what_redacting_the_whole_shows() -> None:
    config = [CheckConfig(check=n) for n in ("email", "credit_card", "secrets", "date_of_birth", "phone")]
    guard = Guard(GuardsConfig(output=config, stream=config, tool_args=config))
    said = (
        r"jane\u0040x.io and \u006aane@x.io",
        r"4111\u00201111\u00201111\u00201111 \ud835\udffa111 1111 1111 1111",
        r"born 12\/03\/1985, postgres:\/\/ann:cCp4fjgf6MQ@db.internal.net:5432",
        r"caf\u00e9 \\ \n \u00 \ud835 passwor\u0064=hunter2x4, +44 20 7888 8577",
    )
    rows = [{"text": '{"about": "' + text + '"}', "spans": []} for text in said]
    for streamed in check_rows(rows, guard, n_chunkings=24):
        assert streamed.n_values > 0
        assert streamed.n_unequal == 0
