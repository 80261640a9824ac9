"""Classifier heads: what a fine-tuned model has to beat, fitted in seconds on the same examples."""

from __future__ import annotations

import json
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.data.example import Example, FinetuneError
from stepwell.evals.finetune.data.whole import write_whole
from stepwell.evals.scorers import plain
from stepwell.evals.suite import canonical_json
from stepwell.router.tiers.bundle import CARD, FILES, Bundle, BundleCard, file_sha256, read_bundle

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from stepwell.base.embedding import Embedder
    from stepwell.router.tiers.head_file import Head, HeadKind

KINDS: tuple[HeadKind, ...] = ("tfidf", "embedding")
MAX_ANSWERS = 500
_N_BATCH = 64


@dataclass(frozen=True, slots=True)
class HeadOptions:
    """How heads are fitted; the defaults are the same for every data set.

    Attributes:
        tfidf_c, embedding_c: Inverse strength of the ridge penalty.
        max_answers: With more distinct answers no head is fitted; see `head_bound`.
    """

    tfidf_c: float = 30.0
    embedding_c: float = 10.0
    max_answers: int = MAX_ANSWERS
    max_iter: int = 1000


@dataclass(frozen=True, slots=True)
class FittedHead:
    """A head on the disk.

    Attributes:
        fit_s: Seconds that it took, vectors included.
    """

    bundle: Bundle
    n_answers: int
    fit_s: float

    @property
    def kind(self) -> str:
        return self.bundle.card.head


def n_answers(examples: Sequence[Example]) -> int:
    """Distinct answers."""
    return len({answer_key(e.answer) for e in examples})


def head_bound(dataset: Dataset) -> float:
    """Share of the held-out answers that occur among the training answers: no head is right more often."""
    known = {answer_key(e.answer) for e in dataset.train}
    n_known = sum(answer_key(e.answer) in known for e in dataset.held_out)
    return n_known / len(dataset.held_out) if dataset.held_out else 0.0


def answer_key(answer: str) -> bytes:
    """Names an answer as scorers tell them apart: JSON by its value, a text but for case and punctuation around."""
    try:
        return canonical_json(json.loads(answer, parse_float=_number))
    except (ValueError, RecursionError, msgspec.MsgspecError, OverflowError):
        return (plain(answer) or answer.strip()).encode("utf-8", "surrogatepass")


def _number(digits: str) -> float | int:
    value = float(digits)
    return int(value) if value.is_integer() else value


def fit_head(
    dataset: Dataset,
    kind: HeadKind,
    out: Path,
    *,
    embedder: Callable[[], Embedder] | None = None,
    options: HeadOptions = HeadOptions(),
) -> FittedHead:
    """Fit a head on a dataset's training part and keep it as a bundle.

    TF-IDF of words and pairs of words with sublinear counts, or the house's sentence vectors; over either a logistic
    regression. An answer is one of the training's own, as it is spelled most often there.

    Args:
        out: The bundle's folder.
        embedder: Gives the embedder of the configuration, for "embedding".

    Raises:
        FinetuneError: scikit-learn is missing, the answers are too many, or the folder can't be written.
    """
    began = time.perf_counter()
    labels, spelled = _labels(dataset.train)
    if not labels or len(spelled) > options.max_answers:
        most = f"from 1 to {options.max_answers:,}"
        raise FinetuneError(f"{len(spelled):,} distinct answers: a head is fitted on {most}")
    asks, name = [e.ask for e in dataset.train], ""
    if kind == "tfidf":
        head = _tfidf(asks, labels, spelled, options)
    elif embedder is None:
        raise FinetuneError("an embedding head needs the embedder of the configuration")
    else:
        opened = embedder()
        name = opened.name
        head = _embedding(embedded(opened, asks), labels, spelled, options)
    bundle = _saved(head, dataset, out, embedder=name)
    return FittedHead(bundle, len(spelled), time.perf_counter() - began)


