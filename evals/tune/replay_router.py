"""`stepwell replay router`: what the router would decide for each row, and how much it needs the dearest tier."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from stepwell.base.config import Config, PromisesConfig, RoutingConfig
from stepwell.base.embedding import Embedder, RequestVector, embed_for_routing
from stepwell.base.errors import BadRequest, StepwellError
from stepwell.base.request import ChatRequest
from stepwell.base.tokens import estimate_text
from stepwell.router.decide import Router
from stepwell.router.features import last_ask
from stepwell.router.sizes import Sizes
from stepwell.router.tierinfo import TierInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.base.decisions import Decision

Asked = tuple[object, ChatRequest | BadRequest]
_decode_row: Callable[[str], dict[str, Any]] = msgspec.json.Decoder(dict[str, Any]).decode
_FIELDS = ("messages", "tools", "response_format", "max_tokens", "max_completion_tokens")
_FRAME_TOKENS = 4
_N_BATCH = 512
_WIDE_TOKENS = 10_000_000
_ALL = frozenset({"tools", "json_schema", "images", "logprobs"})


class Embedded(RequestVector):
    """A vector that is there already."""

    def __init__(self, vector: NDArray[np.float32] | None) -> None:
        super().__init__(None, "")
        self._made = vector

    async def get_for_routing(self, timeout_s: float) -> NDArray[np.float32] | None:
        return self._made


def learned_router(folder: str, config: Config, *, embedder: str) -> Router:
    """A router over a bundle's own tiers and prices, whatever `config` names: for replaying outcome rows.

    Raises:
        ConfigError: No bundle is there, or it reads vectors of another embedder.
    """
    from stepwell.router.learned.policy import Learned

    policy = Learned.load(folder, embedder=embedder)
    card = policy.bundle.card
    tiers = [
        replace(_tier(name, *card.usd_per_1m.get(name, (0.0, 0.0))), is_narrow=name in card.narrow)
        for name in card.tiers
    ]
    routing = RoutingConfig(
        target_share=config.routing.target_share, target_usd_per_day=config.routing.target_usd_per_day
    )
    return Router(routing, PromisesConfig(), tiers, policy=policy)


def cold_router(config: Config) -> Router:
    """The shipped cold start over the configured tiers, as if every key were set."""
    from stepwell.build import build
    from stepwell.router.policy.coldstart import ColdStart

    pipeline = build(config)
    infos = [replace(info, missing_key=None) for info in pipeline.router.tiers]
    asyncio.run(pipeline.close())
    promises = config.promises.model_copy(update={"below_floor": "flag"})
    return Router(config.routing, promises, infos, policy=ColdStart())


def _tier(name: str, usd_in: float, usd_out: float) -> TierInfo:
    return TierInfo(name, (name,), 0.5, _WIDE_TOKENS, None, _ALL, usd_in, None, usd_out, None, is_local=False)


class RouterReplay:
    """Decides rows, in batches where they must be embedded.

    Args:
        embedder: Loads the embedder; called where the policy reads vectors.
    """

    def __init__(self, router: Router, embedder: Callable[[], Embedder]) -> None:
        self._router = router
        self._embedder = embedder() if router.needs_vector else None

    def rows(self, lines: Iterable[str]) -> Iterator[dict[str, object]]:
        """A result for each row, in their order; a bad one says what is wrong with it, never its text.

        Args:
            lines: JSON Lines: {id?, prompt or messages, ...}; blank ones are skipped.

        Yields:
            {id, score, p_ok: {tier: p}, cost_usd: {tier: USD}, tier, novelty, reasons}; score is the need for a
            higher tier. `budget` where a share or dollars a day are held: each row moves it on, as if it had been
            answered at its expected cost. Where the router refused, tier is None and `error` has its code.
        """
        with asyncio.Runner() as runner:
            for batch in _batches(_read(lines), _N_BATCH):
                vectors = self._vectors([request for _, request in batch])
                for n, (name, request) in enumerate(batch):
                    vector = Embedded(None if vectors is None else vectors[n])
                    yield {"id": name} | runner.run(self._decide(request, vector))

    def _vectors(self, requests: Sequence[ChatRequest | BadRequest]) -> NDArray[np.float32] | None:
        if self._embedder is None:
            return None
        asks = ["" if isinstance(r, BadRequest) else last_ask(r.wire.messages) for r in requests]
        return embed_for_routing(self._embedder, asks)

    async def _decide(self, request: ChatRequest | BadRequest, vector: Embedded) -> dict[str, object]:
        if isinstance(request, BadRequest):
            return _refused(request)
        n_input = sum(estimate_text(m.text) + _FRAME_TOKENS for m in request.messages)
        try:
            decision = await self._router.decide(request, sizes=Sizes.of(n_input), vector=vector)
        except StepwellError as e:
            return _refused(e)
        chosen = decision.estimate(decision.tier)
        self._router.observe(decision, (chosen.cost_usd if chosen is not None else None) or 0.0)
        return _told(decision)


def _refused(e: StepwellError) -> dict[str, object]:
    return {
        "score": None,
        "p_ok": {},
        "cost_usd": {},
        "tier": None,
        "novelty": None,
        "reasons": [str(e)],
        "error": e.code,
    }


def _read(lines: Iterable[str]) -> Iterator[tuple[object, ChatRequest | BadRequest]]:
    """Every row's id and request; a line's number stands in for an id."""
    for n, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = _decode_row(line)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            yield n, BadRequest(f"Line {n} is not a JSON object.")
        else:
            yield row.get("id", n), _request(row)


def _batches(rows: Iterator[Asked], n: int) -> Iterator[list[Asked]]:
    while batch := list(itertools.islice(rows, n)):
        yield batch


def _request(row: Mapping[str, object]) -> ChatRequest | BadRequest:
    fields = {k: row[k] for k in _FIELDS if k in row}
    if "messages" not in fields:
        prompt = row.get("prompt")
        if not isinstance(prompt, str):
            return BadRequest("A row needs `prompt` (a text) or `messages`.", param="prompt")
        fields["messages"] = [{"role": "user", "content": prompt}]
    try:
        return ChatRequest.build(fields)
    except BadRequest as e:
        return e


def _told(decision: Decision) -> dict[str, object]:
    p_ok = {e.tier: e.p_ok for e in decision.estimates}
    row: dict[str, object] = {
        "score": _score(decision),
        "p_ok": p_ok,
        "cost_usd": {e.tier: e.cost_usd for e in decision.estimates},
        "tier": decision.tier,
        "novelty": decision.novelty,
        "reasons": list(decision.reasons),
    }
    return row | {"budget": decision.budget} if decision.budget else row


def _score(decision: Decision) -> float | None:
    """What ranks rows by their need: the gain expected of the dearest tier, or the cold start's own rank."""
    if decision.policy == "learned":
        first, last = decision.estimates[0].p_ok, decision.estimates[-1].p_ok
        return None if first is None or last is None else last - first
    return decision.need
