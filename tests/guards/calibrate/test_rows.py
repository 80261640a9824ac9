"""Labelled rows."""

from __future__ import annotations

import pytest

from stepwell.base.errors import BadRequest
from stepwell.guards.calibrate.rows import read_labelled


def test_a_row_without_a_label_is_honest() -> None:
    (row,) = read_labelled([b'{"text": "how do I boil an egg"}', b"", b"\n"])
    assert not row.label
    assert row.stage == "input"


def test_one_text_counts_once() -> None:
    lines = [b'{"text": "Boil  an egg", "source": "a"}', b'{"text": "boil an EGG ", "source": "b"}']
    (row,) = read_labelled(lines)
    assert row.source == "a"


def test_what_the_queue_says_does_not_replace_the_sample() -> None:
    lines = [b'{"text": "boil an egg"}', b'{"text": "boil an egg", "check": "harmful", "ts_s": 1.5}']
    assert [r.check for r in read_labelled(lines)] == ["", "harmful"]


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b"\xff",
        b"[]",
        b'{"label": 1}',
        b'{"text": " "}',
        b'{"text": "a", "label": 2}',
        b'{"text": "a", "stage": "elsewhere"}',
    ],
)
def test_what_is_no_row_is_named_by_its_line(line: bytes) -> None:
    with pytest.raises(BadRequest, match=r"^Line 2: ") as raised:
        read_labelled([b'{"text": "fine"}', line])
    assert "elsewhere" not in str(raised.value)


def test_two_labels_for_one_text_are_refused() -> None:
    with pytest.raises(BadRequest, match=r"^Line 2: .*other label"):
        read_labelled([b'{"text": "a", "label": 1}', b'{"text": "a", "label": 0}'])
