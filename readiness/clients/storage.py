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
from readiness.transport.typed import at_key

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

    NAME = "storage"
    LACK = ("no object store is configured", "set storage.url, storage.key and storage.bucket in the environment file")

    @property
    def bucket_name(self) -> str:
        """The bucket that the environment names."""
        return self.settings.bucket

    def bucket(self) -> BucketFound:
        """Return whether the bucket exists, and whether it is public. Raises Unknown."""
        answer = self._send("GET", f"/bucket/{quote(self.settings.bucket, safe='')}")
        if answer.status == _OK:
            return self._existing(answer)

        code, message = _error(answer)
        # A 404 of a proxy or of another service is no answer about the bucket.
        if code == "404" and "bucket not found" in message.lower():
            return BucketFound(exists=False)
        raise _refused(answer, code, f"the question for the bucket {self.settings.bucket}")

    def _existing(self, answer: Answer) -> BucketFound:
        bucket = answer.json()
        if not isinstance(bucket, dict) or bucket.get("id", bucket.get("name")) != self.settings.bucket:
            raise Unknown(f"{answer.url} answered something else than the bucket", "is storage.url right?")

        public = bucket.get("public")
        if not isinstance(public, bool | None):
            raise Unknown(f"{answer.url} does not say whether the bucket is public", "is storage.url right?")
        return BucketFound(exists=True, public=public)

    def may_upload(self) -> bool:
        """Return whether the credential may upload: whether it is given a signed address for one. Raises Unknown."""
        bucket = quote(self.settings.bucket, safe="")
        # A name that nobody has: for one that exists the store would answer that, not whether we may.
        answer = self._send("POST", f"/object/upload/sign/{bucket}/readiness-probe-{secrets.token_hex(6)}")
        if answer.status == _OK:
            signed_url = at_key(answer.json(), "url")
            if not isinstance(signed_url, str) or not signed_url:
                raise Unknown(f"{answer.url} answered without a signed address", "is storage.url right?")
            return True

        code, message = _error(answer)
        # Any other 403 is one of the credential, not of the policy that decides on uploads.
        if code == "403" and "row-level security" in message:
            return False
        raise _refused(answer, code, f"the question whether we may upload into {self.settings.bucket}")

    def _send(self, method: str, path: str) -> Answer:
        # Signing reads: the permission is checked and nothing is stored. The gateway in front wants the key as
        # `apikey` too.
        key = self.settings.key
        return self._http.send(
            method, self.settings.url + path, effect=Effect.READ, token=key, headers={"apikey": key.reveal()}
        )


def _error(answer: Answer) -> tuple[str, str]:
    """Return the true status code of an error, and its message."""
    if answer.status not in {400, 401, 403, 404, 409}:
        return str(answer.status), ""
    document = answer.json()
    if not isinstance(document, dict):
        return str(answer.status), ""

    code = str(document.get("statusCode", answer.status))
    return code, f"{document.get('error', '')} {document.get('message', '')}"


def _refused(answer: Answer, code: str, asked: str) -> Unknown:
    remedy = _REMEDIES.get(code, "look at the object store's status, then run again")
    return Unknown(f"{answer.url} answered {code} to {asked}", remedy)
