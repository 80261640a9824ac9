"""The parser of `stepwell local eval`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import add_eval, add_json, share, usd


def add_local_eval(actions: Any) -> None:
    """`local eval TRAINING_OR_BUNDLE DATASET`."""
    about = "a trained adapter against its base, against classifier heads and any tier, on held-out examples"
    parser = add_eval(
        actions,
        "eval",
        "local_eval",
        about,
        exits={
            0: "the adapter is better than the base, constrained or not, and than every head",
            1: "it is as good as one of them, or worse",
            2: "not known yet: too few examples, or a judge that can't be trusted",
            3: "infrastructure: too many answers ended as errors",
        },
    )
    parser.add_argument(
        "model", metavar="TRAINING_OR_BUNDLE", help="folder of `stepwell local train`, or of an export"
    )
    parser.add_argument("dataset", metavar="DATASET", help="folder of `stepwell local curate`")
    about = "tiers of the configuration, asked beside: the top tier, live"
    parser.add_argument("--tiers", metavar="A,B", help=about)
    parser.add_argument("--judge", metavar="TIER", help="grades free text")
    parser.add_argument(
        "--rubric", metavar="FILE", help="what counts, in place of the dataset's answer alone"
    )
    parser.add_argument(
        "--limit", type=int, metavar="N", help="N held-out examples; no promotion rests on them"
    )
    parser.add_argument("--base", metavar="NAME|GGUF", help="default: what the adapter was trained on")
    about = "with more distinct answers no head is fitted (default %(default)s)"
    parser.add_argument("--max-answers", type=int, default=500, metavar="N", help=about)
    about = "a difference within +-D is a tie (default %(default)s)"
    parser.add_argument("--margin", type=share, default=0.02, metavar="D", help=about)
    about = "requests at once (default %(default)s)"
    parser.add_argument("--concurrency", type=int, default=2, metavar="N", help=about)
    parser.add_argument(
        "--threads", type=int, default=1, metavar="N", help="of llama.cpp (default %(default)s)"
    )
    parser.add_argument("--max-usd", type=usd, metavar="USD", help="stop before it costs more")
    add_json(parser)
