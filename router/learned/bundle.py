"""A learned policy on disk: a folder with `policy.npz` (arrays, no pickle) and `card.json` (what it is)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from stepwell.base.errors import ConfigError
from stepwell.router.cascade.plan import Prior
from stepwell.router.learned.pack import pack, unpack
from stepwell.router.traits import TRAITS_HASH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from stepwell.router.learned.model import Model

    Matrix = NDArray[np.float32]

FORMAT = 2
_ARRAYS, _CARD = "policy.npz", "card.json"


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """What a learned policy is, what it learnt from, and how good it was on rows it had not seen.

    Attributes:
        tiers: Cheapest first.
        embedder: Name of the embedder whose vectors it reads; "": it reads none.
        data_sha256: Of the rows it learnt from.
        weights_sha256: Of policy.npz.
        price: Of p_ok - price x cost share; None: no promise was tuned.
        mix: Shares by tier, where the promise falls back to a fixed mix.
        fallback: Shares of the mix that was tested beside the price: it stands in where the price was not tested,
            without a vector and far from known traffic; None: the dearest tier does.
        min_quality: Share of the dearest tier's mean score that price or mix were tested for; None: none was.
        verdict: What the test said, in plain words.
        usd_per_1m: By tier: prices read and written that the price was tuned with.
        narrow: Tiers that were taken for fine-tuned ones: where one has no outcomes the price was tested without it.
        cascade: How the cheap tiers' answers agree; None: not learnt.
        confidence: By tier: slope and intercept from its smallest log-probability to p_ok's log-odds.
        metrics: By name, on rows unseen in training.
        reliability: By tier, for each tenth of the rows: mean p_ok, mean score, rows.
        notes: In plain words; never a piece of a prompt.
    """

    tiers: tuple[str, ...]
    embedder: str
    n_rows: int
    seed: int
    traits_hash: str = TRAITS_HASH
    data_sha256: str = ""
    weights_sha256: str = ""
    price: float | None = None
    mix: Mapping[str, float] | None = None
    fallback: Mapping[str, float] | None = None
    min_quality: float | None = None
    verdict: str = ""
    usd_per_1m: Mapping[str, tuple[float, float]] = msgspec.field(default_factory=dict)
    narrow: tuple[str, ...] = ()
    cascade: Prior | None = None
    confidence: Mapping[str, tuple[float, float]] = msgspec.field(default_factory=dict)
    metrics: Mapping[str, float] = msgspec.field(default_factory=dict)
    reliability: Mapping[str, Sequence[tuple[float, float, int]]] = msgspec.field(default_factory=dict)
    sources: tuple[str, ...] = ()
    licence: str = ""
    command: str = ""
    notes: tuple[str, ...] = ()
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Known:
    """The requests that neighbours come from; no text.

    Attributes:
        ids: As the outcome rows name them.
        scores: NaN where unknown, shape (m, k).
    """

    ids: tuple[str, ...]
    scores: Matrix


@dataclass(frozen=True, slots=True)
class Bundle:
    """A learned policy, ready to serve.

    Attributes:
        needs: Quantiles, rising, of the dearest tier's p_ok less the cheapest's on rows unseen in training.
        lengths: Log tokens of each tier's answer from [1, scaled traits], shape (48, k); NaN column: not known.
    """

    card: Card
    model: Model
    known: Known
    needs: Matrix
    lengths: Matrix

    def with_promise(
        self,
        *,
        price: float | None,
        mix: Mapping[str, float] | None = None,
        fallback: Mapping[str, float] | None = None,
        min_quality: float | None = None,
        verdict: str = "",
        usd_per_1m: Mapping[str, tuple[float, float]] | None = None,
        narrow: Sequence[str] = (),
        cascade: Prior | None = None,
        notes: Sequence[str] = (),
    ) -> Bundle:
        """The same policy with a tuned price, or with the mix that it falls back to."""
        card = msgspec.structs.replace(
            self.card,
            price=price,
            mix=mix,
            fallback=fallback,
            min_quality=min_quality,
            verdict=verdict,
            usd_per_1m=usd_per_1m or {},
            narrow=tuple(narrow),
            cascade=cascade,
            notes=(*self.card.notes, *notes),
        )
        return Bundle(card, self.model, self.known, self.needs, self.lengths)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write policy.npz and card.json into `folder`, which is made; same bundle, same bytes.

        Each file is whole or the one before it. Calibrations of tiers that the folder's card has and this one lacks
        are kept: they belong to the tiers, not to what was learnt of requests.
        """
        to = Path(folder)
        to.mkdir(parents=True, exist_ok=True)
        arrays = pack(self.model) | {
            "needs": self.needs,
            "lengths": self.lengths,
            "known.scores": self.known.scores,
        }
        arrays["known.ids"] = np.array(self.known.ids, dtype=np.str_)
        confidence = {t: ab for t, ab in _confidence_at(to).items() if t in self.card.tiers}
        with _whole(to / _ARRAYS) as temporary:
            temporary.touch(0o600)  # vectors and hashed words tell something of requests
            with temporary.open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, **arrays)
        card = msgspec.structs.replace(
            self.card,
            weights_sha256=_sha256(to / _ARRAYS),
            confidence=confidence | dict(self.card.confidence),
        )
        _write_card(to, card)


