"""Compare our checkers of GSM8K and BBH with those of lm-eval, on answers made from the rows of a file.

Run as `python -m tests.tools.compare_checkers FILE [--answers 60] [--tasks bbh_cot_zeroshot,...]`, with lm-eval 0.4.13,
word2number and regex installed: it prints a table per task and filter, and ends 1 where a verdict differs. FILE holds
GSM8K or BBH in any form that the readers take. No model is asked and nothing is fetched.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from stepwell.evals.readers import files
from stepwell.evals.readers.formats import FORMATS
from stepwell.evals.scorers import SCORERS
from stepwell.evals.suite import canonical_json
from tests.tools.made_answers import made_answers

# (folder and filter of lm-eval) -> the scorer of ours that follows it
BBH = {
    ("bbh/cot_zeroshot", "flexible-extract"): "bbh",
    ("bbh/cot_zeroshot", "strict-match"): "bbh_strict",
    ("bbh/zeroshot", "flexible-extract"): "bbh_first",
    ("bbh/zeroshot", "strict-match"): "bbh_whole",
    ("bbh/cot_fewshot", "get-answer"): "bbh_fewshot",
}
GSM8K = {("gsm8k", "flexible-extract"): "gsm8k", ("gsm8k", "strict-match"): "gsm8k_strict"}
Row = dict[str, object]


class Reference:
    """One filter of one task, with the task's metric, as lm-eval's own configuration sets them up."""

    def __init__(self, folder: str, task: str, filter_name: str) -> None:
        folder_of_tasks = _tasks_folder()
        from lm_eval.api.metrics import exact_match_fn  # type: ignore[import-not-found,unused-ignore]
        from lm_eval.filters import (  # type: ignore[import-not-found,unused-ignore]
            build_filter_ensemble,
        )

        config = _config(folder_of_tasks / folder / f"{task}.yaml")
        (steps,) = [f["filter"] for f in config["filter_list"] if f["name"] == filter_name]
        parts = [(s["function"], {k: v for k, v in s.items() if k != "function"}) for s in steps]
        self._filters = build_filter_ensemble(filter_name, parts).filters
        (metric,) = config["metric_list"]
        ours_not = ("metric", "aggregation", "higher_is_better")
        self._options = {k: v for k, v in metric.items() if k not in ours_not}
        self._metric: Callable[..., dict[str, float]] = exact_match_fn

    def score(self, answer: str, doc: Row, gold: str) -> float | None:
        """1 or 0; None where the reference breaks off with an error."""
        found: Any = [[answer]]
        try:
            for step in self._filters:
                found = list(step().apply(found, [doc]))
        except (ValueError, IndexError, TypeError):
            return None
        result = self._metric(references=[gold], predictions=[found[0]], **self._options)
        return float(result["exact_match"])


def _tasks_folder() -> Path:
    found = importlib.util.find_spec("lm_eval")
    if found is None or found.origin is None:
        sys.exit("the reference is not installed: pip install lm-eval==0.4.13 word2number regex")
    return Path(found.origin).parent / "tasks"


def _config(path: Path) -> dict[str, Any]:
    """A task's configuration with what it includes; `!function utils.Name` is loaded from beside it."""

    class Loader(yaml.SafeLoader):
        pass

    def function(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> object:
        module, _, name = str(loader.construct_scalar(node)).rpartition(".")
        spec = importlib.util.spec_from_file_location(module, path.parent / f"{module}.py")
        if spec is None or spec.loader is None:
            raise FileNotFoundError(module)
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        return getattr(loaded, name)

    Loader.add_constructor("!function", function)
    config: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader)
    included = config.pop("include", None)
    return (_config(path.parent / included) if included else {}) | config


def compared(path: Path, n_answers: int, only: Sequence[str]) -> Iterator[tuple[str, str, str, Counter[str]]]:
    """Task, filter, scorer, and how often the two agree; one item for each task and filter."""
    by_task: dict[str, list[Row]] = {}
    for _, row in files.rows_of(path):
        by_task.setdefault(str(row.get("task", "gsm8k")), []).append(row)
    for task, rows in by_task.items():
        for (folder, filter_name), scorer in (GSM8K if task == "gsm8k" else BBH).items():
            if not only or folder in only:
                reference = Reference(folder, task, filter_name)
                yield task, f"{folder} {filter_name}", scorer, _counted(rows, reference, scorer, n_answers)


def _counted(rows: Sequence[Row], reference: Reference, scorer: str, n_answers: int) -> Counter[str]:
    is_gsm8k = scorer.startswith("gsm8k")
    name = "gsm8k" if is_gsm8k else "bbh"
    found: Counter[str] = Counter()
    for row, line in zip(rows, FORMATS[name].lines(rows), strict=True):
        target = line["target"]
        ours = target if isinstance(target, str) else canonical_json(target).decode()
        gold = (
            str(row.get("answer") or row.get("rationale") or row["target"])
            if is_gsm8k
            else str(row["target"])
        )
        rng = random.Random(f"{scorer} {line['id']}")
        for answer in made_answers(_known(row, target), n_answers, rng):
            verdict = SCORERS[scorer].score(answer, ours)
            wanted = reference.score(answer, row, gold)
            found["right"] += verdict == 1.0
            found["reference fails" if wanted is None else "same" if wanted == verdict else "differs"] += 1
    return found


def _known(row: Row, target: object) -> Mapping[str, object]:
    if isinstance(target, Mapping):
        return {"task": target["task"], "right": target["answer"], **target}
    return {"task": "gsm8k", "right": target}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--answers", type=int, default=60, help="made for each row")
    parser.add_argument("--tasks", default="", help="folders of lm-eval's tasks, with commas between")
    args = parser.parse_args()
    total: Counter[str] = Counter()
    for task, reference, scorer, found in compared(
        args.path, args.answers, [t for t in args.tasks.split(",") if t]
    ):
        total.update(found)
        n = found["same"] + found["differs"]
        share = 100 * found["same"] / max(1, n)
        fails = (
            f", {found['reference fails']} where the reference breaks off" if found["reference fails"] else ""
        )
        print(
            f"{task:<42}{reference:<36}{scorer:<14}{n:>7} answers {found['right']:>6} right {share:8.3f} %{fails}"
        )
    print(f"{total['same'] + total['differs']} answers, {total['differs']} judged otherwise")
    return 1 if total["differs"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
