"""Texts in a language that is not allowed, told by py3langid (139 languages, its model in the package).

Read are words of letters alone: numbers, code, logs and formulas have no language. Measured with only English
allowed: of 1,732 English prompts of three sources 0.1 % score 0.9 and more; of 2,263 mostly short texts in 27 other
languages 11 % have too little prose to tell, and of the rest 95 % do. Lists of foreign names look foreign; a text in
two languages is told by the one it has more of.
"""

from __future__ import annotations

import importlib
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.guards.check import WHOLE_TEXT
from stepwell.guards.context import Context

HEAD_CHARS, TAIL_CHARS = 3_000, 1_000
"""What is read of a longer text."""
# budget of false blocks -> threshold
_THRESHOLDS = ((0.02, 0.8), (0.005, 0.9), (0.002, 0.95))
_STRICTEST = 0.99
_NO_LANGUAGE = "zxx"  # ISO 639-2: code, tables, numbers
_CODE = re.compile(r"[a-z]{2,3}")
MAX_WORD_LETTERS = 30
N_PROSE_LETTERS = 200
"""From so many letters on words are prose, however many numbers and signs stand between them."""
_ROUND = ".,;:!?…\"'()[]*_~«»„“”‘’‹›–—-¿¡।؟،؛"
_WITHIN = frozenset("'’-\u200c")
# written without spaces: Thai and its neighbours, Chinese, Japanese; Korean tells as much by a letter
_WIDE = re.compile("[\u0e00-\u10ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_LATIN = re.compile("[\x00-\u024f\u1e00-\u1eff]*")


class Language:
    """A `Judge`: how likely the text is in a language that is denied, or in none that is allowed.

    Attributes:
        allow, deny: ISO 639-1 codes, or 639-3 where a language has no shorter one.
        min_letters: Fewer letters of prose say nothing; one of another script than Latin counts for two, one of a
            script without spaces for four.
    """

    name = "language"
    kinds = ("LANGUAGE",)
    max_len = WHOLE_TEXT
    reads_vector = False

    def __init__(self, allow: frozenset[str], deny: frozenset[str], min_letters: int, floor: float) -> None:
        self.allow = allow
        self.deny = deny
        self.min_letters = min_letters
        self.floor = floor

    def find(self, text: str) -> list[Finding]:
        """One finding over the whole text. The first call loads the model, which takes about a second.

        Raises:
            ConfigError: py3langid is missing, or knows no such language.
        """
        read = text if len(text) <= HEAD_CHARS + TAIL_CHARS else text[:HEAD_CHARS] + " " + text[-TAIL_CHARS:]
        prose, n_letters = _prose(read)
        if n_letters < self.min_letters:
            return []
        identifier = _identifier()
        if unknown := (self.allow | self.deny).difference(identifier.labels):
            raise ConfigError(f"check 'language': no language has the code {', '.join(sorted(unknown))}")
        shares: dict[str, float] = dict(identifier.rank(prose))
        wrong = sum(share for code, share in shares.items() if code in self.deny)
        if self.allow:
            right = (self.allow | {_NO_LANGUAGE}) - self.deny
            wrong = 1.0 - sum(share for code, share in shares.items() if code in right)
        score = round(min(1.0, max(0.0, wrong)), 4)
        return [Finding(self.kinds[0], 0, len(text), score, self.name)] if score >= self.floor else []

    def find_in(self, text: str, context: Context) -> list[Finding]:
        """As `find`: nothing else helps."""
        return self.find(text)

    def default_threshold(self, false_blocks: float) -> float:
        """As `Judge`, for prompts of one language; short ones and lists of names are the false blocks."""
        return next((threshold for budget, threshold in _THRESHOLDS if false_blocks >= budget), _STRICTEST)


def _prose(text: str) -> tuple[str, int]:
    """Its words, and how much their letters tell; nothing where most of a short text is no word: code, logs, tables."""
    words: list[str] = []
    n_words = n_other = n_letters = 0
    for token in text.split():
        if wide := "".join(_WIDE.findall(token)):
            words.append(wide)
            n_words += 1 + len(wide) // 3
            n_letters += 4 * len(wide)
        elif _is_word(bare := token.strip(_ROUND)):
            words.append(bare)
            n_words += 1
            n_letters += len(bare) if _LATIN.fullmatch(bare) else 2 * len(bare)
        else:
            n_other += any(map(str.isalnum, bare))
    if n_other > n_words and n_letters < N_PROSE_LETTERS:
        return "", 0
    return " ".join(words), n_letters


def _is_word(bare: str) -> bool:
    """Of letters alone, not one and not too many, and in no case that only code has."""
    if not 1 < len(bare) <= MAX_WORD_LETTERS:
        return False
    if not bare.isalpha() and not all(
        c.isalpha() or c in _WITHIN or unicodedata.category(c)[0] == "M" for c in bare
    ):
        return False
    return bare[1:] == bare[1:].lower() or bare.isupper() or bare.istitle()


@cache
def _identifier() -> Any:
    """Its model, read-only from here on."""
    try:
        langid = importlib.import_module("py3langid.langid")
    except ImportError as e:
        raise ConfigError("check 'language' needs the package py3langid, 0.4 or newer") from e
    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)


def make(
    *, allow: Sequence[str] = (), deny: Sequence[str] = (), min_letters: int = 30, floor: float = 0.5
) -> Language:
    """The check; with neither `allow` nor `deny` only English is allowed.

    Raises:
        ConfigError: A code is no language code, or a limit lies out of its range.
    """
    if isinstance(allow, str) or isinstance(deny, str):
        raise ConfigError("check 'language': allow and deny are lists of codes")
    if bad := [code for code in (*allow, *deny) if not _CODE.fullmatch(str(code))]:
        raise ConfigError(f"check 'language': {bad[0]!r} is no code of two or three small letters")
    if min_letters < 1 or not 0 <= floor <= 1:
        raise ConfigError("check 'language': min_letters is at least 1, floor within 0..1")
    return Language(frozenset(allow if allow or deny else ("en",)), frozenset(deny), min_letters, floor)
