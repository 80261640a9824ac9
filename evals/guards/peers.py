"""Other guards over the same rows, where they are installed; each is run as its makers would have it, offline."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from stepwell.base.errors import ConfigError
from stepwell.evals.auroc import auroc_between
from stepwell.evals.guards.measure import SHARES, HeadReport, Line, grouped
from stepwell.evals.guards.replay import head_of
from stepwell.evals.guards.rows import Row
from stepwell.evals.guards.values import STRUCTURED, WARM, ValueReport, counted, spans_of
from stepwell.guards import checks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Span = tuple[str, int, int]
Finder = Callable[[str], Sequence[Span]]
Say = Callable[[str], None]
_KINDS = {"EMAIL_ADDRESS": "EMAIL", "IBAN_CODE": "IBAN", "PHONE_NUMBER": "PHONE"}
_PRESIDIO = ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS")


def value_peers(rows: Sequence[Mapping[str, Any]], say: Say) -> list[ValueReport]:
    """Presidio's pattern recognisers (no names: a blank spaCy model) on personal data, detect-secrets on secrets.

    Args:
        say: Is told which are not installed.
    """
    read = [(str(r["text"]), spans_of(r)) for r in rows]
    is_personal = any(label in STRUCTURED for _, spans in read for label, _, _ in spans)
    peer = {"presidio": presidio()} if is_personal else {"detect-secrets": detect_secrets()}
    reports = []
    for name, find in peer.items():
        if find is None:
            say(f"{name} is not installed here: left out")
            continue
        find(WARM)
        began_s = time.process_time()
        found = [find(text) for text, _ in read]
        cpu_s = time.process_time() - began_s
        n_chars = sum(len(text) for text, _ in read) or 1
        reports.append(counted(name, read, found, cpu_s * 1e9 / n_chars))
    return reports


def presidio() -> Finder | None:
    """Its pattern recognisers at their usual threshold; None where it is not installed."""
    try:
        check = checks.make("presidio", {"entities": list(_PRESIDIO)})
    except ConfigError:
        return None
    return lambda text: [(_KINDS.get(f.kind, f.kind), f.start, f.end) for f in check.find(text)]


def detect_secrets() -> Finder | None:
    """As it scans a file, line by line with all its plug-ins; None where it is not installed."""
    if find_spec("detect_secrets") is None:
        return None
    from detect_secrets.core.scan import _process_line_based_plugins  # type: ignore[import-not-found,unused-ignore]
    from detect_secrets.settings import default_settings  # type: ignore[import-not-found,unused-ignore]

    def find(text: str) -> list[Span]:
        with default_settings():
            lines = list(enumerate(text.splitlines(), start=1))
            secrets = {s.secret_value for s in _process_line_based_plugins(lines, filename="text.txt")}
        return [("SECRET", text.find(s), text.find(s) + len(s)) for s in secrets if s and s in text]

    return find


def judge_peers(rows: Sequence[Row], say: Say, *, yara_rules: str | None = None) -> list[HeadReport]:
    """alt-profanity-check on toxicity; YARA rules (vigil's, say) on injection, any hit counts.

    Args:
        yara_rules: A file of YARA rules; None: not run.
        say: As `value_peers`.

    Raises:
        ConfigError: The file holds no YARA rules.
    """
    reports = []
    toxic = [r for r in rows if r.category in ("toxic", "benign_tweet", "benign_moderation")]
    profanity = _profanity()
    if profanity is None:
        say("alt-profanity-check is not installed here: left out")
    elif _has_both(toxic):
        reports.append(_report("alt-profanity-check", toxic, profanity([r.text for r in toxic])))
    asked = [r for r in rows if head_of(r.category) == "injection"]
    matches = None if yara_rules is None else _yara(yara_rules)
    if matches is not None and _has_both(asked):
        reports.append(_report("yara", asked, [float(matches(r.text)) for r in asked]))
    elif yara_rules is not None and matches is None:
        say("yara-python is not installed here: left out")
    return reports


def _has_both(rows: Sequence[Row]) -> bool:
    return any(r.label for r in rows) and any(not r.label and not r.is_lookalike for r in rows)


def _yara(rules: str) -> Callable[[str], bool] | None:
    if find_spec("yara") is None:
        return None
    import yara  # type: ignore[import-not-found,unused-ignore]

    try:
        compiled = yara.compile(filepath=rules)
    except yara.Error as e:
        raise ConfigError(f"{rules} holds no YARA rules: {e}") from e
    return lambda text: bool(compiled.match(data=text))


def _profanity() -> Callable[[Sequence[str]], Sequence[float]] | None:
    if find_spec("profanity_check") is None:
        return None
    from profanity_check import predict_prob  # type: ignore[import-not-found,unused-ignore]

    return lambda texts: [float(p) for p in predict_prob(list(texts))]


def _report(name: str, rows: Sequence[Row], scores: Sequence[float]) -> HeadReport:
    import numpy as np

    found, bad = np.array(scores), np.array([r.label for r in rows])
    good = found[~bad & ~np.array([r.is_lookalike for r in rows])]
    cuts = [float(np.quantile(good, 1 - share)) for share in SHARES]
    lines = [
        Line(
            category,
            True,
            int(mine.sum()),
            float((found[mine] > 0.5).mean()),
            auroc_between(found[mine], good),
            tuple(float((found[mine] > cut).mean()) for cut in cuts),
        )
        for category, mine in grouped([r.category if r.label else "" for r in rows])
        if category
    ]
    means = tuple(_mean([line.at_shares[i] for line in lines if line.at_shares]) for i in range(len(SHARES)))
    quiet = _honest(rows, found, bad)
    return HeadReport(name, 0.5, tuple(lines), quiet, auroc_between(found[bad], good), means)


def _honest(rows: Sequence[Row], found: NDArray[np.float64], bad: NDArray[np.bool_]) -> tuple[Line, ...]:
    return tuple(
        Line(source, False, int(mine.sum()), float((found[mine] > 0.5).mean()))
        for source, mine in grouped(["" if b else r.source for r, b in zip(rows, bad, strict=True)])
        if source
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
