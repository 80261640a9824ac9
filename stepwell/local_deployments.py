"""Deployments on this machine: a GGUF, or a fine-tuned model of one's own, under the same spelling."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from stepwell.base.catalogue import ModelCard
from stepwell.base.config import DeploymentConfig
from stepwell.base.embedding import Embedder
from stepwell.base.errors import ConfigError
from stepwell.router.tiers import local, weights
from stepwell.router.tiers.adapters import adapters_folder, find_bundle, is_name
from stepwell.router.tiers.base import Backend
from stepwell.router.tiers.bundle import Bundle
from stepwell.router.tiers.head import HeadBackend
from stepwell.router.tiers.http import HttpBackend
from stepwell.router.tiers.local import LocalBackend
from stepwell.router.tiers.local_base import base_of
from stepwell.router.tiers.local_named import Named
from stepwell.router.tiers.local_servers import LocalServer, LocalServers

PREFIX = "local/"
_UNKNOWN_WINDOW_TOKENS = 2048
log = logging.getLogger("stepwell")


@dataclass(frozen=True, slots=True)
class Shared:
    """What the local deployments of one well have in common.

    Attributes:
        embedder: Gives the well's, and `embedder_name` names it.
    """

    servers: LocalServers
    embedder: Callable[[], Embedder]
    embedder_name: str


@dataclass(frozen=True, slots=True)
class LocalSays:
    """What a local deployment puts into every request.

    Attributes:
        model: What the body's `model` says.
        system: In place of the caller's system and developer messages; None: those stay.
        params: Fields that the caller may set.
        fixed: Fields that no caller sets.
    """

    model: str
    system: str | None
    params: Mapping[str, Any]
    fixed: Mapping[str, Any]
    default_output_tokens: int | None


class BrokenModel(ConfigError):
    """What a deployment names is not on the disk as it was made: other tiers may serve meanwhile."""

    @property
    def lacks(self) -> str:
        """What the tier lacks, in plain words and without this machine's paths."""
        said = str(self)
        for folder in (adapters_folder(), weights.folder()):
            said = said.replace(f"{folder}{os.sep}", "")
        return f"its model ({said})"


def bundle_of(d: DeploymentConfig) -> Bundle | None:
    """The fine-tuned model that a deployment names; None for any other.

    Raises:
        BrokenModel: It can't be used.
    """
    if not d.model.startswith(PREFIX):
        return None
    spec = d.model.removeprefix(PREFIX)
    try:
        return find_bundle(spec)
    except ConfigError as e:
        is_alias = is_name(spec) and (adapters_folder() / spec).is_dir()
        back = f"; `stepwell local rollback {spec}` goes back to the version before" if is_alias else ""
        raise BrokenModel(f"{e}{back}") from e


def broken_local(tier: str, broken: BrokenModel) -> Backend:
    """What stands for a deployment whose model can't be used."""
    return LocalBackend(tier=tier, server=None, connect=_nobody, lacks=broken.lacks)


def bundle_card(card: ModelCard, bundle: Bundle) -> ModelCard:
    """The catalogue's card for what a bundle can do: a head gives its own answers, and no log-probabilities."""
    if bundle.card.kind != "head":
        # no longer than it has learnt: the usual reserve would leave half of a small window to the prompt
        return replace(card, max_output_tokens=card.max_output_tokens or bundle.card.max_output_tokens)
    return replace(card, capabilities=card.capabilities - {"logprobs", "json_schema"})


def make_local(
    tier: str,
    d: DeploymentConfig,
    card: ModelCard,
    bundle: Bundle | None,
    shared: Shared,
    connect: Callable[[str, LocalSays], HttpBackend],
) -> tuple[Backend, str | None]:
    """The backend, and what it lacks in plain words.

    Args:
        connect: Makes the backend that speaks to a server, from its base URL.

    Raises:
        BrokenModel: The base's weights are not those that the model was made with.
        ConfigError: What the configuration says does not go with the model.
    """
    if bundle is not None:
        _look_at(tier, d, bundle)
        if bundle.card.kind == "head":
            return _head(tier, bundle, shared)
    path = _weights(d, bundle)
    lacks = local.missing(path)
    if path is None or lacks is not None:
        return LocalBackend(tier=tier, server=None, connect=_nobody, lacks=lacks), lacks
    server = shared.servers.of(path, n_threads=d.n_threads, max_memory_mb=d.max_memory_mb)
    is_adapter = bundle is not None and bundle.card.kind == "adapter"
    window = card.window_tokens or _UNKNOWN_WINDOW_TOKENS
    place = server.take(
        window_tokens=window,
        sha256="" if bundle is None else bundle.card.base_sha256 if is_adapter else bundle.card.sha256,
        adapter=bundle.file if bundle and is_adapter else None,
        adapter_sha256=bundle.card.sha256 if bundle and is_adapter else "",
    )

    def to(base_url: str) -> HttpBackend:
        return connect(base_url, _says(d, bundle, server, place))

    return LocalBackend(tier=tier, server=server, connect=to, named=_named(d, bundle), adapter=place), None


def _named(d: DeploymentConfig, bundle: Bundle | None) -> Named:
    if bundle is not None:
        return Named(bundle.label, bundle.card.version)
    return Named(Path(d.model.removeprefix(PREFIX)).name)  # never a path of this machine


def _look_at(tier: str, d: DeploymentConfig, bundle: Bundle) -> None:
    if d.system_prompt is not None and bundle.card.system is not None:
        raise ConfigError(
            f"tiers.{tier}: system_prompt can't be set for {d.model}: it answers to the one it was trained with"
        )
    if bundle.is_tainted:
        log.warning(
            "tier %s serves %s: examples that it was trained on have been erased since; train it again",
            tier,
            bundle.label,
        )


def _head(tier: str, bundle: Bundle, shared: Shared) -> tuple[Backend, None]:
    card = bundle.card
    if card.head == "embedding" and card.embedder != shared.embedder_name:
        raise ConfigError(
            f"tiers.{tier}: {bundle.label} reads vectors of {card.embedder}; the configured embedder is "
            f"{shared.embedder_name}: set embedding.embedder, or fit the head again"
        )
    embedder = shared.embedder if card.head == "embedding" else None
    return HeadBackend(
        tier=tier, path=bundle.file, model=bundle.label, embedder=embedder, sha256=card.sha256
    ), None


def _weights(d: DeploymentConfig, bundle: Bundle | None) -> Path | None:
    if bundle is None:
        return weights.find(d.model.removeprefix(PREFIX))
    try:
        return bundle.file if bundle.card.kind == "merged" else base_of(bundle, d.base)
    except ConfigError as e:
        raise BrokenModel(str(e)) from e


def _says(d: DeploymentConfig, bundle: Bundle | None, server: LocalServer, place: int | None) -> LocalSays:
    lora = server.lora(place)
    fixed = {"lora": lora} if lora else {}
    if bundle is None:
        return LocalSays(d.model.removeprefix(PREFIX), None, d.params, fixed, None)
    card = bundle.card
    params = {**_format(card.schema_json), **d.params}
    return LocalSays(bundle.label, card.system, params, fixed, card.max_output_tokens)


def _format(schema_json: str | None) -> dict[str, Any]:
    if schema_json is None:
        return {}
    named = {"name": "answer", "schema": msgspec.json.decode(schema_json)}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


def _nobody(base_url: str) -> HttpBackend:
    raise AssertionError("there is no server to speak to")
