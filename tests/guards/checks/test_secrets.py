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
        ("AWS_BEDROCK_KEY", "ABSKQmVkcm9ja0FQSUtleS" + BODY[:110]),
        ("GOOGLE_CLIENT_SECRET", "GOCSPX-" + BODY[:28]),
        ("RUBYGEMS_TOKEN", "rubygems_" + HEX + HEX[:16]),
        ("DOCKER_PAT", "dckr_pat_" + BODY[:27]),
        ("XAI", "xai-" + BODY[:80]),
        ("GROQ", "gsk_" + BODY[:52]),
        ("PERPLEXITY", "pplx-" + BODY[:48]),
        ("REPLICATE", "r8_" + BODY[:37]),
        ("NVIDIA", "nvapi-" + BODY[:64]),
        ("PINECONE", "pcsk_" + BODY[:70]),
        ("LANGSMITH", f"lsv2_pt_{HEX}_{HEX[:10]}"),
        ("DATABRICKS", "dapi" + HEX),
        ("MAILGUN", "key-" + HEX),
        ("POSTMAN", f"PMAK-{HEX[:24]}-{HEX}00"),
        ("SHOPIFY", "shpat_" + HEX),
        ("SQUARE", "sq0atp-" + BODY[:22]),
        ("LINEAR", "lin_api_" + BODY[:40]),
        ("NOTION", "ntn_" + BODY[:46]),
        ("FIGMA", "figd_" + BODY[:40]),
        ("NEW_RELIC", "NRAK-" + BODY[:27].upper()),
        ("GRAFANA", "glsa_" + BODY[:41]),
        ("SENTRY", "sntrys_" + BODY[:60]),
        ("DOPPLER", "dp.pt." + BODY[:43]),
        ("VAULT_TOKEN", "hvs." + BODY[:24]),
        ("ATLASSIAN", "ATATT3" + BODY[:140]),
        ("SUPABASE", "sbp_" + HEX + HEX[:8]),
        ("PLANETSCALE", "pscale_tkn_" + BODY[:43]),
        ("NETLIFY", "nfp_" + BODY[:36]),
        ("AGE_SECRET_KEY", "AGE-SECRET-KEY-1" + BODY[:58].upper()),
        ("ALIBABA_ACCESS_KEY", "LTAI" + BODY[:20]),
        ("TELEGRAM_BOT", "110201543:AA" + BODY[:33]),
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
        ("DISCORD_WEBHOOK", "https://discord.com/api/webhooks/", f"{'1234567890' * 2}/{BODY[:68]}", " "),
        (
            "TEAMS_WEBHOOK",
            "https://x.webhook.office.com/webhookb2/",
            f"{HEX}@{HEX}/IncomingWebhook/{HEX}/{HEX}",
            "",
        ),
        ("URL_SIGNATURE", "https://a.blob.core.windows.net/b?sv=2024&sig=", BODY[:43] + "%3D", "&se=1"),
        ("URL_SIGNATURE", "https://b.s3.amazonaws.com/k?X-Amz-Signature=", HEX * 2, " now"),
        ("BASIC_AUTH", "Authorization: Basic ", "YW5uOmNDcDRmamdmNk1R", "\n"),
        ("PASSWORD_ASSIGN", "MYSQL_PASS=", "hunter22x", "\n"),
        ("PASSWORD_ASSIGN", "my password is ", "Tr0ub4dor&3", ", thanks"),
        ("PASSWORD_ASSIGN", "ENCRYPTION_KEY: ", HEX, "\n"),
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
        "The token is 2048-bit or longer1, the password is required",
        "bypass = turbo8x4fast, compass: north12345",
        "basic understanding of basic YW5uOmNDcDRmamdmNk1",
        "at 1719212858:AAPL rose",
        "task_sk-learn-pipeline-for-preprocessing",
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
