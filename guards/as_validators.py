"""Our checks as guardrails-ai validators: `Guard().use(validator("secrets", on_fail="fix"))`.

Its stream runner checks sentence by sentence, and a value split over two of them gets out; these validators make it
wait for the end of the text instead. Its buffer belongs to the validator: take a new Guard for each stream.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from stepwell.base.config import CheckConfig
from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.guards.context import Context
from stepwell.guards.rules import Rule, build
from stepwell.guards.spans import Writer, cut_out, join

_KNOWN = ("system", "asked", "sources", "schema")


def validator(check: str, *, on_fail: Any = None, threshold: float | None = None, **options: Any) -> Any:
    """A validator that fails where one of our checks finds something; its fixed text is the redacted one.

    A failure says kinds and spans, and nothing of the text. What a check may know beside the text comes in the
    metadata of a call: "system", "asked", "sources", "schema" (guards.context). Switches guardrails' telemetry off.

    Args:
        check: The name of a check that ships, or of one that is plugged in.
        on_fail: As guardrails-ai takes it.
        threshold: Least score that counts.
        options: Of the check.

    Raises:
        ConfigError: The check is unknown or does not take its options, or guardrails-ai isn't installed.
    """
    return _validator_class(check)(on_fail=on_fail, threshold=threshold, **options)


@cache
def _validator_class(check: str) -> Any:
    try:
        from stepwell.guards.guardrails_ai import load_quietly

        load_quietly()
    except ImportError as e:
        raise ConfigError("guardrails-ai is missing: pip install 'stepwell[guardrails]'") from e
    from guardrails.validator_base import ErrorSpan, FailResult, PassResult, Validator, register_validator

    class StepwellCheck(Validator):  # type: ignore[misc]
        def __init__(self, on_fail: Any = None, threshold: float | None = None, **options: Any) -> None:
            super().__init__(on_fail=on_fail, threshold=threshold, **options)
            self._rule = build([CheckConfig(check=check, threshold=threshold, options=options)])[0]

        def _validate(self, value: Any, metadata: dict[str, Any]) -> Any:
            text = str(value)
            found = _find(self._rule, text, metadata)
            if not found:
                return PassResult()
            said = [ErrorSpan(start=f.start, end=f.end, reason=f.kind) for f in found]
            kinds = ", ".join(sorted({f.kind for f in found}))
            return FailResult(
                error_message=f"{check} found {kinds}", error_spans=said, fix_value=_redacted(text, found)
            )

        def _chunking_function(self, chunk: str) -> list[str]:
            return []

    StepwellCheck.__name__ = "Stepwell" + "".join(part.title() for part in check.split("_"))
    return register_validator(name=f"stepwell/{check}", data_type="string")(StepwellCheck)


def _find(rule: Rule, text: str, metadata: Mapping[str, Any]) -> Sequence[Finding]:
    if rule.is_plugged or not rule.reads_context:
        return rule.find(text)
    context = Context("output", **{name: metadata[name] for name in _KNOWN if name in metadata})
    found: list[Finding] = rule.check.find_in(text, context)  # type: ignore[attr-defined]  # reads_context says so
    return rule.counted(found)


def _redacted(text: str, found: Sequence[Finding]) -> str:
    return cut_out(text, join(found), Writer())
