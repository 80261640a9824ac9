"""Which part of the traffic a narrow skill is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.data.said import instructions, text_of
from stepwell.traffic_line import Logged


@dataclass(frozen=True, slots=True)
class Where:
    """All that is set must hold.

    Attributes:
        rule: Name of a routing rule that matched.
        response_format: "text", "json_object" or "json_schema".
        like: Regular expression that is found in the last ask or in the system prompt.
        since_s, until_s: Unix times.
    """

    rule: str | None = None
    response_format: str | None = None
    like: str | None = None
    since_s: float | None = None
    until_s: float | None = None

    def holds(self, row: Logged) -> bool:
        """Whether a line of the log is of this part.

        Raises:
            FinetuneError: `like` is no regular expression.
        """
        return (
            (self.rule is None or self.rule in row.rules)
            and (
                self.response_format is None or self.response_format == (row.needs.response_format or "text")
            )
            and (self.since_s is None or row.at_s >= self.since_s)
            and (self.until_s is None or row.at_s <= self.until_s)
            and (self.like is None or self._is_like(row, self.like))
        )

    def _is_like(self, row: Logged, pattern: str) -> bool:
        asks = [text_of(m) for m in row.messages if m.get("role") == "user"]
        try:
            found = re.compile(pattern)
        except re.error as e:
            raise FinetuneError(f"--like: no regular expression: {e.msg}") from None
        return any(found.search(text) for text in (*asks[-1:], instructions(row.messages)))


EVERYWHERE = Where()
