"""Fit heads: scikit-learn to learn, plain arrays to keep."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from stepwell.guards.learned.gram_head import GramHead
from stepwell.guards.learned.head import VectorHead
from stepwell.guards.learned.ngrams import N_BUCKETS, N_CHAR_BUCKETS, grams
from stepwell.guards.learned.windows import ends

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RARITY_STEP = 1 / 16


def even_weights(sources: Sequence[str], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """1 / sqrt(size of the source and class) for each row, both classes of the same sum; the mean is 1."""
    import numpy as np

    groups = [f"{source}|{label}" for source, label in zip(sources, labels, strict=True)]
    _, group_of, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    weights = np.asarray(sizes[group_of] ** -0.5, dtype=np.float64)
    for label in (False, True):
        of = labels == label
        weights[of] *= 0.5 * len(labels) / max(weights[of].sum(), 1e-12)
    return weights


def counts(texts: Sequence[str]) -> Any:
    """Sublinear counts of every n-gram, a SciPy matrix of shape (n texts, N_BUCKETS)."""
    import numpy as np
    from scipy import sparse

    columns, values, at = [], [], [0]
    for text in texts:
        buckets, times = _counted(text)
        columns.append(buckets)
        values.append(times)
        at.append(at[-1] + len(buckets))
    return sparse.csr_matrix(
        (np.concatenate(values), np.concatenate(columns), np.array(at)), shape=(len(texts), N_BUCKETS)
    )


@lru_cache(maxsize=20_000)  # a study asks for the same texts again for every source that is left out
def _counted(text: str) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    import numpy as np

    buckets, n_times = np.unique(grams(ends(text)).buckets, return_counts=True)
    return buckets.astype(np.int32), (1 + np.log(n_times)).astype(np.float32)


def fit_grams(
    counted: Any, labels: NDArray[np.bool_], weights: NDArray[np.float64], *, inverse_penalty: float = 4.0
) -> GramHead:
    """A logistic regression over `counts`.

    Args:
        labels, weights: Shape (n texts,).
        inverse_penalty: Of the squared weights; larger fits closer (scikit-learn's C).
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    n_with = np.asarray((counted > 0).sum(axis=0)).ravel()
    rarity = np.log((1 + counted.shape[0]) / (1 + n_with)) + 1
    rarity = (np.round(rarity / RARITY_STEP) * RARITY_STEP).astype(np.float32)
    model = LogisticRegression(C=inverse_penalty, solver="liblinear", tol=1e-3, random_state=0)
    model.fit(_scaled(counted, rarity), labels, sample_weight=weights)
    return GramHead(model.coef_[0].astype(np.float32), rarity, float(model.intercept_[0]))


def gram_scores(head: GramHead, counted: Any) -> NDArray[np.float64]:
    """`head.score` of many texts at once, shape (n texts,)."""
    import numpy as np

    return np.asarray(_scaled(counted, head.rarity) @ head.weights + head.bias, dtype=np.float64)


def _scaled(counted: Any, rarity: NDArray[np.float32]) -> Any:
    import numpy as np
    from scipy import sparse

    values = (counted @ sparse.diags(rarity)).tocsr()
    parts = []
    for part in (values[:, :N_CHAR_BUCKETS], values[:, N_CHAR_BUCKETS:]):
        lengths = np.sqrt(np.asarray(part.multiply(part).sum(axis=1)).ravel())
        parts.append(sparse.diags(1 / np.where(lengths > 0, lengths, 1)) @ part)
    return sparse.hstack(parts).tocsr().astype(np.float32)


def fit_vector(
    vectors: NDArray[np.float32],
    labels: NDArray[np.bool_],
    weights: NDArray[np.float64],
    *,
    n_hidden: int = 64,
    seeds: Sequence[int] = (0, 1, 2),
) -> VectorHead:
    """The mean of small networks, one for each seed, written as one network of all their hidden units."""
    import warnings

    import numpy as np
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    mean, spread = vectors.mean(axis=0), vectors.std(axis=0) + 1e-6
    nets = []
    for seed in seeds:
        net = MLPClassifier((n_hidden,), alpha=1.0, max_iter=25, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is meant
            net.fit((vectors - mean) / spread, labels, sample_weight=weights)
        nets.append(net)
    into = np.hstack([net.coefs_[0] for net in nets]) / spread[:, None]
    bias = np.concatenate([net.intercepts_[0] for net in nets]) - mean @ into
    out = np.vstack([net.coefs_[1] for net in nets]) / len(nets)
    last = np.mean([net.intercepts_[1] for net in nets], axis=0)
    return VectorHead(((_float32(into), _float32(bias)), (_float32(out), _float32(last))))


def fit_plane(
    vectors: NDArray[np.float32],
    labels: NDArray[np.bool_],
    weights: NDArray[np.float64],
    *,
    inverse_penalty: float = 10.0,
) -> VectorHead:
    """A logistic regression over embeddings."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=inverse_penalty, max_iter=1_000).fit(vectors, labels, sample_weight=weights)
    return VectorHead(((_float32(model.coef_.T), _float32(model.intercept_)),))


def _float32(values: Any) -> NDArray[np.float32]:
    import numpy as np

    return np.asarray(values, dtype=np.float32)
