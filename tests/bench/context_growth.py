"""Tokens that the embedder and the summarizer read, over tokens of history, as a conversation grows.

Run as `python -m tests.bench.context_growth`. The shipped demo conversations are told one after the other, three
times over, nine turns at once and one that is asked, to a conversation of a whole well with a window of 2,000 tokens;
a stand-in for a model writes summaries as long as it may. Background work is awaited: nothing is left out of the
count. History is all that the log holds, what the tier answers ("Noted.") included; the embedder reads bare texts, a
summarizer `Speaker: text` lines, so history is counted in both ways. What summarizers read is their own count
(`Summary.n_read_tokens`): each batch, and again the summary so far.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from stepwell import Stepwell
from stepwell.base.config.context import EmbeddingConfig
from stepwell.base.embedding import load_embedder
from stepwell.base.messages import Message
from stepwell.base.tokens import count_text
from stepwell.conversation import conversations_of
from stepwell.testing import FakeTier
from tests.bench.context_failing import noted
from tests.bench.context_pack import demo
from tests.house import CHEAP, NO_CACHE, QUICK

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VOCABULARY = "gpt-4o"
N_TOLD = 3
SHOWN = (1_000, 2_000, 5_000, 10_000, 20_000, 30_000)
read_texts: list[str] = []
_decode = msgspec.json.Decoder(Message).decode


class Counting:
    """The default embedder, counting what it reads."""

    def __init__(self) -> None:
        self._embedder = load_embedder(EmbeddingConfig())
        self.name, self.dim = self._embedder.name, self._embedder.dim

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        read_texts.extend(texts)
        return self._embedder.embed(texts)


async def writes(summary: str, lines: list[str], max_tokens: int) -> str:
    """As long as it may be, from how what it is shown begins: what only copies is refused."""
    return "\n".join([summary, *(" ".join(line.split()[:6]) for line in lines)])[-4 * max_tokens :]


async def grow(folder: Path, summary: str) -> None:
    async with Stepwell(
        tiers={"only": {**CHEAP, "model": "openai/gpt-4o", "window_tokens": 2000}},
        backends={"only": FakeTier(noted)},
        cache=NO_CACHE,
        guards={"input": [], "output": []},
        dispatch=QUICK,
        promises={"min_p_ok": 0},
        embedding={"embedder": "tests.bench.context_growth:Counting"},
        context={"path": str(folder / "log.sqlite3"), "summary": summary},
    ) as one:
        held, shown = one.conversation("growing"), list(SHOWN)
        n_texts, n_lines, n_turns = 0, 0, 0
        read_texts.clear()
        said = [turn.said for _ in range(N_TOLD) for talk in demo() for turn in talk.turns]
        for at in range(0, len(said), 10):
            batch = [f"{at}: {text}" for text in said[at : at + 10]]
            roles = [{"role": ("user", "assistant")[i % 2], "content": t} for i, t in enumerate(batch[1:])]
            await held.aappend(roles)
            await held.achat(batch[0])
            await conversations_of(one.pipeline).drain()
            past = await held.apast()
            for turn in past.turns[n_turns:]:
                message = _decode(turn.raw)
                n_texts += count_text(message.text, VOCABULARY)
                n_lines += count_text(f"{message.role}: {message.text}\n", VOCABULARY)
            n_turns = len(past.turns)
            if shown and n_texts >= shown[0]:
                shown.pop(0)
                n_embedded = sum(count_text(text, VOCABULARY) for text in read_texts)
                n_read = past.summary.n_read_tokens if past.summary is not None else 0
                shares = f"{n_embedded / n_texts:12.3f} {n_read / n_texts:13.3f} {n_read / n_lines:13.3f}"
                print(
                    f"{summary[-8:]:10} {n_texts:8,} {n_lines:8,} {shares} {len(read_texts):7,}", flush=True
                )


def main() -> None:
    # the well's plug-ins are of the module by its name, not of the one that runs
    from tests.bench.context_growth import grow

    shares = f"{'embed/texts':>12} {'summary/texts':>13} {'summary/lines':>13}"
    print(f"{'summary':10} {'texts':>8} {'lines':>8} {shares} {'embedded':>7}")
    for summary in ("extract", "tests.bench.context_growth:writes"):
        with TemporaryDirectory() as folder:
            asyncio.run(grow(Path(folder), summary))


if __name__ == "__main__":
    main()
