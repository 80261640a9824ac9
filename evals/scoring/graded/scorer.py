"""The scorer "graded": a judge reads the answer, and the majority of its votes counts."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import TYPE_CHECKING

from stepwell.base.errors import ConfigError, StepwellError
from stepwell.evals.scored import Scored
from stepwell.evals.scoring.graded.forms import Asked
from stepwell.evals.scoring.graded.judge import Judge, Vote
from stepwell.evals.scoring.graded.options import GradedOptions, read_options, votes_fault
from stepwell.evals.scoring.graded.prompts import Prompt, grade_prompt
from stepwell.evals.suite import Row

if TYPE_CHECKING:
    from stepwell.evals.ask import Asks


class GradedScorer:
    """Grades by rows' own options; the judge and the number of votes are theirs, else the run's."""

    def __init__(self, well: Asks, *, judge: str | None, n_votes: int = 1) -> None:
        """
        Raises:
            ConfigError: There is no such tier, or votes are even.
        """
        problem = votes_fault(n_votes)
        if problem is not None:
            raise ConfigError(problem)
        self._well = well
        self._default = judge
        self._n_votes = n_votes
        self._judges: dict[str, Judge] = {}
        self._keys: dict[str, str] = {}
        self._paid: dict[tuple[str, tuple[str, ...]], list[Vote]] = {}
        if judge is not None:
            self.judge(GradedOptions())

    def judge(self, options: GradedOptions) -> Judge:
        """The judge of such rows.

        Raises:
            ConfigError: None is named, it is no tier, or it lacks its key.
        """
        name = options.judge or self._default
        if name is None:
            raise ConfigError("rows are graded by a model: name its tier with --judge")
        if name not in self._judges:
            check_tier(self._well, name)
            self._judges[name] = Judge(self._well, name)
        return self._judges[name]

    async def score(self, row: Row, answers: Sequence[str]) -> Scored:
        """Grade the answers to a row's turns.

        Raises:
            StepwellError: The judge did not answer. Asked again, it goes on from the votes that are there.
        """
        options = read_options(row.options_json)
        judge, prompt = self.judge(options), grade_prompt(row, answers, options)
        key = (row.id, tuple(answers))
        votes = self._paid.pop(key, [])
        n_before = len(votes)
        try:
            await self._collect(judge, prompt, options, votes)
        except StepwellError as e:
            if votes:
                self._paid[key] = votes
            e.spent_usd += _nano_usd(votes[n_before:]) / 1e9
            raise
        return _scored(votes, options, paid_nano_usd=_nano_usd(votes[n_before:]))

    def key(self, row: Row) -> str:
        """`forms.Asked` as JSON: the same for all rows of one judge, as a row's own votes are in the row.

        Raises:
            ConfigError: As of `judge`.
        """
        name = self.judge(read_options(row.options_json)).tier
        if name not in self._keys:
            models = next(tuple(tier.models) for tier in self._well.tiers if tier.name == name)
            self._keys[name] = Asked(name, models, self._n_votes).key
        return self._keys[name]

    async def close(self) -> None:
        """The tiers belong to the well."""
        self._paid.clear()

    async def _collect(self, judge: Judge, prompt: Prompt, options: GradedOptions, votes: list[Vote]) -> None:
        n_votes = options.votes or self._n_votes
        while len(votes) < n_votes and not _is_decided(votes, n_votes, options):
            # the first is asked as a single vote would be; further ones must not be copies of it
            votes.append(await judge.vote(prompt, seed=len(votes) if n_votes > 1 else None))


def check_tier(well: Asks, name: str) -> None:
    """
    Raises:
        ConfigError: The judge is no tier, or lacks its key.
    """
    known = {tier.name: tier for tier in well.tiers}
    if name not in known:
        raise ConfigError(f"no tier {name!r} to judge; there are {', '.join(known)}")
    if known[name].missing_key is not None:
        raise ConfigError(f"tier {name!r} can't judge: it lacks {known[name].missing_key}")


def _is_decided(votes: Sequence[Vote], n_votes: int, options: GradedOptions) -> bool:
    """Whether no further vote can change the outcome: one failed, or a majority is there."""
    if any(vote.verdict is None for vote in votes):
        return True
    n_for = sum(vote.verdict == 1 for vote in votes)
    return options.highest == 1 and max(n_for, len(votes) - n_for) > n_votes // 2


def _scored(votes: Sequence[Vote], options: GradedOptions, *, paid_nano_usd: int) -> Scored:
    judge_usd = paid_nano_usd / 1e9
    error = next((vote.error for vote in votes if vote.verdict is None), None)
    if error is not None:
        return Scored(None, judge_usd=judge_usd, error=error)
    given = [vote.verdict for vote in votes if vote.verdict is not None]
    if options.highest == 1:
        score = float(2 * sum(given) > len(given))
        alike = sum(v == score for v in given)
        why = "" if len(given) == 1 else f"{alike} of {len(given)} votes"
        return Scored(score, why=why, judge_usd=judge_usd)
    return Scored(median(given), judge_usd=judge_usd)


def _nano_usd(votes: Sequence[Vote]) -> int:
    return sum(vote.nano_usd for vote in votes)
