"""The parser of `stepwell local parity`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import add_eval, add_json, share


def add_local_parity(actions: Any) -> None:
    """`local parity TRAINING DATASET`."""
    parser = add_eval(
        actions,
        "parity",
        "local_parity",
        "does the exported adapter say what the trained one says, and what does serving it quantised cost?",
        exits={0: "the outputs are the same", 1: "fewer than --goal of them are the same, token for token"},
    )
    parser.add_argument("training", metavar="TRAINING", help="folder of `stepwell local train`")
    parser.add_argument("dataset", metavar="DATASET", help="its held-out examples are asked")
    parser.add_argument("--limit", type=int, metavar="N", help="so many of them; default: all")
    parser.add_argument("--base", metavar="NAME|GGUF", help="default: what the training's recipe names")
    parser.add_argument(
        "--precision", choices=["f16", "f32"], default="f16", help="of the adapter: %(default)s"
    )
    about = "share of outputs that must be the same: %(default)s"
    parser.add_argument("--goal", type=share, default=0.98, metavar="S", help=about)
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of llama.cpp: %(default)s")
    add_json(parser)
