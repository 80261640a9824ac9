"""A judge: a tier that is asked for verdicts, by a form that is read strictly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from stepwell.base.errors import ContextTooLong, StepwellError, TierRefused
from stepwell.base.reply import Reply
from stepwell.evals.entries import JUDGE_ERROR
from stepwell.evals.scoring.graded.prompts import Prompt
from stepwell.router.limits import up

if TYPE_CHECKING:
    from stepwell.evals.ask import Asks

UNREADABLE = JUDGE_ERROR + "unreadable"
WRONG_JUDGE = JUDGE_ERROR + "served_by_another_tier"
# a verdict takes fifty; a judge that thinks at length is given more room the second time
MAX_REPLY_TOKENS = 512
_AGAIN = "That is not the form asked for. Reply with one line of JSON and nothing else: "


@dataclass(frozen=True, slots=True)
class Vote:
    """What the judge said once.

    Attributes:
        verdict: 0..1; None where there is none, and `error` says why.
        nano_usd: Of all tries, rounded up as the ledger does.
    """

    verdict: float | None
    nano_usd: int
    error: str | None = None


class Judge:
    """Asks one tier, without the cache and at temperature 0."""

    def __init__(self, well: Asks, tier: str) -> None:
        self.tier = tier
        self._well = well
        self._is_plain = False

    async def vote(self, prompt: Prompt, *, seed: int | None = None) -> Vote:
        """One verdict; a reply that can't be read is asked for once again.

        Raises:
            StepwellError: The tier did not answer; `spent_usd` counts all that this vote has cost.
        """
        reply = await self._reply(prompt.messages, seed, max_tokens=MAX_REPLY_TOKENS)
        nano_usd = up(reply.cost_usd)
        if reply.tier != self.tier:
            return Vote(None, nano_usd, WRONG_JUDGE)
        verdict = prompt.read(reply.text)
        if verdict is not None:
            return Vote(verdict, nano_usd)
        try:
            again = await self._asked_again(prompt, reply, seed)
        except ContextTooLong as e:  # no room for a second try
            return Vote(None, nano_usd + up(e.spent_usd), UNREADABLE)
        except StepwellError as e:
            e.spent_usd += nano_usd / 1e9
            raise
        verdict = prompt.read(again.text) if again.tier == self.tier else None
        return Vote(verdict, nano_usd + up(again.cost_usd), UNREADABLE if verdict is None else None)

    async def _asked_again(self, prompt: Prompt, reply: Reply, seed: int | None) -> Reply:
        """Without a limit where the reply was cut; else it is told that it missed the form."""
        if reply.answer.choices[0].finish_reason == "length":
            return await self._reply(prompt.messages, seed)
        said = {"role": "assistant", "content": reply.text}
        form = {"role": "user", "content": _AGAIN + prompt.form}
        return await self._reply([*prompt.messages, said, form], seed, max_tokens=MAX_REPLY_TOKENS)

    async def _reply(
        self, messages: list[dict[str, Any]], seed: int | None, *, max_tokens: int | None = None
    ) -> Reply:
        if self._is_plain:
            return await self._well.achat(messages, tier=self.tier, cache=False)
        wanted = {"temperature": 0, "seed": seed, "max_tokens": max_tokens}
        params: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
        try:
            return await self._well.achat(messages, tier=self.tier, cache=False, **params)
        except StepwellError as e:
            if not _is_refused(e):
                raise
            # models that think before they answer take no temperature, and count tokens by another name
            return await self._plainly(messages, spent_usd=e.spent_usd)

    async def _plainly(self, messages: list[dict[str, Any]], *, spent_usd: float) -> Reply:
        try:
            reply = await self._well.achat(messages, tier=self.tier, cache=False)
        except StepwellError as e:
            e.spent_usd += spent_usd
            raise
        self._is_plain = True
        return reply


def _is_refused(error: StepwellError) -> bool:
    tries = error.exceptions if isinstance(error, BaseExceptionGroup) else (error,)
    return all(isinstance(e, TierRefused) for e in tries)
