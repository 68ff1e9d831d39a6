"""The object store: what Supabase Storage answers, and what each answer proves."""

from __future__ import annotations

import json

import pytest

from readiness.clients.storage import BucketFound
from readiness.outcomes import Effect, NotConfigured, Unknown
from readiness.transport.guard import Guard
from tests.clients.conftest import Make
from tests.clients.servers import Behaviour, Server, document, whole


def error(code: str, name: str, message: str, status: int = 400) -> Behaviour:
    return whole(status, json.dumps({"statusCode": code, "error": name, "message": message}))


NO_BUCKET = error("404", "Bucket not found", "Bucket not found")
NO_RIGHT = error("403", "Unauthorized", "new row violates row-level security policy")


def test_a_bucket_is_there(make: Make) -> None:
    with Server(document({"id": "uploads", "name": "uploads", "public": True})) as server:
        assert make(server.url).storage.bucket() == BucketFound(exists=True, public=True)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("GET", "/bucket/uploads")
    assert asked.headers["authorization"] == "Bearer storage-key-of-a-test"
    assert asked.headers["apikey"] == "storage-key-of-a-test"


@pytest.mark.parametrize("status", [400, 404])
def test_a_bucket_is_not_there(status: int, make: Make) -> None:
    answer = error("404", "Bucket not found", "Bucket not found", status)
    with Server(answer) as server:
        assert make(server.url).storage.bucket() == BucketFound(exists=False)


def test_the_right_to_upload_is_proved_without_storing(make: Make, guard: Guard) -> None:
    guard.allowed = frozenset({Effect.READ})
    with Server(document({"url": "/object/upload/sign/uploads/x?token=t", "token": "t"})) as server:
        storage = make(server.url).storage
        assert storage.may_upload() is True
        assert storage.may_upload() is True
    first, second = server.asked
    assert first.method == "POST"
    assert first.path.startswith("/object/upload/sign/uploads/readiness-probe-")
    assert first.path != second.path, "an object that is there would hide whether we may"
    assert guard.requests[0].effect is Effect.READ


def test_a_refusal_by_the_policy_is_no_right(make: Make) -> None:
    with Server(NO_RIGHT) as server:
        assert make(server.url).storage.may_upload() is False


UNCLEAR: dict[str, tuple[Behaviour, str]] = {
    "a wrong key": (error("403", "Unauthorized", "invalid signature"), "storage.key"),
    "an expired key": (error("401", "Unauthorized", "jwt expired"), "storage.key"),
    "another code": (error("409", "Duplicate", "The resource already exists"), "status"),
    "no such tenant": (error("404", "TenantNotFound", "Missing tenant config"), "storage.url"),
    "a code as words": (error("Bucket not found", "Bucket not found", "403 row-level security"), "status"),
    "a list": (whole(400, "[]"), "status"),
    "another 404": (whole(404, '{"message": "no Route matched"}'), "storage.url"),
    "saturated": (error("429", "TooManyRequests", "DatabaseTimeout", 429), "wait"),
    "a failure": (error("500", "Internal", "Bucket not found", 500), "status"),
    "another bucket": (document({"id": "other", "url": ""}), "storage.url"),
    "no bucket at all": (document(["uploads"]), "storage.url"),
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_anything_else_is_unknown(case: str, make: Make) -> None:
    behaviour, remedy = UNCLEAR[case]
    with Server(behaviour) as server:
        storage = make(server.url).storage
        for act in (storage.bucket, storage.may_upload):
            with pytest.raises(Unknown) as found:
                act()
            assert remedy in found.value.remedy
            assert "storage-key-of-a-test" not in str(found.value)


def test_a_missing_bucket_does_not_tell_whether_we_may_upload(make: Make) -> None:
    with Server(NO_BUCKET) as server, pytest.raises(Unknown) as found:
        make(server.url).storage.may_upload()
    assert "create the bucket" in found.value.remedy


def test_public_must_be_yes_or_no(make: Make) -> None:
    with Server(document({"id": "uploads", "public": "false"})) as server, pytest.raises(Unknown, match="public"):
        make(server.url).storage.bucket()


def test_no_store_is_not_configured(make: Make) -> None:
    storage = make(systems=False).storage
    assert not storage.configured
    for act in (storage.bucket, storage.may_upload, lambda: storage.bucket_name):
        with pytest.raises(NotConfigured, match=r"set storage\.url"):
            act()
