"""`stepwell feedback export|drift`: the outcomes that feedback has made."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import config_of

if TYPE_CHECKING:
    from stepwell.base.config import Config
    from stepwell.router.drift import Drift
    from stepwell.router.outcomes import OutcomeStore


def run_export(args: Namespace) -> int:
    with opened(config_of(args)) as store, ExitStack() as files:
        out = files.enter_context(Path(args.out).open("w", encoding="utf-8")) if args.out else sys.stdout
        n = sum(out.write(line.decode()) > 0 for line in store.export(tenant=args.tenant))
    terminal.say(f"{n:,} outcomes" + (f": {args.out}" if args.out else ""))
    return Exit.OK


def run_drift(args: Namespace) -> int:
    """Exit code 1: it drifts, tune again."""
    with opened(config_of(args)) as store:
        found = drift_in(store)
    if args.json:
        terminal.say_json(found)
    else:
        print(f"{'drifting' if found.is_drifting else 'no drift'}: {found.why}")
    return Exit.NO if found.is_drifting else Exit.OK


def drift_in(store: OutcomeStore) -> Drift:
    """What all labels and the last requests together say."""
    from stepwell.router.drift import drift_of

    return drift_of(store.scored(), store.ranks())


@contextmanager
def opened(config: Config) -> Iterator[OutcomeStore]:
    """The configuration's outcomes, to read.

    Raises:
        UsageError: It takes no feedback, or none has come yet.
        ConfigError: The file is of something else.
    """
    from stepwell.router.outcomes import open_outcomes

    path = config.feedback.path
    if path is None:
        raise UsageError("the configuration takes no feedback: set feedback.path")
    if not Path(path).is_file():
        raise UsageError(f"feedback.path {path}: nothing there yet")
    store = open_outcomes(config.feedback)
    assert store is not None
    try:
        yield store
    finally:
        store.close()
