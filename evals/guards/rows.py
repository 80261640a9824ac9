"""Labelled texts for the learned heads."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text.

    Attributes:
        source: The data set, or the writer, it comes from.
        category: What it is an example of: "jailbreak", "benign", "benign_document"; "own" for own training text.
        label: Whether it should be flagged for that category.
        is_lookalike: Honest, and made to look suspicious.
        planted: Own documents: the text that was put in.
    """

    text: str
    source: str
    category: str
    label: bool
    is_lookalike: bool = False
    kind: str = ""
    lang: str = ""
    planted: str = ""


def read_rows(path: Path) -> list[Row]:
    """Rows of a JSONL file, gzip'ed or not: {text, source, category, label, overdefense} each."""
    return [
        Row(
            row["text"],
            row.get("source", path.stem),
            row.get("category", "own"),
            bool(row["label"]),
            bool(row.get("overdefense", False)),
            row.get("kind", ""),
            row.get("lang", ""),
            row.get("planted", ""),
        )
        for row in _objects(path)
    ]


def own_rows() -> list[Row]:
    """The texts that were written to train guards (evals/suites/written_guards.md): "own_w1" to "own_w4"."""
    with as_file(files("stepwell.evals.suites") / "written_guards.jsonl.gz") as path:
        return [
            Row(
                r["text"],
                f"own_{r['part']}",
                "own",
                bool(r["label"]),
                False,
                r["kind"],
                r["lang"],
                r.get("planted", ""),
            )
            for r in _objects(path)
        ]


def _objects(path: Path) -> Iterator[dict[str, str]]:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    for line in text.split("\n"):
        if line.strip():
            yield json.loads(line)
