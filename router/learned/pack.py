"""A model as named arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from stepwell.router.learned.heads import Kinds, Mix, Near, Scale, Trees, Words
from stepwell.router.learned.model import Curves, Model, Plain, Vectorial
from stepwell.router.learned.novelty import Ground, Novelty

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]

T = TypeVar("T")


def pack(model: Model) -> dict[str, NDArray[Any]]:
    """Every array and number of a model by its path: "plain.words.weights"."""
    packed: dict[str, NDArray[Any]] = {}
    _put(model, "", packed)
    return packed


def _put(value: object, path: str, packed: dict[str, NDArray[Any]]) -> None:
    if is_dataclass(value):
        for field in _stored(value):
            _put(getattr(value, field.name), f"{path}.{field.name}" if path else field.name, packed)
    elif value is not None:
        packed[path] = np.asarray(value)


def _stored(kind: object) -> list[Field[object]]:
    """All but what is worked out from the others."""
    return [field for field in fields(kind) if field.init]  # type: ignore[arg-type]


def unpack(arrays: Arrays) -> Model:
    """The model that `pack` was given.

    Raises:
        KeyError: A part is missing.
    """
    made = Model(
        arrays["means"],
        _made(Scale, "scale", arrays),
        Plain(
            _made(Words, "plain.words", arrays),
            _made(Trees, "plain.trees", arrays),
            _made(Kinds, "plain.kinds", arrays),
        ),
        _made(Mix, "plain_mix", arrays),
        _made(Curves, "plain_curves", arrays),
    )
    if "vectorial.memory" not in arrays:
        return made
    vectorial = Vectorial(
        arrays["vectorial.memory"],
        arrays["vectorial.norms"],
        _made(Near, "vectorial.near", arrays),
        _made(Kinds, "vectorial.kinds", arrays),
        _made(Trees, "vectorial.trees", arrays),
    )
    return Model(
        made.means,
        made.scale,
        made.plain,
        made.plain_mix,
        made.plain_curves,
        vectorial,
        _made(Mix, "mix", arrays),
        _made(Curves, "curves", arrays),
        _novelty(arrays),
    )


def _novelty(arrays: Arrays) -> Novelty:
    weights, bias = arrays["novelty.weights"], float(arrays["novelty.bias"])
    return Novelty(_made(Ground, "novelty.ground", arrays), weights, bias, arrays["novelty.known"])


def _made(kind: type[T], path: str, arrays: Arrays) -> T:
    values = [arrays[f"{path}.{field.name}"] for field in _stored(kind)]
    return kind(*(value if value.ndim else value.item() for value in values))
