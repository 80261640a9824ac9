"""The scorer "similarity": how near an answer comes to the nearest target, as the house's embedder sees it.

The cosine, clipped to 0..1; with {"min_similarity": 0.8} in a row's options it is 1 from there on, and 0 below. Good
for short texts that may be worded freely; near is not right, so numbers and negations want another scorer.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import msgspec

from stepwell.base.config.context import EmbeddingConfig
from stepwell.base.embedding import Embedder, embedder_name, load_embedder, on_worker
from stepwell.base.errors import ConfigError
from stepwell.evals.scored import Scored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.evals.suite import Row

MAX_BATCH = 32
MAX_TARGETS_KEPT = 4096


class SimilarityOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of the scorer "similarity": from which cosine an answer is right; None: the cosine is the score."""

    min_similarity: Annotated[float, msgspec.Meta(gt=0, le=1)] | None = None


_decode = msgspec.json.Decoder(SimilarityOptions).decode


def options_fault(options: Mapping[str, object]) -> str | None:
    """What is wrong with the options that a row gives, or None."""
    try:
        msgspec.convert(dict(options), SimilarityOptions)
    except msgspec.ValidationError:
        return "similarity wants a min_similarity above 0 and up to 1, or nothing"
    return None


class SimilarityScorer:
    """Compares vectors. Samples that wait at the same time are embedded in one go.

    Args:
        config: Names the embedder; None: the shipped one.
    """

    def __init__(self, config: EmbeddingConfig | None = None) -> None:
        self._config = config or EmbeddingConfig()
        self._embedder: Embedder | None = None
        self._kept: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._waiting: dict[str, asyncio.Future[NDArray[np.float32]]] = {}
        self._batching: asyncio.Task[None] | None = None

    async def score(self, row: Row, answers: Sequence[str]) -> Scored:
        """The cosine to the nearest target, or whether it is near enough. An empty answer is near to nothing."""
        answer = answers[-1].strip()
        if not answer:
            return Scored(0.0)
        try:
            vectors = await asyncio.gather(*(self._vector(t) for t in (answer, *row.targets)))
        except ConfigError as e:
            return Scored(None, error=e.code, why="no embedder")
        except Exception as e:  # noqa: BLE001 - the embedder may be a plug-in
            return Scored(None, error="scorer_failed", why=type(e).__name__)
        for target, vector in zip(row.targets, vectors[1:], strict=True):
            self._keep(target, vector)
        cosine = max(float(vectors[0] @ target) for target in vectors[1:])
        least = _decode(row.options_json).min_similarity
        score = min(1.0, max(0.0, cosine)) if least is None else float(cosine >= least)
        return Scored(
            round(score, 6), {} if least is None else {"similarity": round(min(1.0, max(0.0, cosine)), 6)}
        )

    def key(self, row: Row) -> str:
        """The embedder's name, which changes with its weights."""
        return embedder_name(self._config)

    async def close(self) -> None:
        """Give up what waits, and let go of the embedder."""
        if self._batching is not None:
            self._batching.cancel()
        for future in self._waiting.values():
            future.cancel()
        self._waiting.clear()
        self._kept.clear()
        self._embedder = None

    async def _vector(self, text: str) -> NDArray[np.float32]:
        kept = self._kept.get(text)
        if kept is not None:
            return kept
        future = self._waiting.get(text)
        if future is None:
            future = self._waiting[text] = asyncio.get_running_loop().create_future()
        if self._batching is None or self._batching.done():
            self._batching = asyncio.create_task(self._embed_waiting())
        # a sample that is given up must not take the vector from another
        return await asyncio.shield(future)

    async def _embed_waiting(self) -> None:
        while self._waiting:
            batch = dict(list(self._waiting.items())[:MAX_BATCH])
            texts = list(batch)
            try:
                vectors = await on_worker(lambda texts=texts: self._embed(texts))  # type: ignore[misc]
            except Exception as e:  # noqa: BLE001 - the embedder may be a plug-in; whoever waits gets its error
                for future in batch.values():
                    _fail(future, e)
            else:
                for future, vector in zip(batch.values(), vectors, strict=True):
                    if not future.done():
                        future.set_result(vector)
            for text in texts:
                self._waiting.pop(text, None)

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if self._embedder is None:
            self._embedder = load_embedder(self._config)
        return self._embedder.embed(texts)

    def _keep(self, target: str, vector: NDArray[np.float32]) -> None:
        """Targets come again, for each arm and repeat."""
        self._kept[target] = vector
        self._kept.move_to_end(target)
        if len(self._kept) > MAX_TARGETS_KEPT:
            self._kept.popitem(last=False)


def _fail(future: asyncio.Future[NDArray[np.float32]], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # seen: nobody may be waiting any more
