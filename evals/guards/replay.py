"""`stepwell replay guards`: what the shipped checks say of recorded texts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from stepwell.base.decisions import Finding, Stage
from stepwell.base.errors import BadRequest, ConfigError
from stepwell.evals.guards.values import WARM, found_in
from stepwell.guards import checks
from stepwell.guards.check import Check, Judge, StreamCheck
from stepwell.guards.context import Context

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], "NDArray[np.float32]"]
HEADS = ("injection", "harmful", "toxicity")
_HEAD_OF = {
    "harmful_request": "harmful",
    "toxic": "toxicity",
    "benign_tweet": "toxicity",
    "benign_moderation": "toxicity",
}
_LABELS = ("id", "source", "category", "label", "overdefense")


def head_of(category: str) -> str:
    """Whose score counts for rows of a category; attacks and whatever is honest are the injection head's."""
    return _HEAD_OF.get(category, "injection")


def value_checks() -> tuple[Check, ...]:
    """Every shipped check that looks for values and needs no options and no other package."""
    made = (_usable(name) for name in checks.names())
    return tuple(c for c in made if isinstance(c, StreamCheck))


class GuardReplay:
    """Runs every shipped check over texts, one at a time.

    Args:
        embed: Vectors of texts, as a request's own text has one; None: the heads do without.
    """

    def __init__(self, embed: Embed | None) -> None:
        self._embed = embed
        self._values = value_checks()
        self._judges = {name: _judge(name) for name in HEADS}
        self.step({"text": WARM})  # what loads at first use is no cost of the first row

    def step(self, row: Mapping[str, object]) -> dict[str, object]:
        """Check one row {text, id?, category?, label?, overdefense?, source?}.

        A row whose category speaks of a document is read as retrieved text, any other as a user's.

        Returns:
            The row's labels; "scores" by head, and "score", that of the row's category; "findings" of value checks
            (kind, start, end, score, check; never text); "ms" of CPU without the embedding, "embed_ms".

        Raises:
            BadRequest: There is no text, or the label or the category is none.
        """
        text, category = _given(row)
        stage: Stage = "retrieved" if "document" in category else "input"
        context, embed_ms = Context(stage=stage, embed=self._embed), 0.0
        if self._embed is not None and stage == "input" and text.strip():
            began_s = time.process_time()
            context.vector, context.vector_text = self._embed([text])[0], text
            embed_ms = (time.process_time() - began_s) * 1e3
        began_s = time.process_time()
        found = found_in(self._values, text)
        scores = {name: _worst(judge.find_in(text, context)) for name, judge in self._judges.items()}
        ms = (time.process_time() - began_s) * 1e3
        return {
            **{name: row[name] for name in _LABELS if name in row},
            "score": scores[head_of(category)],
            "scores": scores,
            "findings": [_shown(f) for f in sorted(found, key=lambda f: (f.start, f.end))],
            "ms": round(ms, 4),
            "embed_ms": round(embed_ms, 4),
        }


def _given(row: Mapping[str, object]) -> tuple[str, str]:
    """A row's text and category."""
    text, category = row.get("text"), row.get("category") or ""
    if not isinstance(text, str):
        raise BadRequest("no text" if text is None else "text is no string")
    if row.get("label") not in (None, 0, 1):
        raise BadRequest("label must be 0 or 1")
    if not isinstance(category, str):
        raise BadRequest("category is no string")
    return text, category


def _judge(name: str) -> Judge:
    made = checks.make(name, {"floor": 0.0})
    assert isinstance(made, Judge)  # the heads that ship are
    return made


def _usable(name: str) -> Check | None:
    try:
        return checks.make(name, {})
    except ConfigError:  # it needs options, or a package that is not here
        return None


def _worst(found: Sequence[Finding]) -> float:
    return max((f.score for f in found), default=0.0)


def _shown(f: Finding) -> dict[str, object]:
    return {"kind": f.kind, "start": f.start, "end": f.end, "score": f.score, "check": f.check}
