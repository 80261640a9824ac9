"""What `stepwell check` says of tiers on this machine."""

from __future__ import annotations

from stepwell.check_line import CheckLine
from stepwell.pipeline import Pipeline
from stepwell.router.tierinfo import TierInfo

_ERASED = "examples that it was trained on have been erased since; train it again"


def local_line(pipeline: Pipeline, info: TierInfo) -> CheckLine | None:
    """The line of a tier that runs here, or that serves a model whose examples are gone; None for any other."""
    subject, models = f"tier {info.name}", ", ".join(info.models)
    bundles = [d.bundle for d in pipeline.tiers[info.name].deployments if d.bundle is not None]
    tainted = [b.label for b in bundles if b.is_tainted]
    if tainted:
        return CheckLine(subject, "warn", f"{', '.join(tainted)}: {_ERASED}")
    if not info.is_local:
        return None
    if not bundles:
        return CheckLine(subject, "ok", f"{models}: weights are here; started at the first request")
    said = f"{models}: {', '.join(b.label for b in bundles)}"
    if not pipeline.config.routing.policy.startswith("learned:"):
        said += "; reached by a pin or a rule alone, for no learned policy routes"
    return CheckLine(subject, "ok", said)
