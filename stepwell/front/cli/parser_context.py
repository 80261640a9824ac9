"""The parsers of `stepwell replay context` and `stepwell eval context`."""

from __future__ import annotations

from typing import Any

from stepwell.front.cli.parser_parts import Parser, add, add_json


def add_replay_context(parser: Parser) -> None:
    """The options of `replay context`."""
    context = parser.add_argument_group(
        "context: rows {messages, window_tokens}, or LoCoMo's conversations with --budget"
    )
    context.add_argument("--budget", type=int, metavar="TOKENS", help="size of the text for each question")
    _model(context)


def add_context_measure(actions: Any) -> None:
    """`eval context`."""
    about = "what of the evidence is still there after packing, beside the last turns, BM25, cosine and peers"
    parser = add(actions, "context", "measure_context", about)
    parser.set_defaults(action="run_context")
    parser.add_argument(
        "file", metavar="FILE", help="LoCoMo's JSON, or JSONL of {id, sessions, questions}; .gz too"
    )
    about = "sizes of the text (default 1000,2000,4000)"
    parser.add_argument("--budgets", default="1000,2000,4000", metavar="A,B", help=about)
    about = "JSONL of {question_id, correct_evidence, correct_answer}"
    parser.add_argument("--errata", metavar="FILE", help=about)
    about = "also langchain-core, langmem and llama-index, those that are installed"
    parser.add_argument("--peers", action="store_true", help=about)
    about = "pack each turn as the talk goes on instead: what of its prompts a prompt cache could serve"
    parser.add_argument("--turns", action="store_true", help=about)
    _model(parser)
    add_json(parser)


def _model(parser: Any) -> None:
    about = "whose vocabulary counts (default gpt-4: cl100k_base)"
    parser.add_argument("--model", default="gpt-4", metavar="NAME", help=about)
