"""Heads on the disk: NAME.npz with the weights, NAME.json with the card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.guards.learned.gram_head import GramHead
from stepwell.guards.learned.head import Head, Mix, Scale, VectorHead

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FOLDER = Path(__file__).parent
_RARITY_STEP = 1 / 16


@lru_cache(maxsize=8)
def load(name: str, folder: Path = _FOLDER) -> Head:
    """The head `name`, read once a process."""
    import numpy as np

    card = json.loads((folder / f"{name}.json").read_text("utf-8"))
    with np.load(folder / f"{name}.npz") as arrays:
        grams = GramHead(
            arrays["weights"].astype(np.float32),
            arrays["rarity"] * np.float32(_RARITY_STEP),
            float(arrays["bias"]),
        )
        layers = [
            (arrays[f"layer{i}"].astype(np.float32), arrays[f"bias{i}"].astype(np.float32))
            for i in range(sum(key.startswith("layer") for key in arrays))
        ]
    vector = VectorHead(tuple(layers)) if layers else None
    return Head(
        grams,
        _mixed(card["alone"]),
        vector,
        _mixed(card["together"]) if vector else None,
        {float(budget): float(t) for budget, t in card["thresholds"].items()},
        _scale(card["within"]) if card.get("within") else None,
    )


def _mixed(part: Mapping[str, Mapping[str, object]]) -> tuple[Mix, Scale]:
    return Mix(**part["mix"]), _scale(part["scale"])  # type: ignore[arg-type]  # our own file, written by `save`


def _scale(part: Mapping[str, object]) -> Scale:
    return Scale(tuple(part["log_odds"]), tuple(part["scores"]))  # type: ignore[arg-type]


def save(name: str, head: Head, card: Mapping[str, object], folder: Path = _FOLDER) -> None:
    """Write a head; `card` says what it learned from and how it did (data, licences, metrics, command)."""
    import numpy as np

    arrays: dict[str, NDArray[np.generic]] = {
        "weights": head.grams.weights.astype(np.float16),
        "rarity": np.clip(np.round(head.grams.rarity / _RARITY_STEP), 0, 255).astype(np.uint8),
        "bias": np.array(head.grams.bias, dtype=np.float32),
    }
    for i, (weights, bias) in enumerate(head.vector.layers if head.vector else ()):
        arrays |= {f"layer{i}": weights.astype(np.float16), f"bias{i}": bias.astype(np.float32)}
    np.savez_compressed(folder / f"{name}.npz", allow_pickle=False, **arrays)
    whole = {
        "name": name,
        **card,
        "alone": _written(head.alone),
        "together": _written(head.together) if head.together else None,
        "within": _corners(head.within) if head.within else None,
        "thresholds": {str(budget): round(t, 5) for budget, t in head.thresholds.items()},
    }
    (folder / f"{name}.json").write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _written(part: tuple[Mix, Scale]) -> dict[str, dict[str, object]]:
    mix, scale = part
    return {
        "mix": {"grams": mix.grams, "vector": mix.vector, "bias": mix.bias},
        "scale": _corners(scale),
    }


def _corners(scale: Scale) -> dict[str, object]:
    return {"log_odds": list(scale.log_odds), "scores": list(scale.scores)}
