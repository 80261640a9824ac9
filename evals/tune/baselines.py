"""What every router must beat: chance, prompt length, LiteLLM's heuristics; and RouteLLM's published figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Published(msgspec.Struct, frozen=True):
    """A figure from a paper, for the data set that it names."""

    router: str
    dataset: str
    cpt50: float
    cpt80: float
    apgr: float


ROUTELLM_SOURCE = "RouteLLM, arXiv 2406.18665v4, GPT-4 / Mixtral-8x7B, best training data"
ROUTELLM = tuple(
    Published(f"RouteLLM {router}", dataset, *figures)
    for router, by_dataset in {
        "matrix factorisation": {"mmlu": (0.355, 0.714, 0.597), "gsm8k": (0.388, 0.726, 0.565)},
        "SW ranking": {"mmlu": (0.354, 0.716, 0.603), "gsm8k": (0.412, 0.722, 0.568)},
        "BERT": {"mmlu": (0.413, 0.722, 0.572), "gsm8k": (0.448, 0.791, 0.531)},
        "causal LLM 8B": {"mmlu": (0.355, 0.703, 0.600), "gsm8k": (0.336, 0.633, 0.622)},
    }.items()
    for dataset, figures in by_dataset.items()
)


def length(prompts: Sequence[str]) -> Floats:
    """Characters of each prompt: the need of the strong tier, where length alone decides."""
    return np.array([float(len(p)) for p in prompts])


def chance(ids: Sequence[str]) -> Floats:
    """0..1 from a hash of each id: the same row, the same draw."""
    draws = [int.from_bytes(blake2b(i.encode("utf-8", "replace"), digest_size=8).digest()) for i in ids]
    return np.array(draws, dtype=np.float64) / 2**64


def litellm_heuristics(prompts: Sequence[str]) -> dict[str, Floats]:
    """Scores and tiers of LiteLLM's complexity router, by name; what the installed version lacks is left out.

    Its heuristic gives a score, its v2 a probability that the simplest tier does; both also name a tier, 0..3.
    """
    found: dict[str, Floats] = {}
    for name, make in (("LiteLLM heuristic", _heuristic), ("LiteLLM heuristic v2", _heuristic_v2)):
        try:
            read = make()
        except (ImportError, AttributeError, TypeError, ValueError):  # it is not a public interface
            continue
        both = np.array([read(p) for p in prompts], dtype=np.float64).reshape(len(prompts), 2)
        found[f"{name}, score"], found[f"{name}, tier"] = both.T
    return found


def _heuristic() -> Callable[[str], tuple[float, float]]:
    _litellm()
    from litellm.router_strategy.complexity_router.complexity_router import ComplexityRouter

    tiers = ("SIMPLE", "MEDIUM", "COMPLEX", "REASONING")
    config = {"tiers": {t: t.lower() for t in tiers}}
    nobody: Any = None  # scoring asks no model
    router = ComplexityRouter("auto", nobody, config)

    def read(prompt: str) -> tuple[float, float]:
        tier, score, _ = router.classify(prompt)
        return float(score), float(tiers.index(tier.value))

    return read


def _heuristic_v2() -> Callable[[str], tuple[float, float]]:
    _litellm()
    from litellm.router_strategy.adaptive_router.classifier import classify_prompt
    from litellm.router_strategy.complexity_router.config import ComplexityRouterConfig
    from litellm.router_strategy.complexity_router.tier_predictor import (
        TierSuccessPredictor,
        resolve_tier_artifact,
    )

    predictor = TierSuccessPredictor(resolve_tier_artifact(ComplexityRouterConfig().heuristic_v2_artifact))

    def read(prompt: str) -> tuple[float, float]:
        said = predictor.predict(prompt, classify_prompt(prompt))
        return -float(said.probabilities[1]), float(said.required_tier - 1)

    return read


def _litellm() -> Any:
    from stepwell.router.tiers.litellm import load

    return load()
