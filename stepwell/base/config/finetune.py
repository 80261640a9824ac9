"""Fine-tuning of the local tier: whose traffic may be learnt from, and where examples lie."""

from __future__ import annotations

from pydantic import Field

from stepwell.base.config.section import Section

EVERYONE = "*"
NOBODY_NAMED = ""


class FinetuneConfig(Section):
    """Nobody's traffic is learnt from unless it is named here."""

    consented_tenants: list[str] = Field(
        default_factory=list,
        description='whose requests may become examples; "*": everyone\'s; "": those that name no tenant',
    )
    folders: list[str] = Field(
        default_factory=list,
        description="where examples, datasets and trained adapters lie: `stepwell local erase` looks there",
    )
