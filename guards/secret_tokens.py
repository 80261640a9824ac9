"""Keys with a known prefix: the forms that their issuers publish, as data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from stepwell.guards.check import edge

_EDGE = edge("A-Za-z0-9")
_WORD, _HEX, _UPPER, _ALNUM = r"[\w-]", "[0-9a-f]", "[A-Z0-9]", "[A-Za-z0-9]"


@dataclass(frozen=True, slots=True)
class Token:
    """One kind of key: a prefix, then `n_min` to `n_max` characters of `body` that don't begin with `unless`.

    Attributes:
        has_digit: A value without one is prose with hyphens.
    """

    kind: str
    prefixes: tuple[str, ...]
    body: str
    n_min: int
    n_max: int
    unless: str = "(?!)"
    has_digit: bool = False

    @property
    def head(self) -> str:
        return f"(?:{'|'.join(map(re.escape, self.prefixes))})"

    @property
    def whole(self) -> re.Pattern[str]:
        """Matches a whole key."""
        size = f"{{{self.n_min},{self.n_max}}}+"
        return re.compile(f"{_EDGE}{self.head}(?!{self.unless}){self.body}{size}(?!{self.body})", re.ASCII)

    def begun(self, prefix: str, n_max: int) -> str:
        """Matches a key that the end of the text cuts off; at most `n_max` characters of it follow the prefix."""
        return f"{prefix}{self.body}{{0,{n_max}}}+\\Z"


# more specific kinds first: the first of two at one place names it
TOKENS = (
    Token("AWS_ACCESS_KEY", ("AKIA", "ASIA", "ABIA", "ACCA"), _UPPER, 16, 16),
    Token("AWS_BEDROCK_KEY", ("ABSKQmVkcm9ja0FQSUtleS", "bedrock-api-key-"), "[A-Za-z0-9+/=]", 60, 2000),
    Token("GITHUB_PAT", ("ghp_", "gho_", "ghs_", "ghu_", "ghr_"), _ALNUM, 36, 251),
    Token("GITHUB_FINE_PAT", ("github_pat_",), r"\w", 60, 251),
    Token(
        "GITLAB_PAT",
        ("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glft-", "glsoat-", "gloas-"),
        _WORD,
        20,
        200,
    ),
    Token("GOOGLE_API", ("AIza",), _WORD, 33, 40),
    Token("GOOGLE_OAUTH", ("ya29.",), _WORD, 30, 1000),
    Token("GOOGLE_CLIENT_SECRET", ("GOCSPX-",), _WORD, 24, 40),
    Token("HF_TOKEN", ("hf_", "api_org_"), _ALNUM, 30, 60),
    Token("NPM_TOKEN", ("npm_",), _ALNUM, 36, 60),
    Token("PYPI_TOKEN", ("pypi-AgEI", "pypi-AgEN"), _WORD, 50, 1000),
    Token("RUBYGEMS_TOKEN", ("rubygems_",), _HEX, 48, 48),
    Token("DOCKER_PAT", ("dckr_pat_", "dckr_oat_"), _WORD, 20, 60),
    Token("ANTHROPIC", ("sk-ant-",), _WORD, 32, 200),
    Token("OPENAI", ("sk-",), _WORD, 20, 250, unless="ant-", has_digit=True),
    Token("XAI", ("xai-",), _ALNUM, 60, 120),
    Token("GROQ", ("gsk_",), _ALNUM, 40, 80),
    Token("PERPLEXITY", ("pplx-",), _ALNUM, 40, 80),
    Token("REPLICATE", ("r8_",), _ALNUM, 37, 40),
    Token("NVIDIA", ("nvapi-",), _WORD, 60, 80),
    Token("PINECONE", ("pcsk_",), r"\w", 40, 100),
    Token("LANGSMITH", ("lsv2_pt_", "lsv2_sk_"), r"\w", 40, 60),
    Token("DATABRICKS", ("dapi",), _HEX, 32, 32),
    Token("STRIPE_LIVE", ("sk_live_", "rk_live_"), _ALNUM, 16, 250),
    Token("STRIPE_WEBHOOK", ("whsec_",), r"[A-Za-z0-9+/=]", 32, 100),
    Token("SENDGRID", ("SG.",), r"[\w.-]", 50, 80),
    Token("MAILGUN", ("key-",), _HEX, 32, 32),
    Token("POSTMAN", ("PMAK-",), "[0-9a-f-]", 50, 64),
    Token("SLACK_TOKEN", ("xoxb-", "xoxa-", "xoxp-", "xoxr-", "xoxs-", "xapp-"), "[A-Za-z0-9-]", 20, 250),
    Token("TWILIO", ("SK", "AC"), _HEX, 32, 32),
    Token("DIGITALOCEAN", ("dop_v1_", "doo_v1_", "dor_v1_"), _HEX, 64, 64),
    Token("SHOPIFY", ("shpat_", "shpca_", "shppa_", "shpss_"), "[0-9a-fA-F]", 32, 32),
    Token("SQUARE", ("sq0atp-", "sq0csp-", "EAAAE"), _WORD, 22, 80, has_digit=True),
    Token("LINEAR", ("lin_api_", "lin_oauth_"), _ALNUM, 40, 80),
    Token("NOTION", ("ntn_",), _ALNUM, 40, 60),
    Token("FIGMA", ("figd_",), _WORD, 36, 60),
    Token("NEW_RELIC", ("NRAK-",), _UPPER, 27, 27),
    Token("GRAFANA", ("glc_", "glsa_"), r"[\w+/=]", 32, 400),
    Token("SENTRY", ("sntrys_", "sntryu_"), r"[\w+/=.]", 40, 400),
    Token("DOPPLER", ("dp.pt.", "dp.st.", "dp.ct."), r"[\w.-]", 40, 60),
    Token("VAULT_TOKEN", ("hvs.", "hvb."), _WORD, 24, 300),
    Token("ATLASSIAN", ("ATATT3", "ATCTT3"), r"[\w=-]", 100, 300),
    Token("SUPABASE", ("sbp_", "sb_secret_"), r"\w", 30, 60),
    Token("PLANETSCALE", ("pscale_tkn_", "pscale_pw_"), r"[\w.-]", 32, 64),
    Token("NETLIFY", ("nfp_",), _ALNUM, 36, 60),
    Token("AGE_SECRET_KEY", ("AGE-SECRET-KEY-1",), _UPPER, 58, 58),
    Token("ALIBABA_ACCESS_KEY", ("LTAI",), _ALNUM, 16, 24, has_digit=True),
)
JWT_HEAD = "eyJ"
_HEADS = [(p, t) for t in TOKENS for p in t.prefixes]


def _by_first(alternatives: Iterable[str]) -> str:
    """One branch a first character: few to try where none fits."""
    groups: dict[str, list[str]] = {}
    for one in dict.fromkeys(alternatives):
        groups.setdefault(one[0], []).append(one[1:])
    return "(?:" + "|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in groups.items()) + ")"


def _partials() -> list[str]:
    parts = {p[:n] for p in [*(p for p, _ in _HEADS), JWT_HEAD] for n in range(1, len(p))}
    return [f"{re.escape(p)}\\Z" for p in sorted(parts, key=len, reverse=True)]


def _seen() -> str:
    """Regex that any prefix satisfies; begins at the rarest of its characters, which is far faster to look for."""
    plain, marked = [], dict[str, list[str]]()
    for prefix in dict.fromkeys(p for p, _ in _HEADS):
        at = max(prefix.rfind(c) for c in "_-.")
        if at < 0:
            plain.append(re.escape(prefix))
        else:
            marked.setdefault(prefix[at], []).append(prefix[: at + 1])
    ends = {mark: "".join({p[-2] for p in ps}) for mark, ps in marked.items()}
    behind = {mark: "|".join(f"(?<={re.escape(p)})" for p in ps) for mark, ps in marked.items()}
    return "|".join([*plain, *(rf"\{m}(?<=[{ends[m]}]\{m})(?:{behind[m]})" for m in marked)])


WHOLE = tuple((t, t.whole) for t in TOKENS)
PREFIX = re.compile(_seen())
"""Matches wherever a prefix stands."""
OPEN = re.compile(
    _EDGE + _by_first([*(t.begun(re.escape(p), t.n_max) for p, t in _HEADS), *_partials()]), re.ASCII
)
ALERT = _by_first([*(f"{re.escape(p)}{t.body}{{{t.n_min}}}" for p, t in _HEADS), JWT_HEAD + r"[\w-]{8}"])
TAIL = _by_first(
    [
        *(t.begun(re.escape(p), t.n_min - 1) for p, t in _HEADS),
        JWT_HEAD + r"[\w-]{0,7}+\Z",
        *_partials(),
    ]
)
