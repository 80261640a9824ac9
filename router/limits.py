"""What the dollar promises allow: accounts, limits in whole nano-dollars, and the error that says no."""

from __future__ import annotations

import math

from stepwell.base.config.promises import PromisesConfig
from stepwell.base.errors import BudgetExceeded
from stepwell.base.request import Caller

NANO = 1_000_000_000
Account = tuple[str, ...]
"""("day",), ("tenant", name) or ("user", tenant, name)."""

_PROMISES = {
    "day": "max_usd_per_day",
    "tenant": "max_usd_per_tenant_day",
    "user": "max_usd_per_user_day",
}
_DAY_ONLY: tuple[Account, ...] = (("day",),)


class Limits:
    """The dollar promises of a configuration.

    A caller without a tenant is held to no tenant's budget, one without a user to no user's.

    Attributes:
        has_days: Whether any day has a budget.
        max_nano_usd: The largest of them.
    """

    def __init__(self, promises: PromisesConfig) -> None:
        self._per_request_usd = promises.max_usd_per_request
        self._nano_usd = {kind: _down(getattr(promises, name)) for kind, name in _PROMISES.items()}
        self.has_days = any(limit is not None for limit in self._nano_usd.values())
        self.max_nano_usd = max((limit for limit in self._nano_usd.values() if limit), default=0)

    def check_request(self, usd: float) -> None:
        """Hold one request's upper bound against the promise for one request.

        Raises:
            BudgetExceeded: It may cost more.
            ValueError: No sum of dollars.
        """
        if not usd >= 0:
            raise ValueError("a reservation is 0 dollars or more")
        limit = self._per_request_usd
        if limit is not None and usd > limit:
            raise exceeded("request", usd, limit)

    def nano_usd(self, account: Account) -> int | None:
        """Most that the account may hold a day; None: no limit."""
        return self._nano_usd[account[0]]

    def accounts(self, caller: Caller) -> tuple[Account, ...]:
        """What a request of `caller` is charged to."""
        if not self.has_days:
            return _DAY_ONLY
        accounts: list[Account] = []
        if caller.user is not None and self._nano_usd["user"] is not None:
            accounts.append(("user", caller.tenant or "", caller.user))
        if caller.tenant is not None and self._nano_usd["tenant"] is not None:
            accounts.append(("tenant", caller.tenant))
        accounts.append(("day",))
        return tuple(accounts)


def account_of(tenant: str | None, user: str | None) -> Account:
    """The account of a user, else of a tenant, else of the day."""
    if user is not None:
        return ("user", tenant or "", user)
    return ("day",) if tenant is None else ("tenant", tenant)


def day_exceeded(account: Account, usd: float, left_nano_usd: int) -> BudgetExceeded:
    kind = account[0]
    return exceeded("day" if kind == "day" else f"{kind}_day", usd, left_nano_usd / NANO)


def exceeded(budget: str, usd: float, left_usd: float) -> BudgetExceeded:
    name = budget.replace("_", " ")
    return BudgetExceeded(
        f"The request may cost up to ${usd:.6f}; the {name} budget has ${left_usd:.6f} left.",
        budget=budget,
        remaining_usd=left_usd,
    )


def no_ledger(what: str) -> BudgetExceeded:
    """Money that can't be booked is not spent."""
    return BudgetExceeded(f"The budget ledger {what}.", budget="ledger", remaining_usd=0.0)


def up(usd: float) -> int:
    """Nano-dollars, rounded up."""
    # 1e-3: a float's own error must not cost a nano-dollar
    return math.ceil(usd * NANO - 1e-3) if usd else 0


def _down(usd: float | None) -> int | None:
    return None if usd is None else math.floor(usd * NANO + 1e-3)
