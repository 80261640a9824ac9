"""Steps: which rows, what rate, and that padding changes nothing."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.evals.finetune.train.chat import rows_of
from stepwell.evals.finetune.train.load import Base, adapt
from stepwell.evals.finetune.train.loop import Learning, batch_of
from stepwell.evals.finetune.train.recipe import Recipe
from tests.evals.finetune.train.small import RECIPE, made


@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 5), st.integers(0, 30))
def test_each_pass_reads_every_row_once(n_rows: int, batch_size: int, seed: int, skipped: int) -> None:
    recipe = Recipe(batch_size=batch_size, seed=seed)
    steps = -(-n_rows * 3 // batch_size)
    read = [at for step in range(steps) for at in batch_of(step, n_rows, recipe)]
    for n_pass in range(3):
        assert sorted(read[n_pass * n_rows : (n_pass + 1) * n_rows]) == list(range(n_rows))
    # of the step alone: whoever resumes there reads the same
    assert batch_of(skipped, n_rows, recipe) == batch_of(skipped, n_rows, recipe)
    start = skipped * batch_size
    assert batch_of(skipped, n_rows, recipe) == read[start : start + batch_size] or start + batch_size > len(
        read
    )


def test_the_order_is_of_the_seed() -> None:
    orders = {tuple(batch_of(0, 100, Recipe(seed=seed))) for seed in range(20)}
    assert len(orders) == 20


@given(st.integers(1, 400), st.integers(0, 30), st.floats(0.001, 0.9))
def test_the_rate_rises_then_falls_to_its_share(n_steps: int, n_warmup: int, last: float) -> None:
    recipe = Recipe(n_warmup_steps=n_warmup, last_rate=last)
    rates = [recipe.rate_at(n, n_steps) for n in range(n_steps)]
    assert all(0 < rate <= recipe.learning_rate * (1 + 1e-9) for rate in rates)
    rising, falling = rates[:n_warmup], rates[n_warmup:]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    if len(falling) > 1:
        assert falling[-1] == pytest.approx(last * recipe.learning_rate, abs=1e-12)


@pytest.mark.parametrize(
    ("recipe", "n_examples", "n_steps"),
    [
        (Recipe(), 40, 120),
        (Recipe(), 1200, 150),
        (Recipe(n_passes=2.0), 40, 10),
        (Recipe(n_passes=0.01), 40, 1),
        (Recipe(n_passes=2.0, n_steps=7), 40, 7),
    ],
)
def test_how_many_steps_are_made(recipe: Recipe, n_examples: int, n_steps: int) -> None:
    assert recipe.steps_for(n_examples) == n_steps


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"rank": 0}, "rank is 0"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"n_steps": 0}, "n_steps is 0"),
        ({"n_passes": math.inf}, "n_passes is inf; want a finite number"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"n_passes": 1e308}, r"n_passes is 1e\+308; want .* less than 1e\+15"),
        ({"seed": 10**15}, "seed is 1000000000000000"),
    ],
)
def test_what_cannot_be_trained_with_is_named(changed: dict[str, object], what: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=what):
        msgspec.convert(changed, Recipe)


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_loss_is_of_answer_tokens_alone_whatever_the_padding(loaded: Base, attention: str) -> None:
    import torch

    adapted = adapt(loaded, RECIPE)
    rows = rows_of(made(), adapted.tokenizer, max_tokens=99).rows
    learning = Learning.start(adapted, rows, RECIPE)
    adapted.model.base_model.model.set_attn_implementation(attention)
    short, long = min(rows, key=lambda r: len(r.ids)), max(rows, key=lambda r: len(r.ids))
    with torch.no_grad():
        alone = [float(learning._loss([row])) * row.n_answer for row in (short, long)]
        together = float(learning._loss([short, long]))
        whole = adapted.model(torch.tensor([short.ids])).logits[0].log_softmax(-1)
    assert len(short.ids) < len(long.ids)
    assert together == pytest.approx(sum(alone) / (short.n_answer + long.n_answer), rel=1e-5)
    by_hand = -sum(float(whole[at - 1, short.ids[at]]) for at in range(short.n_prompt, len(short.ids)))
    assert alone[0] == pytest.approx(by_hand, rel=1e-5)


def test_steps_are_averaged_where_the_recipe_wants_it(loaded: Base) -> None:
    import torch

    recipe = msgspec.convert(
        msgspec.structs.asdict(RECIPE) | {"n_steps": 4, "averaged": 0.5, "dropout": 0.1, "seed": 10**14},
        Recipe,
    )
    adapted = adapt(loaded, recipe)
    learning = Learning.start(adapted, rows_of(made(), adapted.tokenizer, max_tokens=99).rows, recipe)
    seen = []
    for n in range(4):
        learning.step(n)
        seen.append([p.clone() for p in learning.exact])
    for name, p in learning.result().items():
        at = learning.names.index(name)
        assert torch.allclose(p, (seen[2][at] + seen[3][at]) / 2, atol=1e-7)
