"""What waits for a person, and what became of it."""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["waiting", "approved", "rejected", "expired"]
Said = Literal["approved", "rejected"]
STATUSES: tuple[Status, ...] = ("waiting", "approved", "rejected", "expired")


class Review(msgspec.Struct, frozen=True):
    """One text that a rule handed to people.

    Attributes:
        kinds, score: What the check found in it, and how sure it was, 0..1.
        policy: Names the rules that held it.
        status: "expired": nobody looked at it in time, and it counts as rejected.
        held_s: Unix time at which it came first.
        n_sent: In how many requests it came.
        text: As a tier sees it, with placeholders of masked values; None where it was erased, as once its label was
            exported, or where only a list was asked for.
        by, note: Who decided, and what they wrote.
        decided_s: Unix time; None while it waits.
    """

    id: str
    tenant: str
    stage: str
    check: str
    kinds: tuple[str, ...]
    score: float
    policy: str
    status: Status
    held_s: float
    n_sent: int
    text: str | None = None
    by: str = ""
    note: str = ""
    decided_s: float | None = None


class Label(msgspec.Struct, frozen=True):
    """A decision as an example for calibrating.

    Attributes:
        label: 1 where the text was rejected, 0 where it was approved.
        ts_s: Unix time of the decision.
    """

    text: str
    label: int
    check: str
    stage: str
    ts_s: float
    id: str
