"""The form in which a suite asks its judge: what is measured of a judge holds for one form."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from stepwell.base.errors import ConfigError
from stepwell.evals.scoring.graded.judge_report import PAIRWISE
from stepwell.evals.scoring.graded.options import GradedOptions, read_options
from stepwell.evals.scoring.graded.prompts import PROMPT_VERSION
from stepwell.evals.suite import Row, canonical_json

if TYPE_CHECKING:
    from stepwell.evals.ask import Asks


class Asked(msgspec.Struct, frozen=True):
    """A judge as a run asks it.

    Attributes:
        judge: The tier.
        models: Behind it.
        n_votes: Of rows that say nothing of votes.
        version: Of the prompts.
    """

    judge: str
    models: tuple[str, ...] = ()
    n_votes: int = 1
    version: int = PROMPT_VERSION

    @property
    def key(self) -> str:
        """As JSON."""
        return canonical_json(self).decode()

    @classmethod
    def read(cls, key: str) -> Asked:
        """From its JSON.

        Raises:
            msgspec.DecodeError: It is none.
        """
        return msgspec.json.decode(key, type=cls)


@dataclass(frozen=True, slots=True)
class Form:
    """How a judge is asked.

    Attributes:
        options: Without judge and votes; `reference` only says whether one is shown.
        models: Behind the judge's tier: another model is another judge.
        is_pair: Two answers are compared; else one is graded.
    """

    judge: str
    options: GradedOptions
    n_votes: int = 1
    models: tuple[str, ...] = ()
    is_pair: bool = False
    version: int = PROMPT_VERSION

    @property
    def sha256(self) -> str:
        """Names all of it that decides a verdict."""
        said = [self.version, self.judge, self.options, self.n_votes, self.models, self.is_pair]
        return hashlib.sha256(canonical_json(said)).hexdigest()

    @property
    def name(self) -> str:
        """In words for people, with the first digits of the digest."""
        kind = PAIRWISE if self.is_pair else self.options.scale
        reference = "with reference" if self.options.reference else "without reference"
        rubric = "" if self.options.rubric is None else ", by rubric"
        votes = "" if self.n_votes == 1 else f", {self.n_votes} votes"
        return f"{kind} {reference}{rubric}{votes} #{self.sha256[:8]}"


def forms_of(
    well: Asks, rows: Iterable[Row], *, judge: str | None, n_votes: int = 1, is_pair: bool = False
) -> tuple[Form, ...]:
    """One form for each judge of these rows: the one that most of its rows ask in.

    A rubric that is written for one row among several says nothing about planted answers, and is left out.

    Args:
        judge: Of rows that name none; of all of them where pairs are compared.

    Raises:
        ConfigError: There is a row without a judge.
    """
    models = {tier.name: tuple(tier.models) for tier in well.tiers}
    asked = {name: Asked(name, of, n_votes) for name, of in models.items()}
    return forms_by(asked, rows, judge=judge, is_pair=is_pair)


def forms_by(
    asked: Mapping[str, Asked], rows: Iterable[Row], *, judge: str | None, is_pair: bool = False
) -> tuple[Form, ...]:
    """As `forms_of`, of judges that are known by name."""
    by_judge: dict[str, Counter[tuple[GradedOptions, int]]] = defaultdict(Counter)
    for row in rows:
        options = options_of(row)
        name = judge if is_pair else options.judge or judge
        if name is None:
            raise ConfigError("rows are graded by a model: name its tier with --judge")
        n_votes = asked[name].n_votes if name in asked else 1
        by_judge[name][_shown(row, options), 1 if is_pair else options.votes or n_votes] += 1
    return tuple(_form(asked.get(name) or Asked(name), of, is_pair) for name, of in sorted(by_judge.items()))


def _form(asked: Asked, found: Counter[tuple[GradedOptions, int]], is_pair: bool) -> Form:
    return Form(asked.judge, *_usual(found), asked.models, is_pair, asked.version)


def options_of(row: Row) -> GradedOptions:
    """The options of a graded row; of another row what a judge may make of it."""
    if row.scorer == "graded":
        return read_options(row.options_json)
    # a pattern or a program is no right answer that a judge could read
    return GradedOptions(reference=row.scorer in ("exact", "normalised", "contains", "numeric", "choice"))


def _shown(row: Row, options: GradedOptions) -> GradedOptions:
    has_reference = bool(options.reference) and (isinstance(options.reference, str) or any(row.targets))
    return msgspec.structs.replace(options, judge=None, votes=None, reference=has_reference)


def _usual(found: Counter[tuple[GradedOptions, int]]) -> tuple[GradedOptions, int]:
    if sum(found.values()) > 1:
        merged: Counter[tuple[GradedOptions, int]] = Counter()
        for (options, n_votes), n in found.items():
            kept = options if n > 1 else msgspec.structs.replace(options, rubric=None)
            merged[kept, n_votes] += n
        found = merged
    return min(found, key=lambda form: (-found[form], canonical_json(form)))
