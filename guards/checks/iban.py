"""Bank account numbers (IBAN): the country's length and the mod-97 sum."""

from __future__ import annotations

import re

from stepwell.base.decisions import Finding
from stepwell.guards.check import RunCheck, edge
from stepwell.guards.shape import encoded

# ISO 13616, SWIFT IBAN registry
_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 "
    "EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 "
    "JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 "
    "NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 "
    "TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
LENGTHS = {item[:2]: int(item[2:]) for item in _LENGTHS.split()}
_EDGE = edge("A-Za-z0-9")


def _countries() -> str:
    """Regex for a country's two letters, one branch a first letter."""
    firsts = sorted({c[0] for c in LENGTHS})
    seconds = {f: "".join(c[1] for c in LENGTHS if c[0] == f) for f in firsts}
    return "(?:" + "|".join(f"[{f}{f.lower()}][{s}{s.lower()}]" for f, s in seconds.items()) + ")"


_COUNTRY = _countries()
# from the digits: they are rarer than letters
_HEAD = re.compile(
    rf"[0-9](?<=[A-Za-z][0-9])[0-9](?<={_COUNTRY}[0-9]{{2}})"
    r"(?:(?<![A-Za-z0-9]....)|(?<=\\[nrt]....))(?=[ -]?[A-Za-z0-9])",
    re.DOTALL,
)
_FIRST_LETTERS = "".join(c[0] + c[0].lower() for c in LENGTHS)


def _class(char: str) -> str:
    """a letter that may begin a country's code, z another letter, 0 a digit, else a space."""
    if char.isalpha():
        return "a" if char in _FIRST_LETTERS else "z"
    return "0" if char.isdigit() else " "


_TO_SHAPE = "".join(_class(chr(b)) if b < 128 else " " for b in range(256)).encode()
_SHAPES = (b" aa00", b" az00")
_BODIES = {n: re.compile(rf"[A-Za-z0-9](?:[ -]?[A-Za-z0-9]){{{n - 1}}}") for n in set(LENGTHS.values())}
_MAX_CHARS = 44


def mod97(iban: str) -> bool:
    """Whether the two check digits fit (ISO 7064 MOD 97-10); `iban` has no spaces."""
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1


def _is_valid(value: str) -> bool:
    bare = value.replace(" ", "").replace("-", "")
    return bare.isascii() and mod97(bare)


def _may_stand(text: str) -> bool:
    """Whether two letters, then two digits, begin a word; an escaped line break hides where a word begins."""
    shape = b" " + encoded(text).translate(_TO_SHAPE)
    return "\\" in text or any(s in shape for s in _SHAPES)


class Iban(RunCheck):
    name = "iban"
    kinds = ("IBAN",)
    max_len = _MAX_CHARS
    alert = rf"{_COUNTRY}[0-9]{{2}}(?:[ -]?[A-Za-z0-9]){{11}}"
    tail = rf"(?:[A-Za-z]|{_COUNTRY}[0-9]?|{_COUNTRY}[0-9]{{2}}(?:[ -]?[A-Za-z0-9]){{0,10}}+[ -]?)\Z"
    run = re.compile(
        rf"{_EDGE}(?:[A-Za-z]|{_COUNTRY}[0-9]?|{_COUNTRY}[0-9]{{2}}(?:[ -]?[A-Za-z0-9])*+[ -]?)\Z"
    )

    def find(self, text: str) -> list[Finding]:
        found: list[Finding] = []
        if not _may_stand(text):
            return found
        for m in _HEAD.finditer(text):
            start = m.start() - 2
            body = _BODIES[LENGTHS[text[start : start + 2].upper()]].match(text, start, start + _MAX_CHARS)
            if body and not text[body.end() : body.end() + 1].isalnum() and _is_valid(body[0]):
                found.append(Finding("IBAN", start, body.end(), check=self.name))
        return found


def make() -> Iban:
    return Iban()
