"""`stepwell local promote` and `stepwell local rollback`."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError

if TYPE_CHECKING:
    from stepwell.evals.finetune.figures import FinetuneReport
    from stepwell.evals.finetune.found import Found
    from stepwell.evals.finetune.promote import Decision
    from stepwell.router.tiers.bundle import Bundle


def run(args: Namespace) -> int:
    """Exit code 1: refused."""
    from stepwell.evals.finetune.data.dataset import Dataset
    from stepwell.evals.finetune.data.example import FinetuneError
    from stepwell.evals.finetune.figures import FinetuneReport
    from stepwell.evals.finetune.found import find_model
    from stepwell.evals.finetune.promote import judge_promotion
    from stepwell.evals.finetune.store import check_name

    try:
        check_name(args.name)
        dataset = Dataset.load(Path(args.dataset))
        found = find_model(Path(args.model), may_export=False)
        report = FinetuneReport.load(found.out)
        bundle = found.bundle if args.head is None else _head(args, found, report)
        decision = judge_promotion(report, dataset, bundle, is_tainted=found.is_tainted)
        made = _promoted(args, found, bundle, report, decision) if decision.is_promoted else None
        adapter = judge_promotion(report, dataset, found.bundle, is_tainted=found.is_tainted)
    except FinetuneError as e:
        raise UsageError(str(e)) from e
    _tell(args, decision, made, None if made is not None else _next(args, adapter))
    return Exit.OK if made is not None else Exit.NO


def run_rollback(args: Namespace) -> int:
    from stepwell.evals.finetune.data.example import FinetuneError
    from stepwell.evals.finetune.store import rollback

    try:
        now = rollback(args.name, to=args.to)
    except FinetuneError as e:
        raise UsageError(str(e)) from e
    if args.json:
        terminal.say_json({"name": args.name, "version": now.champion, "previous": now.previous})
    else:
        print(f"local/{args.name} is {now.champion} now; a well that runs takes it up when it starts again")
    return Exit.OK


def _head(args: Namespace, found: Found, report: FinetuneReport) -> Bundle:
    from stepwell.router.tiers.bundle import read_bundle

    head = report.head(args.head)
    if head is None:
        measured = ", ".join(h.kind for h in report.heads) or "none"
        raise UsageError(f"--head: no {args.head} head was measured; measured: {measured}")
    return read_bundle(found.out / head.folder)


def _promoted(
    args: Namespace, found: Found, bundle: Bundle, report: FinetuneReport, decision: Decision
) -> Bundle:
    import msgspec

    from stepwell.evals.finetune.figures import REPORT
    from stepwell.evals.finetune.store import promote_bundle

    exact = {a.name: a.exact for a in report.arms if a.exact is not None}
    card = msgspec.structs.replace(
        bundle.card, n_held_out=report.n_asked, exact=exact, said=decision.said, made_on=report.made_on
    )
    return promote_bundle(bundle, args.name, card=card, report=found.out / REPORT)


def _next(args: Namespace, adapter: Decision) -> str:
    """What a refusal leaves to do; `adapter` is the verdict on the model without --head."""
    command = shlex.join(["stepwell", "local", "promote", args.model, args.dataset, "--name", args.name])
    if adapter.offers not in (None, args.head):
        return f"the {adapter.offers} head does it for next to nothing: {command} --head {adapter.offers}"
    if adapter.is_promoted:
        return f"the adapter may serve: {command}"
    return (
        "nothing else that was measured here may serve: mend what is named above, or train on more examples"
    )


def _tell(args: Namespace, decision: Decision, made: Bundle | None, to_do: str | None) -> None:
    if args.json:
        terminal.say_json(_plain(args, decision, made, to_do))
        return
    if made is not None:
        for said in decision.said:
            print(said)
        print(f"promoted: local/{args.name}, version {made.card.version}, in {made.folder}")
        terminal.say("\nin the configuration:")
        print(tier_yaml(args.name))
        return
    print("refused:")
    for reason in decision.reasons:
        print(f"  - {reason}")
    print(to_do)


def _plain(args: Namespace, decision: Decision, made: Bundle | None, to_do: str | None) -> dict[str, object]:
    version, folder = (None, None) if made is None else (made.card.version, str(made.folder))
    return {
        "is_promoted": made is not None,
        "name": args.name,
        "version": version,
        "folder": folder,
        "reasons": decision.reasons,
        "said": decision.said,
        "offers": decision.offers,
        "next": to_do,
        "yaml": None if made is None else tier_yaml(args.name),
    }


def tier_yaml(name: str) -> str:
    """The tier to paste, and the rule that sends it its requests until a policy has learnt them from outcomes."""
    return f"""\
tiers:
  {name}:
    model: local/{name}
routing:
  rules:  # a tier for one skill is never chosen by a policy that has not learnt it (stepwell tune)
    - name: {name}
      tags: [{name}]
      pin: {name}"""
