"""Names in Redis. The prefix holds the version of what lies there; its hash tag keeps a cluster's in one slot."""

from __future__ import annotations

from hashlib import blake2b

PREFIX = "{stepwell-cache}:1:"

LOG = PREFIX + "log"  # stream of changes
NOTES = PREFIX + "notes"  # stream of judgements
ALL = PREFIX + "all"  # sorted set of hit_ids by expiry
TALLIES = PREFIX + "tallies"  # hash
EPOCH = PREFIX + "epoch"  # another one: Redis lost what it had


def entry(hit_id: str) -> str:
    """Hash of an entry: e (itself), u (mark of its user), k and t (other names), v (vector), r and w (record).

    a: the entry that its vector leads to, where the vector may still name an older one.
    """
    return f"{PREFIX}e:{hit_id}"


def leads(answer_id: str) -> str:
    """Set: the hit_ids of others that lead, or once led, to an entry."""
    return f"{PREFIX}a:{answer_id}"


def exact(key: bytes) -> str:
    """String: the hit_id of the entry with this key."""
    return f"{PREFIX}k:{key.hex()}"


def tenant(name: str) -> str:
    """Sorted set of a tenant's hit_ids by expiry."""
    return marked_tenant(mark(name))


def marked_tenant(tenant_mark: str) -> str:
    """As `tenant`."""
    return f"{PREFIX}t:{tenant_mark}"


def erased(tenant: str, user: str | None = None) -> str:
    """String: until when (ms) entries of a tenant, or of one user of theirs, were erased."""
    return marked_erased(mark(tenant), None if user is None else mark(user))


def marked_erased(tenant_mark: str, user_mark: str | None) -> str:
    """As `erased`."""
    return f"{PREFIX}z:{tenant_mark}" + ("" if user_mark is None else f":{user_mark}")


def done(name: str) -> str:
    """String: says that a change which must not be made twice was made."""
    return f"{PREFIX}d:{name}"


def mark(name: str) -> str:
    """Stands for a name of any length and letters; not secret."""
    return blake2b(name.encode(), digest_size=12).hexdigest()
