"""How other libraries shorten a talk, where they are installed: the text that they leave of it.

Summaries are written by a stand-in that needs no network: the sentences with the most names and numbers among those
it is shown, verbatim, up to its limit. Turns arrive one after the other, or ten at once, as they would live.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from stepwell.base.tokens import count_text
from stepwell.base.vocabulary import encoding_for
from stepwell.evals.context.compare import Peer
from stepwell.evals.context.talk import Talk

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_FACT = re.compile(r"\b(?:[A-Z]|\d)\w*")
_SUMMARY_SHARE = 0.2
_N_TURNS_A_CALL = 10


def installed_peers(model: str) -> tuple[dict[str, Peer], list[str]]:
    """What is installed, by name; and the packages that are not.

    Args:
        model: Whose vocabulary they are told to count with.
    """
    known: dict[str, tuple[str, Callable[[str], dict[str, Peer]]]] = {
        "langchain-core": ("langchain_core", _langchain),
        "langmem": ("langmem", _langmem),
        "llama-index-core": ("llama_index.core", _llama_index),
    }
    found: dict[str, Peer] = {}
    missing: list[str] = []
    for package, (module, make) in known.items():
        if find_spec(module.partition(".")[0]) is None:
            missing.append(package)
        else:
            found |= make(model)
    return found, missing


def quoted(texts: Iterable[str], max_tokens: int, model: str) -> str:
    """The stand-in's summary."""
    sentences = [s for text in texts for s in _SENTENCE.split(text) if s]
    ranked = sorted(range(len(sentences)), key=lambda i: (-len(_FACT.findall(sentences[i])), i))
    taken: list[int] = []
    left = max_tokens
    for i in ranked:
        cost = count_text(f"{sentences[i]}\n", model)
        if cost <= left:
            taken.append(i)
            left -= cost
    return "\n".join(sentences[i] for i in sorted(taken))


def _langchain(model: str) -> dict[str, Peer]:
    core: Any = importlib.import_module("langchain_core.messages")

    def trim(talk: Talk, budget_tokens: int) -> str:
        def n_tokens(messages: list[Any]) -> int:
            return count_text("\n".join(m.content for m in messages), model)

        turns = [core.HumanMessage(turn.line) for turn in talk.turns]
        left = core.trim_messages(turns, max_tokens=budget_tokens, token_counter=n_tokens, strategy="last")
        return "\n".join(m.content for m in left)

    return {"langchain trim_messages": trim}


def _langmem(model: str) -> dict[str, Peer]:
    short_term: Any = importlib.import_module("langmem.short_term")
    core: Any = importlib.import_module("langchain_core.messages")
    base: Any = importlib.import_module("langchain_core.language_models.chat_models").BaseChatModel
    outputs: Any = importlib.import_module("langchain_core.outputs")

    class Quoting(base):  # type: ignore[misc]
        max_tokens: int = 256

        @property
        def _llm_type(self) -> str:
            return "quoting"

        def _generate(self, messages: list[Any], *_: Any, **__: Any) -> Any:
            text = quoted((str(m.content) for m in messages), self.max_tokens, model)
            answer = core.AIMessage(text)
            return outputs.ChatResult(generations=[outputs.ChatGeneration(message=answer)])

    @lru_cache(maxsize=100_000)
    def n_tokens(text: str) -> int:
        return count_text(f"{text}\n", model)

    def shorten(talk: Talk, budget_tokens: int) -> str:
        n_summary = int(_SUMMARY_SHARE * budget_tokens)
        writer = Quoting(max_tokens=n_summary)
        kept: list[Any] = []
        summary: Any = None
        shown: list[Any] = []
        for i, turn in enumerate(talk.turns):
            kept.append(core.HumanMessage(turn.line, id=str(i)))
            found = short_term.summarize_messages(
                kept,
                running_summary=summary,
                model=writer,
                max_tokens=budget_tokens,
                max_summary_tokens=n_summary,
                token_counter=lambda ms: sum(n_tokens(str(m.content)) for m in ms),
            )
            summary, shown = found.running_summary, found.messages
        return "\n".join(str(m.content) for m in shown)

    return {"langmem summarize_messages": shorten}


def _llama_index(model: str) -> dict[str, Peer]:
    core: Any = importlib.import_module("llama_index.core.memory")
    llms: Any = importlib.import_module("llama_index.core.llms")
    encode = encoding_for(model).encode_ordinary

    class Quoting(llms.MockLLM):  # type: ignore[misc]
        def chat(self, messages: Any, **_: Any) -> Any:
            text = quoted((str(m.content) for m in messages), self.max_tokens or 256, model)
            return llms.ChatResponse(message=llms.ChatMessage(role="assistant", content=text))

    def fed(memory: Any, talk: Talk, *, n_at_once: int) -> str:
        left: list[Any] = []
        for n, turn in enumerate(talk.turns, start=1):
            memory.put(llms.ChatMessage(role="user", content=turn.line))
            if n % n_at_once == 0 or n == len(talk.turns):
                left = memory.get()
        return " ".join(str(m.content) for m in left)  # as it counts them

    def buffer(talk: Talk, budget_tokens: int) -> str:
        made = core.ChatMemoryBuffer.from_defaults(token_limit=budget_tokens, tokenizer_fn=encode)
        return fed(made, talk, n_at_once=len(talk.turns))  # nothing but the last call matters to it

    def summary(talk: Talk, budget_tokens: int) -> str:
        writer = Quoting(max_tokens=int(_SUMMARY_SHARE * budget_tokens))
        made = core.ChatSummaryMemoryBuffer.from_defaults(
            llm=writer, token_limit=budget_tokens, tokenizer_fn=encode
        )
        return fed(made, talk, n_at_once=_N_TURNS_A_CALL)

    return {"llama-index ChatMemoryBuffer": buffer, "llama-index ChatSummaryMemoryBuffer": summary}
