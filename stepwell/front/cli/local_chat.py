"""`stepwell local chat`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError

if TYPE_CHECKING:
    from stepwell.evals.finetune.data.chat import ChatTold


def run(args: Namespace) -> int:
    """Write the files, and say what was left out."""
    from stepwell.evals.finetune.data.chat import write_chat
    from stepwell.evals.finetune.data.dataset import Dataset
    from stepwell.evals.finetune.data.example import FinetuneError

    try:
        dataset = Dataset.load(Path(args.dataset))
        files = {args.out: write_chat(Path(args.out), dataset.train, dataset.card, host=args.host)}
        if args.held_out_out is not None:
            told = write_chat(
                Path(args.held_out_out), dataset.held_out, dataset.card, host=args.host, is_validation=True
            )
            files[args.held_out_out] = told
    except FinetuneError as e:
        raise UsageError(str(e)) from e
    if args.json:
        terminal.say_json(files)
    else:
        _tell(files)
    return Exit.OK


def _tell(files: dict[str, ChatTold]) -> None:
    for path, told in files.items():
        longest = "" if told.n_tokens is None else f", the longest of {told.n_tokens:,} tokens"
        print(f"{path}: {told.n_lines:,} examples for {told.host}, {told.n_bytes:,} bytes{longest}")
        for reason, n in told.left_out.items():
            print(f"left out: {n:,} {reason}")
