"""Guards: which checks run where, and what a finding does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from stepwell.base.config.env_name import EnvName
from stepwell.base.config.section import Section

GuardAction = Literal["block", "review", "reask", "escalate", "keep_to", "mask", "redact", "log"]


class CheckConfig(Section):
    """One check at one stage. May be written as its bare name.

    `stepwell check` lists the names that ship; `guardrails:<dotted path>` runs a guardrails-ai validator; any other
    dotted path 'module:factory' or entry point (group `stepwell.checks`) plugs in.
    """

    check: str
    action: GuardAction | None = Field(
        default=None,
        description="block; review: wait for a person; reask: ask the tier again; escalate: ask a dearer one; "
        "keep_to: only these tiers may see the request; mask: a placeholder goes out, the value comes back in the "
        "answer; redact: the value is gone; log. Default: redact what has a place in the text, block what is judged "
        "as a whole",
    )
    threshold: float | None = Field(
        default=None, ge=0, le=1, description="least score that counts; default: from the false-block budget"
    )
    false_blocks: float | None = Field(
        default=None,
        gt=0,
        lt=0.5,
        description="share of honest texts that may be flagged; default: promises.max_false_blocks",
    )
    tiers: list[str] = Field(default_factory=list, description="keep_to: the tiers that may see the request")
    n_reasks: int = Field(default=1, ge=1, le=5, description="reask: how often before the answer is blocked")
    on_error: Literal["closed", "open"] = Field(
        default="closed", description="a check that fails or is too slow: block the text, or let it pass"
    )
    timeout_s: float = Field(default=1.0, gt=0)
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"check": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _fits(self) -> CheckConfig:
        if (self.action == "keep_to") != bool(self.tiers):
            raise ValueError("'tiers' and the action keep_to go together")
        if self.threshold is not None and self.false_blocks is not None:
            raise ValueError("give either threshold or false_blocks, not both")
        return self


class GuardStages(Section):
    """The checks of each stage. A stage without a list of its own takes that of input or output."""

    input: list[CheckConfig] = Field(default_factory=list)
    retrieved: list[CheckConfig] | None = Field(
        default=None, description="documents in a request; none: as input"
    )
    tool_result: list[CheckConfig] | None = Field(
        default=None, description="messages of tools; none: as input"
    )
    output: list[CheckConfig] = Field(default_factory=list)
    tool_args: list[CheckConfig] | None = Field(
        default=None, description="arguments of tool calls in answers; none: as output"
    )
    stream: list[CheckConfig] | None = Field(
        default=None, description="text of streamed answers; none: as output"
    )

    def named_tiers(self, where: str = "guards") -> Iterator[tuple[str, str]]:
        """Every tier that is named here, and where."""
        for stage in GuardStages.model_fields:
            for config in getattr(self, stage) or ():
                for tier in config.tiers:
                    yield f"{where}.{stage}, {config.check}", tier


class GuardRoute(GuardStages):
    """What is added for some requests: every condition that is set must hold. It can only tighten."""

    name: str
    tenants: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list, description="any of them among the request's tags")
    header: dict[str, str] = Field(
        default_factory=dict,
        description="request header -> value; any of several values, or of a list, counts",
    )
    keep_to: list[str] = Field(default_factory=list, description="only these tiers may see such a request")

    @model_validator(mode="after")
    def _has_condition(self) -> GuardRoute:
        if not (self.tenants or self.tags or self.header):
            raise ValueError("a route needs at least one of tenants, tags, header")
        return self

    def named_tiers(self, where: str = "guards") -> Iterator[tuple[str, str]]:
        where = f"{where}.routes.{self.name}"
        yield from ((f"{where}.keep_to", tier) for tier in self.keep_to)
        yield from super().named_tiers(where)


class MasksConfig(Section):
    """Where a conversation's placeholders are kept; without a path they live as long as the process."""

    path: str | None = Field(default=None, description="SQLite file; its values are encrypted")
    key_env: EnvName = Field(
        default="STEPWELL_MASK_KEY", description="environment variable with the Fernet key of the file"
    )
    ttl_s: float = Field(
        default=30 * 86_400,
        gt=0,
        description="kept so long after their conversation last used them; from then on they stay in its history as "
        "they are, and never stand for another value",
    )
    max_conversations: int = Field(
        default=100_000, ge=1, description="of more, those go whose placeholders were not used longest"
    )


class ReviewConfig(Section):
    """The queue of what the action review holds.

    Over HTTP a tenant's keys see and decide what is their tenant's where they `may_review` (server.keys); a server
    without keys, which binds to loopback only, lets every caller there decide.
    """

    path: str | None = Field(
        default=None, description="SQLite file; none: memory only, decisions end with the process"
    )
    ttl_s: float = Field(
        default=7 * 86_400,
        gt=0,
        description="what nobody looked at so long is rejected; an answer is kept as long for who asked, once",
    )
    max_waiting: int = Field(
        default=10_000, ge=1, description="more are blocked; of as many answers the whole is kept"
    )


class AuditConfig(Section):
    """One line for each request that a guard looked at: keyed hashes, kinds, places and scores, never text."""

    path: str | None = Field(default=None, description="JSONL file; none: no audit")
    key_env: EnvName | None = Field(
        default=None,
        description="environment variable with the key of the hashes; none: a new one for each process",
    )


_SECRETS: dict[str, Any] = {"check": "secrets", "action": "redact"}


class GuardsConfig(GuardStages):
    """Checks on what comes in and what goes out, tool-call arguments included. Empty lists switch guards off."""

    input: list[CheckConfig] = Field(default_factory=lambda: [CheckConfig(**_SECRETS)])
    output: list[CheckConfig] = Field(default_factory=lambda: [CheckConfig(**_SECRETS)])
    routes: list[GuardRoute] = Field(default_factory=list)
    hold_back_chars: int = Field(
        default=64, ge=16, le=4096, description="streams: how much is held back while a value may be open"
    )
    stream_cap: Literal["cut", "flush"] = Field(
        default="cut", description="streams: an open value longer than 8,192 characters goes, or is let out"
    )
    stream_judges: Literal["stop", "wait"] = Field(
        default="stop",
        description="streams: checks that judge the whole text look again and again and may stop the stream; or "
        "all of it waits for them",
    )
    retrieved_marks: list[tuple[str, str]] = Field(
        default_factory=lambda: [
            ("<context>", "</context>"),
            ("<document>", "</document>"),
            ("<documents>", "</documents>"),
        ],
        description="text between them, and the request's field `documents`, is retrieved text",
    )
    thresholds: str | None = Field(
        default=None, description="file that `stepwell guard tune` writes: thresholds for this traffic"
    )
    masks: MasksConfig = Field(default_factory=MasksConfig)
    review: ReviewConfig = Field(default_factory=ReviewConfig)
    audit: AuditConfig = Field(default_factory=AuditConfig)

    @field_validator("retrieved_marks")
    @classmethod
    def _are_marks(cls, marks: list[tuple[str, str]]) -> list[tuple[str, str]]:
        if any(not a or not b for a, b in marks):
            raise ValueError("a mark can't be empty")
        return marks

    def named_tiers(self, where: str = "guards") -> Iterator[tuple[str, str]]:
        yield from super().named_tiers(where)
        for route in self.routes:
            yield from route.named_tiers(where)
