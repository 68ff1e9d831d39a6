"""The object store, through Supabase Storage's REST interface.

Most of its errors come as HTTP 400 with the true code as text in `statusCode`.
Source: supabase/storage, src/http/error-handler.ts; asking for a signed upload checks the permission in a transaction
that is rolled back, so it proves the right and stores nothing (src/storage/object.ts).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from readiness import environment
from readiness.clients.http import Answer, Http
from readiness.outcomes import Effect, NotConfigured, Unknown

PROBE_OBJECT = "readiness-probe"


@dataclass(frozen=True)
class BucketFound:
    """Whether the bucket is there, and whether anybody may read it."""

    exists: bool
    public: bool | None = None


class Storage:
    """One bucket, seen with the service's own credential."""

    def __init__(self, settings: environment.Storage | None, http: Http) -> None:
        self._given = settings
        self._http = http

    @property
    def configured(self) -> bool:
        """Tell whether the environment names an object store."""
        return self._given is not None

    @property
    def bucket_name(self) -> str:
        """The bucket that the environment names."""
        return self._settings.bucket

    def bucket(self) -> BucketFound:
        """Ask for the bucket. Raises Unknown."""
        answer = self._send("GET", f"/bucket/{quote(self._settings.bucket, safe='')}")
        if answer.status == 200:  # noqa: PLR2004
            found = answer.json()
            if not isinstance(found, dict) or found.get("id", found.get("name")) != self._settings.bucket:
                raise Unknown(f"{answer.url} answered something else than the bucket", "is storage.url right?")
            return BucketFound(exists=True, public=found.get("public"))
        if _code(answer) == "404":
            return BucketFound(exists=False)
        raise _refused(answer)

    def may_upload(self) -> bool:
        """Ask for a signed upload. Raises Unknown."""
        bucket = quote(self._settings.bucket, safe="")
        answer = self._send("POST", f"/object/upload/sign/{bucket}/{PROBE_OBJECT}")
        if answer.status == 200:  # noqa: PLR2004
            found = answer.json()
            if not isinstance(found, dict) or not found.get("url"):
                raise Unknown(f"{answer.url} answered without a signed address", "is storage.url right?")
            return True
        if _code(answer) == "403" and "row-level security" in answer.text():
            return False
        raise _refused(answer)

    @property
    def _settings(self) -> environment.Storage:
        if self._given is None:
            raise NotConfigured("no object store is configured", "set storage.url, storage.key and storage.bucket")
        return self._given

    def _send(self, method: str, path: str) -> Answer:
        # Signing reads: the permission is checked and nothing is stored.
        return self._http.send(method, self._settings.url + path, effect=Effect.READ, token=self._settings.key)


def _code(answer: Answer) -> str:
    if answer.status != 400:  # noqa: PLR2004
        return str(answer.status) if answer.status in {401, 403} else ""
    found = answer.json()
    return str(found.get("statusCode", "")) if isinstance(found, dict) else ""


def _refused(answer: Answer) -> Unknown:
    code = _code(answer) or str(answer.status)
    remedy = {
        "401": "renew the credential that storage.key names",
        "403": "renew the credential that storage.key names, or grant it the right",
        "404": "create the bucket, or correct storage.bucket",
    }
    return Unknown(
        f"{answer.url} answered {code}", remedy.get(code, "look at the object store's status, then run again")
    )
