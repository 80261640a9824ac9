"""Arms: what a comparison sets side by side. A tier is an arm of its own name."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import Any

import msgspec

from stepwell.base.errors import ConfigError
from stepwell.evals.suite import OWN_PARAMS, Row, canonical_json

AUTO = "auto"
INPUT = "{input}"
# a file's aliases can stand for more than fits into memory, or for themselves
_MAX_DEPTH = 32
_MAX_VALUES = 10_000


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    """An arm as a file names it."""

    name: str
    tier: str | None = None
    model: str | None = None
    policy: str | None = None
    system: str | None = None
    template: str | None = None
    params: dict[str, Any] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arm:
    """One column of a comparison: who is asked, and how.

    Attributes:
        name: As the report calls it.
        tier, model: Who is asked; neither: the router decides.
        policy: Folder of a tuned policy that decides; None: the configured one.
        system: Goes first as a system message; one that a row brings is kept after it.
        template: The last user's message is put in place of its `{input}`.
        params: Request fields sent along; a row's own win.
    """

    name: str
    tier: str | None = None
    model: str | None = None
    policy: str | None = None
    system: str | None = None
    template: str | None = None
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_routed(self) -> bool:
        return self.tier is None and self.model is None

    @property
    def lane(self) -> str:
        """Whom its samples queue for: arms that ask one tier share what that tier takes."""
        return self.tier or self.model or ""

    def messages(self, row: Row) -> list[dict[str, Any]]:
        """The row's messages as this arm sends them."""
        messages = row.messages
        if self.template is not None:
            messages[-1] = {**messages[-1], "content": self.worded(messages[-1].get("content"))}
        system = [] if self.system is None else [{"role": "system", "content": self.system}]
        return system + messages

    def worded(self, content: object) -> object:
        """A user's text within the template; what is no text stays."""
        if self.template is None or not isinstance(content, str):
            return content
        return self.template.replace(INPUT, content)

    def key(self, models: Sequence[str]) -> bytes:
        """Names all of it that decides an answer, but for the row.

        Args:
            models: Behind it: another model is another answer.
        """
        who: list[object] = [self.tier or self.model or AUTO, *models]
        how = [self.system, self.template, dict(self.params), self.policy and policy_sha256(self.policy)]
        return canonical_json([*who, how] if any(how) else who)


def arm_of_tier(name: str) -> Arm:
    """The arm of a tier's name, or of "auto"."""
    return Arm(name, tier=None if name == AUTO else name)


def arms_of(
    tiers: Sequence[str],
    *,
    models: Sequence[str] = (),
    policies: Sequence[str] = (),
    prompts: Mapping[str, str] | None = None,
) -> list[Arm]:
    """Every tier, model and policy, with every prompt where some are given.

    Args:
        prompts: Name -> text: a template where it holds `{input}`, else a system prompt.
    """
    who = [
        *(arm_of_tier(t) for t in tiers),
        *(Arm(m, model=m) for m in models),
        *(Arm(Path(p).name, policy=p) for p in policies),
    ]
    if not prompts:
        return who
    return [_prompted(arm, name, text) for arm, (name, text) in product(who, prompts.items())]


def _prompted(arm: Arm, name: str, text: str) -> Arm:
    is_template = INPUT in text
    return Arm(
        f"{arm.name}/{name}",
        tier=arm.tier,
        model=arm.model,
        policy=arm.policy,
        system=None if is_template else text,
        template=text if is_template else None,
    )


def read_arms(path: str | Path) -> list[Arm]:
    """Arms from a YAML or JSON list of {name, tier | model | policy, system?, template?, params?}.

    Raises:
        ConfigError: It can't be read, or an arm is wrong; shows no prompt.
    """
    import yaml

    try:
        given = msgspec.convert(yaml.safe_load(Path(path).read_text("utf-8")), list[_Given])
    except OSError as e:
        raise ConfigError(f"{path}: {e.strerror}") from e
    except msgspec.ValidationError as e:
        hint = "; what is sent with a request belongs under params" if "unknown field" in str(e) else ""
        raise ConfigError(f"{path}: {e}{hint}") from None
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: no UTF-8, no such day, too many digits
        raise ConfigError(f"{path}: not valid YAML") from None
    arms = [_checked(g, path) for g in given]
    check_names([a.name for a in arms])
    return arms


def _checked(given: _Given, path: str | Path) -> Arm:
    where = f"{path}: arm {given.name!r}"
    if not given.name.strip() or not given.name.isprintable():
        raise ConfigError(f"{where}: a name is printable, and not empty")
    if sum(v is not None for v in (given.tier, given.model, given.policy)) > 1:
        raise ConfigError(f"{where}: give one of tier, model, policy")
    if given.template is not None and INPUT not in given.template:
        raise ConfigError(f"{where}: its template lacks {INPUT}")
    taken = OWN_PARAMS & set(given.params)
    if taken:
        raise ConfigError(f"{where}: params can't set {', '.join(sorted(taken))}")
    fault = _fault(msgspec.structs.asdict(given))
    if fault:
        raise ConfigError(f"{where}: {fault}")
    arm = Arm(**msgspec.structs.asdict(given))
    return replace(arm, tier=None) if arm.tier == AUTO else arm


def _fault(whole: object) -> str:
    """What of these values a request can't carry; "" where it can carry all."""
    waiting, n = [(whole, 0)], 0
    while waiting:
        value, depth = waiting.pop()
        n += 1
        if depth > _MAX_DEPTH or n > _MAX_VALUES:
            return "its values are nested too deep, or too many"
        if isinstance(value, dict):
            waiting += [(v, depth + 1) for pair in value.items() for v in pair]
            if not all(isinstance(key, str) for key in value):
                return "a name within params is no text"
        elif isinstance(value, list):
            waiting += [(v, depth + 1) for v in value]
        elif not _is_json(value):
            return f"a value of type {type(value).__name__} that JSON can't hold"
    return ""


def _is_json(value: object) -> bool:
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or (isinstance(value, int) and -(2**63) <= value < 2**63)


def check_names(names: Sequence[str]) -> None:
    """Raises:
    ConfigError: There is none, or one stands twice.
    """
    if not names or len(set(names)) != len(names):
        raise ConfigError("name at least one tier, and each only once")


def policy_sha256(folder: str) -> str:
    """Names a policy by the content of its files.

    Raises:
        ConfigError: There is no such folder.
    """
    digest = hashlib.sha256()
    for name, data in _files(folder):
        digest.update(f"{name}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _files(folder: str) -> Iterator[tuple[str, bytes]]:
    try:
        for path in sorted(p for p in Path(folder).iterdir() if p.is_file()):
            yield path.name, path.read_bytes()
    except OSError as e:
        raise ConfigError(f"policy {folder}: {e.strerror}") from e
