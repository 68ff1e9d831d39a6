"""The object store: Supabase Storage's REST interface over a folder.

Like the real one it answers most errors with HTTP 400 and the true code as text in `statusCode`.
Source: Supabase Storage, src/http/error-handler.ts and routes/bucket, routes/object.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

BUCKET = "uploads"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9_-]*")
BYTES_AT_MOST = 10_000_000


class ObjectStore:
    """Buckets as folders, objects as files, one credential."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = f"service-{secrets.token_urlsafe(24)}"
        self.may_upload = True
        (folder / BUCKET).mkdir(parents=True)

    def application(self) -> Starlette:
        """Return its web application."""
        return Starlette(
            routes=[
                Route("/storage/v1/health/", self._health),
                Route("/storage/v1/bucket/{bucket}", self._bucket),
                Route("/storage/v1/object/upload/sign/{bucket}/{path:path}", self._sign, methods=["POST"]),
                Route("/storage/v1/object/{bucket}/{path:path}", self._put, methods=["POST", "PUT"]),
                Route("/storage/v1/object/{bucket}/{path:path}", self._get, methods=["GET"]),
                Route("/storage/v1/object/{bucket}/{path:path}", self._delete, methods=["DELETE"]),
            ]
        )

    def expire(self, bucket: str, days: int) -> int:
        """Delete what is older than the retention allows; give how many objects that were."""
        oldest = time.time() - days * 86_400
        expired = [
            path for path in (self.folder / bucket).rglob("*") if path.is_file() and path.stat().st_mtime < oldest
        ]
        for path in expired:
            path.unlink()
        return len(expired)

    def _refusal(self, request: Request, *, writes: bool = False) -> Response | None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self.key.encode()):
            return _error("403", "Unauthorized", "invalid signature")
        bucket = request.path_params["bucket"]
        if not _BUCKET.fullmatch(bucket) or not (self.folder / bucket).is_dir():
            return _error("404", "Bucket not found", "Bucket not found")
        if writes and not self.may_upload:
            return _error("403", "Unauthorized", "new row violates row-level security policy")
        return None

    def _file(self, request: Request) -> Path | None:
        if "\0" in request.path_params["path"]:
            return None
        bucket = (self.folder / request.path_params["bucket"]).resolve()
        path = (bucket / request.path_params["path"]).resolve()
        return path if path.is_relative_to(bucket) else None

    async def _health(self, request: Request) -> Response:
        del request
        return JSONResponse({"healthy": self.folder.is_dir()})

    async def _bucket(self, request: Request) -> Response:
        name = request.path_params["bucket"]
        return self._refusal(request) or JSONResponse(
            {
                "id": name,
                "name": name,
                "public": False,
                "file_size_limit": BYTES_AT_MOST,
                "allowed_mime_types": ["text/csv"],
            }
        )

    async def _sign(self, request: Request) -> Response:
        where = f"/object/upload/sign/{request.path_params['bucket']}/{request.path_params['path']}"
        token = secrets.token_urlsafe(16)
        return self._refusal(request, writes=True) or JSONResponse({"url": f"{where}?token={token}", "token": token})

    async def _put(self, request: Request) -> Response:
        refused = self._refusal(request, writes=True)
        path = self._file(request)
        if refused or path is None:
            return refused or _error("400", "InvalidKey", "Invalid key")
        data = await request.body()
        if len(data) > BYTES_AT_MOST:
            return _error("413", "Payload too large", "The object exceeded the maximum allowed size")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return JSONResponse({"Key": f"{request.path_params['bucket']}/{request.path_params['path']}"})

    async def _get(self, request: Request) -> Response:
        refused = self._refusal(request)
        path = self._file(request)
        if refused or path is None or not path.is_file():
            return refused or _error("404", "not_found", "Object not found")
        return Response(path.read_bytes(), media_type="text/csv")

    async def _delete(self, request: Request) -> Response:
        refused = self._refusal(request)
        path = self._file(request)
        if refused or path is None or not path.is_file():
            return refused or _error("404", "not_found", "Object not found")
        path.unlink()
        return JSONResponse({"message": "Successfully deleted"})


def _error(code: str, error: str, message: str) -> Response:
    return JSONResponse({"statusCode": code, "error": error, "message": message}, 400)
