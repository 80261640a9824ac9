"""What a line of outcomes, of a decision log, of a suite or of plain prompts says of one request."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.base.errors import StepwellError
from stepwell.base.messages import Message
from stepwell.router.traits import TRAITS, TRAITS_HASH
from stepwell.router.wrappers import last_ask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Vector = NDArray[np.float64]


class ShiftError(StepwellError):
    """Traffic can't be read or compared. Never shows what stands in it."""

    code = "shift_error"


class Line(msgspec.Struct):
    """One request; the fields that other files bring along are let pass.

    Attributes:
        p_ok: By tier; a request log has one number, of `tier`.
        traits, vector: Numbers, or base64 of float32 and of float16, as the decision log keeps them.
    """

    prompt: str | None = None
    query: str | None = None
    messages: list[Message] | None = None
    tags: list[str] = []
    domain: str | None = None
    intent: str | None = None
    kind: str | None = None
    cls: str | int | None = None
    p_ok: dict[str, float | None] | float | None = None
    need: float | None = None
    novelty: float | None = None
    n_input_tokens: float | None = None
    tier: str = ""
    served: str = ""
    scores: dict[str, float | None] | None = None
    traits: list[float] | str | None = None
    traits_hash: str = ""
    vector: list[float] | str | None = None
    embedder: str = ""

    @property
    def text(self) -> str:
        """The last ask; "" where it was not kept."""
        if self.messages:
            return last_ask(self.messages) or ""
        return self.prompt or self.query or ""

    @property
    def tag(self) -> str:
        """What the file calls this kind of request; "" where it says nothing."""
        named = next((n for n in (self.intent, self.domain, self.kind, self.cls) if n is not None), None)
        return str(named) if named is not None else self.tags[0] if self.tags else ""

    @property
    def p_ok_by_tier(self) -> dict[str, float]:
        """The router's scores at the time."""
        if isinstance(self.p_ok, dict):
            return {tier: p for tier, p in self.p_ok.items() if p is not None}
        return {} if self.p_ok is None or not self.tier else {self.tier: self.p_ok}

    @property
    def kept_traits(self) -> Vector | None:
        """As the file has them; None where it has none, or has those of another version."""
        if self.traits is None or self.traits_hash != TRAITS_HASH:
            return None
        found = _numbers(self.traits, "<f4")
        return found if found.shape == (len(TRAITS),) else None

    @property
    def kept_vector(self) -> Vector | None:
        found = None if not self.vector else _numbers(self.vector, "<f2")
        return found if found is not None and len(found) else None


def _numbers(given: list[float] | str, packed: str) -> Vector:
    if not isinstance(given, str):
        return np.asarray(given, dtype=np.float64)
    try:
        return np.frombuffer(base64.b64decode(given, validate=True), dtype=packed).astype(np.float64)
    except ValueError:
        return np.zeros(0)


_decode = msgspec.json.Decoder(Line).decode


def read_lines(path: str | Path) -> Iterator[Line]:
    """Every request of a JSON Lines file (.gz too), in file order; a journal's and a log's other lines are left out.

    Raises:
        ShiftError: It can't be read; names the line.
    """
    for n, raw in enumerate(_bytes(path).split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            line = _decode(raw)
        except msgspec.ValidationError as e:
            raise ShiftError(f"{path}, line {n}: {e}") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise ShiftError(f"{path}, line {n}: not JSON") from None
        if line.text or line.kept_traits is not None or line.p_ok is not None or line.need is not None:
            yield line


def _bytes(path: str | Path) -> bytes:
    try:
        data = Path(path).read_bytes()
        return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    except (OSError, EOFError, zlib.error) as e:
        raise ShiftError(f"{path}: {getattr(e, 'strerror', None) or 'not a whole gzip file'}") from e
