"""Who asked, as a hash: an import keeps no names."""

from __future__ import annotations

from stepwell.evals.traffic.plain import parsed, text
from stepwell.evals.traffic.records import is_object
from stepwell.router.outcome_notes import tenant_digest

_NAMES = ("user_api_key_team_id", "user_api_key_user_id", "user_api_key_hash", "userId", "user_id")


def hashed(value: object) -> str:
    """The hash of a name, or of the first name in a record's metadata; "" where there is none."""
    found = parsed(value)
    if is_object(found):
        found = next((found[n] for n in _NAMES if text(found.get(n))), None)
    return tenant_digest(found).hex() if isinstance(found, str) and found else ""
