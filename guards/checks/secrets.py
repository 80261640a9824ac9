"""Keys, tokens and passwords: known prefixes with known lengths, and wordings that give a secret away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from stepwell.base.decisions import Finding
from stepwell.guards import secret_phrases, secret_tokens
from stepwell.guards.check import NEAR_CHARS
from stepwell.guards.secret_bare import bare_open_at, bare_values
from stepwell.guards.secret_phrases import ASSIGNMENTS, NEAR, PASSWORD, SHAPES, Phrase, given_by, may_give
from stepwell.guards.secret_tokens import OPEN, PREFIX, TOKENS, WHOLE, Token

_NO_DIGIT = re.compile("[^0-9]*+")
# what a text in lower case has to hold for a phrase to be whole
_SIGNS = tuple((phrase.sign.lower() or phrase.hint, phrase) for phrase in SHAPES)
_DASHES = tuple("-----BEGIN "[:n] for n in range(10, 0, -1))


class Secrets:
    name = "secrets"
    kinds = tuple(dict.fromkeys([t.kind for t in TOKENS] + [p.kind for p in (*SHAPES, *ASSIGNMENTS)]))
    max_len = 4096
    alert = f"{secret_tokens.ALERT}|{secret_phrases.ALERT}"
    tail = f"{secret_tokens.TAIL}|{secret_phrases.TAIL}"
    near = NEAR
    lead = secret_phrases.LEAD

    def find(self, text: str) -> list[Finding]:
        lower = text.lower()
        hinted = [phrase for sign, phrase in _SIGNS if sign in lower]
        is_given = may_give(lower)
        if not hinted and not is_given and PREFIX.search(text) is None:  # nearly all texts
            return []
        found = {
            (f.kind, f.start, f.end): f
            for f in (*self._tokens(text), *self._phrases(text, hinted), *self._assigned(text, is_given))
        }
        return sorted(found.values(), key=lambda f: (f.start, -f.end))

    def open_at(self, text: str, start: int = 0) -> int:
        at = len(text)
        token = OPEN.search(text, max(start, at - self.max_len))
        ends = [token.start()] if token else []
        ends += [at - len(d) for d in _DASHES if text.endswith(d)][:1]
        seen_from = max(0, start - NEAR_CHARS)
        seen = text[seen_from:]
        is_given = bool(given_by(seen))
        lower = seen.lower()
        for phrase in [*(p for p in SHAPES if p.hint in lower), *(ASSIGNMENTS if is_given else ())]:
            ends += [m.start("v") for m in phrase.begun.finditer(text, seen_from) if m["v"] is not None][:1]
        if is_given:
            ends.append(bare_open_at(text, seen_from))
        return min(ends, default=at)

    def decides_at(self, text: str, at: int) -> int:
        """The next character may decide."""
        return 0

    def _tokens(self, text: str) -> Iterator[Finding]:
        if PREFIX.search(text) is None:
            return
        for token, whole in WHOLE:
            if any(p in text for p in token.prefixes):
                yield from self._keys(token, whole, text)

    def _keys(self, token: Token, whole: re.Pattern[str], text: str) -> Iterator[Finding]:
        for m in whole.finditer(text):
            if _is_real(m[0]) and not (token.has_digit and _NO_DIGIT.fullmatch(m[0])):
                yield Finding(token.kind, *m.span(), check=self.name)

    def _phrases(self, text: str, hinted: Iterable[Phrase]) -> Iterator[Finding]:
        for phrase in hinted:
            yield from self._given(phrase, phrase.whole.finditer(text))

    def _assigned(self, text: str, is_given: bool) -> Iterator[Finding]:
        given = given_by(text) if is_given else []
        for phrase in ASSIGNMENTS:
            yield from self._given(phrase, (m for at in given if (m := phrase.whole.match(text, at))))
        for start, end in bare_values(text, given):
            yield Finding(PASSWORD, start, end, check=self.name)

    def _given(self, phrase: Phrase, matches: Iterable[re.Match[str]]) -> Iterator[Finding]:
        for m in matches:
            if m["v"] is not None and _is_real(m["v"]) and phrase.accepts(m["v"]):
                yield Finding(phrase.kind, *m.span("v"), check=self.name)


def _is_real(value: str) -> bool:
    """Not one of the placeholders that documentation uses."""
    return "EXAMPLE" not in value.upper() and "xxxxxxxx" not in value.lower()


def make() -> Secrets:
    return Secrets()
