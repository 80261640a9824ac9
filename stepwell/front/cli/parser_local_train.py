"""The parser of `stepwell local train`."""

from __future__ import annotations

from typing import Any

from stepwell.evals.finetune.train.recipe import Recipe
from stepwell.front.cli.parser_parts import add, add_json, folder, share

_USUAL = Recipe()


def add_local_train(actions: Any) -> None:
    """`local train DATASET`."""
    about = "an adapter for the local model out of a dataset; broken off, the same command goes on"
    parser = add(actions, "train", "local_train", about)
    parser.add_argument("dataset", metavar="DATASET", help="folder of `stepwell local curate`")
    parser.add_argument("--out", type=folder, metavar="DIR", help="default: DATASET-trained")
    _number(parser, "--base", "base", str, "NAME|GGUF", "the model to adapt")
    length = parser.add_mutually_exclusive_group()
    about = f"over the examples; default: one, or {_USUAL.min_steps} steps where that is more"
    length.add_argument("--passes", dest="n_passes", type=float, metavar="N", help=about)
    length.add_argument("--steps", dest="n_steps", type=int, metavar="N", help="in place of --passes")
    _number(parser, "--batch-size", "batch_size", int, "N", "examples a step")
    _number(parser, "--learning-rate", "learning_rate", float, "R", "at its peak")
    _number(parser, "--first-layer", "first_layer", int, "N", "lowest layer that learns: higher is faster")
    _number(parser, "--rank", "rank", int, "R", "of the adapter's matrices")
    _number(parser, "--alpha", "alpha", int, "A", "what is learnt is scaled by alpha / rank")
    _number(parser, "--dropout", "dropout", share, "S", "of the adapter's inputs")
    _number(
        parser, "--averaged", "averaged", share, "S", "of the steps, at the end, whose weights are averaged"
    )
    _number(parser, "--max-tokens", "max_tokens", int, "N", "longer examples are left out")
    _number(parser, "--seed", "seed", int, "N", "of order and first weights")
    about = "default: %(default)s, bfloat16 where the processor multiplies it"
    choices = ["auto", "bfloat16", "float32"]
    parser.add_argument("--dtype", choices=choices, default=_USUAL.dtype, help=about)
    parser.add_argument("--threads", type=int, metavar="N", help="default: a thread a core")
    parser.add_argument("--restart", action="store_true", help="forget what DIR holds of an earlier training")
    add_json(parser)


def _number(parser: Any, flag: str, field: str, kind: Any, metavar: str, about: str) -> None:
    default = getattr(_USUAL, field)
    parser.add_argument(
        flag, dest=field, type=kind, default=default, metavar=metavar, help=f"{about} (default %(default)s)"
    )
