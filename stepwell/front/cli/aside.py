"""A configuration for what measures: it leaves nothing in the stores of those who serve."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepwell.base.config import Config


def aside(config: Config) -> Config:
    """What is measured is no traffic: it leaves nothing in logs, feedback, reviews, conversations and the cache."""
    from stepwell.base.config import CacheConfig, FeedbackConfig, TrafficConfig
    from stepwell.base.config.guards import AuditConfig, MasksConfig, ReviewConfig

    context = config.context.model_copy(update={"path": None, "redis_url_env": None})
    stores = {"audit": AuditConfig(), "masks": MasksConfig(), "review": ReviewConfig()}
    guards = config.guards.model_copy(update=stores)
    quiet = {
        "cache": CacheConfig(exact=False, semantic="off"),
        "context": context,
        "feedback": FeedbackConfig(),
        "guards": guards,
        "traffic": TrafficConfig(),
    }
    return config.model_copy(update=quiet)


def unasked(config: Config) -> Config:
    """As `aside`, for work that asks no tier: it does not open the ledger either."""
    unpaid = {"ledger_path": None, "ledger_redis_url_env": None}
    promises = config.promises.model_copy(update=unpaid)
    return aside(config).model_copy(update={"promises": promises})
