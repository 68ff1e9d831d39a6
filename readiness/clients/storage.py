"""The object store, through Supabase Storage's REST interface. `storage.url` is its base, which ends in /storage/v1.

Most of its errors come as HTTP 400 with the true code as text in `statusCode`.
Source: supabase/storage, src/http/error-handler.ts; asking for a signed upload checks the permission in a transaction
that is rolled back, so it proves the right and stores nothing (src/storage/object.ts).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import quote

from readiness.environment import schema
from readiness.outcomes import Effect, Unknown
from readiness.transport.http import Answer
from readiness.transport.system import System

_OK = 200
_REMEDIES = {
    "401": "renew the credential that storage.key names",
    "403": "renew the credential that storage.key names, or grant it the right",
    "404": "create the bucket, or correct storage.bucket and storage.url",
    "429": "the object store is saturated: wait, then run again",
}


@dataclass(frozen=True)
class BucketFound:
    """Whether the bucket is there, and whether anybody may read it."""

    exists: bool
    public: bool | None = None


class Storage(System[schema.Storage]):
    """One bucket, seen with the service's own credential."""

    LACK = ("no object store is configured", "set storage.url, storage.key and storage.bucket in the environment file")

    @property
    def bucket_name(self) -> str:
        """The bucket that the environment names."""
        return self.settings.bucket

    def bucket(self) -> BucketFound:
        """Ask for the bucket. Raises Unknown."""
        answer = self._send("GET", f"/bucket/{quote(self.settings.bucket, safe='')}")
        if answer.status == _OK:
            found = answer.json()
            if not isinstance(found, dict) or found.get("id", found.get("name")) != self.settings.bucket:
                raise Unknown(f"{answer.url} answered something else than the bucket", "is storage.url right?")
            public = found.get("public")
            if not isinstance(public, bool | None):
                raise Unknown(f"{answer.url} does not say whether the bucket is public", "is storage.url right?")
            return BucketFound(exists=True, public=public)
        code, told = _error(answer)
        # A 404 of a proxy or of another service is no answer about the bucket.
        if code == "404" and "bucket not found" in told.lower():
            return BucketFound(exists=False)
        raise _refused(answer, code)

    def may_upload(self) -> bool:
        """Ask for a signed upload. Raises Unknown."""
        bucket = quote(self.settings.bucket, safe="")
        # A name that nobody has: for one that exists the store would answer that, not whether we may.
        answer = self._send("POST", f"/object/upload/sign/{bucket}/readiness-probe-{secrets.token_hex(6)}")
        if answer.status == _OK:
            found = answer.json()
            if not isinstance(found, dict) or not isinstance(found.get("url"), str) or not found["url"]:
                raise Unknown(f"{answer.url} answered without a signed address", "is storage.url right?")
            return True
        code, told = _error(answer)
        if code == "403" and "row-level security" in told:
            return False
        raise _refused(answer, code)

    def _send(self, method: str, path: str) -> Answer:
        # Signing reads: the permission is checked and nothing is stored. The gateway in front wants the key as
        # `apikey` too.
        key = self.settings.key
        return self._http.send(
            method, self.settings.url + path, effect=Effect.READ, token=key, headers={"apikey": key.reveal()}
        )


def _error(answer: Answer) -> tuple[str, str]:
    """Give the true code and what is told with it."""
    if answer.status not in {400, 401, 403, 404, 409}:
        return str(answer.status), ""
    found = answer.json()
    if not isinstance(found, dict):
        return str(answer.status), ""
    return str(found.get("statusCode", answer.status)), f"{found.get('error', '')} {found.get('message', '')}"


def _refused(answer: Answer, code: str) -> Unknown:
    return Unknown(
        f"{answer.url} answered {code}", _REMEDIES.get(code, "look at the object store's status, then run again")
    )
