"""Config: all sections, from YAML or Python."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, model_validator

from stepwell.base.config.cache import CacheConfig
from stepwell.base.config.context import ContextConfig, EmbeddingConfig
from stepwell.base.config.dispatch import DispatchConfig
from stepwell.base.config.feedback import FeedbackConfig
from stepwell.base.config.finetune import FinetuneConfig
from stepwell.base.config.guards import GuardsConfig
from stepwell.base.config.promises import PromisesConfig
from stepwell.base.config.routing import RoutingConfig
from stepwell.base.config.section import Section
from stepwell.base.config.server import ServerConfig, TelemetryConfig
from stepwell.base.config.tiers import DeploymentConfig, TierConfig
from stepwell.base.config.traffic import TrafficConfig
from stepwell.base.errors import ConfigError


def _default_tiers() -> dict[str, TierConfig]:
    models = {
        "premium": "openai/gpt-4.1",
        "standard": "openai/gpt-4.1-mini",
        "local": "local/smollm2-135m-instruct",
    }
    return {name: TierConfig(deployments=[DeploymentConfig(model=m)]) for name, m in models.items()}


class Config(Section):
    """Everything that Stepwell can be told. `Config()` is the embedded default: three tiers."""

    tiers: dict[str, TierConfig] = Field(default_factory=_default_tiers, min_length=1)
    promises: PromisesConfig = Field(default_factory=PromisesConfig)
    routing: RoutingConfig = Field(default_factory=RoutingConfig)
    guards: GuardsConfig = Field(default_factory=GuardsConfig)
    cache: CacheConfig = Field(default_factory=CacheConfig)
    context: ContextConfig = Field(default_factory=ContextConfig)
    embedding: EmbeddingConfig = Field(default_factory=EmbeddingConfig)
    dispatch: DispatchConfig = Field(default_factory=DispatchConfig)
    feedback: FeedbackConfig = Field(default_factory=FeedbackConfig)
    server: ServerConfig = Field(default_factory=ServerConfig)
    telemetry: TelemetryConfig = Field(default_factory=TelemetryConfig)
    traffic: TrafficConfig = Field(default_factory=TrafficConfig)
    finetune: FinetuneConfig = Field(default_factory=FinetuneConfig)

    @model_validator(mode="after")
    def _tiers_exist(self) -> Config:
        named = [(f"routing.rules.{r.name}", r.pin or r.min_tier) for r in self.routing.rules]
        named += [("routing.baseline_tier", self.routing.baseline_tier), *self.guards.named_tiers()]
        for where, tier in named:
            if tier is not None and tier not in self.tiers:
                raise ValueError(f"{where} names tier {tier!r}; there are {', '.join(self.tiers)}")
        for name in self.tiers:
            if name == "auto" or not name.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"{name!r} can't name a tier: use letters, digits, - and _, and not 'auto'")
        return self

    @classmethod
    def make(cls, values: Mapping[str, Any] | None = None) -> Config:
        """Validate plain values.

        Raises:
            ConfigError: Names each wrong key, the nearest known one, and what was expected; shows no value.
        """
        try:
            return cls.model_validate(dict(values or {}))
        except ValidationError as e:
            raise ConfigError("\n".join(_explain(cls, err) for err in e.errors())) from None

    @classmethod
    def from_yaml(cls, path: str | Path) -> Config:
        """Read one YAML file.

        Raises:
            ConfigError: No such file, not YAML, or not valid.
        """
        try:
            values = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except OSError as e:
            raise ConfigError(f"{path}: {e.strerror}") from e
        except (yaml.YAMLError, UnicodeDecodeError) as e:
            mark = getattr(e, "problem_mark", None)
            where = f", line {mark.line + 1}" if mark else ""
            raise ConfigError(f"{path}{where}: not valid YAML") from e
        if values is None:
            values = {}
        if not isinstance(values, dict):
            raise ConfigError(f"{path}: expected a mapping of sections, got {type(values).__name__}")
        try:
            return cls.make(values)
        except ConfigError as e:
            raise ConfigError(f"{path}: {e}") from None


def _explain(model: type[BaseModel], err: Any) -> str:
    loc = [str(p) for p in err["loc"]]
    path = ".".join(loc)
    if err["type"] == "extra_forbidden":
        known = _known_keys(model, loc[:-1])
        near = difflib.get_close_matches(loc[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(sorted(known))}"
        if "options" in known:
            hint += f"; what a check itself takes stands under its options: {{options: {{{loc[-1]}: …}}}}"
        return f"{path}: unknown key; {hint}"
    return f"{path}: {err['msg']}" if path else err["msg"]


def _known_keys(model: type[BaseModel], path: list[str]) -> list[str]:
    for step in path:
        field = model.model_fields.get(step)
        # at a dict's key or a list's index the model stays
        found = _model_in(field.annotation) if field is not None else model
        if found is None:
            return []
        model = found
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for a in get_args(annotation) if (m := _model_in(a)) is not None), None)
