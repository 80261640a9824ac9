"""Whether an exported adapter says what the trained one says, token for token, and what serving it quantised costs.

Three sides answer the same held-out prompts greedily: transformers in float32; llama.cpp with the exported adapter on
the same base in float32; llama.cpp with it on the base as it is served.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.data.example import Example, FinetuneError
from stepwell.evals.finetune.export import base_for, output_tokens
from stepwell.evals.finetune.gguf.adapter import Precision, write_adapter
from stepwell.evals.finetune.gguf.merged import write_merged
from stepwell.evals.finetune.gguf.tokens import TokenServer
from stepwell.evals.finetune.suite_of import SAME_LABEL, scorer_of
from stepwell.evals.finetune.train.generate import Greedy
from stepwell.evals.finetune.train.trained import Trained
from stepwell.evals.report import GRADED
from stepwell.evals.scorers import SCORERS
from stepwell.evals.verdict.fixed import compare
from stepwell.evals.verdict.pair import Pair
from stepwell.evals.verdict.shares import wilson

GOAL = 0.98
SIDES = ("transformers", "llama.cpp, float32", "llama.cpp, as served")
Outputs = Sequence[tuple[int, ...]]
OnDone = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Parity:
    """What the three sides said.

    Attributes:
        n: Held-out prompts.
        n_same: Outputs that transformers and llama.cpp give alike, token for token, both in float32.
        n_same_served: Outputs that llama.cpp gives alike in float32 and as served.
        n_right: By side, outputs that are the dataset's answer.
        loss: As served against float32, exact answers on the same prompts.
        apart: Places (from 1) in the dataset's held-out part where the first two sides differ.
    """

    n: int
    n_same: int
    n_same_served: int
    n_right: dict[str, int]
    loss: Pair
    apart: tuple[int, ...] = ()

    @property
    def share(self) -> float:
        return self.n_same / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Of `share`, 95 %."""
        return wilson(self.n_same, self.n)

    def holds(self, goal: float = GOAL) -> bool:
        """Whether the exported adapter is the trained one."""
        return self.share >= goal


@dataclass(frozen=True, slots=True)
class _Asked:
    """What each side is asked: prompts as token ids, and how long answers may be."""

    examples: tuple[Example, ...]
    prompts: tuple[list[int], ...]
    n_tokens: int
    tell: Callable[[], None]

    @property
    def window_tokens(self) -> int:
        return max(map(len, self.prompts)) + self.n_tokens + 1


def check_parity(
    trained: Trained,
    dataset: Dataset,
    *,
    base: Path | None = None,
    limit: int | None = None,
    precision: Precision = "f16",
    n_threads: int = 1,
    on_done: OnDone | None = None,
) -> Parity:
    """Ask all three sides; takes minutes, and 4 bytes a parameter of the base in a temporary folder.

    Args:
        base: GGUF; None: the one that the training's recipe names.
        limit: So many held-out prompts, the first ones.
        precision: Of the exported adapter.
        n_threads: Of llama.cpp.
        on_done: Told answers so far, and of how many.

    Raises:
        FinetuneError: Nothing was held out, base or weights are other ones, or a side can't be asked.
    """
    trained.check_weights()
    base = base_for(trained, base)
    if not dataset.held_out[:limit]:
        raise FinetuneError("the dataset holds no example out: there is nothing to compare on")
    greedy = Greedy.of_trained(trained, base_path=base, dtype="float32")
    asked = _asked(greedy, dataset.held_out[:limit], output_tokens(trained.card.n_answer_tokens), on_done)
    by_side: dict[str, Outputs] = {SIDES[0]: list(_by_transformers(greedy, asked))}
    with tempfile.TemporaryDirectory(prefix="stepwell-parity-") as scratch:
        adapter, plain = Path(scratch) / "adapter.gguf", Path(scratch) / "base.gguf"
        write_adapter(trained.folder, base, adapter, name="parity", precision=precision)
        write_merged(base, plain, precision="f32")
        for side, model in zip(SIDES[1:], (plain, base), strict=True):
            by_side[side] = _by_llama(asked, model, adapter, n_threads, is_exact=model == plain)
    return _parity(by_side, asked, greedy.text, dataset)


def _asked(greedy: Greedy, examples: tuple[Example, ...], n_tokens: int, on_done: OnDone | None) -> _Asked:
    n_done = iter(range(1, len(SIDES) * len(examples) + 1))

    def tell() -> None:
        if on_done is not None:
            on_done(next(n_done), len(SIDES) * len(examples))

    prompts = tuple(greedy.chat.prompt_ids(e.messages) for e in examples)
    return _Asked(examples, prompts, n_tokens, tell)


def _by_transformers(greedy: Greedy, asked: _Asked) -> Iterator[tuple[int, ...]]:
    for at in range(0, len(asked.examples), greedy.batch_size):
        batch = asked.examples[at : at + greedy.batch_size]
        for ids in greedy.ids([e.messages for e in batch], asked.n_tokens):
            asked.tell()
            yield tuple(ids)


def _by_llama(asked: _Asked, model: Path, adapter: Path, n_threads: int, *, is_exact: bool) -> Outputs:
    outputs = []
    with TokenServer(
        model, adapter, is_exact=is_exact, window_tokens=asked.window_tokens, n_threads=n_threads
    ) as server:
        for prompt in asked.prompts:
            outputs.append(server.greedy(prompt, asked.n_tokens))
            asked.tell()
    return outputs


def _parity(
    by_side: Mapping[str, Outputs], asked: _Asked, text: Callable[[Sequence[int]], str], dataset: Dataset
) -> Parity:
    ours, exact, served = (by_side[side] for side in SIDES)
    name = scorer_of(dataset)
    scorer = SCORERS[SAME_LABEL if name == GRADED else name]
    scores = {
        side: {
            str(n): scorer.best(text(ids), (e.answer,))
            for n, (ids, e) in enumerate(zip(outputs, asked.examples, strict=True))
        }
        for side, outputs in by_side.items()
    }
    groups = {str(n): e.group for n, e in enumerate(asked.examples) if e.group}
    pairs = compare({side: scores[side] for side in SIDES[1:]}, clusters=groups, baseline=SIDES[1])
    apart = tuple(n for n, (a, b) in enumerate(zip(ours, exact, strict=True), start=1) if a != b)
    return Parity(
        n=len(ours),
        n_same=len(ours) - len(apart),
        n_same_served=sum(a == b for a, b in zip(exact, served, strict=True)),
        n_right={side: round(sum(s.values())) for side, s in scores.items()},
        loss=pairs[0],
        apart=apart,
    )
