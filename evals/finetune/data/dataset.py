"""A dataset: examples to learn from, examples kept aside, and a card that says how they were chosen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from stepwell.evals.finetune.data.example import Example, FinetuneError, read_examples, write_examples
from stepwell.evals.finetune.data.whole import write_whole

Kind = Literal["json", "labels", "text"]
_encode = msgspec.json.Encoder(order="sorted").encode
TRAIN, HELD_OUT, CARD = "train.jsonl", "held_out.jsonl", "card.json"


class DatasetCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a dataset is.

    Attributes:
        sha256: Of both parts, in order, and of kind, system and schema: names the content.
        kind: "json": answers are JSON values; "labels": a few answers stand for all; "text": anything else.
        system: Put in place of the system prompt when training and serving; None: messages stay as they are.
        schema_json: JSON schema that answers of the served model keep to. Where it was given, every answer here does,
            too; where it was told from the answers, those of training do, and a held-out one may have another value.
        n_train, n_held_out: Examples.
        n_given: Before curating; `dropped` says by reason what became of the others.
        held_out_by: How examples were kept aside, in plain words.
        tiers: Who gave the answers: tier -> examples.
        licences: Of the text, where known.
        earlier: Names that the content had before somebody's examples were erased.
        n_erased: Examples erased since; `erased_asks` names what they asked, so that copies are found later.
    """

    sha256: str
    kind: Kind
    n_train: int
    n_held_out: int
    n_given: int
    system: str | None = None
    schema_json: str | None = None
    dropped: dict[str, int] = {}
    held_out_by: str = ""
    tiers: dict[str, int] = {}
    licences: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    command: str = ""
    made_on: str = ""
    earlier: tuple[str, ...] = ()
    n_erased: int = 0
    erased_asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """A card and its examples.

    Attributes:
        folder: Where it was read; None: it was made here.
    """

    card: DatasetCard
    train: tuple[Example, ...]
    held_out: tuple[Example, ...]
    folder: Path | None = field(default=None, compare=False)

    def save(self, folder: Path) -> None:
        """Write card and parts (mode 600); the card last, so that a folder with a card is whole.

        Raises:
            FinetuneError: It can't be written.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / CARD).unlink(missing_ok=True)
        except OSError as e:
            raise FinetuneError(f"{folder} can't be written: {e.strerror or type(e).__name__}") from e
        write_examples(folder / TRAIN, self.train)
        write_examples(folder / HELD_OUT, self.held_out)
        write_whole(folder / CARD, msgspec.json.format(msgspec.json.encode(self.card), indent=2) + b"\n")

    @classmethod
    def load(cls, folder: Path) -> Dataset:
        """Read a folder.

        Raises:
            FinetuneError: It is no dataset, or its content is not what the card names.
        """
        card = read_card(folder)
        train = tuple(read_examples([folder / TRAIN]))
        held_out = tuple(read_examples([folder / HELD_OUT]))
        if sha256_by(card, train, held_out) != card.sha256:
            raise FinetuneError(
                f"{folder}: the examples, or how they are asked, are not what {CARD} names; curate again"
            )
        return cls(card, train, held_out, folder)


def read_card(folder: Path) -> DatasetCard:
    """Raises:
    FinetuneError: The folder holds no dataset.
    """
    try:
        return msgspec.json.decode((folder / CARD).read_bytes(), type=DatasetCard)
    except OSError as e:
        raise FinetuneError(f"{folder}: no dataset there ({CARD}: {e.strerror})") from e
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise FinetuneError(f"{folder / CARD}: not a dataset's card") from None


def content_sha256(
    train: Sequence[Example],
    held_out: Sequence[Example],
    *,
    kind: Kind = "json",
    system: str | None = None,
    schema_json: str | None = None,
) -> str:
    """Names all that is learnt and measured: every field of the examples of both parts, and how they are asked."""
    digest = hashlib.sha256(_encode([kind, system, schema_json]))
    for part in (train, held_out):
        digest.update(b"\0")
        for example in part:
            digest.update(_encode(example) + b"\n")
    return digest.hexdigest()


def sha256_by(card: DatasetCard, train: Sequence[Example], held_out: Sequence[Example]) -> str:
    """As `content_sha256`, of examples that stand beside this card."""
    return content_sha256(train, held_out, kind=card.kind, system=card.system, schema_json=card.schema_json)


def with_erasures(card: DatasetCard, before: DatasetCard) -> DatasetCard:
    """A card with what another one knows of erasures: that of the dataset which it replaces."""
    return msgspec.structs.replace(
        card,
        earlier=tuple(dict.fromkeys((*before.earlier, *card.earlier))),
        n_erased=before.n_erased + card.n_erased,
        erased_asks=tuple(sorted({*before.erased_asks, *card.erased_asks})),
    )
