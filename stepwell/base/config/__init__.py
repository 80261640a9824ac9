"""The one configuration: a YAML file mirrored 1:1 by these models and by `Stepwell(...)`'s arguments."""

from stepwell.base.config.cache import CacheConfig
from stepwell.base.config.context import ContextConfig, EmbeddingConfig
from stepwell.base.config.dispatch import DispatchConfig
from stepwell.base.config.feedback import FeedbackConfig
from stepwell.base.config.guards import CheckConfig, GuardsConfig
from stepwell.base.config.promises import PromisesConfig
from stepwell.base.config.root import Config
from stepwell.base.config.routing import RoutingConfig, RuleConfig
from stepwell.base.config.server import KeyConfig, ServerConfig, TelemetryConfig
from stepwell.base.config.tiers import DeploymentConfig, TierConfig
from stepwell.base.config.traffic import TrafficConfig

__all__ = [
    "CacheConfig",
    "CheckConfig",
    "Config",
    "ContextConfig",
    "DeploymentConfig",
    "DispatchConfig",
    "EmbeddingConfig",
    "FeedbackConfig",
    "GuardsConfig",
    "KeyConfig",
    "PromisesConfig",
    "RoutingConfig",
    "RuleConfig",
    "ServerConfig",
    "TelemetryConfig",
    "TierConfig",
    "TrafficConfig",
]
