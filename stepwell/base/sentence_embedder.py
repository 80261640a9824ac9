"""Any sentence-transformers model as the embedder (extra `st`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stepwell.base.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class SentenceEmbedder:
    """Embeds with a model folder, or a name whose files are already in the local Hugging Face cache.

    Nothing is fetched.

    Raises:
        ConfigError: sentence-transformers is not installed, or has no such model on this machine.
    """

    def __init__(self, folder_or_name: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as e:
            raise ConfigError(
                "embedding.embedder names a sentence-transformers model: pip install 'stepwell[st]'"
            ) from e
        try:
            self._model: Any = SentenceTransformer(folder_or_name, device="cpu", local_files_only=True)
        except (OSError, ValueError) as e:
            raise ConfigError(
                f"sentence-transformers has no model {folder_or_name!r} on this machine; give its folder"
            ) from e
        dim = _dim(self._model)
        if not isinstance(dim, int):
            raise ConfigError(f"the model {folder_or_name!r} does not say how wide its vectors are")
        self.name = f"sentence-transformers:{folder_or_name}"
        self.dim = dim

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of `texts`, L2-normalised, shape (n, dim). Blocks."""
        import numpy as np

        made = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(made, dtype=np.float32).reshape(len(texts), self.dim)


def _dim(model: Any) -> object:
    renamed = getattr(model, "get_embedding_dimension", None)  # the name since 5.x; the old one warns
    return renamed() if renamed is not None else model.get_sentence_embedding_dimension()
