"""The name of an environment variable, where someone may paste the secret itself."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_KEY_PREFIXES = (
    "sk_",
    "rk_",
    "pk_",
    "gsk_",
    "hf_",
    "ghp_",
    "github_pat_",
    "AKIA",
    "ASIA",
    "AIza",
    "r8_",
    "nvapi_",
)


def _check(value: str) -> str:
    if _NAME.fullmatch(value) is None or value.startswith(_KEY_PREFIXES):
        raise ValueError("expected the NAME of an environment variable, not its value")
    return value


EnvName = Annotated[str, AfterValidator(_check)]
