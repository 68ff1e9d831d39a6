"""The uploads that drills send: accepted or refused, followed to their end, and deleted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from readiness.environment.probes import SyntheticUpload
from readiness.observations.uploads_api import ENDED, UploadsApi
from readiness.outcomes import NotConfigured, Unknown
from readiness.procedures.course import Course
from readiness.redaction.shown import shown
from readiness.transport.http import Answer, NotSent

__all__ = ["ENDED", "Uploads", "accepts", "summary"]
CHARACTERS_SHOWN = 120
"""Of an answer."""


@dataclass
class Uploads:
    """Sends uploads, and remembers those that were accepted, or may have been."""

    api: UploadsApi
    run: str
    """The drill's, so that its uploads can be told by the names of their files."""
    accepted: list[str] = field(default_factory=list)
    """Their ids."""
    sent: int = 0
    answered: int = 0
    """Of those sent: it is known what became of them."""
    say: Callable[[str], None] = lambda _: None
    """Takes what a person should know."""

    @classmethod
    def of(cls, course: Course) -> Uploads:
        """Return the uploads of a drill, as the environment describes them. Raises NotConfigured."""
        if course.environment.synthetic_upload is None:
            raise NotConfigured("no synthetic upload is described", "set synthetic_upload in the environment file")
        api = UploadsApi(course.clients.http, course.clients.postgres, course.environment.synthetic_upload)
        return cls(api, course.evidence.run, say=course.say)

    @property
    def settings(self) -> SyntheticUpload:
        """How the environment describes an upload."""
        return self.api.settings

    def send(self, rows: int = 0) -> Answer:
        """Send one, with at least so many rows, and return its answer. Raises Unknown."""
        csv = self._csv(rows)

        # Counted before it is sent: one whose answer never came may be there.
        self.sent += 1
        try:
            answer = self.api.send(self._file(self.sent), csv)
        except NotSent:
            self.sent -= 1
            raise

        if accepts(answer):
            self.accepted.append(self.api.id_of(answer))
        self.answered += 1
        return answer

    def _csv(self, rows: int) -> bytes:
        """Return the environment's sample, with its lines repeated until there are so many rows."""
        head, *lines = self.settings.csv.strip().splitlines()
        repeats = max(1, math.ceil(rows / max(1, len(lines))))
        return "\n".join([head, *(lines * repeats), ""]).encode()

    def status(self, upload: str) -> str:
        """Return the status of an upload, by its id. Raises Unknown."""
        return self.api.state(upload).status

    def delete(self) -> None:
        """Delete what was accepted, where uploads are cleaned up. Raises Unknown, also where one may be left unseen."""
        if not self.settings.clean_up:
            return

        left = []
        try:
            self._delete()
        except Unknown as unknown:
            left.append(f"{unknown.reason}; {_uploads(len(self.accepted))} not deleted")

        unanswered = self.sent - self.answered
        if unanswered:
            left.append(f"{_uploads(unanswered)} sent without an answer and may still be there")

        if left:
            raise Unknown(f"{'; '.join(left)}: look for {self._file('*')}", "delete by hand what is found")

    def _delete(self) -> None:
        kept = 0
        while self.accepted:
            # Forgotten once it is gone: what is left when one fails is what is still there.
            is_gone = self.api.delete(self.accepted[-1])
            kept += not is_gone
            self.accepted.pop()
        if kept:
            self.say(f"  the service deletes no upload: {_uploads(kept)} left there, {self._file('*')}")

    def _file(self, number: int | str) -> str:
        return f"readiness-drill-{self.run}-{number}.csv"


def _uploads(number: int) -> str:
    return "1 upload was" if number == 1 else f"{number} uploads were"


def accepts(answer: Answer) -> bool:
    """Check whether an answer accepts the upload."""
    return 200 <= answer.status < 300  # noqa: PLR2004  any success


def summary(answer: Answer) -> str:
    """Return an answer for a person: its status, and the beginning of what it says, on one line."""
    body = answer.body.decode("utf-8", "replace")
    return f"status {answer.status}: {shown(body, CHARACTERS_SHOWN)}"
