"""Prompts and answers as token ids: the model's own chat template, cut where the server cuts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stepwell.evals.finetune.data.dataset import Dataset
from stepwell.evals.finetune.data.example import Example, FinetuneError

Messages = Sequence[Mapping[str, object]]
_INSTRUCTING = ("system", "developer")
_OF_TOOLS = ("tool", "function")


@dataclass(frozen=True, slots=True)
class Row:
    """One example, as ids; the first `n_prompt` are given, the others are learnt."""

    ids: tuple[int, ...]
    n_prompt: int

    @property
    def n_answer(self) -> int:
        return len(self.ids) - self.n_prompt


@dataclass(frozen=True, slots=True)
class Chat:
    """Renders for one model.

    Args:
        tokenizer: transformers' own, of the base.
        system: Put in place of the messages' own system and developer messages; None: they stay.
    """

    tokenizer: Any
    system: str | None = None

    def prompt_ids(self, messages: Messages) -> list[int]:
        """What the model reads up to where its answer begins.

        Raises:
            FinetuneError: A message has no text or calls a tool, or its role is one that the template refuses.
        """
        try:
            text = self.tokenizer.apply_chat_template(
                self._asked(messages), tokenize=False, add_generation_prompt=True
            )
        except FinetuneError:
            raise
        except Exception as e:  # noqa: BLE001 - templates are programs of the model's makers
            raise FinetuneError(
                f"the model's chat template refuses the messages ({type(e).__name__})"
            ) from None
        # in one piece, as the server cuts it: marks in the text are marks there, too
        return self._ids(text)

    def answer_ids(self, answer: str) -> list[int]:
        """The answer, and the mark that ends a turn.

        Raises:
            FinetuneError: It is no text.
        """
        return [*self._ids(answer), int(self.tokenizer.eos_token_id)]

    def row(self, messages: Messages, answer: str) -> Row:
        """Prompt and answer cut apart and joined: the border is the same in training and serving."""
        prompt = self.prompt_ids(messages)
        return Row((*prompt, *self.answer_ids(answer)), len(prompt))

    def _ids(self, text: str) -> list[int]:
        is_text(text)
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _asked(self, messages: Messages) -> list[dict[str, str]]:
        if has_tool_calls(messages):
            raise FinetuneError("a message calls a tool or has its result; a local model reads text alone")
        found = [{"role": str(m.get("role")), "content": _content(m)} for m in messages]
        if self.system is None:
            return found
        return [
            {"role": "system", "content": self.system},
            *(m for m in found if m["role"] not in _INSTRUCTING),
        ]


def has_tool_calls(messages: Messages) -> bool:
    """Whether a message calls a tool, or is what came back."""
    return any(m.get("tool_calls") or m.get("function_call") or m.get("role") in _OF_TOOLS for m in messages)


def _content(message: Mapping[str, object]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return is_text(content)
    parts = content if isinstance(content, list) else [None]
    texts = [p.get("text") if isinstance(p, dict) and p.get("type") == "text" else None for p in parts]
    if not all(isinstance(t, str) for t in texts):
        raise FinetuneError("a message holds something other than text; a local model reads text alone")
    return is_text("\n".join(str(t) for t in texts))  # llama.cpp joins parts by line breaks


def is_text(text: str) -> str:
    """The text, if it can be written down.

    Raises:
        FinetuneError: Half a surrogate pair is in it.
    """
    try:
        text.encode()
    except UnicodeEncodeError as e:
        raise FinetuneError(f"broken text: half a surrogate pair at character {e.start}") from None
    return text


@dataclass(frozen=True, slots=True)
class Rows:
    """What is learnt from.

    Attributes:
        n_too_long: Examples left out, as they have more tokens than the recipe takes.
        n_with_tools: Examples left out, as earlier messages call tools.
    """

    rows: tuple[Row, ...]
    n_too_long: int
    n_with_tools: int = 0

    @property
    def n_answer_tokens(self) -> int:
        """Of the longest answer, its end mark with it."""
        return max(row.n_answer for row in self.rows)


def rows_of(dataset: Dataset, tokenizer: Any, *, max_tokens: int) -> Rows:
    """A dataset's training part as ids.

    Raises:
        FinetuneError: No example is left, an answer alone is over `max_tokens`, or a text is broken; names the
            example by its place, shows no text.
    """
    chat = Chat(tokenizer, dataset.card.system)
    found = list(_each(chat, dataset.train, max_tokens))
    rows = tuple(row for row in found if len(row.ids) <= max_tokens)
    n, n_too_long = len(dataset.train), len(found) - len(rows)
    if not rows:
        what = f"all {n} examples have over {max_tokens} tokens" + " or call tools" * (n > len(found))
        raise FinetuneError(f"{what if n else 'the dataset has no training examples'}: nothing to learn from")
    return Rows(rows, n_too_long, n - len(found))


def _each(chat: Chat, examples: Sequence[Example], max_tokens: int) -> Iterable[Row]:
    for n, example in enumerate(examples, start=1):
        if has_tool_calls(example.messages):
            continue
        try:
            row = chat.row(example.messages, example.answer)
        except FinetuneError as e:
            raise FinetuneError(f"training example {n}: {e}") from None
        if row.n_answer == 1:
            raise FinetuneError(f"training example {n}: its answer is empty")
        if row.n_answer > max_tokens:
            raise FinetuneError(
                f"training example {n}: its answer has {row.n_answer} tokens, max_tokens is {max_tokens}; "
                "raise it or leave the example out"
            )
        yield row
