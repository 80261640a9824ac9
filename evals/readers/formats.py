"""The formats of others, and how a row shows which one it has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import cast

from stepwell.evals.readers.fields import Foreign

OWN = "stepwell"
_OWN_FIELDS = {"id", "prompt", "messages", "turns", "target", "scorer", "tags", "cluster", "params"}
_Lines = Callable[[Iterable[Foreign]], Iterator[dict[str, object]]]


@dataclass(frozen=True, slots=True)
class Format:
    """A format of others.

    Attributes:
        module: File here that knows it.
        fits: Whether a row looks like one; None: its file says so.
    """

    module: str
    function: str = "lines"
    fits: Callable[[Foreign], bool] | None = None

    def lines(self, rows: Iterable[Foreign]) -> Iterator[dict[str, object]]:
        """Rows as lines of a suite."""
        return cast(_Lines, getattr(self._loaded(), self.function))(rows)

    def takes(self, row: Foreign) -> bool:
        """Whether a row looks like one of this format."""
        fits = self.fits or cast(Callable[[Foreign], bool], self._loaded().fits)
        return self.function == "lines" and fits(row)

    def _loaded(self) -> ModuleType:
        return import_module(f"stepwell.evals.readers.{self.module}")


def _has(*names: str) -> Callable[[Foreign], bool]:
    return lambda row: all(name in row for name in names)


# in the order in which a row is tried
FORMATS: Mapping[str, Format] = {
    "ifeval": Format("ifeval", fits=_has("instruction_id_list", "prompt")),
    "humaneval": Format("code", fits=_has("entry_point", "test", "prompt")),
    "mbpp": Format("code", fits=_has("test_list", "code")),
    "mtbench": Format("mtbench"),
    "openai_evals": Format("openai_evals"),
    "openai_match": Format("openai_evals", "matched"),
    "bbh": Format("bbh"),
    "gsm8k": Format("gsm8k"),
    "choice": Format("choice"),
}


def format_of(row: Foreign) -> str | None:
    """The name of the format that a row has; None where no one's fits."""
    if set(row) <= _OWN_FIELDS:
        return OWN
    found = next((name for name, known in FORMATS.items() if known.takes(row)), None)
    return found or (OWN if {"prompt", "messages"} & set(row) and "id" in row else None)
