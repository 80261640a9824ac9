"""Promoted models on the disk: whole versions that never change, and an alias that is moved at once."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from stepwell.base import flock
from stepwell.base.errors import ConfigError
from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.data.whole import write_whole
from stepwell.evals.finetune.figures import REPORT
from stepwell.router.tiers.adapters import (
    ALIASES,
    Aliases,
    adapters_folder,
    is_name,
    is_weights,
    read_aliases,
    versions_of,
)
from stepwell.router.tiers.bundle import CARD, TAINTED, Bundle, BundleCard, file_sha256, read_bundle

_LOCK = ".lock"


def promote_bundle(
    bundle: Bundle, name: str, *, card: BundleCard | None = None, report: Path | None = None
) -> Bundle:
    """Copy a bundle to where promoted models are kept, and let `local/<name>` be it from now on.

    Its requests go on with what they have; who asks afterwards gets the new one. Of a version that is there already
    only the card and the report are written again.

    Args:
        card: In place of the bundle's: the same model with more said about it.
        report: Kept beside the model, for whoever asks later why it serves.

    Raises:
        FinetuneError: The name is none, the version learnt from what was erased, or the files can't be written; what
            served before goes on.
    """
    check_name(name)
    version = bundle.card.version
    with _locked(name) as folder:
        if (folder / version / TAINTED).exists():
            raise _erased_since(name, folder, read_aliases(name), version)
        if _is_whole(folder / version):
            _say_anew(folder / version, card or bundle.card, report)
        else:
            _copy(bundle, folder / version, card or bundle.card, report)
        now = read_aliases(name)
        if now.champion != version:
            kept = tuple(v for v in (*now.previous, now.champion) if v and v != version)
            _point(folder, Aliases(version, kept))
        return read_bundle(folder / version)


def rollback(name: str, *, to: str | None = None) -> Aliases:
    """Let `local/<name>` be what it was before, or the version that is named.

    Nothing goes back to a model whose examples were erased since.

    Args:
        to: The first digits of a version.

    Raises:
        FinetuneError: There is no such name or version, nothing to go back to, or it learnt from what was erased.
    """
    check_name(name)
    if not (adapters_folder() / name).is_dir():
        raise FinetuneError(f"nothing is promoted as {name!r}; stepwell local list shows what is")
    with _locked(name) as folder:
        now = read_aliases(name)
        version = _wanted(name, now, to)
        if version == now.champion:
            return now
        if not _is_whole(folder / version):
            raise FinetuneError(f"{folder / version} is damaged or gone; promote it again")
        if (folder / version / TAINTED).exists():
            raise _erased_since(name, folder, now, version)
        if version in now.previous:
            kept = now.previous[: now.previous.index(version)]
        else:
            kept = tuple(v for v in (*now.previous, now.champion) if v)
        made = Aliases(version, kept)
        _point(folder, made)
        return made


def _erased_since(name: str, folder: Path, now: Aliases, version: str) -> FinetuneError:
    others = [v for v in now.previous if v != version and _is_whole(folder / v)]
    clean = [v for v in others if not (folder / v / TAINTED).exists()]
    more = f"; stepwell local rollback {name} --to {clean[-1]} goes to the last that did not" if clean else ""
    return FinetuneError(
        f"{name}@{version} learnt from 1 or more examples that were erased since, and is not let serve again: train on "
        f"what is left and promote that{more}"
    )


def check_name(name: str) -> None:
    """Raises:
    FinetuneError: It can't name a promoted model, or a tier.
    """
    if not is_name(name) or name == "auto":
        raise FinetuneError(
            f"{name!r} can't name a model: small letters, digits, - and _, 64 at most, and not 'auto'"
        )
    if is_weights(name):
        raise FinetuneError(f"{name!r} names weights, and local/{name} has to stay them: choose another name")


def _wanted(name: str, now: Aliases, to: str | None) -> str:
    if to is None:
        if not now.previous:
            raise FinetuneError(f"{name!r} has no earlier version to go back to; --to names one that is here")
        return now.previous[-1]
    found = [v for v in versions_of(name) if to and v.startswith(to)]
    if len(found) != 1:
        known = ", ".join(versions_of(name)) or "none"
        raise FinetuneError(f"{name!r}: {len(found)} versions begin with {to!r}; here are {known}")
    return found[0]


@contextmanager
def _locked(name: str) -> Iterator[Path]:
    """The folder of a name, held against other processes that promote."""
    folder = adapters_folder() / name
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as e:
        raise FinetuneError(f"{folder} can't be written: {e.strerror or type(e).__name__}") from e
    try:
        flock.wait(lock)
        yield folder
    finally:
        os.close(lock)


def _is_whole(folder: Path) -> bool:
    try:
        return read_bundle(folder).card.version == folder.name
    except ConfigError:
        return False


def _say_anew(goal: Path, card: BundleCard, report: Path | None) -> None:
    """A card and a report of a later measurement, each moved to its place at once."""
    try:
        if report is not None and report.is_file():
            write_whole(goal / REPORT, report.read_bytes())
        write_whole(goal / CARD, _as_json(card))
        _sync(goal)
    except OSError as e:
        raise FinetuneError(f"{goal} can't be written: {e.strerror or type(e).__name__}") from e


def _as_json(card: BundleCard) -> bytes:
    return msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n"


def _copy(bundle: Bundle, goal: Path, card: BundleCard, report: Path | None) -> None:
    """Everything into a folder beside, onto the disk, and only then to its place."""
    # a dot, and no card until the end: nobody takes it for a model
    fresh = goal.parent.parent / f".{goal.parent.name}.{goal.name}.{os.getpid()}.part"
    try:
        for stale in fresh.parent.glob(
            f".{goal.parent.name}.*.part"
        ):  # of one that was killed: the lock is ours
            shutil.rmtree(stale, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        shutil.copyfile(bundle.file, fresh / bundle.file.name)
        if file_sha256(fresh / bundle.file.name) != card.sha256:
            raise FinetuneError(f"{bundle.file}: its sha256 is not the one that {CARD} names any more")
        if report is not None and report.is_file():
            shutil.copyfile(report, fresh / REPORT)
        for file in fresh.iterdir():
            file.chmod(0o600)
            _sync(file)
        write_whole(fresh / CARD, _as_json(card))
        _sync(fresh)
        if goal.exists():  # damaged: what serves from it has it open
            shutil.rmtree(goal)
        fresh.rename(goal)
        _sync(goal.parent)
    except OSError as e:
        raise FinetuneError(f"{goal} can't be written: {e.strerror or type(e).__name__}") from e
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _point(folder: Path, aliases: Aliases) -> None:
    write_whole(folder / ALIASES, msgspec.json.encode(aliases) + b"\n")
    with contextlib.suppress(OSError):
        _sync(folder)


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
