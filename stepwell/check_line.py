"""One line of `stepwell check`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One finding. "fail": requests that need it will fail; "warn": it holds less than one might think."""

    subject: str
    status: Status
    detail: str