def embedded(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.float32]:
    """Vectors as a served head gets them, shape (n, dim), float32."""
    import numpy as np

    made = [np.zeros((0, embedder.dim), np.float32)]
    made += [embedder.embed(texts[at : at + _N_BATCH]) for at in range(0, len(texts), _N_BATCH)]
    return np.concatenate(made)


def _labels(examples: Sequence[Example]) -> tuple[list[int], list[str]]:
    """The place of each example's answer among the answers, and how each is spelled most often."""
    spellings: dict[bytes, Counter[str]] = {}
    for e in examples:
        spellings.setdefault(answer_key(e.answer), Counter())[e.answer] += 1
    places = {key: n for n, key in enumerate(spellings)}
    labels = [places[answer_key(e.answer)] for e in examples]
    return labels, [counted.most_common(1)[0][0] for counted in spellings.values()]


def _tfidf(asks: Sequence[str], labels: Sequence[int], spelled: Sequence[str], options: HeadOptions) -> Head:
    import numpy as np

    from stepwell.router.tiers.head_file import Head

    vectorizer = _sklearn("feature_extraction.text").TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    try:
        rows = vectorizer.fit_transform(asks)
    except ValueError:
        raise FinetuneError("no ask of the training part has a word to learn from") from None
    weights, bias = _softmax(rows, labels, len(spelled), options.tfidf_c, options.max_iter)
    vocabulary = tuple(vectorizer.get_feature_names_out().tolist())
    return Head(tuple(spelled), weights, bias, vocabulary, vectorizer.idf_.astype(np.float32))


def _embedding(
    vectors: NDArray[np.float32], labels: Sequence[int], spelled: Sequence[str], options: HeadOptions
) -> Head:
    from stepwell.router.tiers.head_file import Head

    weights, bias = _softmax(vectors, labels, len(spelled), options.embedding_c, options.max_iter)
    return Head(tuple(spelled), weights, bias)


def _softmax(
    rows: Any, labels: Sequence[int], n_classes: int, c: float, max_iter: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (n_classes, n_features) and bias (n_classes,) of a multinomial logistic regression."""
    import numpy as np

    if n_classes == 1:
        return np.zeros((1, rows.shape[1]), np.float32), np.zeros(1, np.float32)
    linear = _sklearn("linear_model")
    with warnings.catch_warnings():
        # stopped at max_iter it is a head like any other, and is measured as it is
        warnings.simplefilter("ignore", _sklearn("exceptions").ConvergenceWarning)
        warnings.filterwarnings("ignore", "The number of unique classes")
        fitted = linear.LogisticRegression(C=c, max_iter=max_iter, random_state=0).fit(rows, labels)
    weights, bias = fitted.coef_, fitted.intercept_
    if n_classes == 2:  # one row says how much the second class is likelier
        weights, bias = np.vstack([0 * weights, weights]), np.concatenate([[0.0], bias])
    return weights.astype(np.float32), bias.astype(np.float32)


def _sklearn(module: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"sklearn.{module}")
    except ImportError:
        raise FinetuneError("heads are fitted by scikit-learn: pip install 'stepwell[tune]'") from None


def _saved(head: Head, dataset: Dataset, out: Path, *, embedder: str) -> Bundle:
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        (out / CARD).unlink(missing_ok=True)
    except OSError as e:
        raise FinetuneError(f"{out} can't be written: {e.strerror or type(e).__name__}") from e
    head.save(out / FILES["head"])
    card = BundleCard(
        name=f"head-{head.kind}",
        kind="head",
        sha256=file_sha256(out / FILES["head"]),
        head=head.kind,
        embedder=embedder,
        dataset_sha256=dataset.card.sha256,
        n_train=len(dataset.train),
        n_held_out=len(dataset.held_out),
        licences=dataset.card.licences,
    )
    write_card(out, card)
    return read_bundle(out)


def write_card(folder: Path, card: BundleCard) -> None:
    """Raises:
    FinetuneError: It can't be written.
    """
    write_whole(folder / CARD, msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
