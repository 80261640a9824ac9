"""`stepwell eval run` and `stepwell replay`."""

from __future__ import annotations
