"""What the injection heads learn from beside labelled prompts: a sample of large sources, and honest documents."""

from __future__ import annotations

import gzip
import json
import random
import sysconfig
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.evals.guards.planted import Plain
from stepwell.evals.guards.prompts import Embed
from stepwell.evals.guards.rows import Row
from stepwell.guards.learned.windows import windows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LICENCES_OF_PACKAGES = ("MIT", "BSD", "Apache")
_N_BATCH = 256
_N_PIECES, _MIN_PIECE_CHARS = 500, 400
_N_TWEETS, _N_HARMLESS, _N_LETTERS, _N_FILES, _N_FILE_CHARS = 450, 1_600, 700, 40, 6_000


def thinned(rows: Sequence[Row]) -> list[Row]:
    """Rows that the injection heads learn from or are measured on; of the largest honest sources a fixed sample."""
    kept = [r for r in rows if not (r.label and r.category in ("harmful_request", "toxic"))]
    for source, most in (("davidson_tweets", _N_TWEETS), ("alpaca_harmless", _N_HARMLESS)):
        of = [r for r in kept if r.source == source]
        kept = [r for r in kept if r.source != source]
        kept += random.Random(0).sample(of, min(most, len(of)))
    return kept


def plain_documents(letters: Path | None) -> dict[str, list[str]]:
    """Honest documents: code of the standard library, manuals and packages' own descriptions, letters and notes."""
    library = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    files = random.Random(0).sample(library, _N_FILES)
    home = Path(__file__).resolve().parents[2]  # of a checkout; an installed package has no manuals beside it
    manuals = [path for name in ("README.md", "CONTRIBUTING.md") if (path := home / name).exists()]
    return {
        "code": [path.read_text("utf-8", errors="ignore")[:_N_FILE_CHARS] for path in files],
        "manuals": [path.read_text("utf-8")[:_N_FILE_CHARS] for path in manuals] + _descriptions(),
        "letters": [] if letters is None else _letters(letters)[:_N_LETTERS],
    }


def pieces(plain: Plain) -> list[Row]:
    """Windows of the long ones among them, as honest prompts: code and manuals are pasted, too."""
    spans = [
        text[start:end]
        for texts in plain.values()
        for text in texts
        for start, end in windows(text)[0]
        if end - start > _MIN_PIECE_CHARS
    ]
    picked = random.Random(0).sample(spans, min(_N_PIECES, len(spans)))
    return [Row(text, "plain", "benign_piece", False) for text in picked]


def _descriptions() -> list[str]:
    """What installed packages under MIT, BSD or Apache licences say of themselves."""
    found = {}
    for package in metadata.distributions():
        about = package.metadata
        licence = " ".join([*about.get_all("License-Expression", []), *about.get_all("Classifier", [])])
        body = str(about.json.get("description", ""))
        if any(name in licence for name in _LICENCES_OF_PACKAGES) and len(body) > _MIN_PIECE_CHARS:
            found[about["Name"]] = body[:_N_FILE_CHARS]
    return [found[name] for name in sorted(found)]


def _letters(path: Path) -> list[str]:
    raw = path.read_bytes()
    lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8").splitlines()
    return [json.loads(line)["text"] for line in lines if line.strip()]


def cached(embed: Embed, show: Callable[[int, int], None] | None = None) -> Embed:
    """Each text is embedded once.

    Args:
        show: Is told how many texts of a batch are done, and how many there are.
    """
    import numpy as np

    known: dict[str, NDArray[np.float32]] = {}

    def embed_new(texts: Sequence[str]) -> NDArray[np.float32]:
        new = [t for t in dict.fromkeys(texts) if t not in known]
        for at in range(0, len(new), _N_BATCH):
            batch = new[at : at + _N_BATCH]
            known.update(zip(batch, embed(batch), strict=True))
            if show is not None:
                show(at + len(batch), len(new))
        return np.stack([known[t] for t in texts])

    return embed_new
