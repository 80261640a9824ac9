"""The capability gate: which tiers can take a request at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from stepwell.base.errors import BadRequest, ContextTooLong, NoCapableTier
from stepwell.base.request import ChatRequest
from stepwell.router.sizes import Sizes
from stepwell.router.tierinfo import TierInfo

_NEAR = 0.01  # of expected recall: no reason to go to a wider window


class Needs(msgspec.Struct, frozen=True):
    """What a request needs of a tier.

    Attributes:
        capabilities: Of "tools", "json_schema", "images".
        sizes: None where its length doesn't count yet.
        n_reply_tokens: What the caller asked for; None: the usual reserve.
        imageless: Tiers whose part of the prompt holds no image, though the whole does.
    """

    capabilities: tuple[str, ...]
    sizes: Sizes | None
    n_reply_tokens: int | None
    reserve_tokens: int
    imageless: frozenset[str] = frozenset()


def needs_of(request: ChatRequest, *, sizes: Sizes | None, reserve_tokens: int) -> Needs:
    """Read the needs off the request's typed fields."""
    wire = request.wire
    asked: list[str] = []
    if wire.tools:
        asked.append("tools")
    if wire.response_format is not None and wire.response_format.type == "json_schema":
        asked.append("json_schema")
    images = [i for i, m in enumerate(wire.messages) if m.content.__class__ is list and m.has_images]
    imageless: frozenset[str] = frozenset()
    if images:
        asked.append("images")
        cuts = request.cuts or {}
        imageless = frozenset(tier for tier, cut in cuts.items() if not set(images) & set(cut.kept))
    return Needs(tuple(asked), sizes, wire.max_output_tokens, reserve_tokens, imageless)


def lack_of(tier: TierInfo, needs: Needs) -> str | None:
    """What the tier lacks ("tools", "json_schema", "images", "window"), or None where it can serve."""
    for capability in needs.capabilities:
        if capability not in tier.capabilities and not (
            capability == "images" and tier.name in needs.imageless
        ):
            return capability
    n_input = 0 if needs.sizes is None else needs.sizes.most_on(tier)
    return "window" if n_input > prompt_room(tier, needs) else None


def without_narrow(
    tiers: Sequence[TierInfo], lacks: Sequence[str | None], fit: Collection[str]
) -> list[str | None]:
    """Bar the tiers that were fine-tuned for one kind of ask ("narrow"), but for those that `fit` this one."""
    return [
        "narrow" if lack is None and t.is_narrow and t.name not in fit else lack
        for t, lack in zip(tiers, lacks, strict=True)
    ]


def prompt_room(tier: TierInfo, needs: Needs) -> int:
    """Tokens that the tier's window leaves for the prompt."""
    return tier.window_or_assumed - _reply_tokens(tier, needs)


def forgetful(tiers: Sequence[TierInfo], lacks: Sequence[str | None], sizes: Sizes) -> frozenset[str]:
    """Tiers that could serve, but for which packing would lose more than is promised; none where all lose too much.

    Then the ones that lose least stay.
    """
    if not sizes.packed:
        return frozenset()
    able = [t for t, lack in zip(tiers, lacks, strict=True) if lack is None]
    best = max((sizes.recall_on(t) for t in able), default=0.0)
    least = min(sizes.min_recall, best - _NEAR)
    return frozenset(t.name for t in able if sizes.recall_on(t) < least)


def _reply_tokens(tier: TierInfo, needs: Needs) -> int:
    """Room that the reply takes of the window; never more than the tier can write."""
    asked, own = needs.n_reply_tokens, tier.max_output_tokens
    if asked is None:  # a usual reserve must not eat a small window
        asked = min(needs.reserve_tokens, tier.window_or_assumed // 2)
    return asked if own is None or asked < own else own


def no_capable_tier(tiers: Sequence[TierInfo], lacks: Iterable[str], needs: Needs) -> BadRequest:
    """The error for a request that none of `tiers` can take; names what each lacks."""
    each = list(zip(tiers, lacks, strict=True))
    listed = "; ".join(f"{t.name} lacks {_worded(t, lack)}" for t, lack in each)
    if all(lack == "window" for _, lack in each):
        window = max(t.window_or_assumed for t in tiers)
        n_tokens = 0 if needs.sizes is None else needs.sizes.n_tokens
        if not n_tokens:
            n_reply = needs.n_reply_tokens
            message = (
                f"The room reserved for the reply, {n_reply} tokens, leaves none for a prompt; {listed}."
            )
            return ContextTooLong(message, n_tokens=needs.n_reply_tokens or 0, window_tokens=window)
        message = f"The request needs about {n_tokens} tokens and room for its reply; {listed}."
        return ContextTooLong(message, n_tokens=n_tokens, window_tokens=window)
    return NoCapableTier(f"No tier that may serve this request can take it: {listed}.")


def _worded(tier: TierInfo, lack: str) -> str:
    if lack == "keep_to":
        return "permission: the request is bound to others"
    if lack == "narrow":
        return "knowledge of it: it is fine-tuned for one kind of ask; pin it, by name or by a rule"
    if lack != "window":
        return lack
    assumed = "" if tier.window_tokens is not None else ", assumed; set window_tokens"
    return f"room (window of {tier.window_or_assumed} tokens{assumed})"
