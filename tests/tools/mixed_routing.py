"""Does a tuned router send extraction to the fine-tuned tier, and the rest elsewhere?

Run as `python -m tests.tools.mixed_routing --adapter NAME_OR_BUNDLE --out DIR`. Refund mails that the adapter has not
learnt from are mixed with rows of two other suites that ship. All of it is asked of the fine-tuned tier, of its plain
base, and of a stand-in for a premium model (no paid key is needed or used: it knows the answers, errs as often as
--error-rate says, and costs what --prices says). Then these commands run, and are printed:

    stepwell eval run DIR/mixed.jsonl --tiers local,refunds,premium --baseline premium --out DIR/run
    stepwell tune DIR/run --hold-out 0.4 --min-quality 0.9 --out DIR/policy
    stepwell eval compare DIR/run --policy DIR/policy

What the policy does with each kind of the held-out rows is told from the run's journal; and how many asks of other
suites, which no tier was measured on, would go to the fine-tuned tier is told by deciding them, calling nobody. A run
that was broken off goes on where it was.

With --partial the policy learns of the fine-tuned tier what a pinned one shows of itself: its outcomes on mails alone.
It is then tuned from DIR/partial.jsonl in place of DIR/run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import msgspec
import yaml

from stepwell import Config, Stepwell
from stepwell.evals.folder import RunFolder
from stepwell.evals.suite import Row, Suite
from stepwell.evals.tune.from_journal import outcomes_of
from tests.tools.mixed_told import EXTRACTION, NARROW, tell, told_of
from tests.tools.stand_in import StandIn

BASE = "smollm2-135m-instruct"
TIERS = ("local", "refunds", "premium")
MAILS = "refund_mails_held_out"
N_REFUNDS, N_CHATS, N_QUESTIONS = 200, 160, 150
ERROR_RATE = 0.03
USD_PER_1M = "2/8"
KEY_ENV = "STEPWELL_STAND_IN_KEY"


def mixed(mails: str, n_refunds: int, n_chats: int, n_questions: int, seed: int) -> Suite:
    """Mails held out from every training, rows of `chatbot`, and short questions; an id begins with its suite."""
    drawn = ((mails, n_refunds), ("chatbot", n_chats), ("short_questions", n_questions))
    parts = [Suite.load(name).take(n, seed=seed) for name, n in drawn if n]
    rows = (msgspec.structs.replace(row, id=f"{part.name}:{row.id}") for part in parts for row in part.rows)
    return Suite.of("mixed", rows)


def kind_of(row: Row) -> str:
    """What the row's ask is, by the first of its tags."""
    return row.tags[0] if row.tags else ""


def sections(adapter: str, base_url: str, usd_in: float, usd_out: float) -> dict[str, object]:
    """A configuration of three tiers and nothing that would change an answer."""
    premium = {
        "model": "openai/stand-in",
        "base_url": base_url,
        "api_key_env": KEY_ENV,
        "window_tokens": 128_000,
    }
    premium |= {"usd_per_1m_input": usd_in, "usd_per_1m_output": usd_out, "quality": 0.9}
    return {
        "tiers": {
            "local": {"model": f"local/{BASE}"},
            "refunds": {"model": f"local/{adapter}"},
            "premium": premium,
        },
        "guards": {"input": [], "output": []},
        "cache": {"exact": False, "semantic": "off"},
        "promises": {"min_p_ok": 0},
    }


def stepwell(*words: str, config: Path) -> int:
    """The command line, as a shell would call it."""
    print("$ stepwell", *words, flush=True)
    program = [sys.executable, "-m", "stepwell.front.cli", "--config", str(config), *words]
    code = subprocess.run(program, check=False).returncode
    print(f"(exit code {code})\n", flush=True)
    return code


def write_partial(run: Path, kinds: Mapping[str, str], to: Path) -> None:
    """The run's outcomes without those of the fine-tuned tier on asks of other kinds."""
    lines = [json.loads(line) for line in outcomes_of(RunFolder.of(run))]
    to.write_text("".join(json.dumps(partial(line, kinds[line["id"]])) + "\n" for line in lines))


