"""Run a guardrails-ai validator as a check: `guardrails:<module>:<Class>`, options to its constructor.

Only the bare validator runs, a fresh one per text: no guardrails `Guard`, so no history of raw texts, no buffers that
requests share and not its stream runner (which leaks values split over chunks). What `on_fail` says is not asked. It
judges whole texts, so a stream waits for its end where the action is redact or block; with "log" nothing waits.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import SequenceMatcher
from itertools import accumulate
from pathlib import Path
from typing import Any

from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.guards.check import WHOLE_TEXT

_loading = threading.Lock()
_WORDS = re.compile(r"\s+|[^\W_]+|.", re.DOTALL)
_MAX_WORDS = 1000


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


def load_quietly() -> None:
    """Import guardrails with its telemetry off; where someone imported it before, switch off what still can be."""
    # else the litellm that guardrails imports fetches a price map
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    with _loading:
        if "guardrails" not in sys.modules:
            with _quiet_home():
                importlib.import_module("guardrails")
        settings = importlib.import_module("guardrails.settings").settings
        settings.rc.enable_metrics = False
        _silence(importlib.import_module("guardrails.utils.hub_telemetry_utils").HubTelemetry())


def _silence(telemetry: Any) -> None:
    """A guardrails `Guard` makes spans whether it may or not; without a tracer it makes none."""
    telemetry._enabled = False
    if telemetry._tracer is None:
        return
    telemetry._tracer = None
    processor = telemetry._processor
    exporter = getattr(getattr(processor, "_batch_processor", processor), "_exporter", None)
    if exporter is not None:  # what waits to be sent is dropped
        exporter.shutdown()


class GuardrailsCheck:
    """A guardrails-ai validator as a check. Its first use imports guardrails (seconds).

    A failure with error spans is a finding for each; one with a fixed text, what differs from it; else one finding
    over the whole text.

    Args:
        spec: 'package.module:ClassName'.
        options: For its constructor; "metadata", if it is there, is what its calls get.

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
            load_quietly()
            self._validator = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as e:
            raise ConfigError(
                f"'guardrails:{spec}' can't be loaded ({type(e).__name__}); is stepwell[guardrails] installed?"
            ) from e
        self._options = {name: value for name, value in options.items() if name != "metadata"}
        self._metadata = dict(options.get("metadata", {}))
        self._is_async = _is_async(self._validator)
        self.name = f"guardrails:{spec}"
        self.kinds: tuple[str, ...] = (_kind(attribute),)

    def find(self, text: str) -> list[Finding]:
        """Run a fresh validator; what its failure message says is dropped, since it may quote the text.

        Call it on a thread without an event loop: some validators bring their own.
        """
        validator, metadata = self._validator(**self._options), dict(self._metadata)
        if self._is_async:
            result = asyncio.run(validator.async_validate(text, metadata))
        else:
            result = validator.validate(text, metadata)
        if result.outcome == "pass":
            return []
        spans = [(s.start, s.end) for s in getattr(result, "error_spans", None) or ()]
        fixed = getattr(result, "fix_value", None)
        if not spans and isinstance(fixed, str):
            spans = changed(text, fixed)
        return [
            Finding(self.kinds[0], start, end, check=self.name)
            for start, end in sorted(spans or [(0, len(text))])
        ]


def changed(text: str, fixed: str) -> list[tuple[int, int]]:
    """Which characters of a text another one lacks; word by word where both are short, else all between its same ends.

    Empty where the other one only adds.
    """
    before, after = _WORDS.findall(text), _WORDS.findall(fixed)
    if len(before) > _MAX_WORDS or len(after) > _MAX_WORDS:
        first = _n_same(text, fixed)
        end = len(text) - _n_same(text[first:][::-1], fixed[first:][::-1])
        return [(first, end)] if end > first else []
    places = [0, *accumulate(map(len, before))]
    matched = SequenceMatcher(None, before, after, autojunk=False)
    return [(places[a], places[b]) for how, a, b, _, _ in matched.get_opcodes() if how != "equal" and b > a]


def _n_same(a: str, b: str) -> int:
    """With how many characters both begin."""
    shorter = min(len(a), len(b))
    return next((i for i in range(shorter) if a[i] != b[i]), shorter)


def _is_async(validator: Any) -> bool:
    """Whether it only brings the async method."""
    base = importlib.import_module("guardrails.validator_base").Validator
    is_sync = validator._validate is not base._validate or validator.validate is not base.validate
    return not is_sync and validator.async_validate is not base.async_validate


def _kind(name: str) -> str:
    """ClassName as CLASS_NAME."""
    return "".join(f"_{c}" if c.isupper() and i else c for i, c in enumerate(name)).upper()
