"""The deployed configuration: a dotenv file that the service loads, and loads again when it changes."""

from __future__ import annotations

import os
import secrets
import threading
from pathlib import Path

PREFIXES = {
    "SECRET_KEY": "",
    "INTEGRATION_ENCRYPTION_KEY": "",
    "ZERO_TRUST_API_KEY": "zt_",
    "STRIPE_SECRET_KEY": "sk_test_",
    "STRIPE_WEBHOOK_SECRET": "whsec_",
    "CALCOM_WEBHOOK_SECRET": "cal_",
    "CLERK_PUBLISHABLE_KEY": "pk_test_",
    "CLERK_SECRET_KEY": "sk_test_",
    "CLERK_WEBHOOK_SECRET": "whsec_",
}
"""The variables that the other documents name, and how the value of each begins."""


def of_the_documents() -> dict[str, str]:
    """Return a value of this sandbox's own for each variable of the other documents."""
    return {name: f"{prefix}{secrets.token_urlsafe(24)}" for name, prefix in PREFIXES.items()}


class Configuration:
    """The service's variables. When the file cannot be read, the service goes on with what it knows."""

    def __init__(self, path: Path, values: dict[str, str]) -> None:
        self.path = path
        self._values: dict[str, str] = {}
        self._stamp = 0
        self._lock = threading.Lock()
        self.write(values)

    def write(self, values: dict[str, str]) -> None:
        """Write the file as an operator would, in one step."""
        text = "".join(f"{name}={value}\n" for name, value in values.items())
        fresh = self.path.with_suffix(".new")
        fresh.touch(0o600)
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.path)

    def stored(self) -> dict[str, str]:
        """Read what stands in the file."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def change(self, **values: str | None) -> None:
        """Set variables in the file; None removes one."""
        changed = self.stored() | values
        self.write({name: value for name, value in changed.items() if value is not None})

    def get(self, name: str) -> str | None:
        """Return a variable as the service knows it."""
        with self._lock:
            try:
                stamp = os.stat(self.path).st_mtime_ns  # noqa: PTH116  called for each request
                if stamp != self._stamp:
                    self._values |= self.stored()
                    self._stamp = stamp
            except OSError:
                pass  # the file is gone: the running service keeps what it has loaded
            return self._values.get(name)

    @property
    def enabled(self) -> bool:
        """The kill switch."""
        return self.get("INGESTION_ENABLED") == "true"
