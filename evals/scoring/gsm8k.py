"""GSM8K's checkers, each true to its reference.

- flexible: lm-eval's flexible-extract, the last number of the answer (task gsm8k, version 3).
- strict: lm-eval's strict-match, the number after the first ####.
- authors: openai/grade-school-math, dataset.py: as strict, but "18." is not 18 (Cobbe et al. 2021, arXiv:2110.14168).

All three compare text: 18.00 is not 18. The scorer `numeric` compares numbers.
"""

from __future__ import annotations

import re

from stepwell.evals.scored import Scored
from stepwell.evals.scoring.same import INVALID, same, unpointed, without

_LAST = re.compile(r"-?(?:[$.,0-9]{2,}|[0-9]+)")
_MARKED = re.compile(r"#### (-?[.,0-9]+)")


def _behind_mark(text: str) -> str:
    return text.rpartition("#### ")[2]


_CUTS = (without(","), without("$"), _behind_mark, unpointed)


def flexible(answer: str, target: str) -> float:
    """The last number, with or without thousands' commas, $ and a closing point, is the target's."""
    numbers = _LAST.findall(answer)
    return float(same(numbers[-1] if numbers else INVALID, target, _CUTS))


def strict(answer: str, target: str) -> float:
    """The number after the first #### is the target's; without #### nothing is right."""
    marked = _MARKED.search(answer)
    return float(same(marked[1] if marked else INVALID, target, _CUTS))


def authors(answer: str, target: str) -> float:
    """As `strict`, letter by letter but for commas."""
    marked, wanted = _MARKED.search(answer), _MARKED.search(f"#### {target.rpartition('#### ')[2]}")
    return float(bool(marked and wanted) and _uncommaed(marked) == _uncommaed(wanted))


def scored(answer: str, target: str) -> Scored:
    """`flexible`, with `strict` beside it, as lm-eval prints the two."""
    score = flexible(answer, target)
    return Scored(score, {"flexible": score, "strict": strict(answer, target)})


def fault(target: str) -> str | None:
    """What is wrong with a target, or None."""
    return None if re.search(r"\d", target) else "no number"


def _uncommaed(found: re.Match[str] | None) -> str | None:
    return found[1].replace(",", "") if found else None
