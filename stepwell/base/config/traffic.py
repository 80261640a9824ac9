"""The decision log: what is written of each request after it ended."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from stepwell.base.config.section import Section

Keep = Literal["features", "masked", "none"]
MASKED = (
    "secrets",
    "email",
    "phone",
    "credit_card",
    "iban",
    "us_ssn",
    "national_id",
    "date_of_birth",
    "ip_address",
)


class TrafficConfig(Section):
    """One line a request: the decision, what it cost, and what replaying it takes. Off without a path."""

    path: str | None = Field(default=None, description="JSONL file, mode 600; none: no log")
    share: float = Field(default=1.0, gt=0, le=1, description="of requests, by a hash of their id")
    keep: Keep = Field(
        default="features",
        description="features: traits and vector of the last ask, no text; masked: messages and answer, with "
        "what `checks` find replaced by [KIND]; none: neither, so that the log can't be replayed",
    )
    words: bool = Field(
        default=False,
        description="features: the ask's words as hashes of 12 bits, too, which a dictionary partly undoes; without "
        "them a policy that reads words may decide otherwise when it is replayed",
    )
    checks: list[str] = Field(
        default_factory=lambda: list(MASKED),
        min_length=1,
        description="checks of values that replace text where it is kept; `person` needs an extra",
    )
    max_bytes: int = Field(
        default=100_000_000, ge=10_000, description="a longer file is moved to <path>.1, that to .2, ..."
    )
    n_files: int = Field(default=4, ge=0, description="moved files that are kept")
