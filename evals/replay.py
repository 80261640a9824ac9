"""`stepwell replay STAGE FILE`: recorded rows through one stage, a row out for each row in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from stepwell.base.config import Config
from stepwell.base.errors import ConfigError, StepwellError
from stepwell.evals.stages import STAGES, Step

# what a wrong row makes a stage raise; anything else is a bug and shows itself
BAD_ROW = (StepwellError, msgspec.MsgspecError, ValueError, TypeError, LookupError, RecursionError)

_decode_row: Callable[[str], dict[str, Any]] = msgspec.json.Decoder(dict[str, Any]).decode


def run_replay(
    stage: str, lines: Iterable[str], *, config: Config, out: Callable[[dict[str, object]], None]
) -> int:
    """Put rows through a stage and hand every result to `out`; blocks, and runs outside of any event loop.

    A bad row gives {"id", "line", "error"} and the rest goes on; no error shows text of its row.

    Args:
        stage: A key of `stages.STAGES`.
        lines: JSON Lines; blank ones are skipped. A row without an id gets its line's number.

    Returns:
        Number of bad rows.

    Raises:
        ConfigError: There is no such stage, or it can't be built from `config`.
    """
    if stage not in STAGES:
        raise ConfigError(f"no stage {stage!r}; there are {', '.join(STAGES)}")
    n_bad = 0
    with STAGES[stage](config) as step:
        for n, line in enumerate(lines, start=1):
            if line.strip():
                result, is_bad = _result(step, line, n)
                n_bad += is_bad
                out(result)
    return n_bad


def _result(step: Step, line: str, n: int) -> tuple[dict[str, object], bool]:
    try:
        row = _decode_row(line)
    except UnicodeError:
        return {"id": n, "line": n, "error": "not UTF-8"}, True
    except (msgspec.MsgspecError, RecursionError):
        return {"id": n, "line": n, "error": "not a JSON object"}, True
    row.setdefault("id", n)
    try:
        return step(row), False
    except BAD_ROW as e:
        return {"id": row["id"], "line": n, "error": _describe(e)}, True


def _describe(error: Exception) -> str:
    """Our own errors show no text; of others only the kind is told."""
    return f"{error.code}: {error}" if isinstance(error, StepwellError) else type(error).__name__
