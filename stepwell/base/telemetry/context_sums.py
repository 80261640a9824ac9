"""What packing did to conversations, summed for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stepwell.base.telemetry.record import Record

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class ContextSums:
    """Adds up records of requests whose conversation was packed or logged."""

    def __init__(self) -> None:
        self._n_packed = self._n_dropped = self._n_recalled = 0
        self._n_tokens = self._n_same = self._n_unlogged = 0
        self._recall = 0.0

    def add(self, record: Record) -> None:
        """Take in one that has ended."""
        self._n_unlogged += record.is_logged is False
        fit = record.context
        if fit is None:
            return
        if fit.n_dropped:
            self._n_packed += 1
            self._n_dropped += fit.n_dropped
            self._n_recalled += fit.n_recalled
            self._recall += fit.expected_recall
        if fit.n_same_tokens is not None:
            self._n_tokens += fit.n_tokens
            self._n_same += fit.n_same_tokens

    def collect(self) -> Iterator[Metric]:
        """As prometheus_client asks."""
        from prometheus_client.core import CounterMetricFamily

        for name, about, n in (
            ("packed", "Requests of which messages were left out", self._n_packed),
            ("dropped_messages", "Messages left out", self._n_dropped),
            ("recalled_messages", "Older messages sent because they matter now", self._n_recalled),
            ("expected_recall", "Sum of the expected recall of packed requests", self._recall),
            ("conversation_tokens", "Prompt tokens of named conversations", self._n_tokens),
            (
                "same_tokens",
                "Of those, tokens that stood at the beginning of the last prompt, too",
                self._n_same,
            ),
            ("unlogged", "Exchanges that could not be logged", self._n_unlogged),
        ):
            yield CounterMetricFamily(f"stepwell_context_{name}", about, value=n)
