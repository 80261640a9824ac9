"""Score an answer against a row's instructions, strict and loose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from stepwell.evals.scored import Scored
from stepwell.evals.scoring.ifeval.arguments import RELATIONS, Arguments, arguments
from stepwell.evals.scoring.ifeval.instructions import INSTRUCTIONS, Instruction
from stepwell.evals.scoring.ifeval.language import is_detector_there
from stepwell.evals.scoring.ifeval.loose import readings


class _Target(msgspec.Struct):
    instruction_id_list: list[str]
    kwargs: list[dict[str, object] | None]
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class _Ask:
    instruction: Instruction
    given: Arguments

    def is_followed(self, answer: str) -> bool:
        """An empty answer follows nothing."""
        return bool(answer.strip()) and self.instruction.check(answer, self.given)


def follows(instruction_id: str, kwargs: Mapping[str, object] | None, prompt: str, answer: str) -> bool:
    """An answer does what one instruction says, strictly read.

    Args:
        instruction_id: "family:kind", one of `INSTRUCTIONS`.
        kwargs: Its arguments, as in IFEval's files; null is as good as missing.
        prompt: What was asked: repeated, where `prompt_to_repeat` isn't given.

    Raises:
        ValueError: There is no such instruction, or an argument is missing or wrong; names it.
    """
    return _ask(instruction_id, kwargs, prompt).is_followed(answer)


def ifeval(answer: str, target: str) -> float:
    """1 where the answer follows all instructions, strictly read; else 0.

    Args:
        target: JSON: instruction_id_list, kwargs (one object an instruction), prompt.
    """
    return float(all(ask.is_followed(answer) for ask in _asks(target)))


def ifeval_parts(answer: str, target: str) -> dict[str, float]:
    """`strict` and `loose`: all followed, 0 or 1; `instruction_strict`, `instruction_loose`: the share followed."""
    asks = _asks(target)
    strict = [ask.is_followed(answer) for ask in asks]
    others = [] if all(strict) else readings(answer)
    loose = [
        done or any(ask.is_followed(reading) for reading in others)
        for ask, done in zip(asks, strict, strict=True)
    ]
    return {
        "strict": float(all(strict)),
        "loose": float(all(loose)),
        "instruction_strict": sum(strict) / len(strict),
        "instruction_loose": sum(loose) / len(loose),
    }


def ifeval_scored(answer: str, target: str) -> Scored:
    """The strict score, with its parts."""
    parts = ifeval_parts(answer, target)
    return Scored(parts["strict"], parts)


def ifeval_fault(target: str) -> str | None:
    """What is wrong with a target, or None."""
    try:
        asks = _asks(target)
    except ValueError as e:
        return str(e)
    if any(ask.instruction.reads_language for ask in asks) and not is_detector_there():
        return "instructions about languages need langdetect: pip install langdetect"
    return None


@lru_cache(maxsize=1024)
def _asks(target: str) -> tuple[_Ask, ...]:
    try:
        row = msgspec.json.decode(target, type=_Target)
    except msgspec.ValidationError as e:
        raise ValueError(str(e)) from None
    except (msgspec.DecodeError, RecursionError):
        raise ValueError("not JSON") from None
    if not row.instruction_id_list or len(row.instruction_id_list) != len(row.kwargs):
        raise ValueError("instruction_id_list and kwargs must have the same length, one at least")
    pairs = zip(row.instruction_id_list, row.kwargs, strict=True)
    return tuple(_ask(name, kwargs, row.prompt) for name, kwargs in pairs)


def _ask(name: str, kwargs: Mapping[str, object] | None, prompt: str) -> _Ask:
    instruction = INSTRUCTIONS.get(name)
    if instruction is None:
        raise ValueError(f"no such instruction: {name[:80]!r}")
    try:
        given = arguments(kwargs)
        if given.prompt_to_repeat is None and prompt:
            given = msgspec.structs.replace(given, prompt_to_repeat=prompt)
        _check(instruction, given)
    except ValueError as e:
        raise ValueError(f"{name}: {e}") from None
    return _Ask(instruction, given)


def _check(instruction: Instruction, given: Arguments) -> None:
    for need in instruction.needs:
        value = getattr(given, need)
        if value is None or value in ("", []):
            raise ValueError(f"{need} is missing")
        if need.endswith("relation") and value not in RELATIONS:
            raise ValueError(f"{need} must be one of {', '.join(RELATIONS)}")
