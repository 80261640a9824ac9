"""Run a guardrails-ai validator as a check: `guardrails:<module>:<Class>`, options to its constructor.

Only the bare validator runs, a fresh one per text: no guardrails `Guard`, so no history of raw texts, no buffers that
requests share and not its stream runner (which leaks values split over chunks). It judges whole texts, so a stream
waits for its end where the action is redact or block; with "log" nothing waits.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.guards.check import WHOLE_TEXT

_loading = threading.Lock()


@contextmanager
def _quiet_home() -> Iterator[None]:
    """A home whose rc file switches metrics off, for as long as guardrails reads it.

    It reads `~/.guardrailsrc` once, at import, and reports to its maker unless that says no; switching it off after
    the import comes too late. OTEL_SDK_DISABLED would do, but would silence the user's own tracing as well.
    """
    names = ("HOME", "USERPROFILE")
    before = {name: os.environ.get(name) for name in names}
    with tempfile.TemporaryDirectory(prefix="stepwell-") as home:
        Path(home, ".guardrailsrc").write_text(
            "enable_metrics=false\nuse_remote_inferencing=false\n", encoding="utf-8"
        )
        os.environ.update(dict.fromkeys(names, home))
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})


def _quieten() -> None:
    """Import guardrails with its telemetry off; where someone imported it before, switch off what still can be."""
    # else the litellm that guardrails imports fetches a price map
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    with _loading:
        if "guardrails" not in sys.modules:
            with _quiet_home():
                importlib.import_module("guardrails")
        settings = importlib.import_module("guardrails.settings").settings
        settings.rc.enable_metrics = False
        telemetry = importlib.import_module("guardrails.utils.hub_telemetry_utils").HubTelemetry
        if telemetry._instance is not None:
            telemetry._instance._enabled = False


class GuardrailsCheck:
    """A guardrails-ai validator as a check. Its first use imports guardrails (seconds).

    A failure with error spans is a finding for each; without spans, one finding over the whole text.

    Raises:
        ConfigError: guardrails-ai isn't installed, or there is no such validator.
    """

    max_len = WHOLE_TEXT

    def __init__(self, spec: str, options: Mapping[str, Any]) -> None:
        module, colon, attribute = spec.partition(":")
        if not colon:
            raise ConfigError(
                f"'guardrails:{spec}' names no validator; write 'guardrails:package.module:ClassName'"
            )
        try:
            _quieten()
            self._validator = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as e:
            raise ConfigError(
                f"'guardrails:{spec}' can't be loaded ({type(e).__name__}); is stepwell[guardrails] installed?"
            ) from e
        self._options = dict(options)
        self.name = f"guardrails:{spec}"
        self.kinds: tuple[str, ...] = (_kind(attribute),)

    def find(self, text: str) -> list[Finding]:
        """Run a fresh validator; what its failure message says is dropped, since it may quote the text."""
        result = self._validator(**self._options).validate(text, {})
        if result.outcome == "pass":
            return []
        spans = [(s.start, s.end) for s in getattr(result, "error_spans", None) or ()] or [(0, len(text))]
        return [Finding(self.kinds[0], start, end, check=self.name) for start, end in sorted(spans)]


def _kind(name: str) -> str:
    """ClassName as CLASS_NAME."""
    return "".join(f"_{c}" if c.isupper() and i else c for i, c in enumerate(name)).upper()
