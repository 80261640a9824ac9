"""Write evals/suites/outcomes_demo.jsonl: some hundred public outcome rows that the notebooks learn from.

Run as `python tests/tools/make_outcomes_demo.py ROWS evals/suites/outcomes_demo.jsonl`. ROWS is JSON Lines (.gz too) of
`{id, domain, prompt, weak, strong, contaminated}`, made of routellm/evals/mmlu/responses/*.csv in lm-sys/RouteLLM: weak
is Mixtral-8x7B-Instruct-v0.1, strong gpt-4-1106-preview. Rows that the source calls contaminated are left out.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from pathlib import Path

N_ROWS = 600
SEED = 20261121
# the source asks for one token: max_new_tokens=1 in routellm/evals/mmlu/generate_responses.py
ONE_LETTER = {"weak": 1, "strong": 1}


def read_rows(path: Path) -> list[dict[str, object]]:
    """Every clean row, in the file's order."""
    raw = path.read_bytes()
    text = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    return [row for row in rows if not row.get("contaminated")]


def sample(rows: list[dict[str, object]], n: int = N_ROWS, seed: int = SEED) -> list[dict[str, object]]:
    """n rows drawn without replacement, in the file's order."""
    places = sorted(random.Random(seed).sample(range(len(rows)), min(n, len(rows))))
    return [rows[i] for i in places]


def line(row: dict[str, object]) -> str:
    """One row as it ships."""
    scores = {"weak": row["weak"], "strong": row["strong"]}
    shipped = {"id": row["id"], "domain": row["domain"], "prompt": row["prompt"], "scores": scores}
    shipped["out_tokens"] = ONE_LETTER
    return json.dumps(shipped, ensure_ascii=False)


def main() -> None:
    """Read the rows, write the sample."""
    source, out = map(Path, sys.argv[1:3])
    drawn = sample(read_rows(source))
    out.write_text("".join(f"{line(row)}\n" for row in drawn), encoding="utf-8")


if __name__ == "__main__":
    main()
