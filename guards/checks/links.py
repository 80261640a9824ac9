"""Links that take data out: images of other hosts, and links that carry what was said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stepwell.base.decisions import Finding
from stepwell.base.errors import ConfigError
from stepwell.guards import link_places
from stepwell.guards.context import Context
from stepwell.guards.folded import find_folded
from stepwell.guards.link_places import MAX_LINK_CHARS, Link, links
from stepwell.guards.link_targets import Target, carries_text, longest_opaque, most_words, target

_PARTS = re.compile(r"[\s,]+")
_WORD = re.compile(r"[^\W_]+")
_HOST = re.compile(r"(?:\*\.)?[^\s/*:@]+")


class Links:
    """IMAGE_LINK: fetched without a click, and its host is not allowed. LINK: needs a click, its host is not allowed,
    and it runs a script, hides where it leads, or carries encoded text, a long run or words of the conversation.

    A link that stands in the conversation as it is was given, not made: it carries nothing. Hosts that nobody owns
    (example.com) are harmless. What a link carries in a few plain letters can't be told: `strict` finds every link.
    """

    name = "links"
    kinds = ("IMAGE_LINK", "LINK")
    max_len = MAX_LINK_CHARS + 1024
    alert = link_places.ALERT
    tail = link_places.TAIL
    near = link_places.NEAR
    lead = link_places.LEAD

    def __init__(
        self,
        allow: Sequence[str],
        *,
        strict: bool,
        max_opaque_chars: int,
        max_words: int,
        min_shared_words: int,
    ) -> None:
        self._allow = frozenset(host.lower().rstrip(".") for host in allow)
        self._strict = strict
        self._max_opaque_chars = max_opaque_chars
        self._max_words = max_words
        self._min_shared_words = min_shared_words

    def find(self, text: str) -> list[Finding]:
        return self.find_in(text, Context("output"))

    def find_in(self, text: str, context: Context) -> list[Finding]:
        said = _Said(context)
        return find_folded(lambda read: self._find(read, said), text)

    def open_at(self, text: str, start: int = 0) -> int:
        return link_places.open_at(text, start)

    def decides_at(self, text: str, at: int) -> int:
        """The next character may decide."""
        return 0

    def _find(self, text: str, said: _Said) -> list[Finding]:
        found = ((link, self._kind(link, said)) for link in links(text))
        return [Finding(kind, link.start, link.end, check=self.name) for link, kind in found if kind]

    def _kind(self, link: Link, said: _Said) -> str:
        """What the link is found as; "" where it is harmless."""
        if link.to is None:
            return "IMAGE_LINK" if link.loads else ""
        if link.loads:  # a set of images names several
            parts = (target(part, is_markup=link.is_markup) for part in _PARTS.split(link.to))
            return "IMAGE_LINK" if any(map(self._leads_out, parts)) else ""
        to = target(link.to, is_markup=link.is_markup)
        if not self._leads_out(to):
            return ""
        if link.is_definition and to.looks_like_picture:
            return "IMAGE_LINK"
        if self._strict or to.is_script or to.is_disguised:
            return "LINK"
        return "LINK" if link.to not in said.links and self._carries(to, said) else ""

    def _leads_out(self, to: Target) -> bool:
        return to.leads_out and not (to.host and self._is_allowed(to.host))

    def _is_allowed(self, host: str) -> bool:
        if host in self._allow:
            return True
        labels = host.split(".")
        return any(f"*.{'.'.join(labels[i:])}" in self._allow for i in range(1, len(labels)))

    def _carries(self, to: Target, said: _Said) -> bool:
        return (
            carries_text(to)
            or longest_opaque(to) > self._max_opaque_chars
            or most_words(to) > self._max_words
            or self._repeats(to, said)
        )

    def _repeats(self, to: Target, said: _Said) -> bool:
        """Whether it repeats the conversation; a path repeats titles, and a query what was asked, so more counts."""
        few = self._min_shared_words
        for i, piece in enumerate(to.pieces):
            words = _words(piece)
            known = said.grams(2 * few if i < to.n_path else few)
            if not known.isdisjoint(_grams(words, 2 * few if i < to.n_path else few)):
                return True
            if not said.asked(2 * few).isdisjoint(_grams(words, 2 * few)):
                return True
        return False


class _Said:
    """What stands in the conversation, read when it is needed first."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._grams: dict[tuple[str, int], frozenset[str]] = {}
        self._links: frozenset[str] | None = None

    @property
    def links(self) -> frozenset[str]:
        """Destinations as they are written."""
        if self._links is None:
            known = self._context
            self._links = frozenset(
                link.to or "" for text in (known.system, known.asked, *known.sources) for link in links(text)
            )
        return self._links

    def grams(self, n: int) -> frozenset[str]:
        """Every n words in a row of the system prompt and the sources."""
        return self._of("given", (self._context.system, *self._context.sources), n)

    def asked(self, n: int) -> frozenset[str]:
        """Every n words in a row of the last user turn."""
        return self._of("asked", (self._context.asked,), n)

    def _of(self, name: str, texts: Sequence[str], n: int) -> frozenset[str]:
        if (name, n) not in self._grams:
            self._grams[name, n] = frozenset(g for text in texts for g in _grams(_words(text), n))
        return self._grams[name, n]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _grams(words: list[str], n: int) -> Iterator[str]:
    return (" ".join(words[i : i + n]) for i in range(len(words) - n + 1))


def make(
    allow: Sequence[str] = (),
    strict: bool = False,
    max_opaque_chars: int = 200,
    max_words: int = 12,
    min_shared_words: int = 5,
) -> Links:
    """Build the check.

    Args:
        allow: Hosts that links and images may lead to: "docs.acme.com"; "*.acme.com" for all below it.
        strict: Every link to another host is found, not only those that carry something.
        max_opaque_chars: Longest run without a space that a link may carry.
        max_words: Most words in one value of its query.
        min_shared_words: Fewest words in a row, shared with the system prompt or a source, that count.

    Raises:
        ConfigError: A host is not one, or they are no list.
    """
    if isinstance(allow, str):
        raise ConfigError("check 'links': allow is a list of hosts")
    for host in allow:
        if not _HOST.fullmatch(host):
            raise ConfigError("check 'links': allow takes hosts like acme.com and *.acme.com, no addresses")
    return Links(
        allow,
        strict=strict,
        max_opaque_chars=max_opaque_chars,
        max_words=max_words,
        min_shared_words=min_shared_words,
    )
