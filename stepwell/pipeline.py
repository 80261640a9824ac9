"""The one file that knows every stage.

guard input -> cache -> fit context -> route -> reserve -> dispatch -> guard output -> cache write -> record
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import getrandbits
from typing import TYPE_CHECKING

import msgspec

from stepwell.afterwards import Records
from stepwell.asking import Asking
from stepwell.base.config import Config
from stepwell.base.decisions import CacheDecision, Decision, Trace
from stepwell.base.embedding import Embedder, Layers, RequestVector
from stepwell.base.messages import Usage, decode_answer
from stepwell.base.reply import Reply
from stepwell.base.request import ChatRequest
from stepwell.base.telemetry.metrics import Metrics
from stepwell.base.telemetry.record import Recorder
from stepwell.conversing import Conversing
from stepwell.fitting import Fitting
from stepwell.guarding import Guarding
from stepwell.guards.guard import Guard
from stepwell.guards.scan import AskAgain
from stepwell.held_answers import HeldAnswers
from stepwell.memory.cache.cache import Cache
from stepwell.packing import Packing
from stepwell.router.budget import Budget
from stepwell.router.cascade.run import Ladder
from stepwell.router.decide import Router
from stepwell.router.dispatch import Dispatcher
from stepwell.router.features import last_ask
from stepwell.router.outcomes import OutcomeStore
from stepwell.router.purse import Purse
from stepwell.router.tiers.tier import Tier
from stepwell.router.turns import read_turn
from stepwell.run import (
    Run,
    bill,
    code_of,
    last_user_text,
    status_of,
)
from stepwell.sharing import Sharing
from stepwell.stream import ReplyStream
from stepwell.stream_flights import Call, OnFull, Seat, StreamFlights
from stepwell.streaming import Asked, Streaming
from stepwell.warming import backends_of, reads_vectors, warm_tiers

if TYPE_CHECKING:
    from stepwell.guards.audit import Audit
    from stepwell.guards.masks.store import MaskStore
    from stepwell.guards.review.queue import ReviewQueue
    from stepwell.memory.context.conversations import Conversations
    from stepwell.memory.context.log.log import Name, Past
    from stepwell.memory.context.marking import Marking
    from stepwell.traffic_log import TrafficLog

OFF = CacheDecision("off")
OF_A_TALK = CacheDecision("bypass", "the conversation has a history")
MASKED = CacheDecision("bypass", "values are masked")
WARM_S = 30.0
WARM = ChatRequest.build({"messages": [{"role": "user", "content": "warm"}]})


@dataclass(frozen=True, slots=True)
class Pipeline:
    """All stages, and the way through them."""

    config: Config
    tiers: Mapping[str, Tier]
    guard: Guard
    cache: Cache | None
    router: Router
    dispatcher: Dispatcher
    ledger: Budget
    record: Recorder
    metrics: Metrics
    embedder: Callable[[], Embedder] | None
    smallest_window: int
    smallest_hosted_window: int
    counts_dollars: bool
    embedder_name: str
    close_parts: tuple[Callable[[], object], ...] = ()
    ladder: Ladder | None = None
    outcomes: OutcomeStore | None = None
    conversing: Conversing | None = None
    marking: Callable[[], Marking] | None = None
    masks: Callable[[], MaskStore] | None = None
    audit: Audit | None = None
    traffic: TrafficLog | None = None
    reviews: ReviewQueue | None = None
    flights: StreamFlights[Asked] = field(default_factory=StreamFlights)
    _fitting: Fitting = field(init=False)
    _records: Records = field(init=False)
    _streaming: Streaming = field(init=False)
    _guarding: Guarding = field(init=False)
    _held: HeldAnswers = field(init=False)
    _asking: Asking = field(init=False)
    _sharing: Sharing = field(init=False)
    _has_heads: bool = field(init=False)

    def __post_init__(self) -> None:
        config, router, guard = self.config, self.router, self.guard
        compares = config.routing.cascade == "on"
        packing = Packing(config.context, router, config.promises.min_recall, compares, self.marking)
        records = Records(
            self.cache,
            config.cache.pii,
            router,
            self.record,
            self.metrics,
            self.outcomes,
            self.embedder_name,
            self.conversing,
            packing,
            self.audit,
            self.traffic,
        )
        streaming = Streaming(config.dispatch, guard, records)
        guarding = Guarding(guard, self.masks, self._vector_of, self.conversing)
        held = HeldAnswers(guarding, self.reviews)
        made: dict[str, object] = {
            "_has_heads": reads_vectors(self.tiers),
            "_guarding": guarding,
            "_held": held,
            "_records": records,
            "_streaming": streaming,
            "_asking": Asking(
                config.promises,
                guarding,
                held,
                self.dispatcher,
                self.ladder,
                Ladder(self.dispatcher, max_steps=config.routing.max_escalations),
                records,
                streaming,
            ),
            "_sharing": Sharing(
                config.cache,
                self.cache,
                self.flights,
                router.limit_usd,
                lambda request: guard.policy(request).version,
            ),
            "_fitting": Fitting(
                config.context,
                packing,
                self.smallest_window,
                self.smallest_hosted_window,
                self.counts_dollars,
            ),
        }
        for name, part in made.items():
            object.__setattr__(self, name, part)

    # ---- whole answers

    async def complete(self, request: ChatRequest) -> Reply:
        """Answer one request.

        Raises:
            StepwellError: Any of base.errors.
        """
        run = self._begin(request, is_stream=False)
        try:
            reply = await self._complete(run)
            await self._records.converse(run, reply)
        except BaseException as e:
            bill(e, run)
            self._records.add(run, status_of(e), error=code_of(e))
            raise
        self._records.add(run, 200, reply)
        return reply

    async def _complete(self, run: Run) -> Reply:
        hit = await self._enter(run)
        if hit is not None:
            return hit
        return await self._sharing.whole(run, lambda: self._ask(run))

    async def _ask(self, run: Run) -> Reply:
        return await self._asking.whole(run, await self._route(run))

    # ---- streams

    async def stream(self, request: ChatRequest) -> ReplyStream:
        """Open a stream: returns when its first token is there. The caller must iterate it or `aclose` it.

        Raises:
            StepwellError: Any of base.errors; from then on, while iterating, StreamBroken or GuardBlocked.
        """
        run = self._begin(request, is_stream=True)
        try:
            hit = await self._enter(run)
            if hit is None and self.guard.needs_whole(run.request):
                hit = await self._sharing.whole(run, lambda: self._ask(run))
            if hit is not None:
                return self._streaming.replay(run, hit)
            seat = await self._seat(run)
        except BaseException as e:
            bill(e, run)
            self._records.add(run, status_of(e), error=code_of(e))
            raise
        run.trace.ttft_ms = (time.monotonic() - run.began_s) * 1e3
        return self._streaming.along(run, seat) if seat.is_shared else self._streaming.live(run, seat)

    async def _seat(self, run: Run) -> Seat[Asked]:
        async def open_(on_full: OnFull | None) -> Call[Asked]:
            return await self._asking.open(run, await self._route(run), on_full)

        return await self._sharing.seat(run, open_)

    @property
    def conversations(self) -> Conversations | None:
        """Those that this process holds; they end with it where no log is configured."""
        return None if self.conversing is None else self.conversing.conversations

    async def shown(self, past: Past, name: Name) -> Past:
        """As `Guarding.shown`."""
        return await self._guarding.shown(past, name)

    # ---- the decision alone

    async def explain(self, request: ChatRequest) -> Decision:
        """Decide as `complete` would, and call no tier."""
        run = self._begin(request, is_stream=False)
        try:
            await self._receive(run, is_asked=False)
            return await self._decide(run, is_asked=False)
        finally:
            self.metrics.n_in_flight -= 1

    # ---- stages

    def _begin(self, request: ChatRequest, *, is_stream: bool) -> Run:
        self.metrics.n_in_flight += 1
        return Run(
            request,
            Trace(f"{getrandbits(96):024x}"),
            time.monotonic(),
            self.dispatcher.deadline_s(request),
            self._vector_of(request),
            is_stream,
        )

    def _vector_of(self, request: ChatRequest) -> RequestVector:
        """Of the last ask where the router reads it, else of the last user turn."""
        if self.router.needs_vector:
            return self._vector(last_ask(request.wire.messages), request)
        layers: Layers = "tokens" if self._reads_pieces(request) or self.guard.reads_vector else "last"
        return RequestVector(self.embedder, last_user_text(request), layers=layers)

    def _vector(self, ask: str, request: ChatRequest) -> RequestVector:
        needs_all = self._reads_pieces(request) or self.guard.reads_vector
        layers: Layers = "all" if needs_all else "both" if self._has_heads else "middle"
        return RequestVector(self.embedder, ask, layers=layers)

    def _reads_pieces(self, request: ChatRequest) -> bool:
        """Whether the cache compares by meaning, or older messages may have to be searched."""
        return self._compares or self._fitting.may_pack(request)

    @property
    def _compares(self) -> bool:
        """Whether the cache compares by meaning: it then reads the vectors of word pieces, too."""
        return self.cache is not None and self.config.cache.semantic != "off"

    async def _enter(self, run: Run) -> Reply | None:
        """Input guards, then the cache; a reply where the cache serves, or people approved one."""
        await self._receive(run)
        if (approved := await self._held.approved(run)) is not None:
            return approved
        if self.cache is None:
            run.trace.cache = OFF
            return None
        if run.has_history:  # an answer that leans on it is nobody else's, and goes when it is erased
            run.trace.cache = OF_A_TALK
            return None
        if run.vault is not None and not run.vault.is_empty:  # what stands for values is the caller's own
            run.trace.cache = MASKED
            return None
        scope = self.router.scope(run.request)
        vector = run.vector
        if self.router.needs_vector and not vector.is_of(last_user_text(run.request)):
            # without its wrappers the turn is not what the cache must compare
            vector = RequestVector(None, "")
        run.lookup = lookup = await self.cache.lookup(run.request, vector, scope=scope)
        run.trace.cache = lookup.decision
        entry = lookup.entry
        if entry is None:
            return None
        body, answer = entry.body, decode_answer(entry.body)
        try:
            body, answer = await self._guarding.hand_out(run, body, answer)
        except AskAgain:
            run.trace.cache = CacheDecision("bypass", "a guard refused it")
            return None
        usage = answer.usage or Usage()
        await self._sharing.delay(run)
        return Reply(body, entry.tier, entry.model, 0.0, usage, run.trace, False, answer)

    async def _receive(self, run: Run, *, is_asked: bool = True) -> None:
        """Input guards; then the conversation that is named."""
        asked = run.request
        self._held.name(run)
        await self._guarding.receive(run, is_asked=is_asked)
        if self.conversing is not None and asked.wishes.conversation is not None:
            await self.conversing.join(run, asked)

    async def _route(self, run: Run) -> Decision:
        decision = await self._decide(run)
        limit_usd = self.router.limit_usd(run.request)
        run.purse = purse = Purse(self.ledger, run.request.caller, decision, limit_usd)
        await purse.open()
        run.asked_s = time.monotonic()
        cap = self.router.output_cap(run.request)
        if cap is not None:
            run.request = msgspec.structs.replace(run.request, output_cap=cap)
        if self._has_heads:
            run.request = msgspec.structs.replace(run.request, vector=run.vector)
        return decision

    async def _decide(self, run: Run, *, is_asked: bool = True) -> Decision:
        """Args: is_asked: A tier will be asked as decided; False leaves the conversation as it is."""
        # before fitting, which may drop what names the conversation
        talk, wishes = run.talk if run.has_history else None, run.request.wishes
        seen = run.request if talk is None else talk.recent(run.request, run.n_lead)
        run.turn = read_turn(seen, session=wishes.session or wishes.conversation)
        if self.router.needs_vector and not (run.vector.n_embedded or run.vector.is_of(run.turn.ask)):
            run.vector = self._vector(run.turn.ask, run.request)
        sizes = await self._fitting.sized(run)
        if self.conversing is not None:
            await self.conversing.check_held(run)
            await self._guarding.keep_masks(run)
        run.trace.route = decision = await self.router.decide(
            run.request, sizes=sizes, vector=run.vector, turn=run.turn
        )
        self._fitting.packing.settle(run, decision, keeps=is_asked)
        return decision

    async def warm(self) -> None:
        """Load what the first request would wait for: local models, the evidence, and the embedder where it is needed.

        A local model that can't be started is told in the log: other tiers may do without it.

        Raises:
            ConfigError: The weights of the cache's verifier can't be used.
        """
        await self.guard.warm()
        await warm_tiers(self.tiers)
        is_needed = self.router.needs_vector or self.guard.reads_vector
        if self.cache is not None and self._may_serve:
            await self.cache.warm()
            is_needed = is_needed or self.cache.stats().is_serving
        if is_needed or self._has_heads:
            await self._vector("warm", WARM).get_for_routing(WARM_S)

    @property
    def _may_serve(self) -> bool:
        """Whether the cache may serve by meaning from the start: told to, or by evidence from before."""
        c = self.config.cache
        has_past = any(where is not None for where in (c.path, c.redis_url_env, c.store))
        return c.semantic == "serve" or (c.semantic == "auto" and has_past)

    async def close(self) -> None:
        """Let go of connections, processes and files."""
        if self.cache is not None:
            await self.cache.close()
        for backend in backends_of(self.tiers):
            await backend.close()
        if self.conversing is not None:
            await self.conversing.close()
        if self.audit is not None:
            self.audit.close()
        if self.traffic is not None:
            self.traffic.close()
        if self.reviews is not None:
            await self.reviews.close()
        for close in self.close_parts:
            made = close()
            if asyncio.iscoroutine(made):
                await made
