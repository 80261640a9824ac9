"""A fine-tuned model on the disk: an adapter, a merged model or a classifier head, with its card."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from stepwell.base.errors import ConfigError

BundleKind = Literal["adapter", "merged", "head"]
CARD = "card.json"
FILES: dict[BundleKind, str] = {"adapter": "adapter.gguf", "merged": "merged.gguf", "head": "head.npz"}
TAINTED = "tainted.json"
_UNNAMED = re.compile(r"[^a-z0-9_-]+")


class BundleCard(msgspec.Struct, frozen=True, omit_defaults=True):
    """What serves, and what it was made of.

    Attributes:
        name: As it was called when it was made.
        kind: Which file of the folder serves.
        sha256: Of that file; the first 12 digits are the version.
        base: Weights that an adapter stands on: a known name, or a file's name. `base_sha256` is of the GGUF.
        head: "tfidf" or "embedding" for a head; `embedder` names what made the vectors.
        dataset_sha256: Content of the examples.
        weights_sha256: Of the PEFT file that it was exported from.
        system: Put in place of the caller's system prompt; None: messages go as they are.
        schema_json: JSON schema that answers are held to where the caller asks for no format of their own.
        max_output_tokens: Longest answer learnt, with some room.
        recipe: What training was told, as JSON; `seed` with it.
        n_train, n_held_out: Examples.
        exact: Share of held-out examples answered exactly, by arm, as measured before promotion.
        said: The verdicts, in plain sentences.
    """

    name: str
    kind: BundleKind
    sha256: str
    base: str = ""
    base_sha256: str = ""
    head: str = ""
    embedder: str = ""
    dataset_sha256: str = ""
    system: str | None = None
    schema_json: str | None = None
    max_output_tokens: int | None = None
    recipe_json: str = ""
    seed: int = 0
    n_train: int = 0
    n_held_out: int = 0
    exact: dict[str, float] = {}
    said: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    command: str = ""
    made_on: str = ""
    weights_sha256: str = ""

    @property
    def version(self) -> str:
        return self.sha256[:12]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A folder that was read and whose file is the one that the card names."""

    folder: Path
    card: BundleCard

    @property
    def file(self) -> Path:
        return self.folder / FILES[self.card.kind]

    @property
    def label(self) -> str:
        """Name and version, `refunds@0f1e2d3c4b5a`; where it is promoted, `local/<label>` names it."""
        named = self.folder.parent.name if self.folder.name == self.card.version else ""
        return f"{_UNNAMED.sub('-', (named or self.card.name).lower())}@{self.card.version}"

    @property
    def is_tainted(self) -> bool:
        """Whether examples that it was trained on have been erased since."""
        return (self.folder / TAINTED).exists()


def read_bundle(folder: Path) -> Bundle:
    """Read and verify a folder. Reads the whole file.

    Raises:
        ConfigError: No card, no file, or another file than the card names.
    """
    try:
        card = msgspec.json.decode((folder / CARD).read_bytes(), type=BundleCard)
    except OSError as e:
        raise ConfigError(f"{folder}: no fine-tuned model there ({CARD}: {e.strerror})") from e
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ConfigError(f"{folder / CARD}: not the card of a fine-tuned model") from None
    bundle = Bundle(folder, card)
    if file_sha256(bundle.file) != card.sha256:
        raise ConfigError(f"{bundle.file}: its sha256 is not the one that {CARD} names; promote it again")
    return bundle


def file_sha256(path: Path) -> str:
    """Names a file's content.

    Raises:
        ConfigError: It can't be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as e:
        raise ConfigError(f"{path}: {e.strerror or type(e).__name__}") from e
