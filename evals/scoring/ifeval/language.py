"""language:* - which language an answer is in."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from functools import cache, lru_cache
from pathlib import Path
from typing import Protocol

from stepwell.evals.scoring.ifeval.arguments import Arguments

SEED = 0


def is_detector_there() -> bool:
    """langdetect is installed: the detector that IFEval is defined by."""
    return importlib.util.find_spec("langdetect") is not None


def response_language(answer: str, given: Arguments) -> bool:
    """The answer is in the language asked for (an ISO 639-1 code); one without letters counts as being so."""
    return language(answer) in (given.text("language"), None)


class _Detector(Protocol):
    def append(self, text: str) -> None: ...
    def detect(self) -> str: ...


@lru_cache(maxsize=256)
def language(text: str) -> str | None:
    """The language of a text as ISO 639-1 code, "unknown" where none is likely, None where it has no letters.

    By langdetect, as in the reference; seeded, so that the same text always gets the same word.
    """
    new_detector, no_letters = _langdetect()
    detector = new_detector()
    detector.append(text)
    try:
        return detector.detect()
    except no_letters:
        return None


@cache
def _langdetect() -> tuple[Callable[[], _Detector], type[Exception]]:
    # a factory of our own: the library's seed is global, and its order of languages is the file system's
    library = importlib.import_module("langdetect")
    factory = library.DetectorFactory()
    profiles = sorted(Path(library.PROFILES_DIRECTORY).iterdir())
    factory.load_json_profile([profile.read_text("utf-8") for profile in profiles])
    factory.set_seed(SEED)
    return factory.create, library.LangDetectException
