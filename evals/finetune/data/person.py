"""Whose lines are erased: told by digests, since nothing on the disk names anybody."""

from __future__ import annotations

from dataclasses import dataclass

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.router.outcome_notes import tenant_digest, user_digest


@dataclass(frozen=True, slots=True)
class Person:
    """A tenant, or some users.

    Attributes:
        tenants: Digests: all of theirs goes.
        users: Digests.
    """

    tenants: frozenset[str]
    users: frozenset[str]

    @classmethod
    def of(cls, tenant: str | None, user: str | None) -> Person:
        """Read names.

        Raises:
            FinetuneError: Nobody is named.
        """
        if not tenant and not user:
            raise FinetuneError("name whom to erase: a tenant, a user, or both")
        if not user:
            return cls(frozenset({tenant_digest(tenant).hex()}), frozenset())
        found = {user_digest(tenant_digest(tenant), user).hex()}
        if not tenant:  # logs of other tools have one name for both
            found.add(user_digest(tenant_digest(user), user).hex())
        return cls(frozenset(), frozenset(found))
