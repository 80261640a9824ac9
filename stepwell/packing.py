"""What of a long conversation goes to each tier."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING

import msgspec

from stepwell.base import tokens
from stepwell.base.config import ContextConfig
from stepwell.base.decisions import Decision, FitDecision
from stepwell.base.errors import ContextTooLong
from stepwell.base.messages import Message, n_leading
from stepwell.base.reply import Reply
from stepwell.base.request import Cut
from stepwell.base.token_corrections import Corrections
from stepwell.memory.context.log.log import Summary
from stepwell.memory.context.packing.packed import Packed, Room
from stepwell.memory.context.packing.preface import preface
from stepwell.memory.context.recall.query import Query
from stepwell.router.cascade.again import N_MORE_TOKENS
from stepwell.router.decide import Router
from stepwell.router.sizes import Size, Sizes
from stepwell.router.tierinfo import TierInfo
from stepwell.run import Run, last_user_text

if TYPE_CHECKING:
    from stepwell.memory.context.marking import Marking
    from stepwell.memory.context.thread.stateless import Threads
    from stepwell.memory.context.thread.thread import Thread

NOTHING = Query("")
_MORE_TOKENS = 100  # frames of pins
_TOO_LONG = Size(1 << 40, 0.0)
Fits = Mapping[str, Packed | ContextTooLong]
Rooms = Sequence[tuple[TierInfo, int]]


@dataclass(frozen=True, slots=True)
class Packing:
    """Packs a conversation once for each tier that may answer.

    Attributes:
        min_recall: The promise.
        compares: Cascades may ask in other words, which are a little longer.
        corrections: Of counts, by the providers' own.
        marking: Gives what embeds in the background; None: search goes by words alone.
    """

    config: ContextConfig
    router: Router
    min_recall: float
    compares: bool
    marking: Callable[[], Marking] | None = None
    corrections: Corrections = field(default_factory=Corrections)
    _threads: Callable[[], Threads] = field(default_factory=lambda: cache(_no_threads))

    async def sized(self, run: Run, fixed: bytes | None, counts: bool) -> Sizes:
        """Tokens of the prompt on each tier; what a window can't hold is left out of what goes there.

        Args:
            fixed: What takes room beside the messages, as JSON.
            counts: Dollars hang on it: where all fits by a bound, it is counted all the same.

        Raises:
            ContextTooLong: What must stay fits nowhere.
        """
        rooms = self.router.rooms(run.request)
        # where all fits there is nothing to look for
        query = NOTHING if self._fits_by_far(run, rooms, fixed) else await self._query(run)
        # counting and choosing block: milliseconds
        if run.talk is None or not run.has_history:
            fits = await asyncio.to_thread(self._fit_sent, run, query, rooms, fixed)
            self._cut(run, fits)
        else:
            async with run.talk.lock:
                fits = await asyncio.to_thread(self._fit_talk, run, query, rooms, fixed)
                self._expand(run, fits)
        run.fits = packs = {name: fit for name, fit in fits.items() if isinstance(fit, Packed)}
        left_out = {t.name: _TOO_LONG for t, _ in rooms if t.name not in packs}
        sizes = {
            # what was learnt of counts since it was packed must not bar it from where it fits
            tier.name: Size(min(self._corrected(tier, packs[tier.name]), n), packs[tier.name].expected_recall)
            for tier, n in rooms
            if tier.name in packs and not packs[tier.name].is_bound
        }
        n, n_most = await self._whole(run, fixed, counts)
        return Sizes(n, n_most, sizes | left_out, self.min_recall)

    def _fits_by_far(self, run: Run, rooms: Rooms, fixed: bytes | None) -> bool:
        """Whether a bound that costs microseconds fits every room."""
        if run.talk is None or not run.has_history:
            return False
        extra = [*(m for m, _ in run.talk.system), *(Message("system", pin.text) for pin in run.talk.pins)]
        bound = tokens.upper_bound([*run.request.messages, *extra], fixed) + _MORE_TOKENS
        bound += int(run.talk.thread.counts.bound.sum())
        return bound <= min(self._room(tier, n, None).n_tokens for tier, n in rooms)

    async def _whole(self, run: Run, fixed: bytes | None, counts: bool) -> tuple[int, int]:
        """Tokens of all of it: counted where dollars hang on it, else estimated; and its bound."""
        messages = run.request.messages
        bound = tokens.upper_bound(messages, fixed)
        if not counts or not any(fit.is_bound for fit in run.fits.values()):
            return bound // 4 + 1, bound
        n = await asyncio.to_thread(tokens.count_messages, messages, model="", tools_json=fixed)
        return min(n, bound), bound

    async def _query(self, run: Run) -> Query:
        text = last_user_text(run.request) if run.turn is None else run.turn.ask
        left_s = run.deadline_s - time.monotonic()
        timeout_s = max(0.0, min(self.config.vector_timeout_s, 0.5 * left_s))
        vector = await run.vector.get(timeout_s)
        pieces = None if vector is None else await run.vector.get_tokens(timeout_s)
        return Query(text, vector, pieces, time.time())

    def _fit_sent(self, run: Run, query: Query, rooms: Rooms, fixed: bytes | None) -> Fits:
        caller, messages = run.request.caller, run.request.messages
        n = n_leading(messages)
        with self._threads().get(messages[n:], tenant=caller.tenant or "", user=caller.user or "") as thread:
            run.thread = thread
            return self._choose(thread, query, rooms, fixed, system=messages[:n], before=thread.packed)

    def _fit_talk(self, run: Run, query: Query, rooms: Rooms, fixed: bytes | None) -> Fits:
        talk = run.talk
        assert talk is not None
        n = run.n_lead
        system = run.request.messages[:n] or [m for m, _ in talk.system]
        sent = run.request.messages[n:]
        fits = self._choose(
            talk.thread,
            query,
            rooms,
            fixed,
            sent=sent,
            system=system,
            pins=[pin.text for pin in talk.pins],
            summary=talk.gist if talk.guarded <= {run.guarded} else None,
            before=talk.packed,
        )
        broken = talk.thread.view(sent).shape.is_broken[: len(talk.thread)].nonzero()[0]
        return fits if not len(broken) else _without(fits, frozenset(broken.tolist()))

    def _choose(
        self,
        thread: Thread,
        query: Query,
        rooms: Rooms,
        fixed: bytes | None,
        *,
        sent: Sequence[Message] = (),
        system: Sequence[Message] = (),
        pins: Sequence[str] = (),
        summary: Summary | None = None,
        before: Packed | None,
    ) -> Fits:
        """What goes to each tier.

        Raises:
            ContextTooLong: What must stay fits none.
        """
        places = [self._room(tier, n, fixed) for tier, n in rooms]
        plain = [self._room(tier, n, fixed, corrects=False) for tier, n in rooms]
        from stepwell.memory.context.packing.pack import (
            pack,  # with numpy: only where something has to be packed
        )

        choose = partial(
            pack,
            thread,
            query,
            sent=sent,
            system=system,
            pins=pins,
            summary=summary,
            recent_share=self.config.recent_share,
            summary_share=self.config.summary_share,
            before=before,
            # a request that may be the only one of its conversation leaves no room for a next one
            slack_share=self.config.slack_share if sent or before is not None else 0.0,
        )
        found = choose(places)
        for i, (fit, room, own) in enumerate(zip(found, places, plain, strict=True)):
            if isinstance(fit, ContextTooLong) and room.n_tokens < own.n_tokens:
                (found[i],) = choose([own])  # a correction alone is no reason to refuse
        if not self.config.fit:
            found = [
                fit if isinstance(fit, ContextTooLong) else _whole(fit, room)
                for fit, room in zip(found, places, strict=True)
            ]
        errors = [fit for fit in found if isinstance(fit, ContextTooLong)]
        if len(errors) == len(found):
            raise max(errors, key=lambda e: e.window_tokens)
        return {tier.name: fit for (tier, _), fit in zip(rooms, found, strict=True)}

    def _room(self, tier: TierInfo, n_tokens: int, fixed: bytes | None, *, corrects: bool = True) -> Room:
        model = tokens.safest(tier.models)
        most = self.config.max_prompt_tokens
        n_reserve = tier.window_or_assumed - n_tokens
        n = n_tokens if most is None else min(n_tokens, most)
        n -= tier.n_system_tokens + (N_MORE_TOKENS if self.compares else 0)
        n_fixed = tokens.count_text(fixed.decode("utf-8", "ignore"), model) if fixed else 0
        factor = self.corrections.factor(model) if corrects else 1.0
        return Room(int(n / factor), model, n_fixed, n_reserve)

    def _corrected(self, tier: TierInfo, fit: Packed) -> int:
        """Tokens of the prompt as the model counts them, by what its replies have told."""
        factor = 1.0 if fit.is_bound else self.corrections.factor(tokens.safest(tier.models))
        return math.ceil(fit.n_tokens * factor) + tier.n_system_tokens

    # ---- what goes where

    def _cut(self, run: Run, fits: Fits) -> None:
        run.n_history = n = len(run.request.messages)
        n_lead = n_leading(run.request.messages)
        cuts = {}
        for name, fit in fits.items():
            if isinstance(fit, Packed) and (n_lead + len(fit.kept) < n or _note(fit)):
                cuts[name] = Cut((*range(n_lead), *(n_lead + place for place in fit.kept)), _note(fit))
        if cuts:
            run.request = msgspec.structs.replace(run.request, cuts=cuts)

    def _expand(self, run: Run, fits: Fits) -> None:
        """Put the conversation's messages that some tier gets before those sent; each tier then takes its own."""
        talk, request = run.talk, run.request
        assert talk is not None
        run.sent = request
        n_sent_lead, n_held = run.n_lead, len(talk.thread)
        packs = {name: fit for name, fit in fits.items() if isinstance(fit, Packed)}
        held = sorted({place for fit in packs.values() for place in fit.kept if place < n_held})
        pins = preface([pin.text for pin in talk.pins], "", "")
        run.request = talk.expanded(request, held, n_sent_lead, pins)
        n_lead = len(run.request.messages) - len(held) - (len(request.messages) - n_sent_lead)
        at = {place: n_lead + i for i, place in enumerate(held)}
        run.held = {i: place for place, i in at.items()}
        n_sent = len(request.messages) - n_sent_lead
        run.n_history = n_held + n_sent
        at |= {n_held + i: n_lead + len(held) + i for i in range(n_sent)}
        cuts = {
            name: Cut((*range(n_lead), *(at[place] for place in fit.kept)), _note(fit))
            for name, fit in packs.items()
            if len(fit.kept) < len(at) or _note(fit)
        }
        if cuts:
            run.request = msgspec.structs.replace(run.request, cuts=cuts)

    def settle(self, run: Run, decision: Decision, *, keeps: bool) -> None:
        """Say in the trace what goes to the tier that was chosen.

        Args:
            keeps: The next turn keeps to that choice.
        """
        fit = run.fits.get(decision.tier)
        if fit is None:
            return
        tier = next(t for t in self.router.tiers if t.name == decision.tier)
        n_lead = run.n_history - fit.n_places
        run.trace.context = FitDecision(
            (*range(n_lead), *(n_lead + place for place in fit.kept)),
            self._corrected(tier, fit),
            tier.window_or_assumed,
            is_exact=fit.is_exact,
            n_dropped=fit.n_places - len(fit.kept),
            n_recalled=fit.n_recalled,
            expected_recall=fit.expected_recall,
            n_summary_tokens=tokens.estimate_text(fit.summary),
            n_same_tokens=self._n_same_tokens(run, fit),
        )
        if keeps and run.has_history and run.talk is not None:
            run.talk.sent(fit)
        elif keeps and run.thread is not None:
            run.thread.packed = fit

    def _n_same_tokens(self, run: Run, fit: Packed) -> int | None:
        from stepwell.memory.context.packing.prefix import n_same_tokens

        if run.talk is not None and run.has_history:
            return n_same_tokens(run.talk.thread, run.talk.packed, fit)
        return None if run.thread is None else n_same_tokens(run.thread, run.thread.packed, fit)

    def observe(self, run: Run, reply: Reply) -> None:
        """Learn from what the provider counted, where our count was no exact one and of text alone."""
        fit = run.fits.get(reply.tier)
        if fit is None or fit.is_bound or fit.is_exact or reply.is_cost_estimated or run.trace.escalations:
            return
        request = run.request
        if request.wire.tools or any(isinstance(m.content, list) for m in request.messages):
            return
        tier = next(t for t in self.router.tiers if t.name == reply.tier)
        n_counted = fit.n_tokens + tier.n_system_tokens
        self.corrections.observe(
            tokens.safest(tier.models), n_counted=n_counted, n_reported=reply.usage.prompt_tokens
        )

    def tend(self, run: Run) -> None:
        """Embed what is new of a long conversation that came whole, in the background."""
        thread = run.thread
        if thread is not None and self.marking is not None:
            self.marking().want(id(thread), thread, _kept_in_the_thread)


def _kept_in_the_thread(found: object) -> None:
    """Threads know their marks."""


def _no_threads() -> Threads:
    from stepwell.memory.context.thread.stateless import Threads

    return Threads()


def _without(fits: Fits, broken: frozenset[int]) -> Fits:
    """A held call that was never answered, or a result without its call, is refused by providers."""
    return {
        name: msgspec.structs.replace(fit, kept=tuple(p for p in fit.kept if p not in broken))
        if isinstance(fit, Packed)
        else fit
        for name, fit in fits.items()
    }


def _whole(fit: Packed, room: Room) -> Packed | ContextTooLong:
    """What fits where nothing may be left out."""
    if len(fit.kept) == fit.n_places:
        return fit
    return ContextTooLong(
        f"The conversation is longer than the {room.n_tokens} tokens that the window has beside the room reserved for "
        "the reply, and context.fit is off.",
        n_tokens=room.n_tokens + 1,
        window_tokens=room.n_tokens,
    )


def _note(fit: Packed) -> str:
    made = preface((), fit.summary, fit.dates)
    return "" if made is None else made.text
