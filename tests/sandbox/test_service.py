"""The ingestion service works: files go in, valid rows come out, and every refusal has its own answer."""

from __future__ import annotations

import uuid
from pathlib import Path

import psycopg
import pytest

from tests.sandbox.visitor import GOOD_ROW, HEADER, Visitor, csv_of, wait_for

WORKERS = {"IntakeWorker", "ParseWorker", "PromotionWorker", "CleanupWorker"}


def set_switch(visitor: Visitor, position: str) -> None:
    path = Path(visitor.sandbox.variables["SANDBOX_CONFIGURATION"])
    lines = path.read_text("utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("INGESTION_ENABLED=")]
    path.write_text("\n".join([*kept, f"INGESTION_ENABLED={position}", ""]), "utf-8")


def test_a_file_is_staged_validated_and_promoted(visitor: Visitor) -> None:
    found = visitor.ended(csv_of(*[GOOD_ROW] * 8, "yesterday,spring,1,1,1", "2026-01-02,spring,many,1,1"))
    assert {key: found[key] for key in ("status", "row_count", "error_code")} == {
        "status": "completed", "row_count": 8, "error_code": None,
    }  # fmt: skip
    assert [found[f"rows_{kind}"] for kind in ("staged", "valid", "invalid", "promoted")] == [10, 8, 2, 8]
    reasons = visitor.read(
        "select validation_error from staging_rows where upload_id = %s and validation_status = 'invalid' order by id",
        found["id"],
    )
    said = [row["validation_error"] for row in reasons]
    assert said == ["day is no date: yesterday", "impressions is no count: many"]
    (stored,) = visitor.read("select count(*), sum(spend) from campaign_metrics where upload_id = %s", found["id"])
    assert (stored["count"], float(stored["sum"])) == (8, 100.0)


def test_a_deleted_upload_leaves_nothing(visitor: Visitor) -> None:
    found = visitor.ended(csv_of(GOOD_ROW))
    (row,) = visitor.read("select object_path from data_uploads where id = %s", found["id"])
    assert visitor.http.delete(f"/v1/uploads/{found['id']}", headers=visitor.own()).status_code == 204
    for table, key in (("data_uploads", "id"), ("staging_rows", "upload_id"), ("campaign_metrics", "upload_id")):
        assert visitor.read(f"select 1 from {table} where {key} = %s", found["id"]) == []
    assert visitor.http.get(f"/v1/uploads/{found['id']}", headers=visitor.own()).status_code == 404
    assert visitor.stored(row["object_path"]).json()["statusCode"] == "404"


def test_a_file_without_a_valid_row_fails(visitor: Visitor) -> None:
    found = visitor.ended(csv_of("never,,,,"))
    assert (found["status"], found["error_code"]) == ("failed", "no_valid_rows")
    assert found["rows_promoted"] == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "invalid_csv"), (b"a,b\n1,2\n", "invalid_csv"), (f"{HEADER}\n".encode(), "empty_file")],
    ids=["empty", "other header", "no rows"],
)
def test_a_file_that_cannot_be_read_fails_with_its_reason(visitor: Visitor, content: bytes, code: str) -> None:
    found = visitor.ended(content)
    assert (found["status"], found["error_code"]) == ("failed", code)
    assert found["error_text"]


@pytest.mark.parametrize(
    "row",
    [
        "2026-W01-1,spring,1,1,1",
        "20260102,spring,1,1,1",
        "2026-01-02,spring,99999999999,1,1",
        "2026-01-02,spring,٣,1,1",
        "2026-01-02,spring,1,1,1e15",
        "2026-01-02,spring,1,1,NaN",
        "2026-01-02,spring,1,1,-1",
        "2026-01-02,spring,1,1",
        "2026-01-02,spring,1,1,1,1",
        "2026-01-02,,1,1,1",
        "2026-01-02,a\x00b,1,1,1",
    ],
)
def test_no_row_can_stop_the_pipeline(visitor: Visitor, row: str) -> None:
    found = visitor.ended(csv_of(GOOD_ROW, row))
    assert (found["status"], found["row_count"], found["rows_invalid"]) == ("completed", 1, 1)


@pytest.mark.parametrize(
    "content",
    [
        csv_of('2026-01-02,"' + "x" * 200_000 + '",1,1,1'),
        HEADER.encode() + b"\n\xff\xfe,\x80,1,1,1\n",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    ],
    ids=["one huge field", "no text", "an image"],
)
def test_no_file_can_stop_the_pipeline(visitor: Visitor, content: bytes) -> None:
    assert visitor.ended(content)["status"] in {"completed", "failed"}
    assert visitor.ended(csv_of(GOOD_ROW))["status"] == "completed"


def test_a_file_from_a_spreadsheet_is_read(visitor: Visitor) -> None:
    content = b"\xef\xbb\xbf" + csv_of("2026-01-02,Frühling,1,1,1").replace(b"\n", b"\r\n")
    assert visitor.ended(content)["row_count"] == 1


def test_strangers_are_refused(visitor: Visitor) -> None:
    assert visitor.upload(csv_of(GOOD_ROW), token="").status_code == 401
    assert visitor.upload(csv_of(GOOD_ROW), token="upl_another").status_code == 401
    assert visitor.upload(csv_of(GOOD_ROW), token="upl_ñ").status_code == 401
    assert visitor.upload(csv_of(GOOD_ROW), workspace="ws_acme").status_code == 403
    assert visitor.http.get(f"/v1/uploads/{uuid.uuid4()}").status_code == 401


