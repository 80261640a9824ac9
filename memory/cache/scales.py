"""A prompt beside its neighbours: the verifier compares, the gate decides. One thread does all of it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import msgspec

from stepwell.memory.cache.judgement import Judgement
from stepwell.memory.store import Store

if TYPE_CHECKING:
    from stepwell.base.token_vectors import TokenVectors
    from stepwell.memory.cache.gate.gate import Choice, Gate
    from stepwell.memory.cache.gate.near import Near
    from stepwell.memory.cache.gate.promise import Change, GateReport
    from stepwell.memory.cache.semantic import Neighbourhood
    from stepwell.memory.cache.verifier.verifier import Verifier

T = TypeVar("T")
N_VERIFIED = 4  # of the nearest; the others vote by their cosine alone
NOTES_A_PAGE = 1_000
MAX_NEWS = 100
EVIDENCE_S = 30 * 86_400.0  # older traffic says little of today's
RULED_OUT = -11.9  # the verifier's word for what it must not compare

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Judgement).decode
log = logging.getLogger("stepwell.memory")


@dataclass(frozen=True, slots=True)
class Weighed:
    """What came of comparing one prompt.

    Attributes:
        partition: Where it was compared.
        sketch: What the verifier keeps of the prompt.
        choice: The neighbour whose answer would be served, and how sure that is; None where there is no neighbour.
    """

    partition: bytes
    sketch: bytes
    choice: Choice | None


class Scales:
    """Weighs prompts, and learns from judgements. Verifier, gate and evidence load at the first use.

    The evidence is the store's log, so that restarts and replicas weigh alike.
    """

    def __init__(
        self,
        store: Store,
        *,
        make_gate: Callable[[], Gate],
        make_verifier: Callable[[], Verifier],
        embedder_name: str,
        versions: str = "",
        may_serve: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Load nothing yet.

        Args:
            embedder_name: Word pieces of an embedder that the verifier does not know are not shown to it.
            versions: Of what makes features and verdicts; evidence of others is passed over.
            may_serve: False where there is no judge: nobody would notice that traffic has changed.
            clock: Unix time in seconds.
        """
        self._store = store
        self._versions = versions
        self._may_serve = may_serve
        self._clock = clock
        self._make_gate = make_gate
        self._make_verifier = make_verifier
        self._embedder_name = embedder_name
        self._gate: Gate | None = None
        self._verifier: Verifier | None = None
        self._last_seq = 0
        self._own: Counter[bytes] = Counter()  # noted, and not yet seen in the log
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="stepwell-cache-scales")
        self.is_serving = False

    async def weigh(
        self,
        partition: bytes,
        text: str,
        tokens: TokenVectors | None,
        found: Neighbourhood,
        *,
        timeout_s: float,
    ) -> Weighed | None:
        """Compare a prompt with its neighbours; None where that takes too long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                return await self._there(lambda: self._weigh(partition, text, tokens, found))
        return None

    async def wants_audit(self, choice: Choice) -> bool:
        """Whether the hit at hand goes upstream all the same, for the judge."""
        return await self._there(lambda: self._ready().wants_audit(choice))

    async def learn(self, judgement: Judgement) -> None:
        """Put a judgement into the log, and take from there what is new."""
        await self._there(lambda: self._learn(judgement))

    async def untold(self, choice: Choice) -> None:
        """An audit of this hit has got no verdict."""
        await self._there(lambda: self._untold(choice))

    async def is_alias(self, choice: Choice, *, is_same: bool) -> bool:
        """Whether the new prompt joins the chosen answer's group, after a verdict that may be wrong."""
        return await self._there(lambda: self._ready().is_alias(choice, is_same=is_same))

    async def report(self) -> GateReport:
        """What the gate knows about the promise."""
        return await self._there(lambda: self._ready().report())

    async def open(self) -> None:
        """Read the evidence; afterwards `is_serving` is known."""
        await self._there(self._ready)

    def close(self) -> None:
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def _there(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # ---- in the thread

    def _weigh(
        self, partition: bytes, text: str, tokens: TokenVectors | None, found: Neighbourhood
    ) -> Weighed:
        gate = self._ready()
        verifier = self._verifier
        assert verifier is not None  # _ready made it
        # word pieces of another embedder say nothing to it
        sketch = verifier.sketch(text, tokens if self._embedder_name == verifier.embedder else None)
        if not found.near:
            return Weighed(partition, sketch, None)
        near = _near(verifier, sketch, found)
        choice = gate.choose(near, found.records, found.sizes)
        if choice is not None and choice.would_serve and _is_ruled_out(choice, near):
            choice = replace(choice, would_serve=False)
        return Weighed(partition, sketch, choice)

    def _untold(self, choice: Choice) -> None:
        gate = self._ready()
        self._announce(gate.untold(choice))
        self._settle(gate)

    def _settle(self, gate: Gate) -> None:
        self.is_serving = gate.is_serving and self._may_serve

    def _learn(self, judgement: Judgement) -> None:
        gate = self._ready()  # first: it reads the log, and counts anew what is noted
        raw = _encode(msgspec.structs.replace(judgement, versions=self._versions))
        self._own[raw] += 1
        self._store.note(raw)
        self._announce(gate.learn(judgement))
        self._catch_up()

    def _ready(self) -> Gate:
        if self._gate is None:
            self._verifier = self._make_verifier()
            self._start()
        assert self._gate is not None
        return self._gate

    def _start(self) -> None:
        """A fresh gate, taken through all evidence."""
        self._gate, self._last_seq = self._make_gate(), 0
        self._own.clear()
        while page := self._page():
            self._gate.replay(page)
        self._settle(self._gate)

    def _catch_up(self) -> None:
        """What other processes have noted meanwhile."""
        gate, page = self._ready(), self._page()
        if len(page) > MAX_NEWS:  # it comes from far behind, as a replica does whose Redis was away
            self._start()
            return
        for judgement in page:
            self._announce(gate.learn(judgement))
        if gate.refit_due:
            self._announce(gate.refit())
        self._settle(gate)

    def _page(self) -> list[Judgement]:
        """The log's next page that has evidence for this cache; empty at its end."""
        while notes := self._store.notes_after(self._last_seq, limit=NOTES_A_PAGE):
            self._last_seq = notes[-1][0]
            if found := [j for _, raw in notes if (j := self._news(raw)) is not None]:
                return found
        return []

    def _news(self, raw: bytes) -> Judgement | None:
        if self._own[raw] > 0:  # learnt when it was noted
            self._own[raw] -= 1
            self._own += Counter()  # drops what is at zero
            return None
        judgement = read_judgement(raw)
        if judgement is None or judgement.versions != self._versions:
            return None
        return judgement if judgement.at_s > self._clock() - EVIDENCE_S else None

    def _announce(self, change: Change | None) -> None:
        if change is not None:
            log.warning("semantic cache: %s", change)


def _near(verifier: Verifier, sketch: bytes, found: Neighbourhood) -> list[Near]:
    from stepwell.memory.cache.gate.near import Near

    first = [n for n in found.near[:N_VERIFIED] if n.sketch is not None]
    odds = verifier.log_odds(sketch, [n.sketch or b"" for n in first], [n.similarity for n in first])
    known = dict(zip((n.seq for n in first), odds, strict=True))
    return [Near(n.answer_id, n.similarity, known.get(n.seq)) for n in found.near]


def _is_ruled_out(choice: Choice, near: Sequence[Near]) -> bool:
    """Whether no prompt that leads to the chosen answer may be compared with this one."""
    odds = [n.log_odds for n in near if n.answer_id == choice.answer_id and n.log_odds is not None]
    return bool(odds) and max(odds) <= RULED_OUT


def read_judgement(raw: bytes) -> Judgement | None:
    """One line of the evidence; None where another version wrote it."""
    try:
        return _decode(raw)
    except msgspec.DecodeError:
        return None
