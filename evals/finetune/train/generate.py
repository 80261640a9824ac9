"""Greedy answers by transformers: what the served adapter is compared with, and quick checks without a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.evals.finetune.train.chat import Chat, Messages
from stepwell.evals.finetune.train.load import Base, base_file, load_base, with_adapter
from stepwell.evals.finetune.train.trained import Trained

BATCH_SIZE = 20


@dataclass(frozen=True, slots=True)
class Greedy:
    """A model that says what is likeliest, token by token.

    Args:
        base: With an adapter on it, or without.
        chat: How it is asked.
        batch_size: Prompts at a time.
    """

    base: Base
    chat: Chat
    batch_size: int = BATCH_SIZE

    @classmethod
    def of_base(
        cls,
        base: str,
        *,
        system: str | None = None,
        base_path: Path | None = None,
        dtype: str = "auto",
        batch_size: int = BATCH_SIZE,
    ) -> Greedy:
        """The plain base.

        Raises:
            FinetuneError: It isn't here, or can't be read.
        """
        loaded = load_base(base_path or base_file(base), dtype=dtype)
        return cls(loaded, Chat(loaded.tokenizer, system), batch_size)

    @classmethod
    def of_trained(
        cls,
        trained: Trained,
        *,
        base_path: Path | None = None,
        dtype: str = "auto",
        batch_size: int = BATCH_SIZE,
    ) -> Greedy:
        """The base with the trained adapter, asked as it was trained.

        Raises:
            FinetuneError: Base or adapter can't be read.
        """
        loaded = load_base(base_path or base_file(trained.card.recipe.base), dtype=dtype)
        adapted = with_adapter(loaded, trained.folder)
        return cls(adapted, Chat(loaded.tokenizer, trained.card.system), batch_size)

    def answers(self, asks: Sequence[Messages], max_new_tokens: int) -> list[str]:
        """What it says to each, without the mark that ends a turn.

        Raises:
            FinetuneError: A message is no text.
        """
        return [self.text(ids) for ids in self.ids(asks, max_new_tokens)]

    def ids(self, asks: Sequence[Messages], max_new_tokens: int) -> list[list[int]]:
        """As `answers`, in tokens; the mark that ends a turn is the last, where it came to that.

        Raises:
            FinetuneError: A message is no text.
        """
        prompts = [self.chat.prompt_ids(messages) for messages in asks]
        # alike in length together: less padding
        order = sorted(range(len(prompts)), key=lambda n: len(prompts[n]))
        found: list[list[int]] = [[] for _ in prompts]
        for at in range(0, len(order), self.batch_size):
            batch = order[at : at + self.batch_size]
            said = self._generate([prompts[n] for n in batch], max_new_tokens)
            for n, ids in zip(batch, said, strict=True):
                found[n] = ids
        return found

    def text(self, ids: Sequence[int]) -> str:
        """Tokens as text, marks left out."""
        return str(self.chat.tokenizer.decode(ids, skip_special_tokens=True))

    def _generate(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> Iterator[list[int]]:
        import torch

        end = int(self.chat.tokenizer.eos_token_id)
        width = max(map(len, prompts))
        ids = torch.tensor([[end] * (width - len(p)) + list(p) for p in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        with torch.inference_mode():
            out: Any = self.base.model.generate(
                input_ids=ids.to(self.base.device),
                attention_mask=mask.to(self.base.device),
                do_sample=False,
                max_new_tokens=max_new_tokens,
                eos_token_id=end,
                pad_token_id=end,
            )
        for row in out[:, width:].tolist():
            yield row[: row.index(end) + 1] if end in row else row
