"""`stepwell init`: propose a stepwell.yaml from what is found here. Reads names of keys, never keys."""

from __future__ import annotations

import importlib.util
import os
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stepwell.front.cli import terminal
from stepwell.front.cli.exits import Exit, UsageError
from stepwell.router.tiers import weights


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider whose key init knows by name, with a model for each paid tier."""

    key_env: str
    premium: str
    standard: str


PROVIDERS = (
    Provider("OPENAI_API_KEY", "openai/gpt-4.1", "openai/gpt-4.1-mini"),
    Provider("ANTHROPIC_API_KEY", "anthropic/claude-sonnet-4-5", "anthropic/claude-haiku-4-5"),
    Provider("GEMINI_API_KEY", "gemini/gemini-2.5-pro", "gemini/gemini-2.5-flash"),
    Provider("MISTRAL_API_KEY", "mistral/mistral-medium-latest", "mistral/mistral-small-latest"),
    Provider("DEEPSEEK_API_KEY", "deepseek/deepseek-reasoner", "deepseek/deepseek-chat"),
    Provider("GROQ_API_KEY", "groq/openai/gpt-oss-120b", "groq/openai/gpt-oss-20b"),
)
DEFAULT_LOCAL = "smollm2-135m-instruct"


def run(args: Namespace) -> int:
    path = Path(args.path)
    text = propose(os.environ, [p.stem for p in weights.found()])
    try:
        with path.open("w" if args.force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is there already; --force overwrites it") from None
    keys = [p.key_env for p in with_key(os.environ)]
    terminal.say(f"wrote {path}; keys found: {', '.join(keys) or 'none'}")
    terminal.say("next: stepwell check")
    return Exit.OK


def with_key(environ: Mapping[str, str]) -> list[Provider]:
    """The providers whose key is set and not empty."""
    return [p for p in PROVIDERS if environ.get(p.key_env)]


def propose(environ: Mapping[str, str], local_names: list[str]) -> str:
    """The text of a stepwell.yaml.

    Args:
        environ: Where names of keys are looked for.
        local_names: Names of the GGUFs in the weights folder.
    """
    usable = with_key(environ)
    first, others = (usable or list(PROVIDERS))[0], usable[1:]
    lines = [*_HEAD, *_paid("premium", first, first.premium, bool(usable))]
    lines += [f"    # or, its key is set, too:  {p.premium}" for p in others]
    lines += _paid("standard", first, first.standard, bool(usable))
    lines += [f"    # or, its key is set, too:  {p.standard}" for p in others]
    return "\n".join([*lines, *_local(local_names), _REST])


def _paid(tier: str, provider: Provider, model: str, has_key: bool) -> list[str]:
    state = "is set" if has_key else "is not set: this tier can't answer yet"
    return [f"  {tier}:", f"    model: {model}", f"    api_key_env: {provider.key_env}  # {state}"]


def _local(names: list[str]) -> list[str]:
    is_here = DEFAULT_LOCAL in names
    hints = [] if is_here else ["weights are not here yet: stepwell local fetch"]
    if importlib.util.find_spec("xllamacpp") is None:
        hints.append("needs: pip install 'stepwell[local]'")
    lines = ["  local:", f"    model: local/{DEFAULT_LOCAL}", *(f"    # {hint}" for hint in hints)]
    return lines + [f"    # also here: local/{name}" for name in names if name != DEFAULT_LOCAL]


_HEAD = (
    "# Stepwell: each prompt goes to the cheapest tier that is good enough.",
    "# Keys stay in environment variables; this file holds their names. `stepwell check` tells what works.",
    "",
    "tiers:",
)
_REST = """
promises:
  min_p_ok: 0.7                 # a tier may answer only where it is good enough with this probability
  below_floor: refuse           # or flag: answer all the same, and say so
  # max_usd_per_request: 0.05   # hard, every try counted
  # max_usd_per_user_day: 1
  # max_usd_per_day: 20

# routing:
#   baseline_tier: premium      # savings are counted against it; without one they are not measured
#   rules:
#     - {name: legal, keywords: [contract, liability], min_tier: premium}

guards:
  input: [{check: secrets, action: redact}]
  output: [{check: secrets, action: redact}]

cache:
  exact: true
  semantic: shadow              # counts what would have been served; serve serves it
  # path: stepwell-cache.sqlite3  # none keeps the cache in memory

server:
  host: 127.0.0.1
  port: 8400
  # keys: [{env: STEPWELL_KEY_TEAM_A, tenant: team-a}]  # without keys: loopback only
"""
