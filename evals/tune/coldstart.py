"""Learn the shipped cold-start weights from recorded outcomes, and tell how they rank a source left out.

    python -m stepwell.evals.tune.coldstart mmlu.jsonl.gz ... --out coldstart.json

What separates questions in one source mostly doesn't in another: unconstrained heads (ridge on text features or
on MiniLM embeddings) rank a source left out worse than chance. What transfers is a handful of signs of work, each
with one direction, near equal weights (Dawes, "The robust beauty of improper linear models", 1979). So weights
may not be negative, and are shrunk to one common value rather than to zero.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.base.errors import BadRequest
from stepwell.evals.tune.measures import apgr
from stepwell.evals.tune.rows import Outcomes, read_outcomes
from stepwell.router.features import read_ask
from stepwell.router.policy.index import Index, Sign
from stepwell.router.policy.signs import LIST_REASONS, SIGNS, signs, without_opening
from stepwell.router.tasks import read_task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CLIP = 3.0
N_QUANTILES = 41

# weak -> strong as someone would set them up: clearly cheaper, clearly better (at least .06 in the mean)
PAIRS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "mmlu": (("weak", "strong"),),
    "mmlu_pro": (
        ("Mixtral-8x7B-Instruct-v0.1", "gemini-1.5-pro-002"),
        ("Meta-Llama-3_1-8B-Instruct", "Meta-Llama-3_1-70B-Instruct"),
        ("Phi-3-mini-4k-instruct", "gemini-1.5-pro-002"),
        ("Mistral-7B-Instruct-v0.2", "Meta-Llama-3_1-70B-Instruct"),
        ("Qwen1.5-7B-Chat", "Qwen1.5-72B-Chat"),
        ("Meta-Llama-3_1-8B-Instruct", "gemini-1.5-flash-002"),
    ),
    "llmrouter14": (
        ("mistral-7b-instruct-v0.3", "llama-3.1-nemotron-51b-instruct"),
        ("mistral-7b-instruct-v0.3", "llama-3.3-nemotron-super-49b-v1"),
        ("gemma-2-9b-it", "llama-3.1-nemotron-51b-instruct"),
        ("llama-3.1-8b-instruct", "llama-3.1-nemotron-51b-instruct"),
    ),
    "zeroeval_math-l5": (
        ("gpt-4o-mini-2024-07-18", "o1-mini-2024-09-12"),
        ("Meta-Llama-3.1-8B-Instruct", "Llama-3.1-405B-Inst@sambanova"),
        ("gemma-2-9b-it", "gemini-1.5-pro"),
        ("gpt-4o-mini-2024-07-18", "o1-preview-2024-09-12"),
        ("Qwen2.5-7B-Instruct", "Qwen2.5-72B-Instruct"),
        ("claude-3-haiku-20240307", "claude-3-5-sonnet-20241022"),
        ("gpt-3.5-turbo-0125", "gpt-4o-2024-08-06"),
    ),
    "alpaca_eval2": (
        ("vicuna-7b-v1.5", "gpt4_1106_preview"),
        ("gpt-3.5-turbo-1106", "gpt4_1106_preview"),
        ("Mixtral-8x7B-Instruct-v0.1_concise", "gpt4_1106_preview"),
        ("vicuna-7b", "claude-2"),
        ("OpenHermes-2.5-Mistral-7B", "gpt4_1106_preview"),
        ("vicuna-7b-v1.5", "claude-2.1"),
        ("FuseChat-Llama-3.2-1B-Instruct", "FuseChat-Gemma-2-9B-Instruct"),
        ("alpaca-7b", "claude"),
    ),
}
LICENCES: Mapping[str, str] = {
    "mmlu": "Apache-2.0 (lm-sys/RouteLLM)",
    "mmlu_pro": "Apache-2.0 (TIGER-AI-Lab/MMLU-Pro)",
    "llmrouter14": "MIT (ulab-uiuc/LLMRouter)",
    "zeroeval_math-l5": "Apache-2.0 (WildEval/ZeroEval)",
    "alpaca_eval2": "Apache-2.0 (tatsu-lab/alpaca_eval)",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One data set, ready to learn from.

    Attributes:
        values: Signs of each prompt, shape (n, len(SIGNS)).
        n_chars: Shape (n,).
        weak, strong: Scores by pair of tiers, NaN where one did not answer, shape (n, pairs).
    """

    name: str
    values: Floats
    n_chars: Floats
    weak: Floats
    strong: Floats
    sha256: str = ""

    def gains(self) -> Floats:
        """Mean gain over the pairs: one pair is noisy, and not the pair that will be asked. Shape (n,)."""
        gain = self.strong - self.weak
        mean: Floats = np.nansum(gain, axis=1) / np.maximum((~np.isnan(gain)).sum(axis=1), 1)
        return mean

    def mean_apgr(self, need: Floats) -> float:
        """APGR of a ranking, the mean over the pairs."""
        whole = ~np.isnan(self.strong - self.weak)
        columns = range(self.weak.shape[1])
        return float(
            np.mean(
                [apgr(need[w], self.weak[w, j], self.strong[w, j]) for j in columns for w in [whole[:, j]]]
            )
        )


