"""`stepwell local erase`."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.front.cli.inputs import config_of

if TYPE_CHECKING:
    from stepwell.base.config import Config


def run(args: Namespace) -> int:
    """Erase, and say how much went and which models are marked."""
    from stepwell.evals.finetune.data.erase import erase_person
    from stepwell.evals.finetune.data.example import FinetuneError

    paths = _paths(args, config_of(args))
    try:
        erased = erase_person(tenant=args.tenant, user=args.user, folders=paths)
    except FinetuneError as e:
        raise UsageError(str(e)) from e
    if args.json:
        terminal.say_json(erased)
        return Exit.OK
    print(erased.said)
    for folder in erased.learnt:
        print(f"marked: {folder}")
    return Exit.OK


def _paths(args: Namespace, config: Config) -> list[Path]:
    """What was named must be there; what the configuration names may be."""
    named = [Path(path) for path in args.paths]
    missing = next((path for path in named if not path.exists()), None)
    if missing is not None:
        raise UsageError(f"{missing}: nothing there")
    configured = [*config.finetune.folders, *([config.traffic.path] if config.traffic.path else [])]
    return [*named, *(Path(path).expanduser() for path in configured)]
