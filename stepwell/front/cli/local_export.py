"""`stepwell local export`: a trained adapter as the bundle that serves."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError

if TYPE_CHECKING:
    from stepwell.evals.finetune.train.trained import Trained
    from stepwell.router.tiers.bundle import Bundle


def run(args: Namespace) -> int:
    from stepwell.evals.finetune.train import trained

    training = Path(args.training)
    out = Path(args.out) if args.out else training / "bundle"
    name = args.name or training.resolve().name.lower()
    is_ours = (training / trained.CARD).exists() or not (training / trained.PEFT_CONFIG).exists()
    bundle = _ours(args, trained.Trained.load(training), out, name) if is_ours else _others(args, out, name)
    _tell(args, bundle)
    return Exit.OK


def _ours(args: Namespace, trained: Trained, out: Path, name: str) -> Bundle:
    from stepwell.evals.finetune.export import export_bundle
    from stepwell.evals.finetune.train.load import base_file

    if args.system is not None or args.max_output_tokens is not None:
        raise UsageError(
            "--system and --max-output-tokens are for adapters trained elsewhere: this one has its own"
        )
    n_held_out, licences = _of_dataset(args, trained.card.dataset_sha256)
    return export_bundle(
        trained,
        out,
        name=name,
        base=base_file(args.base) if args.base else None,
        merged=args.merged,
        precision=args.precision,
        schema_json=_schema(args),
        n_held_out=n_held_out,
        licences=licences,
        command=_command(args),
    )


def _others(args: Namespace, out: Path, name: str) -> Bundle:
    from stepwell.evals.finetune.export import export_peft

    if not args.base:
        raise UsageError(
            f"{args.training} was trained elsewhere: --base says on what (a known name or a GGUF)"
        )
    if args.dataset:
        raise UsageError("--dataset is for adapters trained here; nothing says what this one was trained on")
    return export_peft(
        Path(args.training),
        out,
        name=name,
        base=args.base,
        system=args.system,
        schema_json=_schema(args),
        max_output_tokens=args.max_output_tokens,
        merged=args.merged,
        precision=args.precision,
        command=_command(args),
    )


def _of_dataset(args: Namespace, wanted: str) -> tuple[int, tuple[str, ...]]:
    from stepwell.evals.finetune.data.dataset import read_card

    if not args.dataset:
        return 0, ()
    card = read_card(Path(args.dataset))
    if wanted not in (card.sha256, *card.earlier):
        raise UsageError(
            f"{args.dataset} is not what {args.training} was trained on (sha256 {wanted[:12]}...)"
        )
    return card.n_held_out, card.licences


def _schema(args: Namespace) -> str | None:
    import msgspec

    if not args.schema:
        return None
    try:
        schema = msgspec.json.decode(Path(args.schema).read_bytes(), type=dict[str, object])
    except OSError as e:
        raise UsageError(f"{args.schema}: {e.strerror or type(e).__name__}") from e
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise UsageError(f"{args.schema}: not a JSON schema") from None
    return msgspec.json.encode(schema).decode()


def _command(args: Namespace) -> str:
    """The command as it can be given again; folders by name only."""
    asked = ["--merged", args.merged] if args.merged else ["--precision", args.precision]
    return shlex.join(["stepwell", "local", "export", Path(args.training).name, *asked])


def _tell(args: Namespace, bundle: Bundle) -> None:
    card = bundle.card
    if args.json:
        terminal.say_json({"folder": str(bundle.folder), "version": card.version, "card": card})
        return
    n_mb = bundle.file.stat().st_size / 1e6
    print(f"{card.kind} {card.name}, version {card.version}, {n_mb:.1f} MB: {bundle.file}")
    if bundle.is_tainted:
        terminal.say("marked: examples that it was trained on have been erased since; train again")
    terminal.say(f"serve it as it is: a tier with model: local/{bundle.folder.resolve()}")
