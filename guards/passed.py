"""Texts that judges passed: a history comes again with every turn, and need not be read again."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

from stepwell.base.decisions import Stage

MAX_TEXTS = 16_384


class Passed:
    """Remembers digests of texts in which no judge found anything; the oldest go first."""

    def __init__(self, max_texts: int = MAX_TEXTS) -> None:
        self._max_texts = max_texts
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._digests)

    def knows(self, policy: str, stage: Stage, text: str) -> bool:
        """Whether the text passed the policy's judges of the stage."""
        digest = _digest(policy, stage, text)
        if digest not in self._digests:
            return False
        self._digests.move_to_end(digest)
        return True

    def add(self, policy: str, stage: Stage, text: str) -> None:
        """The text passed."""
        self._digests[_digest(policy, stage, text)] = None
        while len(self._digests) > self._max_texts:
            self._digests.popitem(last=False)


def _digest(policy: str, stage: Stage, text: str) -> bytes:
    said = f"{policy}\0{stage}\0{text}".encode("utf-8", "surrogatepass")
    return blake2b(said, digest_size=16).digest()