def test_a_form_must_be_whole(visitor: Visitor) -> None:
    assert visitor.upload(csv_of(GOOD_ROW), platform="").status_code == 422
    bare = visitor.http.post("/v1/uploads", headers=visitor.own(), data={"workspace": "ws_internal"})
    assert bare.status_code == 422
    broken = {"Content-Type": "multipart/form-data; boundary=x"} | visitor.own()
    assert visitor.http.post("/v1/uploads", headers=broken, content=b"--y").status_code in {400, 422}


def test_a_file_may_not_be_too_large(visitor: Visitor) -> None:
    assert visitor.upload(b"x" * 6_000_000).status_code == 413


def test_the_kill_switch_is_honoured_at_once(visitor: Visitor) -> None:
    set_switch(visitor, "false")
    try:
        refused = wait_for(lambda: visitor.upload(csv_of(GOOD_ROW)).status_code == 503)
        assert refused
        assert visitor.upload(csv_of(GOOD_ROW)).json() == {"error": "ingestion_disabled"}
    finally:
        set_switch(visitor, "true")
    assert wait_for(lambda: visitor.upload(csv_of(GOOD_ROW)).status_code == 202)


SWITCHES = {
    "paused": (
        "update workspace_settings set ingestion_paused = true where workspace_id = 'ws_internal'",
        "update workspace_settings set ingestion_paused = false where workspace_id = 'ws_internal'",
        409, "workspace_paused",
    ),
    "not on the list": (
        "update feature_flags set allowlist = '{ws_internal_2}'",
        "update feature_flags set allowlist = '{ws_internal}'",
        403, "not_enabled",
    ),
    "breaker": (
        "update circuit_breaker_state set state = 'open', opened_at = now() where name = 'storage'",
        "update circuit_breaker_state set state = 'closed', opened_at = null where name = 'storage'",
        503, "circuit_open",
    ),
}  # fmt: skip


@pytest.mark.parametrize("switch", SWITCHES)
def test_every_switch_refuses_uploads(visitor: Visitor, switch: str) -> None:
    change, back, status, error = SWITCHES[switch]
    with visitor.changed(change, back):
        refused = visitor.upload(csv_of(GOOD_ROW))
    assert (refused.status_code, refused.json()) == (status, {"error": error})
    assert visitor.upload(csv_of(GOOD_ROW)).status_code == 202


def test_the_flag_lets_everyone_in(visitor: Visitor) -> None:
    with visitor.changed(
        "update feature_flags set enabled = true, allowlist = '{}'",
        "update feature_flags set enabled = false, allowlist = '{ws_internal}'",
    ):
        assert visitor.upload(csv_of(GOOD_ROW)).status_code == 202


def test_health_tells_what_runs(visitor: Visitor) -> None:
    found = visitor.http.get("/health")
    assert found.status_code == 200
    assert set(found.json()) == {"status", "environment", "version", "revision", "timestamp"}
    ready = visitor.http.get("/ready")
    assert (ready.status_code, ready.json()["checks"]) == (200, {"database": "ok", "storage": "ok"})


def test_every_worker_answers_and_beats(visitor: Visitor) -> None:
    workers = visitor.http.get("/workers").json()["workers"]
    assert set(workers) == WORKERS
    assert all(answer["responds"] is True and answer["seconds"] < 0.5 for answer in workers.values())
    beats = visitor.read("select worker, extract(epoch from now() - beat_at)::float as age from worker_heartbeats")
    assert {row["worker"] for row in beats} == WORKERS
    assert max(row["age"] for row in beats) < 5


def samples(visitor: Visitor) -> dict[str, float]:
    lines = visitor.http.get("/metrics").text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_metrics_rise_with_an_upload(visitor: Visitor) -> None:
    before = samples(visitor)
    assert before['ingestion_uploads_total{status="completed"}'] > 1000
    assert before['ingestion_errors_total{code="invalid_csv"}'] > 0
    assert before["ingestion_duration_seconds_count"] > 1000
    assert before['ingestion_circuit_breaker_state{name="storage"}'] == 0
    visitor.ended(csv_of(GOOD_ROW))
    name = 'ingestion_uploads_total{status="completed"}'
    assert wait_for(lambda: samples(visitor)[name] > before[name])
    assert samples(visitor)["ingestion_duration_seconds_count"] > before["ingestion_duration_seconds_count"]


def test_the_week_behind_is_healthy(visitor: Visitor) -> None:
    (week,) = visitor.read(
        "select count(*) as uploads, avg((status = 'failed')::int)::float as failed,"
        " percentile_cont(0.99) within group (order by extract(epoch from completed_at - created_at))::float as p99"
        " from data_uploads where source = 'api' and created_at > now() - interval '7 days'"
    )
    assert week["uploads"] > 4000
    assert week["failed"] < 0.01
    assert week["p99"] < 300
    (hour,) = visitor.read(
        "select count(*) as uploads, count(*) filter (where status = 'failed') as failed"
        " from data_uploads where source = 'api' and created_at > now() - interval '1 hour'"
    )
    assert 100 <= hour["uploads"] <= 120
    assert hour["failed"] == 1
    assert visitor.read(
        "select 1 from data_uploads u where source = 'api' and status = 'completed'"
        " and row_count <> (select count(*) from campaign_metrics where upload_id = u.id)"
    ) == []  # fmt: skip


def test_the_probe_may_not_write(visitor: Visitor) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        visitor.read("update feature_flags set enabled = true returning name")
