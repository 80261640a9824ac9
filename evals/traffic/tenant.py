"""Who asked, as a hash: an import keeps no names."""

from __future__ import annotations

from stepwell.evals.traffic.plain import parsed, text
from stepwell.evals.traffic.records import is_object
from stepwell.router.outcome_notes import conversation_digest, tenant_digest, user_digest

_NAMES = ("user_api_key_team_id", "user_api_key_user_id", "user_api_key_hash", "userId", "user_id")


def hashed(value: object) -> str:
    """The hash of a name, or of the first name in a record's metadata; "" where there is none."""
    found = parsed(value)
    if is_object(found):
        found = next((found[n] for n in _NAMES if text(found.get(n))), None)
    return tenant_digest(found).hex() if isinstance(found, str) and found else ""


def hashed_user(tenant: str, *names: object) -> str:
    """The hash of the first of these that is a name; "" where none is.

    Args:
        tenant: As `hashed` made it.
    """
    found = next((name for name in names if isinstance(name, str) and name), None)
    return "" if found is None else user_digest(_raw(tenant), found).hex()


def hashed_conversation(tenant: str, *names: object) -> str:
    """As `hashed_user`, of a conversation: other tools' ids of sessions say by themselves whose they are."""
    found = next((name for name in names if isinstance(name, str) and name), None)
    return "" if found is None else conversation_digest(_raw(tenant), None, found).hex()


def _raw(tenant: str) -> bytes:
    return bytes.fromhex(tenant) if tenant else tenant_digest(None)
