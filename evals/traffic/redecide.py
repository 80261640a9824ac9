"""Every logged request decided again, by another policy, as it would be served: from its text or its features."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.base.config import Config, PromisesConfig, RoutingConfig
from stepwell.base.embedding import Embedder, embed_for_routing
from stepwell.base.errors import BadRequest, StepwellError
from stepwell.base.request import ChatRequest
from stepwell.base.tokens import estimate_text
from stepwell.evals.traffic.features import Features, features_of
from stepwell.evals.tune.replay_router import Embedded
from stepwell.router.decide import Router
from stepwell.router.features import last_ask
from stepwell.router.learned.policy import Learned
from stepwell.router.sizes import Sizes
from stepwell.router.tierinfo import TierInfo
from stepwell.traffic_line import Logged, Needs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.base.decisions import Decision
    from stepwell.router.features import Ask
    from stepwell.router.policy.base import Estimates

Prices = Mapping[str, tuple[float, float]]
_HITS = ("hit", "semantic_hit")
# a request was kept from these tiers, whatever its policy said
_KEPT_FROM = ("rule", "keep_to")
_FRAME_TOKENS = 4
_N_BATCH = 256
_TIMEOUT_S = 600.0
_WIDE_TOKENS = 10_000_000
_ALL = frozenset({"tools", "json_schema", "images", "logprobs"})


@dataclass(frozen=True, slots=True)
class Redecided:
    """One logged request and where the new policy would send it.

    Attributes:
        old: The logged policy's own choice.
        new: None where it can't be said: `why_not`.
        p_ok, expected_usd: By tier, as the new policy's router sees them.
        features: What was read of the ask.
    """

    row: Logged
    old: str
    new: str | None
    why_not: str = ""
    p_ok: Mapping[str, float] = field(default_factory=dict)
    expected_usd: Mapping[str, float] = field(default_factory=dict)
    features: Features | None = None

    @property
    def is_changed(self) -> bool:
        return self.new is not None and self.new != self.old


class FromFeatures(Learned):
    """A learned policy that can be given what was kept of an ask, in place of its text."""

    given: Features | None = None

    async def estimate(self, ask: Ask, tiers: Sequence[TierInfo]) -> Estimates:  # type: ignore[override]
        """Of the features that were given last; else of the ask."""
        if self.given is None:
            return super().estimate(ask, tiers)
        inputs = self.given.inputs
        return self.estimate_inputs(inputs if self.needs_vector else replace(inputs, vectors=None), tiers)


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """The policy to try, and the router that serves it.

    Attributes:
        learned: Where it is a tuned one; only that can decide without text.
        embedder: Name of what makes the vectors it reads; "" where it reads none.
    """

    name: str
    router: Router
    learned: FromFeatures | None = None
    embedder: str = ""


def learned_policy(folder: str, config: Config, *, embedder: str, prices: Prices | None = None) -> NewPolicy:
    """A tuned policy: over the configured tiers where it was tuned for them, else over its own tiers and prices.

    Raises:
        ConfigError: No policy is there, or it reads vectors of another embedder.
    """
    from stepwell.router.learned.bundle import load_bundle

    policy = FromFeatures(load_bundle(folder, embedder=embedder))
    card = policy.bundle.card
    infos = _configured(config) if set(card.tiers) == set(config.tiers) else _own(policy)
    infos = [_priced(info, prices or {}) for info in infos]
    given = {"policy_timeout_s": _TIMEOUT_S, "policy": "heuristic"}
    is_own = set(card.tiers) != set(config.tiers)
    routing = RoutingConfig.model_validate(given) if is_own else config.routing.model_copy(update=given)
    promises = PromisesConfig() if is_own else config.promises
    promises = promises.model_copy(update={"below_floor": "flag"})
    router = Router(routing, promises, infos, policy=policy)
    return NewPolicy(folder, router, policy, card.embedder)


def cold_policy(config: Config) -> NewPolicy:
    """The shipped cold start over the configured tiers."""
    from stepwell.evals.tune.replay_router import cold_router

    return NewPolicy("coldstart", cold_router(config))


def _configured(config: Config) -> list[TierInfo]:
    """The configured tiers as if every key were set."""
    from stepwell.build import build

    pipeline = build(config)
    infos = [replace(info, missing_key=None) for info in pipeline.router.tiers]
    asyncio.run(pipeline.close())
    return infos


def _own(policy: Learned) -> list[TierInfo]:
    card = policy.bundle.card
    return [
        replace(_wide(name, *card.usd_per_1m.get(name, (0.0, 0.0))), is_narrow=name in card.narrow)
        for name in card.tiers
    ]


def _wide(name: str, usd_in: float, usd_out: float) -> TierInfo:
    return TierInfo(name, (name,), 0.5, _WIDE_TOKENS, None, _ALL, usd_in, None, usd_out, None, is_local=False)


def _priced(info: TierInfo, prices: Prices) -> TierInfo:
    if info.name not in prices:
        return info
    usd_in, usd_out = prices[info.name]
    return replace(info, usd_per_1m_input=usd_in, usd_per_1m_output=usd_out)


def redecide(rows: Iterable[Logged], policy: NewPolicy, load: Callable[[], Embedder]) -> Iterator[Redecided]:
    """Decide each request that a policy decided before; pins, cache hits and failures before routing are left out.

    Args:
        load: Loads the embedder; called where a text must be embedded.
    """
    decided = (r for r in rows if r.is_decided and r.cache not in _HITS)
    loaded: list[Embedder] = []

    def embed(texts: list[str]) -> NDArray[np.float32]:
        if not loaded:
            loaded.append(load())
        return embed_for_routing(loaded[0], texts)

    with asyncio.Runner() as runner:
        while batch := list(itertools.islice(decided, _N_BATCH)):
            yield from _batch(batch, policy, embed, runner)


def _batch(
    batch: Sequence[Logged],
    policy: NewPolicy,
    embed: Callable[[list[str]], NDArray[np.float32]],
    runner: asyncio.Runner,
) -> Iterator[Redecided]:
    asks = [ask_of(row) for row in batch]
    texts = [i for i, ask in enumerate(asks) if isinstance(ask, str)]
    vectors: dict[int, NDArray[np.float32]] = {}
    if policy.router.needs_vector and texts:
        made = embed([str(asks[i]) for i in texts])
        vectors = {i: made[n] for n, i in enumerate(texts)}
    for i, row in enumerate(batch):
        ask = asks[i]
        features = features_of(row, ask, vectors.get(i)) if ask is not None or row.traits else None
        yield runner.run(_one(row, ask, features, policy))


def ask_of(row: Logged) -> str | None:
    """The last ask; None where there is no text."""
    if not row.messages:
        return None
    try:
        return last_ask(ChatRequest.build({"messages": row.messages}).messages) or None
    except BadRequest:
        return None


async def _one(row: Logged, ask: str | None, features: Features | None, policy: NewPolicy) -> Redecided:
    why_not = _why_not(ask, features, policy)
    if why_not:
        return Redecided(row, row.chosen, None, why_not, features=features)
    assert features is not None
    if policy.learned is not None:
        policy.learned.given = None if ask is not None else features
    vector = None if features.inputs.vectors is None else features.inputs.vectors[0]
    try:
        request = _request(row, ask, frozenset(t.name for t in policy.router.tiers))
        decision = await policy.router.decide(
            request, sizes=Sizes.of(_n_tokens(row)), vector=Embedded(vector)
        )
    except StepwellError as e:
        return Redecided(row, row.chosen, None, f"refused: {e.code}", features=features)
    return _redecided(row, decision, features)


def _why_not(ask: str | None, features: Features | None, policy: NewPolicy) -> str:
    if features is None:
        return "neither text nor features"
    if ask is not None:
        return ""
    if policy.learned is None:
        return "no text, and the policy reads it"
    if policy.router.needs_vector and features.embedder != policy.embedder:
        return "no vector of the policy's embedder"
    return ""


def _request(row: Logged, ask: str | None, names: frozenset[str]) -> ChatRequest:
    """The request, or one with what of it decides; its id stands in for the ask, which a mix draws by."""
    said: object = row.messages if ask is not None else [{"role": "user", "content": _content(row)}]
    request = ChatRequest.build({"messages": said, **_fields(row.needs)})
    barred = {t for t, state in row.states.items() if state in _KEPT_FROM}
    return request if not barred & names else msgspec.structs.replace(request, keep_to=names - barred)


def _content(row: Logged) -> object:
    if not row.needs.has_images:
        return row.id
    return [{"type": "text", "text": row.id}, {"type": "image_url", "image_url": {"url": "data:,"}}]


def _fields(needs: Needs) -> dict[str, object]:
    fields: dict[str, object] = {}
    if needs.max_tokens:
        fields["max_tokens"] = needs.max_tokens
    if needs.has_tools:
        fields["tools"] = [{"type": "function", "function": {"name": "tool"}}]
    if needs.response_format in ("json_object", "json_schema"):
        fields["response_format"] = {"type": needs.response_format}
    return fields


def _n_tokens(row: Logged) -> int:
    if row.n_input_tokens or row.in_tokens:
        return row.n_input_tokens or row.in_tokens
    texts = [str(m.get("content") or "") for m in row.messages]
    return sum(estimate_text(t) + _FRAME_TOKENS for t in texts)


def _redecided(row: Logged, decision: Decision, features: Features) -> Redecided:
    return Redecided(
        row,
        row.chosen,
        decision.tier,
        p_ok={e.tier: e.p_ok for e in decision.estimates if e.p_ok is not None},
        expected_usd={e.tier: e.cost_usd for e in decision.estimates if e.cost_usd is not None},
        features=features,
    )
