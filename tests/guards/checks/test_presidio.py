"""The presidio check reports Presidio's findings, without a network; and says what is missing."""

from __future__ import annotations

import socket

import pytest

from stepwell.base.errors import ConfigError
from stepwell.guards import spacy_models
from stepwell.guards.checks import make


def test_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spacy_models, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match="pip install presidio-analyzer"):
        make("presidio", {})


def test_reports_what_presidio_finds_and_reaches_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("presidio_analyzer")

    def refuse(*_args: object, **_kw: object) -> None:
        raise AssertionError("the network was tried")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    check = make("presidio", {"entities": ["EMAIL_ADDRESS", "CREDIT_CARD"]})
    text = "Write to jane@example.org, card 4111 1111 1111 1111."
    found = check.find(text)
    assert [(f.kind, text[f.start : f.end]) for f in found] == [
        ("EMAIL_ADDRESS", "jane@example.org"),
        ("CREDIT_CARD", "4111 1111 1111 1111"),
    ]
    assert check.kinds == ("EMAIL_ADDRESS", "CREDIT_CARD")
