"""The user's explicit rules: what they say about one request before any policy is asked."""

from __future__ import annotations

import msgspec

from stepwell.base.config.routing import RoutingConfig, RuleConfig
from stepwell.base.request import ChatRequest
from stepwell.router.text import plain


class Fired(msgspec.Struct, frozen=True):
    """What the rules that fired ask for.

    Attributes:
        pin: Tier of the first rule that pins.
        min_tiers: Every least tier that a rule asks for.
        escalates: Whether an escalate phrase stands in the ask.
        said: The rules that fired, in plain ASCII words.
    """

    pin: str | None = None
    min_tiers: tuple[str, ...] = ()
    escalates: bool = False
    said: tuple[str, ...] = ()


NOTHING = Fired()


class Rules:
    """The rules of one config, ready to match."""

    def __init__(self, routing: RoutingConfig) -> None:
        self._rules = [_Rule(r) for r in routing.rules]
        self._escalate = [p.lower() for p in routing.escalate_phrases]

    def read(self, request: ChatRequest, ask: str) -> Fired:
        """What fires for this request, whose last ask is `ask`."""
        lower = ask.lower()
        phrase = _first_phrase(lower, self._escalate)
        fired = [r for r in self._rules if r.holds(request, lower)] if self._rules else ()
        if phrase is None and not fired:
            return NOTHING
        said = tuple(r.said for r in fired)
        if phrase is not None:
            said += (plain(f"asked to escalate: '{phrase}'"),)
        return Fired(
            pin=next((r.config.pin for r in fired if r.config.pin is not None), None),
            min_tiers=tuple(r.config.min_tier for r in fired if r.config.min_tier is not None),
            escalates=phrase is not None,
            said=said,
        )


class _Rule:
    def __init__(self, config: RuleConfig) -> None:
        self.config = config
        does = f"pin {config.pin}" if config.pin is not None else f"at least {config.min_tier}"
        self.said = plain(f"rule {config.name}: {does}")
        self._keywords = [k.lower() for k in config.keywords]
        self._tags = frozenset(config.tags)

    def holds(self, request: ChatRequest, ask: str) -> bool:
        """Whether every condition that is set holds; `ask` in lower case."""
        wishes, config = request.wishes, self.config
        if config.tenants and request.caller.tenant not in config.tenants:
            return False
        if self._tags and self._tags.isdisjoint(wishes.tags):
            return False
        if not all(wishes.has_header(name, value) for name, value in config.header.items()):
            return False
        return not self._keywords or _first_phrase(ask, self._keywords) is not None


def _first_phrase(text: str, phrases: list[str]) -> str | None:
    for phrase in phrases:
        if phrase in text and _has_phrase(text, phrase):
            return phrase
    return None


def _has_phrase(text: str, phrase: str) -> bool:
    """Whether `phrase` stands in `text` as whole words."""
    at = text.find(phrase) if phrase else -1
    while at >= 0:
        end = at + len(phrase)
        if not (_joins(text, at - 1, at) or _joins(text, end - 1, end)):
            return True
        at = text.find(phrase, at + 1)
    return False


def _joins(text: str, left: int, right: int) -> bool:
    """Whether the characters at both places belong to one word."""
    return left >= 0 and right < len(text) and _is_word(text[left]) and _is_word(text[right])


def _is_word(char: str) -> bool:
    # scripts written without spaces (from U+2E80 on) have no whole words to keep apart
    return char == "_" or (char.isalnum() and char < "\u2e80")
