"""Keys, tokens and passwords: known prefixes with known lengths, and wordings that give a secret away."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.base.decisions import Finding
from stepwell.guards.secret_phrases import NEAR, PHRASES, Phrase
from stepwell.guards.secret_tokens import ALERT, OPEN, PREFIX, STARTS, WHOLE

_DASHES = tuple("-----BEGIN "[:n] for n in range(10, 0, -1))


class Secrets:
    name = "secrets"
    kinds = tuple(dict.fromkeys([kind for kind, _, _ in WHOLE] + [p.kind for p in PHRASES]))
    max_len = 4096
    starts = STARTS
    alert = ALERT
    near = NEAR

    def find(self, text: str) -> list[Finding]:
        return sorted([*self._tokens(text), *self._phrases(text)], key=lambda f: (f.start, -f.end))

    def open_at(self, text: str) -> int:
        at = len(text)
        token = OPEN.search(text, max(0, at - self.max_len))
        ends = [token.start()] if token else []
        ends += [at - len(d) for d in _DASHES if text.endswith(d)][:1]
        lower = text.lower()
        for phrase in PHRASES:
            if any(h in lower for h in phrase.hints) and (m := phrase.begun.search(text)):
                ends.append(m.start("v"))
        return min(ends, default=at)

    def _tokens(self, text: str) -> Iterator[Finding]:
        seen = set(PREFIX.findall(text))
        for kind, prefixes, whole in WHOLE if seen else ():
            if seen.isdisjoint(prefixes):
                continue
            for m in whole.finditer(text):
                if _is_real(m[0]) and (kind != "OPENAI" or any(c.isdigit() for c in m[0])):
                    yield Finding(kind, *m.span(), check=self.name)

    def _phrases(self, text: str) -> Iterator[Finding]:
        lower = text.lower()
        for phrase in PHRASES:
            if any(h in lower for h in phrase.hints):
                yield from self._said(phrase, text)

    def _said(self, phrase: Phrase, text: str) -> Iterator[Finding]:
        for m in phrase.whole.finditer(text):
            if _is_real(m["v"]) and phrase.accepts(m["v"]):
                yield Finding(phrase.kind, *m.span("v"), check=self.name)


def _is_real(value: str) -> bool:
    """Not one of the placeholders that documentation uses."""
    return "EXAMPLE" not in value.upper() and "xxxxxxxx" not in value.lower()


def make() -> Secrets:
    return Secrets()