def partial(line: Mapping[str, object], kind: str) -> dict[str, object]:
    """One line of outcomes; whatever it says by tier is left out for the fine-tuned one, but for its own kind."""
    if kind == EXTRACTION:
        return dict(line)
    return {
        name: {tier: of for tier, of in said.items() if tier != NARROW} if isinstance(said, dict) else said
        for name, said in line.items()
    }


def unseen_asks() -> dict[str, list[str]]:
    """Asks of suites that nothing was tuned on."""
    folder = resources.files("stepwell.evals") / "suites"
    found = {}
    for name, field in (("cache_demo.jsonl", "query"), ("judge_check.jsonl", "question")):
        lines = (folder / name).read_text("utf-8").splitlines()
        found[name] = [str(json.loads(line)[field]) for line in lines]
    return found


def decided(asks: list[str], config: dict[str, object], policy: Path) -> Counter[str]:
    """The tiers that a well with this policy would choose; nobody is called."""
    given = {**config, "routing": {"policy": f"learned:{policy}"}}
    with Stepwell(Config.model_validate(given)) as well:
        return Counter(well.explain(ask).tier for ask in asks)


def main() -> int:
    """Exit code 1: a command failed."""
    args = _args()
    os.environ.setdefault(KEY_ENV, "none-needed")
    args.out.mkdir(parents=True, exist_ok=True)
    suite = mixed(args.mails, args.refunds, args.chats, args.questions, args.seed)
    (args.out / "mixed.jsonl").write_bytes(b"".join(suite.lines()))
    usd_in, usd_out = map(float, args.prices.split("/"))
    path, run, policy = args.out / "stepwell.yaml", args.out / "run", args.out / "policy"
    with StandIn(suite.rows, error_rate=args.error_rate) as premium:
        config = sections(args.adapter, premium.base_url, usd_in, usd_out)
        path.write_text(yaml.safe_dump(config, sort_keys=False))
        what = ("--tiers", ",".join(TIERS), "--baseline", "premium", "--concurrency", "2")
        if stepwell("eval", "run", str(args.out / "mixed.jsonl"), *what, "--out", str(run), config=path) > 2:
            return 1
        kinds = {row.id: kind_of(row) for row in suite.rows}
        how = ["--hold-out", f"{args.hold_out:g}", "--min-quality", f"{args.min_quality:g}"]
        learnt_from = run
        if args.partial:
            learnt_from, how = args.out / "partial.jsonl", ["--tiers", ",".join(TIERS), *how]
            write_partial(run, kinds, learnt_from)
        if stepwell("tune", str(learnt_from), *how, "--out", str(policy), config=path) > 1:
            return 1
        if stepwell("eval", "compare", str(run), "--policy", str(policy), config=path) > 2:
            return 1
        told = told_of(run, policy, Config.model_validate(config), kinds, share=args.hold_out)
        unseen = {name: decided(asks, config, policy) for name, asks in unseen_asks().items()}
    tell(told, unseen)
    return 0


def _args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--adapter", required=True, help="a promoted model's name, or a bundle's folder")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--mails", default=MAILS, metavar="SUITE", help=f"default {MAILS}")
    parser.add_argument("--chats", type=int, default=N_CHATS, help="rows of chatbot (default 160)")
    parser.add_argument("--refunds", type=int, default=N_REFUNDS, help="mails (default 200)")
    parser.add_argument("--questions", type=int, default=N_QUESTIONS, help="short questions (default 150)")
    parser.add_argument("--error-rate", type=float, default=ERROR_RATE, help="of the stand-in (default .03)")
    parser.add_argument(
        "--prices", default=USD_PER_1M, help="its USD per 1M tokens read/written (default 2/8)"
    )
    parser.add_argument("--min-quality", type=float, default=0.9, help="share to keep (default .9)")
    parser.add_argument("--hold-out", type=float, default=0.4, help="share that judges (default .4)")
    parser.add_argument("--partial", action="store_true", help="learn of the adapter on mails alone")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
