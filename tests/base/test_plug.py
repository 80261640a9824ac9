"""Plug-ins by dotted path or entry point."""

from __future__ import annotations

import pytest

from stepwell import ConfigError
from stepwell.base import plug


def test_a_dotted_path_finds_what_it_names() -> None:
    assert plug.load("collections:OrderedDict.fromkeys", group="stepwell.sinks")(["a"]) == {"a": None}


@pytest.mark.parametrize("spec", ["nothing", "no_such_module:x", "json:nothing", "json:"])
def test_what_is_not_there_is_a_config_error_with_its_name(spec: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plug.load(spec, group="stepwell.tiers")
    assert repr(spec) in str(caught.value)
