"""The numbers behind the gate, chosen once on streams of four kinds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """How the gate learns and how careful it is.

    Attributes:
        n_first_fit: Verdicts before the first fit.
        growth: A new fit for each such share of new verdicts.
        n_verdicts, n_requests: Last ones that are looked at.
        n_after_retreat: Verdicts kept when serving stopped: the rest is thought outdated.
        n_told: Last verdicts by which what the gate had said before them is checked; audits, which tell of the hits
            themselves, are few among them.
        trust: What it said counts in that check as if it had come true for this many wrong answers.
        reach: How many times the allowed chance of error the checked requests may have had: most of what is judged
            lies below the cut.
        caution: Standard deviations by which what is wrong may exceed that before the budget is broken: 1.64 is the
            95 % bound. It leaves room for that what is served is chosen on the same evidence that prices it.
        max_count: An audit stands for 1 / share requests; more than this would make fit and check jumpy.
        focus: How much less a hopeless request counts in the fit, 0..1: what matters happens about the cut.
        doubt_share: Share of hits to audit while little is known of them, or after one was wrong.
        judge_error_sd: Of the judge's error rate, as a share of what it is thought to be.
    """

    n_first_fit: int = 20
    growth: float = 0.1
    n_verdicts: int = 3000
    n_requests: int = 1500
    n_after_retreat: int = 200
    n_told: int = 1000
    trust: float = 25.0
    reach: float = 4.0
    caution: float = 1.64
    max_count: float = 5.0
    focus: float = 0.7
    doubt_share: float = 0.2
    judge_error_sd: float = 0.3
