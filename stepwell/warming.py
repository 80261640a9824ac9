"""What the tiers' first requests would wait for, done beforehand."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping

from stepwell.base.errors import TierError
from stepwell.router.tiers.base import Backend, Warmable
from stepwell.router.tiers.head import HeadBackend
from stepwell.router.tiers.tier import Tier

WARM_WITHIN_S = 90.0
log = logging.getLogger("stepwell")


def backends_of(tiers: Mapping[str, Tier]) -> list[Backend]:
    """Of every deployment of every tier."""
    return [d.backend for tier in tiers.values() for d in tier.deployments]


def reads_vectors(tiers: Mapping[str, Tier]) -> bool:
    """Whether some tier answers from the ask's embedding."""
    return any(isinstance(b, HeadBackend) and b.reads_vector for b in backends_of(tiers))


async def warm_tiers(tiers: Mapping[str, Tier]) -> None:
    """Start local servers and read local files; what fails is told in the log, for other tiers may do without it."""
    ready: Iterable[Warmable] = (b for b in backends_of(tiers) if isinstance(b, Warmable))
    await asyncio.gather(*(_warm(backend) for backend in ready))


async def _warm(backend: Warmable) -> None:
    try:
        async with asyncio.timeout(WARM_WITHIN_S):
            await backend.warm()
    except TierError as e:
        log.warning("not warm: %s", e)
    except TimeoutError:
        log.warning("not warm within %g s: %s", WARM_WITHIN_S, type(backend).__name__)
