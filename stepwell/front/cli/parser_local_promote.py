"""The parsers of `stepwell local promote` and `stepwell local rollback`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import add_eval, add_json


def add_local_promote(actions: Any) -> None:
    """`local promote TRAINING_OR_BUNDLE DATASET --name N` and `local rollback NAME`."""
    about = "let a measured model serve as local/NAME; refused, with figures, where nothing is gained by it"
    parser = add_eval(
        actions, "promote", "local_promote", about, exits={0: "promoted", 1: "refused; the reasons are told"}
    )
    parser.add_argument(
        "model", metavar="TRAINING_OR_BUNDLE", help="measured by `stepwell local eval` on the same dataset"
    )
    parser.add_argument("dataset", metavar="DATASET", help="folder of `stepwell local curate`")
    parser.add_argument("--name", required=True, metavar="N", help="the tier's model will be local/N")
    about = "the classifier head that was measured beside, in the adapter's place"
    parser.add_argument("--head", choices=["tfidf", "embedding"], help=about)
    add_json(parser)
    about = "let local/NAME be what it was before; never a version that learnt from what was erased since"
    back = add_eval(actions, "rollback", "local_promote", about, exits={0: "local/NAME is that version now"})
    back.set_defaults(action="run_rollback")
    back.add_argument("name", metavar="NAME", help="as it was promoted")
    back.add_argument("--to", metavar="VERSION", help="its first digits; default: what served before")
    add_json(back)
