"""Fine-tuned models that were promoted, as `stepwell local list` shows them."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.base.errors import ConfigError
from stepwell.router.tiers.adapters import Aliases, adapters_folder, is_name, read_aliases, versions_of
from stepwell.router.tiers.bundle import Bundle, read_bundle

HEAD = ("name", "version", "serves", "state", "kind", "base", "held out, exact", "made on")


def promoted_rows() -> list[tuple[str, ...]]:
    """Every version of every name; reads their files, to tell broken ones."""
    folder = adapters_folder()
    names = sorted(p.name for p in folder.glob("*") if p.is_dir() and is_name(p.name))
    return [row for name in names for row in _rows(name)]


def _rows(name: str) -> Iterator[tuple[str, ...]]:
    try:
        aliases = read_aliases(name)
    except ConfigError:
        aliases = Aliases()
    for version in versions_of(name):
        serves = _serves(version, aliases)
        try:
            yield (name, version, serves, *_facts(read_bundle(adapters_folder() / name / version)))
        except ConfigError:
            yield (name, version, serves, "broken", "?", "?", "?", "?")


def _serves(version: str, aliases: Aliases) -> str:
    if version == aliases.champion:
        return "champion"
    return "rollback" if aliases.previous[-1:] == (version,) else "-"


def _facts(bundle: Bundle) -> tuple[str, ...]:
    card = bundle.card
    stands_on = card.base or (f"{card.head} {card.embedder}".rstrip() if card.kind == "head" else "-")
    exact = ", ".join(f"{arm} {share:.3f}" for arm, share in card.exact.items())
    state = "tainted: train again" if bundle.is_tainted else "ok"
    return (state, card.kind, stands_on, exact or "-", card.made_on or "-")
