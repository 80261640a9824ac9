"""Arrays as they lie in GGUF files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Stored = NDArray[Any]  # float16, float32, or the bytes of quantised rows
