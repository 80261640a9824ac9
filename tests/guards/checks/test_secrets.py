"""What the secrets check finds and leaves."""

from __future__ import annotations

import pytest

from stepwell.guards.checks.secrets import make

BODY = "Vd4wC05iwldnysNKJJKj5dGKe7bfSGxcJy6vTQ2mXz81LkQwErTyUiOpAsDfGhJkLzXcVbNm" * 2
HEX = "961905d5b0126d66fa05c5d12d64c8ee"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("AWS_ACCESS_KEY", "AKIAUTF4B22RA5S63HJC"),
        ("GITHUB_PAT", "ghp_" + BODY[:36]),
        ("GITHUB_FINE_PAT", "github_pat_" + BODY[:82]),
        ("GITLAB_PAT", "glpat-" + BODY[:20]),
        ("GOOGLE_API", "AIza" + BODY[:35]),
        ("GOOGLE_OAUTH", "ya29." + BODY[:60]),
        ("HF_TOKEN", "hf_" + BODY[:34]),
        ("NPM_TOKEN", "npm_" + BODY[:36]),
        ("PYPI_TOKEN", "pypi-AgEI" + BODY[:100]),
        ("ANTHROPIC", "sk-ant-api03-" + BODY[:93]),
        ("OPENAI", "sk-proj-" + BODY[:48]),
        ("STRIPE_LIVE", "sk_live_" + BODY[:24]),
        ("STRIPE_WEBHOOK", "whsec_" + BODY[:32]),
        ("SENDGRID", f"SG.{BODY[:22]}.{BODY[:43]}"),
        ("SLACK_TOKEN", "xoxb-244358206395-674425999224-" + BODY[:24]),
        ("TWILIO", "SK" + HEX),
        ("DIGITALOCEAN", "dop_v1_" + HEX * 2),
        ("JWT", f"eyJ{BODY[:30]}.eyJ{BODY[:40]}.{BODY[:43]}"),
        (
            "PEM_PRIVATE_KEY",
            f"-----BEGIN PRIVATE KEY-----\n{BODY[:64]}\n{BODY[:9]}==\n-----END PRIVATE KEY-----",
        ),
        ("PEM_PRIVATE_KEY", f"-----BEGIN EC PRIVATE KEY-----\\n{BODY[:64]}\\n-----END EC PRIVATE KEY-----"),
    ],
)
def test_finds_a_key_whole(kind: str, value: str) -> None:
    text = f"use {value} here"
    assert [(f.kind, text[f.start : f.end]) for f in make().find(text)] == [(kind, value)]


@pytest.mark.parametrize(
    ("kind", "before", "value", "after"),
    [
        (
            "SLACK_WEBHOOK",
            "https://hooks.slack.com/services/",
            "TX6NZQE5Y/BJV9NXTJBAA/VRe0WCPsrFE1of4GifmwYPAV",
            "",
        ),
        ("DB_URL_PASSWORD", "postgres://", "ann:cCp4fj%gf6MQ^@db.internal.net:5432/app", " now"),
        ("AZURE_STORAGE", "AccountName=x;AccountKey=", BODY[:86] + "==", ";EndpointSuffix=y"),
        ("BEARER", "Authorization: Bearer ", BODY[:40], "\n"),
        ("AWS_SECRET_KEY", "aws_secret_access_key = ", BODY[:40], "\n"),
        ("PASSWORD_ASSIGN", 'DB_PASSWORD: "', "icgXp&cVIVz2&uE7", '"'),
        ("PASSWORD_ASSIGN", "api_key=", "a8f5f167f44f4964e6c998dee827110c", ", then"),
        ("PASSWORD_ASSIGN", '{"password": "', "hunter2-and-more", '"}'),
    ],
)
def test_finds_the_value_behind_its_wording(kind: str, before: str, value: str, after: str) -> None:
    text = before + value + after
    found = make().find(text)
    assert (kind, value) in [(f.kind, text[f.start : f.end]) for f in found]
    assert {text[f.start : f.end] for f in found} == {value}


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxx",
        "postgres://user:password@localhost:5432/app",
        "https://example.com/a:b@c",
        'password = "$DB_PASSWORD_FILE"',
        "password: <your-password-1>",
        "token = get_token(request1)",
        "The secret: persistence and patience",
        'token = "access_token"',
        "the ----- BEGIN of a PRIVATE KEY is a line",
        "commit 961905d5b0126d66fa05c5d12d64c8ee00000000",
        "desk-jockeys-are-not-keys-of-2024-at-all",
    ],
)
def test_leaves(text: str) -> None:
    assert make().find(text) == []


def test_offers_at_least_twenty_one_kinds() -> None:
    assert len(set(make().kinds)) >= 21


def test_a_key_is_found_once_where_two_prefixes_fit() -> None:
    text = f"sk-ant-api03-{BODY[:93]} and sk-proj-{BODY[:48]}"
    assert [f.kind for f in make().find(text)] == ["ANTHROPIC", "OPENAI"]