def read_source(path: Path, pairs: Mapping[str, Sequence[tuple[str, str]]] = PAIRS) -> Source:
    """Read one file of outcome rows.

    Raises:
        BadRequest: A row is wrong, or there are no pairs for its data set.
    """
    name = read_outcomes(path).sources[0]
    if name not in pairs:
        raise BadRequest(f"No pairs of tiers are known for the data set {name!r}.", param="dataset")
    named = list(dict.fromkeys(tier for pair in pairs[name] for tier in pair))
    return make_source(
        name, read_outcomes(path, named), pairs[name], hashlib.sha256(path.read_bytes()).hexdigest()
    )


def make_source(name: str, rows: Outcomes, pairs: Sequence[tuple[str, str]], sha256: str = "") -> Source:
    """Signs and paired scores of outcome rows."""
    at = {tier: j for j, tier in enumerate(rows.tiers)}
    return Source(
        name,
        sign_matrix(rows.prompts),
        np.array([float(len(p)) for p in rows.prompts]),
        rows.scores[:, [at[weak] for weak, _ in pairs]],
        rows.scores[:, [at[strong] for _, strong in pairs]],
        sha256,
    )


def sign_matrix(prompts: Sequence[str]) -> Floats:
    """Signs of every prompt, shape (n, len(SIGNS))."""
    found = []
    for prompt in prompts:
        ask = without_opening(read_ask(prompt))
        found.append(signs(ask, read_task(ask)))
    return np.array(found, dtype=np.float64).reshape(len(prompts), len(SIGNS))


def learn_index(
    sources: Sequence[Source], *, shrink: float = 5.0, common: float = 0.05, listed: float = 0.1
) -> Index:
    """Learn weights; every source counts the same, whatever its size, and is centred by itself.

    Args:
        shrink: How strongly weights keep to the common one, in units of one sign's variance.
        common: For signs of the whole text, which all grow with its length.
        listed: For word lists, which don't: so both kinds of signs have a like share in the index.
    """
    mean = np.mean([s.values.mean(axis=0) for s in sources], axis=0)
    sd = np.sqrt(np.mean([s.values.var(axis=0) for s in sources], axis=0)) + 1e-6
    k = len(SIGNS)
    prior = np.array([listed if name in LIST_REASONS else common for name in SIGNS])
    gram, aim = shrink * np.eye(k), shrink * prior
    for source in sources:
        x = _scaled(source.values, mean, sd)
        x = x - x.mean(axis=0)
        y = source.gains()
        y = (y - y.mean()) / (y.std() or 1.0)
        gram = gram + x.T @ x / (len(y) * len(sources))
        aim = aim + x.T @ y / (len(y) * len(sources))
    weight = _non_negative(gram, aim)
    found = tuple(
        Sign(n, round(float(m), 6), round(float(s), 6), round(float(w), 6))
        for n, m, s, w in zip(SIGNS, mean, sd, weight, strict=True)
    )
    return Index(found, _quantiles(found, sources))


