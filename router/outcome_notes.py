"""What is remembered of a reply until somebody says how good it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from stepwell.base.messages import Usage
from stepwell.base.reply import Reply
from stepwell.base.request import ChatRequest
from stepwell.router.features import last_ask, read_ask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Source = Literal["feedback", "explore", "validate", "cascade"]
_MAX_ID_CHARS = 200
_BY_PEOPLE = ("feedback", "explore")


class Note(msgspec.Struct, frozen=True):
    """One reply as the pipeline knows it. Never log `ask`.

    Attributes:
        id: The trace's request id; `body_id` the one in the answer's body.
        tier, model: Who answered.
        ask: What the human asked; written down only where prompts are kept.
        vector: Of the ask, L2-normalised, shape (dim,), float32, by `embedder`; None where none was made.
        p_ok: What the router expected of `tier`.
        need, novelty: Ranks among known traffic, 0..1.
        is_explored: Sent there for the label's sake.
    """

    id: str
    tier: str
    ask: str
    body_id: str = ""
    tenant: str | None = None
    model: str = ""
    policy: str = ""
    n_input_tokens: int = 0
    out_tokens: int | None = None
    cost_usd: float | None = None
    p_ok: float | None = None
    need: float | None = None
    novelty: float | None = None
    is_explored: bool = False
    vector: NDArray[np.float32] | None = None
    embedder: str = ""


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of a note goes to the disk as JSON; `prompt` only where prompts are kept."""

    tier: str
    model: str = ""
    policy: str = ""
    n_input_tokens: int = 0
    out_tokens: int | None = None
    cost_usd: float | None = None
    p_ok: float | None = None
    need: float | None = None
    novelty: float | None = None
    is_explored: bool = False
    embedder: str = ""
    traits_hash: str = ""
    prompt: str | None = None


class Saved(msgspec.Struct, frozen=True):
    """One row of the disk: `vector` is float16, `traits` float32, little-endian; "" where there is none."""

    id: str
    tier: str
    score: float
    source: str
    at_s: float
    kept: bytes
    vector: bytes
    traits: bytes


_encode = msgspec.json.Encoder().encode
decode_kept = msgspec.json.Decoder(Kept).decode


def note_of(
    request: ChatRequest,
    reply: Reply,
    *,
    vector: NDArray[np.float32] | None = None,
    embedder: str = "",
    is_explored: bool = False,
) -> Note | None:
    """What to remember of a reply; None for one that was another ask's (a semantic hit).

    Args:
        request: As it went upstream: with what the guards left out gone.
        vector: The one that the policy read, and the name of what made it.
    """
    trace, route = reply.trace, reply.trace.route
    status = trace.cache.status if trace.cache is not None else "off"
    if status == "semantic_hit":
        return None
    is_own = status != "hit"
    is_whole = (
        is_own and not trace.escalations and len(trace.attempts) <= 1
    )  # else it paid for other tries, too
    estimate = route.estimate(reply.tier) if route is not None else None
    return Note(
        trace.request_id,
        reply.tier,
        last_ask(request.messages),
        body_id=reply.answer.id,
        tenant=request.caller.tenant,
        model=reply.model,
        policy=route.policy if route is not None else "",
        n_input_tokens=reply.usage.prompt_tokens,
        out_tokens=reply.usage.completion_tokens if is_whole or not is_own else None,
        cost_usd=reply.cost_usd if is_whole else None,
        p_ok=estimate.p_ok if estimate is not None else None,
        need=route.need if route is not None else None,
        novelty=route.novelty if route is not None else None,
        is_explored=is_explored,
        vector=vector,
        embedder=embedder,
    )


