"""What a judge found out about one request and its neighbour: the evidence that the gate learns from."""

from __future__ import annotations

from typing import Literal

import msgspec

Source = Literal["miss", "audit", "report"]


class Judgement(msgspec.Struct, frozen=True, array_like=True):
    """One verdict. Holds no text and no names, so that it outlives what it was about.

    Attributes:
        at_s: Unix time.
        source: "miss": an answer was made anyway; "audit": a hit that went upstream all the same; "report": a user
            said that a hit was wrong.
        features: Of the request and its neighbours, as the gate makes them; empty where they are not known any more.
        p_same: What the gate had said, 0..1.
        would_serve: Whether the gate would have served it (an audit or a report: did).
        is_same: The verdict: 1 where the neighbour's answer would have done, 0 where not; between where the judge
            gives a probability.
        share: Probability with which such a request is judged at all, 0..1: audits are few.
        usd, s: What serving it would have saved, or did.
        versions: Of what made features and verdict (embedder, verifier, judge): others' are no evidence.
    """

    at_s: float
    source: Source
    features: tuple[float, ...]
    p_same: float
    would_serve: bool
    is_same: float
    share: float = 1.0
    usd: float = 0.0
    s: float = 0.0
    versions: str = ""