def load_bundle(
    folder: str | os.PathLike[str], *, tiers: Sequence[str] | None = None, embedder: str | None = None
) -> Bundle:
    """Read a folder that `Bundle.save` wrote.

    Args:
        tiers: That it must be for, in any order; None: any.
        embedder: Whose vectors it will be given; None or "": none, so that any will do.

    Raises:
        ConfigError: It is not there, damaged, of another format, or made for other traits, tiers or embedder.
    """
    at = Path(folder)
    card = read_card(at)
    _check(card, at, tiers, embedder)
    if card.weights_sha256 != _sha256(at / _ARRAYS):
        raise ConfigError(f"{at / _ARRAYS} is not the file that {_CARD} describes; run `stepwell tune` again")
    try:
        with np.load(at / _ARRAYS, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        known = Known(tuple(map(str, arrays.pop("known.ids"))), arrays.pop("known.scores"))
        needs, lengths = arrays.pop("needs"), arrays.pop("lengths")
        return Bundle(card, unpack(arrays), known, needs, lengths)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as e:
        raise ConfigError(f"{at / _ARRAYS} can't be read: {type(e).__name__}") from e


def read_card(folder: str | os.PathLike[str]) -> Card:
    """What a folder's policy is, without its arrays.

    Raises:
        ConfigError: There is none, or it can't be read.
    """
    at = Path(folder)
    try:
        return msgspec.json.decode((at / _CARD).read_bytes(), type=Card)
    except OSError as e:
        raise ConfigError(f"No learned policy at {at}: {type(e).__name__} on {_CARD}") from e
    except msgspec.DecodeError as e:
        raise ConfigError(f"{at / _CARD} is not a policy's card: {e}") from e


def add_confidence(folder: str | os.PathLike[str], tier: str, slope: float, intercept: float) -> Card:
    """Write a tier's calibration into the card of a policy that is there; all else of it stays as it is.

    Args:
        slope, intercept: From the tier's smallest log-probability to its p_ok's log-odds.

    Raises:
        ConfigError: There is no policy, or it is for other tiers.
    """
    card = read_card(folder)
    if tier not in card.tiers:
        raise ConfigError(f"{folder} is for the tiers {', '.join(card.tiers)}, not for {tier}")
    confidence = {**card.confidence, tier: (slope, intercept)}
    made = msgspec.structs.replace(card, confidence=confidence)
    _write_card(Path(folder), made)
    return made


def _confidence_at(folder: Path) -> dict[str, tuple[float, float]]:
    try:
        return dict(read_card(folder).confidence)
    except ConfigError:  # none there, or of a broken policy: it is written anew
        return {}


def _write_card(folder: Path, card: Card) -> None:
    with _whole(folder / _CARD) as temporary:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=1))


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A file of the same folder to write to, which then takes the place of `path` at once."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _check(card: Card, at: Path, tiers: Sequence[str] | None, embedder: str | None) -> None:
    if card.format != FORMAT:
        raise ConfigError(f"{at} has format {card.format}; this version reads {FORMAT}")
    if card.traits_hash != TRAITS_HASH:
        raise ConfigError(f"{at} reads traits {card.traits_hash}; this version has {TRAITS_HASH}: tune again")
    if tiers is not None and set(tiers) != set(card.tiers):
        raise ConfigError(f"{at} is for the tiers {', '.join(card.tiers)}; configured are {', '.join(tiers)}")
    if embedder and card.embedder and embedder != card.embedder:
        raise ConfigError(f"{at} reads vectors of {card.embedder}; the configured embedder is {embedder}")


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as e:
        raise ConfigError(f"{path} can't be read: {type(e).__name__}") from e
