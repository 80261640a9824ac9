"""Whose traffic may be learnt from: nobody's, unless it is named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stepwell.base.config.finetune import EVERYONE, NOBODY_NAMED
from stepwell.router.outcome_notes import tenant_digest

HOW = (
    "nobody has consented: name the tenants whose requests may be learnt from in finetune.consented_tenants "
    '("*": everyone\'s; "": those that name no tenant)'
)


@dataclass(frozen=True, slots=True)
class Consent:
    """Tenants that agreed, as digests.

    Attributes:
        is_everyones: All did.
        is_unnamed: Requests that name no tenant may be used.
    """

    tenants: frozenset[str] = frozenset()
    is_everyones: bool = False
    is_unnamed: bool = False

    @classmethod
    def of(cls, names: Iterable[str]) -> Consent:
        """Read names as the configuration has them."""
        given = list(names)
        digests = frozenset(tenant_digest(n).hex() for n in given if n not in (EVERYONE, NOBODY_NAMED))
        return cls(digests, EVERYONE in given, NOBODY_NAMED in given)

    @property
    def is_nobodys(self) -> bool:
        return not (self.tenants or self.is_everyones or self.is_unnamed)

    def covers(self, tenant: str) -> bool:
        """Whether requests of this digest may be used; "" is of those that name none."""
        return self.is_everyones or (tenant in self.tenants if tenant else self.is_unnamed)
