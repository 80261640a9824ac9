"""A support bot: what customers write is read by a fine-tuned local tier, and answered by the others.

    python notebooks/support_bot.py --config stepwell.yaml [MAIL ...]

A mail that asks for money back goes to the tier `refunds` by a rule of the configuration: a small model on this
machine that has learnt to turn such mails into JSON. Nothing but that JSON goes to the tier that writes the reply, so
such a mail itself never leaves the machine. A tier whose key is not set is played by a stand-in that says so.

    tiers:
      refunds: {model: local/refunds}       # promoted by `stepwell local promote ... --name refunds`
      local: {model: local/smollm2-135m-instruct}
      premium: {model: openai/gpt-4.1}
    routing:
      rules:
        - {name: refunds, keywords: [refund, refunded, reimburse, money back], pin: refunds}
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass

from stepwell import Config, Stepwell, StepwellError
from stepwell.testing import FakeTier

EXTRACTION = "refunds"
FIELDS = ("order", "item", "amount", "currency", "reason")
WRITE = (
    "You write for a shop's customer service: two friendly sentences, no promises beyond what you are told."
)
MAILS = (
    "Hello,\n\nplease refund order A-20941, the walnut tray. I paid EUR 34,90 and it came with a crack.\n\nMaria",
    "Do you ship to Norway, and how long does it take?",
)


@dataclass(frozen=True, slots=True)
class Handled:
    """One mail: who read it, what was read, and the reply."""

    tier: str
    fields: dict[str, object]
    reply: str
    cost_usd: float


def handle(well: Stepwell, mail: str) -> Handled:
    """Read the mail where it is a refund, and answer it."""
    if well.explain(mail).tier != EXTRACTION:
        talk = well.chat([{"role": "system", "content": WRITE}, {"role": "user", "content": mail}])
        return Handled(talk.tier, {}, talk.text, talk.cost_usd or 0.0)
    read = well.chat(mail, tier=EXTRACTION, temperature=0)
    fields = fields_of(read.text)
    asked = (
        f"Confirm that this is being looked into: {json.dumps(fields)}"
        if fields
        else "Ask for the order number."
    )
    talk = well.chat([{"role": "system", "content": WRITE}, {"role": "user", "content": asked}])
    return Handled(read.tier, fields, talk.text, (read.cost_usd or 0.0) + (talk.cost_usd or 0.0))


def fields_of(answer: str) -> dict[str, object]:
    """What the fine-tuned tier read; {} where it is not what it should be."""
    try:
        found = json.loads(answer)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and set(FIELDS) <= set(found) else {}


def open_well(config: Config) -> Stepwell:
    """A well over the configuration; a stand-in plays each tier that lacks its key."""
    with Stepwell(config) as well:
        keyless = [tier.name for tier in well.tiers if tier.missing_key]
    for name in keyless:
        print(f"{name}: no key is set, a stand-in plays it", file=sys.stderr)
    line = (
        "Thank you for your mail. We are looking into it and will write again soon. (A stand-in wrote this.)"
    )
    return Stepwell(config, backends={name: FakeTier(line) for name in keyless})


def main() -> int:
    """Handle each mail, and print what came of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", required=True, help="a stepwell.yaml with the tier `refunds`")
    parser.add_argument("mails", nargs="*", metavar="MAIL", help="default: two that show both ways")
    args = parser.parse_args()
    try:
        with open_well(Config.from_yaml(args.config)) as well:
            for mail in args.mails or MAILS:
                done = handle(well, mail)
                print(
                    f"> {mail.splitlines()[-1][:60]}\n  {done.tier}: {json.dumps(done.fields, ensure_ascii=False)}"
                )
                print(f"  {done.reply}\n  ${done.cost_usd:.6f}\n")
    except StepwellError as e:
        print(f"support_bot: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
