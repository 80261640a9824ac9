"""A trained adapter as the bundle that serves: a GGUF, and a card that says what it is."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from stepwell.base.errors import ConfigError
from stepwell.evals.finetune.data.example import FinetuneError
from stepwell.evals.finetune.data.whole import write_whole
from stepwell.evals.finetune.gguf.adapter import Precision, write_adapter
from stepwell.evals.finetune.gguf.merged import MergedPrecision, write_merged
from stepwell.evals.finetune.train.load import base_file
from stepwell.evals.finetune.train.trained import PEFT_WEIGHTS, Trained
from stepwell.router.tiers import weights
from stepwell.router.tiers.adapters import is_name
from stepwell.router.tiers.bundle import CARD, FILES, TAINTED, Bundle, BundleCard, file_sha256, read_bundle

LEAST_OUTPUT_TOKENS = 64
ROOM = 2  # constrained models print their JSON more widely than the answers that were learnt


def export_bundle(
    trained: Trained,
    out: Path,
    *,
    name: str,
    base: Path | None = None,
    merged: MergedPrecision | None = None,
    precision: Precision = "f16",
    schema_json: str | None = None,
    n_held_out: int = 0,
    licences: Sequence[str] = (),
    command: str = "",
) -> Bundle:
    """Write a bundle's folder; its card last, so that a folder with a card is whole.

    Args:
        name: It will be asked for as local/<name>.
        base: GGUF that it was trained on; None: the one that the recipe names.
        merged: A whole model of that precision in place of an adapter.
        precision: Of the adapter.
        schema_json: JSON schema that answers are held to; None: the training's.
        n_held_out, licences: Of the dataset.
        command: Written into the card.

    Raises:
        FinetuneError: The base or the weights are not those of the training, they don't fit together, or `out` is
            no bundle's folder or can't be written. A bundle that was there stays.
    """
    card = trained.card
    base = base_for(trained, base)
    trained.check_weights()
    about = BundleCard(
        name=name,
        kind="adapter",
        sha256="",
        base=card.recipe.base if card.recipe.base in weights.KNOWN else base.name,
        base_sha256=card.base_sha256,
        dataset_sha256=card.dataset_sha256,
        system=card.system,
        schema_json=schema_json or card.schema_json,
        max_output_tokens=output_tokens(card.n_answer_tokens),
        recipe_json=msgspec.json.encode(card.recipe).decode(),
        seed=card.recipe.seed,
        n_train=card.n_examples,
        n_held_out=n_held_out,
        licences=tuple(licences),
        command=command,
    )
    return _write(trained.folder, base, out, about, merged, precision)


def export_peft(
    folder: Path,
    out: Path,
    *,
    name: str,
    base: str,
    system: str | None = None,
    schema_json: str | None = None,
    max_output_tokens: int | None = None,
    merged: MergedPrecision | None = None,
    precision: Precision = "f16",
    licences: Sequence[str] = (),
    command: str = "",
) -> Bundle:
    """As `export_bundle`, of an adapter that was trained elsewhere, with PEFT, on the same base.

    Args:
        folder: With adapter_config.json and adapter_model.safetensors.
        base: A known model's name or a GGUF's path.

    Raises:
        FinetuneError: As `export_bundle`.
    """
    path = base_file(base)
    about = BundleCard(
        name=name,
        kind="adapter",
        sha256="",
        base=base if base in weights.KNOWN else path.name,
        base_sha256=_sha256(path),
        system=system,
        schema_json=schema_json,
        max_output_tokens=max_output_tokens,
        licences=tuple(licences),
        command=command,
    )
    return _write(folder, path, out, about, merged, precision)


def output_tokens(n_answer_tokens: int) -> int:
    """How long answers may be, from the longest one learnt."""
    return max(LEAST_OUTPUT_TOKENS, ROOM * n_answer_tokens)


def base_for(trained: Trained, base: Path | None) -> Path:
    """The GGUF that it was trained on.

    Args:
        base: The file; None: the one that the training's recipe names.

    Raises:
        FinetuneError: No such file is here, or it is another one.
    """
    found = base or base_file(trained.card.recipe.base)
    wanted = trained.card.base_sha256
    if _sha256(found) != wanted:
        raise FinetuneError(
            f"{found} is not the base that {trained.folder} was trained on (sha256 {wanted[:12]}...); name that one"
        )
    return found


def _write(
    peft: Path,
    base: Path,
    out: Path,
    about: BundleCard,
    merged: MergedPrecision | None,
    precision: Precision,
) -> Bundle:
    if not is_name(about.name):
        raise FinetuneError(f"{about.name!r} can't be a name: up to 64 of a-z, 0-9, - and _, no - or _ first")
    kind: Literal["adapter", "merged"] = "adapter" if merged is None else "merged"
    before = _card_there(out)
    _make(out)
    file = _aside(out, FILES[kind])
    if merged is None:
        write_adapter(peft, base, file, name=about.name, precision=precision)
    else:
        write_merged(base, file, precision=merged, peft=peft, name=about.name)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    card = msgspec.structs.replace(
        about, kind=kind, sha256=_sha256(file), weights_sha256=_sha256(peft / PEFT_WEIGHTS), made_on=today
    )
    write_whole(_aside(out, CARD), msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
    is_same = before is not None and before.dataset_sha256 == about.dataset_sha256
    taint = _taint([peft, out] if is_same else [peft])
    if taint is not None:
        write_whole(_aside(out, TAINTED), taint)
    _exchange(out, (FILES[kind], *([] if taint is None else [TAINTED]), CARD))
    return read_bundle(out)


def _card_there(out: Path) -> BundleCard | None:
    """Of the bundle that is to be replaced."""
    try:
        return msgspec.json.decode((out / CARD).read_bytes(), type=BundleCard)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        raise FinetuneError(
            f"{out}: its {CARD} is no bundle's, so nothing is written there; name another --out"
        ) from None


def _make(out: Path) -> None:
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise FinetuneError(f"{out} can't be written: {e.strerror or type(e).__name__}") from e


def _taint(folders: Sequence[Path]) -> bytes | None:
    """The mark that examples have been erased since, where one of the folders bears it."""
    marked = [f / TAINTED for f in folders if (f / TAINTED).exists()]
    try:
        return marked[0].read_bytes() if marked else None
    except OSError as e:
        raise FinetuneError(f"{marked[0]}: {e.strerror or type(e).__name__}") from e


def _aside(out: Path, name: str) -> Path:
    return out / f".{name}"


def _exchange(out: Path, names: Sequence[str]) -> None:
    """What was written aside takes its place, the card last: a folder with a card is whole."""
    try:
        for name in (CARD, TAINTED, *FILES.values()):
            if name == CARD or name not in names:
                (out / name).unlink(missing_ok=True)
        for name in names:
            _aside(out, name).replace(out / name)
    except OSError as e:
        raise FinetuneError(f"{out} can't be written: {e.strerror or type(e).__name__}") from e


def _sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except ConfigError as e:
        raise FinetuneError(str(e)) from e
