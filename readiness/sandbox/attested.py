"""The attestations of the sandbox: a file as a team would have it, dated for the day it runs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from string import Template

import yaml

from readiness.files.atomic_write import write_whole

TEMPLATE = Path(__file__).parent / "attestations.yaml"
VALID = timedelta(days=30)


def template_variables(on: date | None = None) -> dict[str, str]:
    """Return the dates that the template leaves open."""
    made = on or datetime.now(UTC).date()
    return {"SANDBOX_ATTESTED_ON": str(made), "SANDBOX_ATTESTED_UNTIL": str(made + VALID)}


class Attested:
    """The file that a run reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write()

    def write(self, on: date | None = None) -> None:
        """Write the file whole, every entry made on a day; None is today."""
        write_whole(self.path, Template(TEMPLATE.read_text(encoding="utf-8")).substitute(template_variables(on)))

    def withdraw(self) -> None:
        """Take every entry back, as whoever made it would."""
        data = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        for entry in data["attestations"].values():
            entry["holds"] = False
        write_whole(self.path, yaml.safe_dump(data, sort_keys=False))
