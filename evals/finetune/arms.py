"""What a fine-tuned model is measured against, as tiers of a configuration that does nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stepwell.base.config import CacheConfig, Config, DeploymentConfig, RoutingConfig, TierConfig
from stepwell.base.config.context import ContextConfig
from stepwell.base.config.guards import GuardsConfig
from stepwell.base.config.promises import PromisesConfig
from stepwell.base.errors import ConfigError
from stepwell.evals.arms import Arm
from stepwell.evals.finetune.figures import ADAPTER, BASE, BASE_SCHEMA, head_arm, rivals
from stepwell.router.tiers import weights
from stepwell.router.tiers.bundle import Bundle

ROOM_TOKENS = 256


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked, and how.

    Attributes:
        config: A tier for each model.
        arms: The base twice where there is a schema: as it is, and held to it.
        local: Tiers on this machine.
    """

    config: Config
    arms: tuple[Arm, ...]
    local: tuple[str, ...]

    def model(self, arm: Arm) -> str:
        return self.config.tiers[arm.tier or ""].deployments[0].model


def make_asked(
    bundle: Bundle,
    heads: Sequence[Bundle],
    config: Config,
    *,
    tiers: Sequence[str] = (),
    judge: str | None = None,
    base: str | None = None,
    schema_json: str | None = None,
    n_threads: int = 1,
    timeout_s: float = 300.0,
) -> Asked:
    """The arms and the configuration that serves them: no cache, no guards, no limits but time.

    Args:
        config: The user's: named tiers, the judge and the embedder come from it.
        base: In place of the base that the bundle's card names.

    Raises:
        ConfigError: A tier is unknown, or has the name of an arm.
    """
    local = {BASE: _base(base or bundle.card.base), ADAPTER: _model(bundle)}
    local |= {head_arm(h.card.head): _model(h) for h in heads}
    for name in (*tiers, *([] if judge is None else [judge])):
        _check(name, config)
    made = {name: _tier(model, n_threads) for name, model in local.items()}
    made |= {name: config.tiers[name] for name in dict.fromkeys((*tiers, *([judge] if judge else [])))}
    arms = _local_arms(local, schema_json, bundle.card.max_output_tokens)
    arms += [Arm(name, tier=name) for name in tiers]
    return Asked(_quiet(config, made, timeout_s), tuple(arms), tuple(local))


def _local_arms(local: Mapping[str, str], schema_json: str | None, n_tokens: int | None) -> list[Arm]:
    # as much room as the adapter has: twice the longest answer, enough for one that is printed widely
    room = {"temperature": 0, "max_tokens": n_tokens or ROOM_TOKENS}
    made = [Arm(BASE, tier=BASE, params=room)]
    if schema_json is not None:
        shape = {"name": "answer", "schema": json.loads(schema_json), "strict": True}
        held = {"response_format": {"type": "json_schema", "json_schema": shape}}
        # a constrained model prints widely; it ends by itself, so that room costs little
        wide = {"max_tokens": 2 * (n_tokens or ROOM_TOKENS)}
        made.append(Arm(BASE_SCHEMA, tier=BASE, params={**room, **wide, **held}))
    return made + [Arm(n, tier=n, params={"temperature": 0}) for n in local if n != BASE]


def _check(name: str, config: Config) -> None:
    if name not in config.tiers:
        raise ConfigError(f"no tier {name!r} in the configuration; there are {', '.join(config.tiers)}")
    if name in (ADAPTER, *rivals([name])):
        raise ConfigError(f"a tier named {name!r} can't be measured: an arm has that name; rename the tier")


def _base(name: str) -> str:
    """The weights by their path: no name that something else may be promoted under."""
    path = weights.find(name)
    return f"local/{name if path is None else path.absolute()}"


def _model(bundle: Bundle) -> str:
    return f"local/{Path(bundle.folder).resolve()}"


def _tier(model: str, n_threads: int) -> TierConfig:
    return TierConfig(deployments=[DeploymentConfig(model=model, n_threads=n_threads)])


def _quiet(config: Config, tiers: dict[str, TierConfig], timeout_s: float) -> Config:
    # the run itself waits and asks again, and a slow machine is no error
    patient = {"max_retries": 0, "cooldown_s": 0.0, "timeout_s": max(timeout_s, config.dispatch.timeout_s)}
    return Config(
        tiers=tiers,
        promises=PromisesConfig(min_p_ok=0),
        routing=RoutingConfig(unknown_price_usd_per_1m=config.routing.unknown_price_usd_per_1m),
        guards=GuardsConfig(input=[], output=[]),
        cache=CacheConfig(exact=False, semantic="off"),
        context=ContextConfig(summary="off"),
        embedding=config.embedding,
        dispatch=config.dispatch.model_copy(update=patient),
    )
