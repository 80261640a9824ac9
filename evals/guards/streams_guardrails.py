"""The same chunkings through guardrails-ai's stream runner, with our own checks as its validator: side by side.

A validator that redacts, action "fix", a fresh Guard for each stream: its most careful use. Telemetry off.
"""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from stepwell.evals.guards.streams import Row, Streamed, pieces, redacted, values_of
from stepwell.guards.guard import Guard

Run = Callable[[Sequence[str]], tuple[str, int]]


def check_rows_with_guardrails(
    rows: Iterable[Row], guard: Guard, *, n_chunkings: int = 10, seed: int = 0
) -> Iterator[Streamed]:
    """As `streams.check_rows`, of plain answers; `guard` may only redact.

    Raises:
        ImportError: guardrails-ai is not installed.
    """
    run = _runner(lambda text: redacted(guard, "content", text) or "")
    rng = random.Random(seed)
    for row in rows:
        text = str(row["text"])
        values, whole = values_of(row, guard), redacted(guard, "content", text) or ""
        tried = [run(pieces(text, rng)) for _ in range(n_chunkings)]
        yield Streamed(
            n_chunkings,
            sum(shown != whole for shown, _ in tried),
            sum(shown.count(v) > whole.count(v) for shown, _ in tried for v in values if v),
            len(values),
            max((held for _, held in tried), default=0),
        )


def _runner(redact: Callable[[str], str]) -> Run:
    """Streams pieces through a guardrails Guard; gives what came out, and the most that waited at once."""
    os.environ.setdefault(
        "OTEL_SDK_DISABLED", "true"
    )  # its own switch comes too late to stop the first spans
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    import guardrails
    from guardrails.validators import FailResult, PassResult, Validator, register_validator

    @register_validator(name="stepwell/redacts", data_type="string")
    class Redacts(Validator):  # type: ignore[misc, unused-ignore]
        def _validate(self, value: Any, metadata: dict[str, Any]) -> Any:
            fixed = redact(str(value))
            return PassResult() if fixed == value else FailResult(error_message="found", fix_value=fixed)

    def run(parts: Sequence[str]) -> tuple[str, int]:
        n_sent = n_shown = held = 0

        def model(*_: Any, messages: Any = None, **__: Any) -> Iterator[str]:
            nonlocal n_sent
            for part in parts:
                n_sent += len(part)
                yield part

        shown: list[str] = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = guardrails.Guard().use(Redacts(on_fail="fix"))
            made.configure(allow_metrics_collection=False)
            for out in made(model, messages=[{"role": "user", "content": "-"}], stream=True):
                shown.append(str(out.validated_output or ""))
                n_shown += len(shown[-1])
                held = max(held, n_sent - n_shown)
        return "".join(shown), held

    return run
