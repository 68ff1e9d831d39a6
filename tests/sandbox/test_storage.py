"""The object store answers as Supabase Storage does: most errors are a 400 with the true code in the body."""

from __future__ import annotations

import httpx
import pytest

from readiness.sandbox import Sandbox


def ask(sandbox: Sandbox, method: str, path: str, key: str | None = None, content: bytes = b"") -> httpx.Response:
    known = sandbox.variables
    headers = {"Authorization": f"Bearer {known['SANDBOX_STORAGE_KEY'] if key is None else key}"}
    url = known["SANDBOX_STORAGE_URL"] + path
    return httpx.request(method, url, headers=headers, content=content, trust_env=False)


def refused(answer: httpx.Response) -> str:
    assert answer.status_code == 400
    assert set(answer.json()) == {"statusCode", "error", "message"}
    return str(answer.json()["statusCode"])


def test_an_object_comes_back_as_it_went_in(sandbox: Sandbox) -> None:
    path = "/object/uploads/probe/a b.csv"
    assert ask(sandbox, "POST", path, content=b"1,2").json() == {"Key": "uploads/probe/a b.csv"}
    assert ask(sandbox, "GET", path).content == b"1,2"
    assert ask(sandbox, "DELETE", path).is_success
    assert refused(ask(sandbox, "GET", path)) == "404"


def test_a_signed_upload_proves_the_right_and_stores_nothing(sandbox: Sandbox) -> None:
    assert set(ask(sandbox, "POST", "/object/upload/sign/uploads/probe.csv").json()) == {"url", "token"}
    assert refused(ask(sandbox, "GET", "/object/uploads/probe.csv")) == "404"


def test_buckets(sandbox: Sandbox) -> None:
    assert ask(sandbox, "GET", "/health/").json() == {"healthy": True}
    assert ask(sandbox, "GET", "/bucket/uploads").json()["id"] == "uploads"
    assert refused(ask(sandbox, "GET", "/bucket/another")) == "404"


@pytest.mark.parametrize("path", ["/bucket/uploads", "/object/uploads/x"])
@pytest.mark.parametrize("key", ["", "another"])
def test_a_bad_key_is_refused(sandbox: Sandbox, path: str, key: str) -> None:
    assert refused(ask(sandbox, "GET", path, key=key or " x")) == "403"


@pytest.mark.parametrize("path", ["..%2F..%2Fservice.env", "%2Fetc%2Fpasswd", "%2E%2E", "%00"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_no_path_leads_out_of_the_bucket(sandbox: Sandbox, method: str, path: str) -> None:
    assert refused(ask(sandbox, method, f"/object/uploads/{path}", content=b"x")) in {"400", "404"}


@pytest.mark.parametrize("bucket", ["%2E%2E", "%2E", "Uploads", "a%00b"])
def test_no_bucket_lies_outside(sandbox: Sandbox, bucket: str) -> None:
    assert refused(ask(sandbox, "GET", f"/bucket/{bucket}")) == "404"
