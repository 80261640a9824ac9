"""What a policy learnt from, without a word of it: so that new outcomes refine it instead of starting over."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stepwell.base.errors import ConfigError
from stepwell.evals.tune.rows import Outcomes
from stepwell.router.learned.inputs import Inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.evals.tune.fitted import Choices

_FILE = "lesson.npz"


@dataclass(frozen=True, slots=True)
class Lesson:
    """The rows that a policy learnt from, as arrays.

    Attributes:
        outcomes: Without prompts and answers.
        choices: The best variant of each head, by cross-validation.
    """

    outcomes: Outcomes
    inputs: Inputs
    choices: Choices

    @classmethod
    def of(cls, outcomes: Outcomes, inputs: Inputs, choices: Choices) -> Lesson:
        """Of rows that were just learnt; their texts are left out."""
        n = len(outcomes)
        return cls(replace(outcomes, prompts=[""] * n, answers=[{}] * n), inputs, choices)

    def with_rows(self, outcomes: Outcomes, inputs: Inputs) -> Lesson:
        """Old rows and new ones; of rows with the same id the new one counts."""
        fresh = set(outcomes.ids)
        kept = np.array([i for i, of in enumerate(self.outcomes.ids) if of not in fresh], dtype=np.intp)
        return Lesson.of(
            _joined(self.outcomes.take(kept), outcomes), _both(self.inputs.take(kept), inputs), self.choices
        )

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write lesson.npz beside the policy, for its owner alone.

        No text, but hashed words that a dictionary can partly undo: treat it as private.
        """
        o, x = self.outcomes, self.inputs
        arrays: dict[str, NDArray[np.generic]] = {
            "ids": np.array(o.ids, dtype=np.str_),
            "domains": np.array(o.domains, dtype=np.str_),
            "sources": np.array(o.sources, dtype=np.str_),
            "tiers": np.array(o.tiers, dtype=np.str_),
            "scores": o.scores,
            "out_tokens": o.out_tokens,
            "cost_usd": o.cost_usd,
            "n_input_tokens": o.n_input_tokens,
            "traits": x.traits,
            "words": np.concatenate([*x.words, np.zeros(0, np.intp)]).astype(np.uint16),
            "word_ends": np.cumsum([len(of) for of in x.words]),
            "choices": np.array(list(self.choices.values())),
            "heads": np.array(list(self.choices), dtype=np.str_),
        }
        if x.vectors is not None:
            arrays["vectors"] = x.vectors
        to = Path(folder) / _FILE
        to.touch(mode=0o600)
        to.chmod(0o600)
        with to.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)


def load_lesson(folder: str | os.PathLike[str]) -> Lesson:
    """Read what `Lesson.save` wrote.

    Raises:
        ConfigError: There is none, or it is damaged.
    """
    try:
        with np.load(Path(folder) / _FILE, allow_pickle=False) as file:
            return _read({name: file[name] for name in file.files})
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as e:
        raise ConfigError(
            f"{Path(folder) / _FILE} can't be read ({type(e).__name__}): tune from all rows"
        ) from e


def _read(a: dict[str, NDArray[np.generic]]) -> Lesson:
    n = len(a["ids"])
    outcomes = Outcomes(
        ids=[str(v) for v in a["ids"]],
        prompts=[""] * n,
        domains=[str(v) for v in a["domains"]],
        sources=[str(v) for v in a["sources"]],
        tiers=tuple(str(v) for v in a["tiers"]),
        scores=a["scores"].astype(np.float64),
        out_tokens=a["out_tokens"].astype(np.float64),
        cost_usd=a["cost_usd"].astype(np.float64),
        n_input_tokens=a["n_input_tokens"].astype(np.float64),
        answers=[{}] * n,
    )
    words = np.split(a["words"].astype(np.intp), a["word_ends"][:-1].astype(np.intp))
    vectors = a["vectors"].astype(np.float32) if "vectors" in a else None
    choices = {
        str(h): (int(at[0]), int(at[1])) for h, at in zip(a["heads"], a["choices"].astype(int), strict=True)
    }
    return Lesson(outcomes, Inputs(a["traits"].astype(np.float32), words, vectors), choices)


def _joined(a: Outcomes, b: Outcomes) -> Outcomes:
    return Outcomes(
        ids=a.ids + b.ids,
        prompts=a.prompts + b.prompts,
        domains=a.domains + b.domains,
        sources=a.sources + b.sources,
        tiers=a.tiers,
        scores=np.concatenate([a.scores, b.scores]),
        out_tokens=np.concatenate([a.out_tokens, b.out_tokens]),
        cost_usd=np.concatenate([a.cost_usd, b.cost_usd]),
        n_input_tokens=np.concatenate([a.n_input_tokens, b.n_input_tokens]),
        answers=[*a.answers, *b.answers],
    )


def _both(a: Inputs, b: Inputs) -> Inputs:
    vectors = None if a.vectors is None or b.vectors is None else np.concatenate([a.vectors, b.vectors])
    return Inputs(np.concatenate([a.traits, b.traits]), [*a.words, *b.words], vectors)