def score(index: Index, values: Floats) -> Floats:
    """The index of every row."""
    mean, sd, weight = (np.array([getattr(s, f) for s in index.signs]) for f in ("mean", "sd", "weight"))
    total: Floats = _scaled(values, mean, sd) @ weight
    return total


def leave_one_out(sources: Sequence[Source]) -> dict[str, dict[str, float]]:
    """APGR on each source of an index learnt on the others, beside prompt length and the heuristic's difficulty."""
    at = SIGNS.index("kind")
    found = {}
    for source in sources:
        index = learn_index([s for s in sources if s is not source])
        found[source.name] = {
            "index": source.mean_apgr(score(index, source.values)),
            "length": source.mean_apgr(source.n_chars),
            "heuristic": source.mean_apgr(source.values[:, at]),
        }
    return found


def build(paths: Sequence[Path]) -> Index:
    """The index that ships, with its card. Deterministic."""
    sources = sorted((read_source(path) for path in paths), key=lambda s: s.name)
    left_out = leave_one_out(sources)
    card: dict[str, object] = {
        "note": "word lists, directions and the two common weights were chosen with all sources in view, so the "
        "figures for a source left out are optimistic",
        "command": "python -m stepwell.evals.tune.coldstart FILES --out coldstart.json",
        "data": [
            {
                "name": s.name,
                "rows": len(s.values),
                "pairs": s.weak.shape[1],
                "licence": LICENCES.get(s.name, "unknown"),
                "sha256": s.sha256,
            }
            for s in sources
        ],
        "holds": "weights, means and quantiles; no text of the data",
        "apgr_source_left_out": {n: {k: round(v, 3) for k, v in row.items()} for n, row in left_out.items()},
    }
    return msgspec.structs.replace(learn_index(sources), card=card)


def _scaled(values: Floats, mean: Floats, sd: Floats) -> Floats:
    clipped: Floats = np.clip((values - mean) / sd, -CLIP, CLIP)
    return clipped


def _non_negative(gram: Floats, aim: Floats, *, n_rounds: int = 500) -> Floats:
    """Least squares with no weight under zero, by coordinate descent."""
    weight = np.zeros(len(aim))
    for _ in range(n_rounds):
        for j in range(len(aim)):
            rest = aim[j] - gram[j] @ weight + gram[j, j] * weight[j]
            weight[j] = max(0.0, rest / gram[j, j])
    return weight


def _quantiles(found: tuple[Sign, ...], sources: Sequence[Source]) -> tuple[float, ...]:
    """Of a mixture in which every source has the same share; strictly rising."""
    grid = np.linspace(0, 1, 1001)
    index = Index(found, ())
    pooled = np.concatenate([np.quantile(score(index, s.values), grid) for s in sources])
    cuts = np.quantile(pooled, np.linspace(0, 1, N_QUANTILES))
    rising = np.maximum.accumulate(cuts + 1e-6 * np.arange(N_QUANTILES))
    return tuple(round(float(c), 6) for c in rising)


def main(argv: Sequence[str] | None = None) -> None:
    """Write the weights and print how they rank sources left out."""
    parser = argparse.ArgumentParser(description="Learn the shipped cold-start weights.")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    index = build(args.files)
    args.out.write_bytes(msgspec.json.format(msgspec.json.encode(index), indent=1) + b"\n")
    table = index.card["apgr_source_left_out"]
    assert isinstance(table, dict)
    print(f"{'left out':20}{'index':>8}{'length':>8}{'heuristic':>11}")
    for name, row in table.items():
        print(f"{name:20}{row['index']:8.3f}{row['length']:8.3f}{row['heuristic']:11.3f}")
    columns = [[row[k] for row in table.values()] for k in ("index", "length", "heuristic")]
    print(f"{'mean':20}" + "".join(f"{np.mean(c):{w}.3f}" for c, w in zip(columns, (8, 8, 11), strict=True)))


if __name__ == "__main__":
    main()
