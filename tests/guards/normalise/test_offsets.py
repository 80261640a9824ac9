"""Where characters of a rewritten text came from."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stepwell.guards.normalise.offsets import Edit, rewrite

edits = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 4), st.text("XYZ", max_size=6)), min_size=1, max_size=8
)


def placed(steps: list[tuple[int, int, str]]) -> tuple[str, list[Edit]]:
    """A text of digits, and edits that lie apart in it."""
    out: list[Edit] = []
    at = 0
    for gap, length, new in steps:
        out.append((at + gap, at + gap + length, new))
        at += gap + length
    return ("0123456789" * (at // 10 + 1))[: at + 3], out


def test_no_edit_is_no_change() -> None:
    assert rewrite("text", []) is None


def test_a_run_counts_as_a_whole() -> None:
    done = rewrite("ab[c]de", [(2, 5, "long")])
    assert done is not None
    assert done.text == "ablongde"
    assert [done.span(i, i + 1) for i in range(8)] == [(0, 1), (1, 2), *[(2, 5)] * 4, (5, 6), (6, 7)]
    assert done.span(1, 7) == (1, 6)
    assert done.span(8, 8) == (7, 7)


@given(edits)
def test_what_was_not_edited_keeps_its_place(steps: list[tuple[int, int, str]]) -> None:
    text, todo = placed(steps)
    done = rewrite(text, todo)
    assert done is not None
    covered = {i for start, end, _ in todo for i in range(start, end)}
    seen = set[int]()
    for i, char in enumerate(done.text):
        start, end = done.span(i, i + 1)
        if char.isdigit():
            assert text[start:end] == char
            seen.add(start)
        else:
            assert any(a <= start < end <= b for a, b, _ in todo)
    assert seen == set(range(len(text))) - covered


@given(edits, st.data())
def test_a_longer_span_holds_the_shorter_ones(steps: list[tuple[int, int, str]], data: st.DataObject) -> None:
    text, todo = placed(steps)
    done = rewrite(text, todo)
    assert done is not None
    start = data.draw(st.integers(0, len(done.text) - 1))
    end = data.draw(st.integers(start + 1, len(done.text)))
    spans = [done.span(i, i + 1) for i in range(start, end)]
    assert done.span(start, end) == (spans[0][0], spans[-1][1])
