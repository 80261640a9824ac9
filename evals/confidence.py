"""Ask a tier a suite, and keep beside each answer how sure the tier was of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from stepwell.base.errors import ConfigError, StepwellError
from stepwell.evals.arms import arm_of_tier
from stepwell.evals.ask import Asks
from stepwell.evals.entries import Entry, Header
from stepwell.evals.journal import Journal
from stepwell.evals.plan import Sample, plan
from stepwell.evals.scorers import SCORERS
from stepwell.evals.suite import Suite
from stepwell.router.cascade.confidence import read_signal

_NO_SIGNAL = "no_logprobs"


class Told(Entry, frozen=True, tag="s", omit_defaults=True):
    """A sample with the tier's own confidence in it (router.cascade.confidence.Signal)."""

    first: float | None = None
    smallest: float | None = None
    mean: float | None = None


async def ask_suite(
    well: Asks,
    suite: Suite,
    *,
    tier: str,
    journal_path: str | Path,
    max_usd: float | None = None,
    on_progress: Callable[[int, int], None] = lambda n_done, n_planned: None,
) -> list[Told]:
    """Ask every row that the journal does not hold yet, one after another, with log-probabilities.

    Args:
        max_usd: Stop before a call once this much is spent, earlier runs on this journal counted.

    Raises:
        ConfigError: There is no such tier.
        JournalError: The journal can't be read or written, or another run holds it.
    """
    models = {t.name: tuple(t.models) for t in well.tiers}
    if tier not in models:
        raise ConfigError(f"no tier {tier!r}; there are {', '.join(models)}")
    samples = list(plan(suite, [(arm_of_tier(tier), models[tier])]))
    with Journal(journal_path) as journal:
        told = {t.key: t for t in read_told(journal.path)}
        journal.append(Header(suite.name, suite.sha256, len(samples), (tier,)))
        async with journal.synced():
            for n, sample in enumerate(samples):
                on_progress(n, len(samples))
                if sample.key in told and told[sample.key].error in (None, _NO_SIGNAL):
                    continue
                if max_usd is not None and sum(t.nano_usd for t in told.values()) / 1e9 >= max_usd:
                    break
                told[sample.key] = one = await _ask(well, sample)
                journal.append(one)
    on_progress(len(samples), len(samples))
    return [told[s.key] for s in samples if s.key in told]


def read_told(path: str | Path) -> list[Told]:
    """Every sample of a journal, the last end of each; headers and torn lines are left out."""
    found: dict[str, Told] = {}
    with open(path, "rb") as lines:
        for line in lines:
            try:
                item = _decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            if isinstance(item, Told):
                found[item.key] = item
    return list(found.values())


async def _ask(well: Asks, sample: Sample) -> Told:
    row = sample.row
    params: dict[str, Any] = {**row.params, "logprobs": True}
    start = perf_counter()
    about: dict[str, Any] = {"key": sample.key, "ask": sample.ask, "row": row.id, "tier": sample.tier}
    try:
        reply = await well.achat(row.messages, tier=sample.tier, cache=False, **params)
    except StepwellError as e:
        return Told(**about, error=e.code, ms=round((perf_counter() - start) * 1e3, 3))
    signal = read_signal(reply.body)
    return Told(
        **about,
        score=SCORERS[row.scorer].best(reply.text, row.targets),
        error=_NO_SIGNAL if signal is None else None,
        nano_usd=round(reply.cost_usd * 1e9),
        in_tokens=reply.usage.prompt_tokens,
        out_tokens=reply.usage.completion_tokens,
        ms=round((perf_counter() - start) * 1e3, 3),
        answer=reply.text,
        first=signal.first if signal is not None else None,
        smallest=signal.smallest if signal is not None else None,
        mean=signal.mean if signal is not None else None,
    )


_decode = msgspec.json.Decoder(Header | Told).decode
