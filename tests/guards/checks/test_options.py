"""Options of checks."""

from __future__ import annotations

import pytest

from stepwell.base.errors import ConfigError
from stepwell.guards import checks


@pytest.mark.parametrize(
    ("check", "option", "one"),
    [
        ("links", "allow", "evil-site.com"),
        ("language", "allow", "en"),
        ("language", "deny", "en"),
        ("phone", "regions", "US"),
        ("person", "labels", "PERSON"),
        ("presidio", "entities", "PERSON"),
    ],
)
def test_one_text_is_no_list(check: str, option: str, one: str) -> None:
    with pytest.raises(ConfigError, match=rf"check '{check}': .*{option}.* list"):
        checks.make(check, {option: one})
