"""The ways into a running sandbox: as a client, as the service's operator, as the probe."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from readiness.sandbox import Sandbox

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For httpx, which reads all certificates for each client (30 ms) where it is given none; no address here is https."""
HEADER = "day,campaign,impressions,clicks,spend"
GOOD_ROW = "2026-01-02,spring,100,7,12.50"


def csv_of(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


def bearer(token: str) -> dict[bytes, bytes]:
    return {b"Authorization": f"Bearer {token}".strip().encode()}


def wait_for(condition: Callable[[], Any], seconds: float = 120.0) -> Any:
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return found


@dataclass
class Visitor:
    """A sandbox as its clients see it."""

    sandbox: Sandbox
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(
            base_url=self.sandbox.variables["SANDBOX_URL"], trust_env=False, verify=NO_TLS, timeout=10
        )

    def upload(self, content: bytes, *, token: str | None = None, **form: str) -> httpx.Response:
        given = self.sandbox.variables["SANDBOX_API_TOKEN"] if token is None else token
        return self.http.post(
            "/v1/uploads",
            headers=bearer(given),
            data={"workspace": "ws_internal", "platform": "meta", "source": "manual"} | form,
            files={"file": ("probe.csv", content, "text/csv")},
        )

    def ended(self, content: bytes) -> dict[str, Any]:
        """Upload a file and wait for its end."""
        sent = self.upload(content)
        assert sent.status_code == 202, sent.text
        assert sent.json()["status"] == "pending"
        wait_for(lambda: self.show(sent.json()["id"])["status"] in {"completed", "failed"})
        return self.show(sent.json()["id"])

    def show(self, upload: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.http.get(f"/v1/uploads/{upload}", headers=self.own()).json()
        return shown

    def own(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.sandbox.variables['SANDBOX_API_TOKEN']}"}

    def stored(self, path: str) -> httpx.Response:
        """Fetch an object as the service would."""
        known = self.sandbox.variables
        key = {"Authorization": f"Bearer {known['SANDBOX_STORAGE_KEY']}"}
        return httpx.get(
            f"{known['SANDBOX_STORAGE_URL']}/object/uploads/{path}", headers=key, trust_env=False, verify=NO_TLS
        )

    @property
    def configuration(self) -> dict[str, str]:
        lines = Path(self.sandbox.variables["SANDBOX_CONFIGURATION"]).read_text("utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    @contextmanager
    def changed(self, change: str, back: str) -> Iterator[None]:
        """Change rows with the service's own rights, and change them back."""
        with psycopg.connect(self.configuration["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(change.encode())
            try:
                yield
            finally:
                connection.execute(back.encode())

    def read(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Read with the rights of the probe."""
        with psycopg.connect(self.sandbox.variables["SANDBOX_DATABASE_URL"], row_factory=dict_row) as connection:
            return connection.execute(sql.encode(), parameters).fetchall()
