"""Write stepwell/base/minilm_residual.npz: what int8 rounding took from the weights of all-MiniLM-L6-v2.

The installed int8 weights alone give cosines down to 0.9956 against the original. Most of the error comes from
the second matrix of each feed-forward block, then from its first and from the value projections; for these the
file says where within its rounding step each true weight lies: in quarters (2 bits), else in halves (1 bit).

    python tests/tools/make_minilm_residual.py .../model.safetensors   # sha256 53aa5117...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stepwell.base.minilm import _installed
from stepwell.base.minilm_residual import FILE, pack
from stepwell.base.onnx_weights import Int8Weights, int8_weights

BITS = {"output.dense": 2, "intermediate.dense": 1, "attention.self.value": 1}
FloatArray = NDArray[np.float32]


def originals(path: Path) -> dict[str, FloatArray]:
    """The matrices to refine, by name, turned as the ONNX file has them: (inputs, outputs)."""
    raw = path.read_bytes()
    n_head = int.from_bytes(raw[:8], "little")
    found = {}
    for name, about in json.loads(raw[8 : 8 + n_head]).items():
        if name.endswith(tuple(f"{b}.weight" for b in BITS)) and "attention.output" not in name:
            begin, end = (8 + n_head + offset for offset in about["data_offsets"])
            found[name] = np.frombuffer(raw[begin:end], dtype="<f4").reshape(about["shape"]).T
    return found


def steps_of(true: FloatArray, weights: Int8Weights) -> FloatArray | None:
    """`true` in steps of `weights`, or None where these are not its rounding."""
    if weights.dims != true.shape:
        return None
    rounded = np.frombuffer(weights.raw, dtype=np.int8).reshape(weights.dims).astype(np.float32)
    steps: FloatArray = true * (127 / np.abs(true).max(axis=0))  # how the package rounds: a scale an output
    return steps - rounded if np.abs(steps - rounded).max() < 0.501 else None


def main(path: str) -> None:
    matrices = int8_weights(_installed().read_bytes())
    made = {}
    for name, true in originals(Path(path)).items():
        bits = next(n for kind, n in BITS.items() if f"{kind}.weight" in name)
        found = [(m.name, r) for m in matrices if (r := steps_of(true, m)) is not None]
        ((matrix, residual),) = found
        made[matrix] = pack(residual, bits)
    np.savez(FILE, allow_pickle=False, **made)
    print(f"{len(made)} matrices, {sum(a.nbytes for a in made.values())} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
