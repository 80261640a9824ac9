"""Guards: which checks run where, and what a finding does."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from stepwell.base.config.section import Section


class CheckConfig(Section):
    """One check at one stage. May be written as its bare name.

    Names that ship: email, phone, credit_card, iban, us_ssn, ip_address, secrets; `guardrails:<dotted path>`
    runs a guardrails-ai validator; any other dotted path 'module:factory' or entry point (group
    `stepwell.checks`) plugs in.
    """

    check: str
    action: Literal["block", "redact", "log"] = "redact"
    on_error: Literal["closed", "open"] = Field(
        default="closed", description="a check that fails or is too slow: block the text, or let it pass"
    )
    timeout_s: float = Field(default=1.0, gt=0)
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"check": value} if isinstance(value, str) else value


def _default_input() -> list[CheckConfig]:
    return [CheckConfig(check="secrets", action="redact")]


def _default_output() -> list[CheckConfig]:
    return [CheckConfig(check="secrets", action="redact")]


class GuardsConfig(Section):
    """Checks on what comes in and what goes out, tool-call arguments included. Empty lists switch guards off."""

    input: list[CheckConfig] = Field(default_factory=_default_input)
    output: list[CheckConfig] = Field(default_factory=_default_output)
    hold_back_chars: int = Field(
        default=64, ge=16, le=4096, description="streams: how much is held back while a value may be open"
    )
