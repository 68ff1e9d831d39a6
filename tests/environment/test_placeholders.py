"""What people write before they know a secret is recognised, and a real value is not."""

from __future__ import annotations

import pytest

from readiness.observations.configuration import is_placeholder


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK_SECRET", "changeme"),
        ("WEBHOOK_SECRET", "CHANGE_ME"),
        ("API_TOKEN", "your-token-here"),
        ("API_TOKEN", "<token>"),
        ("API_TOKEN", "${API_TOKEN}"),
        ("API_TOKEN", "{{ api_token }}"),
        ("API_TOKEN", "xxxxxxxx"),
        ("API_TOKEN", ""),
        ("DB_PASSWORD", "password123"),
        ("DB_PASSWORD", "secret"),
        ("SIGNING_KEY", "todo"),
        ("DATABASE_URL", "replace_with_dsn"),
        ("REGION", "TBD"),
    ],
)
def test_a_placeholder_is_recognised(name: str, value: str) -> None:
    assert is_placeholder(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK_SECRET", "whsec_9f2Qk1vB7s"),
        ("DB_PASSWORD", "c0rrect-horse-battery"),
        ("ENVIRONMENT", "test"),
        ("INGESTION_ENABLED", "false"),
        ("MONKEY_COUNT", "123"),
        ("DATABASE_URL", "postgresql://service:x@db/app"),
        ("EMPTY_SUFFIX", ""),
    ],
)
def test_a_real_value_is_not(name: str, value: str) -> None:
    assert not is_placeholder(name, value)
