"""The parsers of `stepwell replay context` and `stepwell eval context`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import Parser


def add_replay_context(parser: Parser) -> None:
    """The options of `replay context`."""
    context = parser.add_argument_group(
        "context: rows {messages, window_tokens}, or LoCoMo's conversations with --budget"
    )
    context.add_argument("--budget", type=int, metavar="TOKENS", help="size of the text for each question")
    _model(context)


def _model(parser: Any) -> None:
    about = "whose vocabulary counts (default gpt-4: cl100k_base)"
    parser.add_argument("--model", default="gpt-4", metavar="NAME", help=about)
