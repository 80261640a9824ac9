"""The parser of `stepwell local export`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import add, add_json, folder


def add_local_export(actions: Any) -> None:
    """`local export TRAINING`."""
    about = "a trained adapter as the GGUF that llama.cpp serves, with its card"
    parser = add(actions, "export", "local_export", about)
    parser.add_argument(
        "training", metavar="TRAINING", help="folder of `stepwell local train`, or PEFT's own"
    )
    parser.add_argument("--out", type=folder, metavar="DIR", help="default: TRAINING/bundle")
    parser.add_argument("--name", metavar="N", help="asked for as local/N; default: the folder's name")
    kinds = parser.add_mutually_exclusive_group()
    about = "a whole model of this precision; default: an adapter, which is switched by request"
    kinds.add_argument("--merged", choices=["q8_0", "f16", "f32"], help=about)
    kinds.add_argument(
        "--precision", choices=["f16", "f32"], default="f16", help="of the adapter: %(default)s"
    )
    parser.add_argument(
        "--base", metavar="NAME|GGUF", help="trained on; default: what the training's recipe names"
    )
    parser.add_argument(
        "--schema", metavar="FILE", help="JSON schema of the answers; default: the training's"
    )
    parser.add_argument("--dataset", metavar="DIR", help="what it was trained on: licences go into the card")
    other = parser.add_argument_group("an adapter that PEFT trained elsewhere (give --base, too)")
    other.add_argument("--system", metavar="TEXT", help="the system prompt that it was trained with")
    other.add_argument("--max-output-tokens", type=int, metavar="N", help="of an answer; default: no limit")
    add_json(parser)
