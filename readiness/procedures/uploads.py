"""The uploads that drills send: accepted or refused, followed to their end, and deleted."""

from __future__ import annotations

from dataclasses import dataclass, field

from readiness.environment.probes import SyntheticUpload
from readiness.observations.synthetic_upload import delete, id_of
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.procedures.course import Course
from readiness.transport.http import Answer, Http, NotSent

ENDED = {"completed", "failed"}


@dataclass
class Uploads:
    """Sends uploads, and remembers those that were accepted, or may have been."""

    http: Http
    settings: SyntheticUpload
    run: str
    """The drill's, so that its uploads can be told by the names of their files."""
    accepted: list[str] = field(default_factory=list)
    sent: int = 0
    answered: int = 0
    """Of those sent: it is known what became of them."""

    @classmethod
    def of(cls, course: Course) -> Uploads:
        """Take what the environment says. Raises NotConfigured."""
        if course.environment.synthetic_upload is None:
            raise NotConfigured("no synthetic upload is described", "set synthetic_upload in the environment file")
        return cls(course.clients.http, course.environment.synthetic_upload, course.evidence.run)

    def send(self, rows: int = 0) -> Answer:
        """Send one, with at least so many rows. Raises Unknown."""
        given = self.settings
        head, *lines = given.csv.strip().splitlines()
        body = lines * max(1, -(-rows // max(1, len(lines))))
        self.sent += 1
        try:
            answer = self.http.send(
                "POST",
                given.path,
                effect=Effect.WRITE,
                token=given.token,
                data={"workspace": given.workspace, "platform": given.platform, "source": given.source},
                files={"file": (self._file(self.sent), "\n".join([head, *body, ""]).encode(), "text/csv")},
            )
        except NotSent:
            self.sent -= 1
            raise
        if good(answer):
            self.accepted.append(id_of(answer, given))
        self.answered += 1
        return answer

    def status(self, upload: str) -> str:
        """Ask for the state of one. Raises Unknown."""
        found = self.http.get(f"{self.settings.path}/{upload}", token=self.settings.token).expect(200).json()
        if not isinstance(found, dict) or not isinstance(found.get("status"), str):
            raise Unknown("the upload's state names no status", "compare it with the upload API's description")
        return str(found["status"])

    def delete(self) -> None:
        """Delete what was accepted, where uploads are cleaned up. Raises Unknown, also where one may be left unseen."""
        if not self.settings.clean_up:
            return
        left = []
        try:
            self._delete()
        except Unknown as unknown:
            left.append(f"{unknown.reason}; {_uploads(len(self.accepted))} not deleted")
        if lost := self.sent - self.answered:
            left.append(f"{_uploads(lost)} sent without an answer and may still be there")
        if left:
            raise Unknown(f"{'; '.join(left)}: look for {self._file('*')}", "delete by hand what is found")

    def _delete(self) -> None:
        while self.accepted:
            delete(self.http, self.settings, self.accepted[-1])
            self.accepted.pop()

    def _file(self, number: int | str) -> str:
        return f"readiness-drill-{self.run}-{number}.csv"


def _uploads(number: int) -> str:
    return "1 upload was" if number == 1 else f"{number} uploads were"


def good(answer: Answer) -> bool:
    """Tell whether an answer accepts."""
    return 200 <= answer.status < 300  # noqa: PLR2004  any success


def told(answer: Answer) -> str:
    """Write an answer for a person: its status, and the beginning of what it says."""
    return f"status {answer.status}: {' '.join(answer.body[:120].decode('utf-8', 'replace').split())}"
