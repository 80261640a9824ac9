"""How many requests a tier is sent at once: fewer where that is why it refuses, as many as before where it isn't."""

from __future__ import annotations

from dataclasses import dataclass, replace

# refusals that a tier may give at any load before the load is looked into
TOLERATED = 0.1
MIN_WINDOW = 16
# of what was found usual, what is still held so after each window
FORGETS = 0.95


@dataclass(slots=True)
class Throttle:
    """Follows the share of requests that a tier refuses (429).

    Where many are refused, it tries with what the tier took. If that helps, the load was the cause: it stays there and
    feels its way up by one; additive up, multiplicative down, as TCP's congestion control (Chiu & Jain 1989, Computer
    Networks 17:1). If it doesn't, the tier refuses whatever the load, and the limit goes back to where it was.

    Attributes:
        most: The limit that is never passed.
        limit: Requests that may be under way now.
        n_out: Places taken: a refused request keeps its own for as long as an answer takes, so that a tier that refuses
            at once isn't asked a thousand times a second.
    """

    most: int
    limit: int = 0
    n_out: int = 0
    _n_taken: int = 0
    _n_refused: int = 0
    _from: tuple[int, float] | None = None
    _usual: float = 0.0
    _n_under_way: int = 0
    _n_stale: int = 0

    def __post_init__(self) -> None:
        self.limit = self.most
        self._n_stale = self.most  # how long an answer takes is not known yet: refusals come first

    def again(self) -> Throttle:
        """One with nothing under way that knows what this one has learnt."""
        fresh = replace(self, n_out=0, _n_under_way=0, _n_taken=0, _n_refused=0, _from=None)
        fresh.limit, fresh._n_stale = self.limit, 0
        return fresh

    @property
    def has_room(self) -> bool:
        return self.n_out < self.limit

    def sent(self) -> None:
        """A request went out."""
        self.n_out += 1
        self._n_under_way += 1

    def freed(self) -> None:
        """Its place is free again."""
        self.n_out -= 1

    def ended(self, *, was_refused: bool) -> None:
        """A request came back."""
        self._n_under_way -= 1
        if self._n_stale:  # it was sent under another limit
            self._n_stale -= 1
            return
        self._n_refused += was_refused
        self._n_taken += not was_refused
        if self._n_refused + self._n_taken >= max(MIN_WINDOW, 2 * self.limit):
            self._judge(self._n_refused / (self._n_refused + self._n_taken))

    def _judge(self, refused: float) -> None:
        self._n_refused = self._n_taken = 0
        self._usual *= FORGETS  # it may have been a bad moment: look into it again some time
        if self._from is not None:
            before, was_refused = self._from
            self._from = None
            if refused > was_refused / 2:  # no better: the load is not why
                self._usual = refused
                self._set(before)
            return
        if refused > TOLERATED + 2 * self._usual and self.limit > 1:
            self._from = (self.limit, refused)
            self._set(max(1, int(self.limit * (1 - refused))))
        elif refused <= TOLERATED + self._usual:
            self._set(min(self.most, self.limit + 1))

    def _set(self, limit: int) -> None:
        if limit != self.limit:
            self.limit = limit
            self._n_stale = self._n_under_way
