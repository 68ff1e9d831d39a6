"""What may stand in `allowed_hosts`: hosts alone, and however one is written it is that host."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from readiness.config.fields import Host

HOST: TypeAdapter[str] = TypeAdapter(Host)
SAME = {
    "Shop.Example.COM": "shop.example.com",
    "shop.example.com.": "shop.example.com",
    "localhost": "localhost",
    "127.0.0.1": "127.0.0.1",
    "::1": "::1",
    "[2001:DB8::1]": "2001:db8::1",
    "fe80::1%eth0": "fe80::1%eth0",
    "münchen.example": "münchen.example",
    "/var/run/postgresql": "/var/run/postgresql",
}
NONE = ["https://shop.example.com", "shop.example.com:443", "127.0.0.1:80", "*.example.com", "*", "shop/health", "a b"]
NONE += ["", " ", ".", "a,b", "ada@shop.example.com", "shop:", "shop\\health", "shop\nexample"]


@pytest.mark.parametrize(("written", "host"), SAME.items())
def test_a_host_is_one_however_it_is_written(written: str, host: str) -> None:
    assert HOST.validate_python(written) == host


@pytest.mark.parametrize("written", NONE)
def test_what_is_no_host_is_refused(written: str) -> None:
    with pytest.raises(ValidationError, match="is no host"):
        HOST.validate_python(written)
