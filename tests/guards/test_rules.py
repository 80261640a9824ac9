"""What a wrong rule says."""

from __future__ import annotations

import pytest

from stepwell.base.config import CheckConfig, Config
from stepwell.base.errors import ConfigError
from stepwell.guards.rules import build


@pytest.mark.parametrize(("written", "meant"), [("emial", "email"), ("prompt_injection", "injection")])
def test_an_unknown_check_names_the_nearest(written: str, meant: str) -> None:
    with pytest.raises(ConfigError, match=f"did you mean '{meant}'"):
        build([CheckConfig(check=written)])


def test_a_check_like_no_other_is_given_all_names() -> None:
    with pytest.raises(ConfigError, match="'zzz' is unknown; There are credit_card, ") as raised:
        build([CheckConfig(check="zzz")])
    assert "mean" not in str(raised.value)


def test_an_option_beside_the_check_is_sent_to_options() -> None:
    with pytest.raises(ConfigError, match=r"allow: unknown key; .*\{options: \{allow: "):
        Config.make({"guards": {"output": [{"check": "links", "allow": ["acme.net"]}]}})
    with pytest.raises(ConfigError, match=r"did you mean 'action'\?"):
        Config.make({"guards": {"output": [{"check": "links", "acton": "log"}]}})
