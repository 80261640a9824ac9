"""Exact looks at rights and wrongs."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.evals.verdict.looks import Looks
from stepwell.evals.verdict.shares import mcnemar
from stepwell.evals.verdict.walk import reached, walk_bounds

grown = st.lists(st.integers(0, 5), min_size=1, max_size=4).map(
    lambda steps: tuple(sum(steps[: k + 1]) for k in range(len(steps)))
)


def crossed_by_hand(n_discordant: tuple[int, ...], leads: tuple[int, ...]) -> float:
    total = n_discordant[-1]
    n_crossed = 0
    for signs in product((1, -1), repeat=total):
        n_crossed += any(abs(sum(signs[:n])) >= lead for n, lead in zip(n_discordant, leads, strict=True))
    return n_crossed / float(2**total)


@settings(max_examples=40)
@given(grown, st.floats(0.01, 0.4))
def test_every_walk_counted(n_discordant: tuple[int, ...], alpha: float) -> None:
    n_discordant = tuple(min(n, 12) for n in n_discordant)
    spent = tuple(alpha * (k + 1) / len(n_discordant) for k in range(len(n_discordant)))
    bounds = walk_bounds(n_discordant, spent)
    by_hand = crossed_by_hand(n_discordant, bounds.leads)
    assert bounds.crossed[-1] == pytest.approx(by_hand, abs=1e-12)
    assert by_hand <= alpha + 1e-12


def test_no_smaller_lead_would_do() -> None:
    for n in range(1, 40):
        ((lead,), (crossed,)) = walk_bounds((n,), (0.05,))
        assert crossed == pytest.approx(mcnemar((n + lead) // 2, (n - lead) // 2) if lead <= n else 0)
        smaller = lead - 2
        if smaller >= 1:
            assert mcnemar((n + smaller) // 2, (n - smaller) // 2) > 0.05


def test_one_look_is_the_exact_test() -> None:
    assert reached((20,), (), 10) == pytest.approx(mcnemar(15, 5))
    assert reached((20,), (), 0) == pytest.approx(1.0)


def test_long_walks_are_cheap_and_keep_their_chance() -> None:
    looks = Looks(200_000, n_looks=10)
    bounds = walk_bounds(tuple(n // 4 for n in looks.at), looks.spent(0.05))
    assert 0.049 < bounds.crossed[-1] <= 0.05
    assert all(crossed <= spent for crossed, spent in zip(bounds.crossed, looks.spent(0.05), strict=True))


@given(st.integers(1, 5000), st.integers(1, 60), st.none() | st.integers(1, 100))
def test_looks_rise_to_all_rows(n: int, n_looks: int, first: int | None) -> None:
    looks = Looks(n, n_looks=n_looks, first=first)
    assert looks.at[-1] == n
    assert list(looks.at) == sorted(set(looks.at))
    assert len(looks.at) <= n_looks
    assert looks.spent(0.05)[-1] == pytest.approx(0.05)
    assert looks.n_reached(n) == len(looks.at)
    assert looks.n_reached(0) == 0


def test_no_looks_without_rows() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        Looks(0)
