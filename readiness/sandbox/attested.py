"""The attestations of the sandbox: a file as a team would have it, dated for the day it runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from string import Template

import yaml

from readiness.files.atomic_write import write_whole

TEMPLATE = Path(__file__).parent / "attestations.yaml"
VALID = timedelta(days=30)
REVIEWED = timedelta(days=3)
"""So long before all else was attested that the launch was reviewed: within its week, not on the last day."""
COMPARED = timedelta(days=7)
"""So long before that its figures were compared: on the day after the launch."""


def template_variables(on: date | None = None, reviewed_on: date | None = None) -> dict[str, str]:
    """Return the dates that the template leaves open."""
    made = on or datetime.now(UTC).date()
    return {
        "SANDBOX_ATTESTED_ON": str(made),
        "SANDBOX_ATTESTED_UNTIL": str(made + VALID),
        "SANDBOX_REVIEWED_ON": str(reviewed_on or made - REVIEWED),
        "SANDBOX_COMPARED_ON": str(made - COMPARED),
    }


class Attested:
    """The file that a run reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write()

    def write(self, on: date | None = None, reviewed_on: date | None = None) -> None:
        """Write the file whole, every entry made on a day, and the launch reviewed on one; None is the usual one."""
        template = Template(TEMPLATE.read_text(encoding="utf-8"))
        write_whole(self.path, template.substitute(template_variables(on, reviewed_on)))

    def forget(self, name: str) -> None:
        """Leave an entry out, as where nobody has looked."""
        data = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        del data["attestations"][name]
        write_whole(self.path, yaml.safe_dump(data, sort_keys=False))

    def redate(self, names: Iterable[str], on: date) -> None:
        """Have some entries be of another day."""
        data = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        for name in names:
            data["attestations"][name]["at"] = on
        write_whole(self.path, yaml.safe_dump(data, sort_keys=False))

    def withdraw(self) -> None:
        """Take every entry back, as whoever made it would."""
        data = yaml.safe_load(self.path.read_text(encoding="utf-8"))
        for entry in data["attestations"].values():
            entry["holds"] = False
        write_whole(self.path, yaml.safe_dump(data, sort_keys=False))
