"""What the semantic cache weighs with, as configured; loaded when first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from stepwell.base.config import CacheConfig

if TYPE_CHECKING:
    from stepwell.memory.cache.gate.gate import Gate
    from stepwell.memory.cache.verifier.verifier import Verifier


class Parts:
    """Makes the verifier and the gate.

    Args:
        max_error: Share of the hits that may be wrong, 0..1.
    """

    def __init__(self, config: CacheConfig, max_error: float) -> None:
        self._config = config
        self._max_error = max_error

    @cached_property
    def verifier_name(self) -> str:
        """Tells one verifier's sketches from another's; reads its file, and loads nothing.

        Raises:
            ConfigError: It can't be read.
        """
        from stepwell.memory.cache.verifier.verifier import verifier_name

        return verifier_name(self._config.verifier)

    def verifier(self) -> Verifier:
        """Raises: ConfigError: Its weights can't be used."""
        from stepwell.memory.cache.verifier.verifier import Verifier

        return Verifier.load(self._config.verifier)

    def gate(self) -> Gate:
        from stepwell.memory.cache.gate.gate import Gate

        mode = self._config.semantic
        assert mode != "off"
        return Gate(
            self._max_error,
            mode=mode,
            audit_share=self._config.audit_share,
            judge_error=self._config.judge_error,
        )
