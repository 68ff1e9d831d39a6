"""The service's API for uploads, as the environment describes it: send one, follow it, delete it again.

A document may look an upload up by SQL alone. So where the API shows no upload the database is asked, and one that the
API cannot delete stays, as one does that a person sends.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from readiness.clients.postgres import Postgres
from readiness.environment.probes import SyntheticUpload
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Effect, Unknown
from readiness.transport.answer import at_pointer
from readiness.transport.http import Answer, Http

ENDED = {"completed", "failed"}
_GONE = {200, 202, 204, 404}
_NOT_FOUND = 404
_NOT_OFFERED = {405, 501}
"""The API has no such request for an upload; by 404 it may say so too."""


@dataclass(frozen=True)
class UploadState:
    """How far the service has come with an upload."""

    status: str
    row_count: int


@dataclass
class UploadsApi:
    """Sends uploads, follows them and deletes them."""

    http: Http
    postgres: Postgres
    settings: SyntheticUpload
    shown: set[str] = field(default_factory=set)
    """The uploads that the API itself has shown."""

    def send(self, file: str, csv: bytes) -> Answer:
        """Send one file, and return the answer. Raises Unknown."""
        settings = self.settings
        return self.http.send(
            "POST",
            settings.path,
            effect=Effect.WRITE,
            token=settings.token,
            data={
                settings.workspace_field: settings.workspace,
                "platform": settings.platform,
                "source": settings.source,
            },
            files={"file": (file, csv, "text/csv")},
        )

    def id_of(self, answer: Answer) -> str:
        """Return the id of an upload that the service took. Raises Unknown: then nobody can delete it."""
        workspace, path, pointer = self.settings.workspace, self.settings.path, self.settings.id_pointer
        remedy = f"find the file in the workspace {workspace} and delete it; is {path} the uploads' API?"
        try:
            upload_id = at_pointer(answer.json(), pointer)
        except Unknown as unknown:
            raise Unknown(f"an upload was taken and cannot be deleted: {unknown.reason}", remedy) from None
        if isinstance(upload_id, bool) or not isinstance(upload_id, int | str) or upload_id == "":
            raise Unknown("an upload was taken and cannot be deleted: the service's answer names no id", remedy)
        return str(upload_id)

    def state(self, upload_id: str) -> UploadState:
        """Return how far an upload is, by the API or, where that shows none, by the database. Raises Unknown."""
        where = f"{self.settings.path}/{upload_id}"
        answer = self.http.get(where, token=self.settings.token)
        shows_none = answer.status in _NOT_OFFERED or (answer.status == _NOT_FOUND and upload_id not in self.shown)
        if shows_none:
            return self._recorded(upload_id, answer)

        document = answer.expect(200, asked="the question what became of the synthetic upload").json()
        if not isinstance(document, dict):
            raise Unknown("the upload's state is no JSON object", f"look at GET {where}")
        self.shown.add(upload_id)
        return _state(document)

    def _recorded(self, upload_id: str, answer: Answer) -> UploadState:
        """Return the state of an upload that the API does not show. Raises Unknown."""
        not_shown = f"GET {self.settings.path}/{upload_id} answered {answer.status}"
        remedy = "correct synthetic_upload.path, or synthetic_upload.status_sql (one row: status, row_count)"
        if not self.postgres.configured:
            raise Unknown(not_shown, f"{remedy}; that needs the section postgres")
        rows = self.postgres.rows(self.settings.status_sql, upload_id)
        if len(rows) != 1:
            raise Unknown(f"{not_shown}, and the database has {len(rows)} rows of the upload", remedy)
        return _state(rows[0])

    def delete(self, upload_id: str) -> bool:
        """Delete an upload; return False where the API deletes none. Raises Unknown where it failed to."""
        where = f"{self.settings.path}/{upload_id}"
        try:
            answer = self.http.send("DELETE", where, effect=Effect.WRITE, token=self.settings.token)
            if answer.status in _NOT_OFFERED:
                return False
            answer.expect(*_GONE, asked="DELETE")
        except Unknown as unknown:
            remedy = f"send DELETE {where} with the token of synthetic_upload; {unknown.remedy}"
            raise Unknown(f"the upload {upload_id} is still there: {unknown.reason}", remedy) from unknown
        return answer.status != _NOT_FOUND or upload_id in self.shown or not self._is_recorded(upload_id)

    def _is_recorded(self, upload_id: str) -> bool:
        """Check whether the database still has an upload of which the API says that there is none."""
        try:
            return self.postgres.configured and bool(self.postgres.rows(self.settings.status_sql, upload_id))
        except Unknown:  # uploads are kept elsewhere: then what the API says counts
            return False


def _state(stated: JsonObject) -> UploadState:
    status = stated.get("status")
    if not isinstance(status, str):
        raise Unknown("the upload's state names no status", "compare it with the upload API's description")
    return UploadState(status, count_of(stated.get("row_count") or 0))


def count_of(value: object) -> int:
    """Return a number of rows. Raises Unknown for what is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unknown(f"{value!r} is not a count of rows", "compare it with the upload API's description")
    return value
