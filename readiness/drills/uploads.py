"""The uploads that drills send: accepted or refused, followed to their end, and deleted."""

from __future__ import annotations

from dataclasses import dataclass, field

from readiness.clients.http import Answer, Http
from readiness.environment import Environment
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.probes import SyntheticUpload

ENDED = {"completed", "failed"}


@dataclass
class Uploads:
    """Sends uploads, and remembers those that were accepted."""

    http: Http
    settings: SyntheticUpload
    accepted: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, environment: Environment, http: Http) -> Uploads:
        """Take what the environment says. Raises NotConfigured."""
        if environment.synthetic_upload is None:
            raise NotConfigured("no synthetic upload is described", "set synthetic_upload in the environment file")
        return cls(http, environment.synthetic_upload)

    def send(self, rows: int = 0) -> Answer:
        """Send one, with at least so many rows. Raises Unknown."""
        given = self.settings
        head, *lines = given.csv.strip().splitlines()
        body = lines * max(1, -(-rows // max(1, len(lines))))
        answer = self.http.send(
            "POST",
            given.path,
            effect=Effect.WRITE,
            token=given.token,
            data={"workspace": given.workspace, "platform": given.platform, "source": given.source},
            files={"file": ("readiness-drill.csv", "\n".join([head, *body, ""]).encode(), "text/csv")},
        )
        if good(answer):
            found = answer.json()
            if not isinstance(found, dict) or not isinstance(found.get("id"), str):
                raise Unknown("the service's answer names no id", "compare it with the upload API's description")
            self.accepted.append(found["id"])
        return answer

    def status(self, upload: str) -> str:
        """Ask for the state of one. Raises Unknown."""
        found = self.http.get(f"{self.settings.path}/{upload}", token=self.settings.token).expect(200).json()
        if not isinstance(found, dict) or not isinstance(found.get("status"), str):
            raise Unknown("the upload's state names no status", "compare it with the upload API's description")
        return str(found["status"])

    def delete(self) -> None:
        """Delete what was accepted. Raises Unknown."""
        while self.settings.clean_up and self.accepted:
            where = f"{self.settings.path}/{self.accepted[-1]}"
            answer = self.http.send("DELETE", where, effect=Effect.WRITE, token=self.settings.token)
            answer.expect(200, 202, 204, 404)
            self.accepted.pop()


def good(answer: Answer) -> bool:
    """Tell whether an answer accepts."""
    return 200 <= answer.status < 300  # noqa: PLR2004  any success


def told(answer: Answer) -> str:
    """Write an answer for a person: its status, and the beginning of what it says."""
    return f"status {answer.status}: {' '.join(answer.body[:120].decode('utf-8', 'replace').split())}"
