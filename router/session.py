"""The tier of a conversation: it may rise at any turn, and falls only with a new task, where that pays."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence

import msgspec

from stepwell.router.tierinfo import TierInfo
from stepwell.router.turns import Result, Turn

_NOTHING: Mapping[str, int] = {}


class Trouble(msgspec.Struct, frozen=True):
    """When tools in trouble raise the tier by one.

    Attributes:
        n_failures: So many failed results, of the last `n_window`; 0: never.
        n_same_failures: So many failures of the same call.
        n_repeats: The same call so often in a row, or with the same result; 0: never.
    """

    n_failures: int = 2
    n_window: int = 8
    n_same_failures: int = 2
    n_repeats: int = 3


class Advice(msgspec.Struct, frozen=True):
    """What a conversation asks of the choice for one request.

    Attributes:
        min_tier: The tier used in this task, or one above where its tools fail: nothing cheaper now.
        keeps: At a new task, the tier whose prompt cache is warm: leave it downwards only if `pays_to_fall`.
        n_up: Tiers to go up from the router's own choice, where the session itself is not known.
        is_tool_loop: No exploring here.
        n_cached_tokens: Of the prompt, by tier: what its prompt cache should still hold.
        n_calls: Calls expected until the task is done.
    """

    min_tier: str | None = None
    keeps: str | None = None
    n_up: int = 0
    is_tool_loop: bool = False
    reasons: tuple[str, ...] = ()
    n_cached_tokens: Mapping[str, int] = _NOTHING
    n_calls: float = 1.0


class _Talk(msgspec.Struct):
    """What is remembered of one conversation: no text.

    Attributes:
        held: Place of the dearest tier used in the task; `used`: of the last one.
        since: Messages there were when the tier last rose; only later results count as trouble.
        cached: Tier -> tokens of its last prompt, and when that was.
    """

    task: bytes
    held: int
    used: int
    seen_s: float
    since: int = 0
    n_switches: int = 0
    cached: dict[str, tuple[int, float]] = msgspec.field(default_factory=dict)


class SessionState:
    """Conversations of this process, the longest unused forgotten first.

    Another process, or one that forgot, still reads failing tools off the request itself (`Advice.n_up`).

    Args:
        tiers: Cheapest first.
        max_sessions: 0 remembers none.
        ttl_s: A conversation that was silent so long is forgotten.
        cache_ttl_s: How long providers keep a prompt cache that nobody reads; usually 5 minutes.
        min_cached_tokens: Shorter prompts are not cached; 1,024 at most providers.
    """

    def __init__(
        self,
        tiers: Sequence[TierInfo],
        *,
        max_sessions: int = 10_000,
        ttl_s: float = 3600.0,
        cache_ttl_s: float = 300.0,
        min_cached_tokens: int = 1024,
        trouble: Trouble | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._names = [t.name for t in tiers]
        self._ranks = {name: i for i, name in enumerate(self._names)}
        self._max = max_sessions
        self._ttl_s = ttl_s
        self._cache_ttl_s = cache_ttl_s
        self._min_cached = min_cached_tokens
        self._trouble = trouble or Trouble()
        self._clock = clock
        self._talks: OrderedDict[bytes, _Talk] = OrderedDict()

    def __len__(self) -> int:
        return len(self._talks)

    def n_switches(self, turn: Turn) -> int:
        """How often the conversation has changed its tier so far."""
        talk = self._find(turn)
        return talk.n_switches if talk is not None else 0

    def advise(self, turn: Turn) -> Advice:
        """What the conversation asks for. Changes nothing: the same turn gets the same advice until `settle`."""
        talk = self._find(turn)
        if talk is None:
            n_up, reasons = steps_up(turn.results, self._trouble)
            return Advice(n_up=n_up, is_tool_loop=turn.is_tool_loop, reasons=reasons, n_calls=turn.n_calls)
        warm = self._warm(talk)
        if not self._is_same_task(talk, turn):
            return Advice(keeps=self._names[talk.used], n_cached_tokens=warm, n_calls=turn.n_calls)
        n_up, reasons = self._risen(talk, turn)
        least = self._at_most_top(talk.held + n_up)
        if least:
            reasons = (*reasons, f"session: not below {self._names[least]} within a task")
        return Advice(
            self._names[least],
            None,
            0,
            turn.is_tool_loop,
            reasons,
            n_cached_tokens=warm,
            n_calls=turn.n_calls,
        )

    def settle(self, turn: Turn, tier: str, *, n_input_tokens: int) -> None:
        """Remember which tier answered, and that it has now read this prompt."""
        rank = self._ranks.get(tier)
        if rank is None or not self._max:
            return
        now_s, talk = self._clock(), self._find(turn)
        if talk is None:
            n_up, _ = steps_up(turn.results, self._trouble)
            talk = _Talk(turn.task, rank, rank, now_s, turn.n_messages if n_up else 0)
        else:
            self._follow(talk, turn, rank)
        talk.seen_s = now_s
        talk.cached[tier] = (n_input_tokens, now_s)
        self._keep(turn, talk)

    def _follow(self, talk: _Talk, turn: Turn, rank: int) -> None:
        if self._is_same_task(talk, turn):
            n_up, _ = self._risen(talk, turn)
            if n_up and rank >= self._at_most_top(talk.held + n_up):
                talk.since = turn.n_messages
            talk.held = max(talk.held, rank)
        else:
            talk.held, talk.since = rank, 0
        talk.n_switches += rank != talk.used
        talk.used, talk.task = rank, turn.task

    def _risen(self, talk: _Talk, turn: Turn) -> tuple[int, tuple[str, ...]]:
        return steps_up([r for r in turn.results if r.place >= talk.since], self._trouble)

    def _at_most_top(self, rank: int) -> int:
        return min(rank, len(self._names) - 1)

    def _is_same_task(self, talk: _Talk, turn: Turn) -> bool:
        return turn.is_tool_loop or talk.task == turn.task

    def _warm(self, talk: _Talk) -> dict[str, int]:
        oldest_s = self._clock() - self._cache_ttl_s
        return {t: n for t, (n, at_s) in talk.cached.items() if at_s > oldest_s and n >= self._min_cached}

    def _find(self, turn: Turn) -> _Talk | None:
        """Of an opener alone nothing is held: many conversations begin with the same words."""
        if turn.is_new:
            return None
        talk = self._talks.get(turn.key) or self._talks.get(turn.opener)
        return talk if talk is not None and self._clock() - talk.seen_s <= self._ttl_s else None

    def _keep(self, turn: Turn, talk: _Talk) -> None:
        if turn.key != turn.opener and self._talks.get(turn.opener) is talk:
            del self._talks[turn.opener]  # it has an answer now, and so a name of its own
        self._talks[turn.key] = talk
        self._talks.move_to_end(turn.key)
        if len(self._talks) > self._max:
            self._talks.popitem(last=False)


def steps_up(results: Sequence[Result], trouble: Trouble) -> tuple[int, tuple[str, ...]]:
    """How many tiers the tools' troubles ask to go up, and why: after each step the count begins anew."""
    n_up, why = 0, ""
    tally = _Tally(trouble)
    for result in results:
        said = tally.add(result)
        if said:
            n_up, why = n_up + 1, said
            tally = _Tally(trouble)
    return n_up, (why,) if why else ()


class _Tally:
    """Troubles since the last step."""

    def __init__(self, trouble: Trouble) -> None:
        self._limits = trouble
        self._recent: deque[bool] = deque(maxlen=max(trouble.n_window, trouble.n_failures))
        self._failed: Counter[int] = Counter()
        self._same: Counter[tuple[int, int]] = Counter()
        self._last_call = self._n_in_a_row = 0

    def add(self, result: Result) -> str:
        """Why to go up; "" where there is no reason to."""
        limits = self._limits
        self._recent.append(result.is_failure)
        if result.call:
            self._failed[result.call] += result.is_failure
            self._same[result.call, result.content] += 1
            self._n_in_a_row = self._n_in_a_row + 1 if result.call == self._last_call else 1
        self._last_call = result.call
        n_same = max(self._n_in_a_row, self._same[result.call, result.content]) if result.call else 0
        if limits.n_repeats and n_same >= limits.n_repeats:
            return f"the same tool call {n_same} times in this task"
        if limits.n_same_failures and self._failed[result.call] >= limits.n_same_failures:
            return "the same tool call failed again in this task"
        n_failures = sum(self._recent)
        if limits.n_failures and n_failures >= limits.n_failures:
            return f"{n_failures} tool failures in this task"
        return ""
