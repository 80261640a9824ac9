"""Keys with a known prefix: the forms that their issuers publish, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stepwell.guards.check import edge

_EDGE = edge("A-Za-z0-9")
_WORD, _HEX, _UPPER, _ALNUM = r"[\w-]", "[0-9a-f]", "[A-Z0-9]", "[A-Za-z0-9]"


@dataclass(frozen=True, slots=True)
class Token:
    """One kind of key: a prefix, then `n_min` to `n_max` characters of `body`."""

    kind: str
    prefixes: tuple[str, ...]
    body: str
    n_min: int
    n_max: int

    @property
    def head(self) -> str:
        return f"(?:{'|'.join(map(re.escape, self.prefixes))})"

    @property
    def whole(self) -> re.Pattern[str]:
        """Matches a whole key."""
        size = f"{{{self.n_min},{self.n_max}}}+"
        return re.compile(f"{_EDGE}{self.head}{self.body}{size}(?!{self.body})", re.ASCII)

    @property
    def begun(self) -> str:
        """Matches a key that the end of the text cuts off."""
        return f"{self.head}{self.body}{{0,{self.n_max}}}+\\Z"


# more specific kinds first: the first of two at one place names it
TOKENS = (
    Token("AWS_ACCESS_KEY", ("AKIA", "ASIA"), _UPPER, 16, 16),
    Token("GITHUB_PAT", ("ghp_", "gho_", "ghs_", "ghu_", "ghr_"), _ALNUM, 36, 251),
    Token("GITHUB_FINE_PAT", ("github_pat_",), r"\w", 60, 251),
    Token("GITLAB_PAT", ("glpat-", "gldt-", "glrt-"), _WORD, 20, 200),
    Token("GOOGLE_API", ("AIza",), _WORD, 33, 40),
    Token("GOOGLE_OAUTH", ("ya29.",), _WORD, 30, 1000),
    Token("HF_TOKEN", ("hf_", "api_org_"), _ALNUM, 30, 60),
    Token("NPM_TOKEN", ("npm_",), _ALNUM, 36, 60),
    Token("PYPI_TOKEN", ("pypi-AgEI",), _WORD, 50, 1000),
    Token("ANTHROPIC", ("sk-ant-",), _WORD, 32, 200),
    Token("OPENAI", ("sk-",), _WORD, 20, 250),
    Token("STRIPE_LIVE", ("sk_live_", "rk_live_"), _ALNUM, 16, 250),
    Token("STRIPE_WEBHOOK", ("whsec_",), r"[A-Za-z0-9+/=]", 32, 100),
    Token("SENDGRID", ("SG.",), r"[\w.-]", 50, 80),
    Token("SLACK_TOKEN", ("xoxb-", "xoxa-", "xoxp-", "xoxr-", "xoxs-", "xapp-"), "[A-Za-z0-9-]", 20, 250),
    Token("TWILIO", ("SK", "AC"), _HEX, 32, 32),
    Token("DIGITALOCEAN", ("dop_v1_", "doo_v1_"), _HEX, 64, 64),
)
WHOLE = tuple((t.kind, t.prefixes, t.whole) for t in TOKENS)
JWT_HEAD = "eyJ"


def _partials() -> str:
    heads = [p for t in TOKENS for p in t.prefixes] + [JWT_HEAD]
    parts = {p[:n] for p in heads for n in range(1, len(p))}
    return "|".join(map(re.escape, sorted(parts, key=len, reverse=True)))


OPEN = re.compile(f"{_EDGE}(?:{'|'.join(t.begun for t in TOKENS)}|(?:{_partials()})\\Z)", re.ASCII)
PREFIX = re.compile("|".join(re.escape(p) for t in TOKENS for p in t.prefixes))
ALERT = f"{PREFIX.pattern}|{JWT_HEAD}|-----B"
STARTS = (
    f"(?:{'|'.join(re.escape(p) for t in TOKENS for p in t.prefixes)}|{JWT_HEAD}|-----|-{{1,5}}\\Z"
    f"|(?:\\A|[^A-Za-z0-9]|\\\\[nrt])(?:{_partials()})\\Z)"
)
