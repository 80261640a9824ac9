"""Whether a request asks for something made up."""

from __future__ import annotations

import re

_WORKS = (
    r"(?:poems?|haikus?|limericks?|rhymes?|lyrics?|songs?|raps?|stor(?:y|ies)|tales?|jokes?|riddles?|puns?|slogans?|"
    r"taglines?|captions?|ideas?|speech|toast|essays?|blogs?|tweets?|dialogues?|monologues?|quotes?|bios?|"
    r"e-?mails?(?! (?:address|account|alias))|letters?(?! of (?:credit|the))|posts?(?! (?:office|code|modern))|"
    r"scenes?|names?|(?<!python )(?<!shell )(?<!bash )(?<!sql )scripts?)\b"
)
# no "that", "to" or "of" between: "write a function that counts each letter" asks for one thing
_BETWEEN = (
    r"(?:[\s\"'(]+(?!(?:that|which|who|to|of|in|on|with|from|about|the|your|this)\b)[\w,'-]+){0,7}?[\s\"'(]+"
)
_MAKES = (
    r"\b(?:write|compose|draft|create|generate|invent|imagine|make up|come up with|brainstorm|suggest)"
    + _BETWEEN
)
# "tell me the name of it" asks for what there is
_TELLS = (
    r"\b(?:tell|give|sing|show)(?: (?:me|us|him|her|them))? "
    r"(?:an?|another|some|one|two|three|four|five|six|ten|a few|\d+|new|funny|good)"
    + _BETWEEN.replace("{0,7}", "{0,4}")
)
_INVENTS = re.compile(f"(?:{_MAKES}|{_TELLS}|\\btell (?:me )?){_WORKS}", re.I)
_ASKS_HOW = re.compile(
    r"\bhow (?:to|do|does|did|can|could|would|should|many|long)\b|\bwhere (?:to|do|can)\b", re.I
)


def invents(query: str) -> bool:
    """Whether a request asks for something made up (a poem, a joke, an e-mail): two good answers share nothing."""
    return _INVENTS.search(query) is not None and _ASKS_HOW.search(query) is None