class Found(Protocol):
    """What a check or another answer says of one tier's answer (router.cascade.climb.Label)."""

    @property
    def request_id(self) -> str: ...
    @property
    def tier(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def source(self) -> Literal["validate", "cascade"]: ...
    @property
    def usage(self) -> Usage: ...
    @property
    def cost_usd(self) -> float: ...


def note_of_found(request: ChatRequest, found: Found) -> Note:
    """What to remember of an answer that was looked at before anybody saw it."""
    return Note(
        found.request_id,
        found.tier,
        last_ask(request.messages),
        tenant=request.caller.tenant,
        n_input_tokens=found.usage.prompt_tokens,
        out_tokens=found.usage.completion_tokens,
        cost_usd=found.cost_usd,
    )


def packed(note: Note, *, keep_prompts: bool) -> tuple[bytes, bytes, bytes]:
    """JSON, vector and traits of a note, for the disk. About 0.1 ms: not for a request's way."""
    ask = note.ask.encode("utf-8", "replace").decode()
    traits, traits_hash = (b"", "") if keep_prompts else _traits(ask)
    kept = Kept(
        note.tier,
        note.model,
        note.policy,
        note.n_input_tokens,
        note.out_tokens,
        note.cost_usd,
        note.p_ok,
        note.need,
        note.novelty,
        note.is_explored,
        note.embedder if note.vector is not None else "",
        traits_hash,
        ask if keep_prompts else None,
    )
    vector = b"" if note.vector is None else note.vector.astype("<f2").tobytes()
    return _encode(kept), vector, traits


def _traits(ask: str) -> tuple[bytes, str]:
    from stepwell.router.traits import TRAITS_HASH, traits  # imports numpy

    return traits(read_ask(ask)).astype("<f4").tobytes(), TRAITS_HASH


def outcome_row(labels: Iterable[Saved]) -> dict[str, object]:
    """All labels of one reply, oldest first, as one outcome row.

    A later label of a tier replaces an earlier one; what a check said gives way to what a person said.
    """
    best: dict[str, Saved] = {}
    for label in labels:
        old = best.get(label.tier)
        if old is None or label.source in _BY_PEOPLE or old.source not in _BY_PEOPLE:
            best[label.tier] = label
    last = max(best.values(), key=lambda s: s.at_s)
    kept = {tier: decode_kept(s.kept) for tier, s in best.items()}
    row: dict[str, object] = {"id": last.id, **_asked(last, kept[last.tier])}
    row["scores"] = {tier: s.score for tier, s in best.items()}
    own = {tier: k for tier, k in kept.items() if k.tier == tier}  # a score for a tier that did not answer
    row |= _by_tier(own)
    return row | {"source": last.source, "at_s": last.at_s, "n_input_tokens": kept[last.tier].n_input_tokens}


def _asked(saved: Saved, kept: Kept) -> dict[str, object]:
    """The prompt, or what stands in its place."""
    if kept.prompt is not None and not saved.vector:
        return {"prompt": kept.prompt}
    import numpy as np

    row: dict[str, object] = {} if kept.prompt is None else {"prompt": kept.prompt}
    if saved.vector:
        row |= {"vector": np.frombuffer(saved.vector, "<f2").tolist(), "embedder": kept.embedder}
    if saved.traits:
        row |= {"traits": np.frombuffer(saved.traits, "<f4").tolist(), "traits_hash": kept.traits_hash}
    return row


def _by_tier(kept: Mapping[str, Kept]) -> dict[str, object]:
    columns: dict[str, object] = {}
    for name in ("out_tokens", "cost_usd", "p_ok"):
        known = {tier: v for tier, k in kept.items() if (v := getattr(k, name)) is not None}
        if known:
            columns[name] = known
    return columns


def plain_id(body_id: str) -> str:
    """An upstream's id as it can be written and looked for."""
    return body_id.encode("utf-8", "replace").decode()[:_MAX_ID_CHARS]


def tenant_digest(tenant: str | None) -> bytes:
    """What stands for a tenant on the disk: no name."""
    raw = b"\0" if tenant is None else tenant.encode("utf-8", "surrogatepass")
    return blake2b(raw, digest_size=16).digest()


def user_digest(tenant: bytes, user: str) -> bytes:
    """What stands for a tenant's user on the disk: no name.

    Args:
        tenant: Its digest.
    """
    raw = tenant + user.encode("utf-8", "surrogatepass")
    return blake2b(raw, digest_size=16, person=b"stepwell-user").digest()


def conversation_digest(tenant: bytes, user: str | None, name: str) -> bytes:
    """What stands for a conversation of that name on the disk.

    Args:
        tenant: Its digest.
    """
    raw = user_digest(tenant, user or "") + name.encode("utf-8", "surrogatepass")
    return blake2b(raw, digest_size=16, person=b"stepwell-talk").digest()
