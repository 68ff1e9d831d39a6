"""Locust itself, on a server whose times are known. A few seconds each."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from loadtests.trial import ROOT, Finding, Trial, truth_server
from loadtests.truth import Law
from readiness.__main__ import main
from readiness.evidence import ledger
from readiness.evidence.ledger_reading import LedgerRecord
from readiness.rehearsal.evidence import FOLDER, RehearsalEvidence, folders, read
from readiness.rehearsal.figures import Figures
from readiness.rehearsal.verdict import Conclusion, judge
from readiness.sandbox.processes import free_port
from tests.loadtests.waiting import asked, until, written

USERS = 60
QUICK = {
    "users": USERS,
    "hold_minutes": 0.1,
    "think_seconds": [0.05, 0.15],
    "settle_seconds": 1,
    "users_per_second": 60,
}


STARVED = ("late (p99", "for a processor", "held back", "the generator's doing")


def fair(found: Finding) -> bool:
    """Tell whether it passed, or was held up by what else this machine was doing, and by nothing else."""
    return all(any(word in reason.says for word in STARVED) for reason in found.judgement.reasons)


def starved(found: Finding) -> bool:
    """Tell whether the rehearsal itself says that this machine was too busy for its figures to be believed."""
    return found.judgement.word is Conclusion.INCONCLUSIVE and fair(found)


def two_processes() -> list[str]:
    """Return what lets two processes make the load, on a port that no other rehearsal of this machine has."""
    port = str(free_port())
    return ["--processes", "2", "--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--master-port", port]


def kept(folder: Path) -> LedgerRecord:
    """Read what the ledger has of a rehearsal."""
    home = folder.parents[1]
    return ledger.read(home / ledger.FILE, {}).runs[folder.relative_to(home).as_posix()]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with truth_server(Law(0.02, 0.06)) as address:
        yield address


def test_what_is_recorded_is_what_was_sent_and_true(tmp_path: Path, url: str) -> None:
    found = Finding.of(Trial(tmp_path, url, QUICK).run())
    assert fair(found), str(found)
    assert found.evidence.sent == found.evidence.recorded == found.record["requests"]
    assert abs(found.error(found.evidence.kernel)) < 0.02 or starved(found) or not found.undisturbed, str(found)
    assert found.evidence.connections.opened == QUICK["users"]
    assert found.evidence.target.revision == "truth"
    folder = next(folders(tmp_path / "reports", "trial"))
    assert {path.name for path in folder.iterdir()} == {"evidence.json", "report.html", "page.html"}
    entered = kept(folder)
    assert entered.ended == found.judgement.word
    assert entered.sealed
    assert set(entered.sealed.files) == {path.name for path in folder.iterdir()}
    log = (tmp_path / "locust.log").read_text()
    assert "60 users on 127.0.0.1, held for 0.1 min" in log
    assert f"exit code {found.judgement.word.exit}" in log


def test_with_processes_nothing_is_lost(tmp_path: Path, url: str) -> None:
    found = Finding.of(Trial(tmp_path, url, QUICK, arguments=two_processes()).run())
    assert fair(found), str(found)
    assert len(found.evidence.generators) == 2
    assert found.evidence.sent == found.evidence.recorded


def test_a_killed_worker_is_inconclusive(tmp_path: Path, url: str) -> None:
    stage = {**QUICK, "hold_minutes": 0.3, "settle_seconds": 4}
    before = asked(url)
    process = Trial(tmp_path, url, stage, arguments=two_processes()).start()
    until(lambda: asked(url) - before > 10 * USERS)
    psutil.Process(process.pid).children()[-1].kill()
    process.wait()
    found = Finding.of(Trial(tmp_path, url, stage).evidence())
    assert found.judgement.word is Conclusion.INCONCLUSIVE
    assert found.evidence.lost_workers, str(found)


def with_a_second_worker(folder: Path, url: str, hold_minutes: float) -> RehearsalEvidence:
    """Rehearse with two workers, of which the second is started when the hold has begun."""
    stage = {**QUICK, "hold_minutes": hold_minutes}
    port = str(free_port())
    leading = ["--master", "--expect-workers", "1", "--master-bind-host", "127.0.0.1", "--master-bind-port", port]
    working = ["--worker", "--master-host", "127.0.0.1", "--master-port", port]
    trial = Trial(folder, url, stage, arguments=leading)
    leader, workers = trial.start(), [Trial(folder / "1", url, stage, arguments=working).start()]
    until(lambda: (so_far := written(folder / "reports", "trial")) and so_far.hold_from)
    workers.append(Trial(folder / "2", url, stage, arguments=working).start())
    leader.wait()
    for worker in workers:
        worker.terminate()  # one that has not found its leader in time would look for it for ever
        worker.wait()
    return trial.evidence()


def test_a_late_worker_is_inconclusive_and_keeps_no_evidence(tmp_path: Path, url: str) -> None:
    for hold_minutes in (0.4, 2, 10):  # a busy machine needs longer for a start
        folder = tmp_path / str(hold_minutes)
        evidence = with_a_second_worker(folder, url, hold_minutes)
        if evidence.late_workers:
            break
    found = judge(Figures.of(evidence))
    assert evidence.ended == "whole"
    assert found.word is Conclusion.INCONCLUSIVE
    assert any("joined after the hold began" in reason.says for reason in found.reasons)
    assert len(list((folder / "reports" / "trial" / FOLDER).iterdir())) == 1
    assert not list(folder.glob("[12]/reports"))


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_ends_with_its_evidence(tmp_path: Path, url: str, by: signal.Signals) -> None:
    trial, before = Trial(tmp_path, url, {**QUICK, "hold_minutes": 1}), asked(url)
    process = trial.start()
    until(lambda: asked(url) - before > 10 * USERS)
    process.send_signal(by)
    process.wait()
    found = Finding.of(trial.evidence())
    assert found.judgement.word is Conclusion.INCONCLUSIVE
    assert found.judgement.reasons[0].says == f"the run was cut short: it was stopped by {by.name}"
    assert found.evidence.sent == found.evidence.recorded


def test_a_killed_run_leaves_what_was_written_every_ten_seconds(tmp_path: Path, url: str) -> None:
    trial = Trial(tmp_path, url, {**QUICK, "hold_minutes": 1})
    process = trial.start()
    until(lambda: (so_far := written(tmp_path / "reports", "trial")) and so_far.ok > 100)
    process.kill()
    process.wait()
    found = Finding.of(trial.evidence())
    assert found.judgement.word is Conclusion.INCONCLUSIVE
    assert "the evidence breaks off" in found.judgement.reasons[0].says
    assert found.evidence.ok > 100
    assert kept(next(folders(tmp_path / "reports", "trial"))).ended == "abandoned"


def test_errors_that_explode_end_the_run(tmp_path: Path) -> None:
    with truth_server(Law(0.02, 0.06, errors=0.5)) as address:
        found = Finding.of(Trial(tmp_path, address, {**QUICK, "hold_minutes": 2}).run())
    assert found.evidence.ended == "aborted"
    assert found.evidence.held_seconds < 60
    assert found.judgement.word is Conclusion.FAIL


def test_nobody_at_home_is_no_pass(tmp_path: Path) -> None:
    found = Trial(tmp_path, "http://127.0.0.1:9", QUICK).run()
    assert judge(Figures.of(found)).word is Conclusion.FAIL
    assert found.ok == 0


REFUSALS: list[tuple[dict[str, Any], list[str], str]] = [
    ({"allow": []}, [], "does not allow load"),
    ({"production": True, "allow": []}, [], "trial is production: load needs --allow load and --confirm 127.0.0.1"),
    (
        {"production": True, "allow": []},
        ["--allow", "load", "--confirm", "localhost"],
        "--confirm localhost is another host",
    ),
    ({}, ["--host", "http://127.0.0.2"], "is not the target"),
    (
        {
            "load": {
                "users_at_most": 100,
                "stages": {"trial": QUICK},
                "journeys": {"pay": {"steps": [{"path": "/{{x}}"}]}},
            }
        },
        [],
        "trial.yaml: load.journeys.pay.steps.0.path: {{x}} has no value",
    ),
    ({}, ["--stage", "smok"], "did you mean 'smoke'"),
    ({}, ["--env", "tria"], "did you mean 'trial'"),
]


@pytest.mark.parametrize(("other", "words", "says"), REFUSALS, ids=[says[:24] for _, _, says in REFUSALS])
def test_a_refusal_sends_nothing(tmp_path: Path, other: dict[str, Any], words: list[str], says: str) -> None:
    with truth_server(Law()) as address:
        trial = Trial(tmp_path, address, QUICK, arguments=words, environment=other)
        assert trial.start().wait() == 2
        assert says in (tmp_path / "locust.log").read_text()
        assert not list(folders(tmp_path / "reports", "trial"))


def test_the_report_of_locust_replaces_no_other_file(tmp_path: Path) -> None:
    """The target is never asked: what would be replaced is the environment file itself."""
    kept = tmp_path / "environments" / "trial.yaml"
    trial = Trial(tmp_path, "http://127.0.0.1:9", QUICK, arguments=["--html", str(kept)])
    assert trial.start().wait() == 2
    assert f"refused: --html: {kept} is there already" in (tmp_path / "locust.log").read_text("utf-8")
    assert kept.read_text("utf-8").startswith("{")


def test_more_users_than_open_files_are_refused(tmp_path: Path) -> None:
    trial = Trial(tmp_path, "http://127.0.0.1:9", {**QUICK, "users": 2000})
    process = trial.start()
    psutil.Process(process.pid).rlimit(psutil.RLIMIT_NOFILE, (1000, 1000))
    assert process.wait() == 2
    assert "2,000 users in 1 processes need 2,100 open files each" in (tmp_path / "locust.log").read_text()


def test_steps_are_walked_and_what_leads_out_fails(tmp_path: Path, url: str) -> None:
    steps = [
        {"path": "/", "keep": {"revision": "/revision"}, "contains": "revision"},
        {"path": "/item/{{revision}}?row={{row}}", "name": "/item", "headers": {"X-Row": "{{row}}"}},
        {"path": "/form", "method": "POST", "form": {"a": "{{unique}}"}},
        {"path": "/json", "method": "POST", "json": {"a": "{{row}}"}},
        {"path": "/upload", "method": "POST", "upload": {"text": "a,b\n1,{{row}}\n"}},
        {"path": "/wrong", "contains": "what is not there"},
        {"path": "/never"},
    ]
    load = {"users_at_most": 100, "journeys": {"all": {"steps": steps, "rows": "rows.csv"}}, "stages": {"trial": QUICK}}
    trial = Trial(tmp_path, url, QUICK, environment={"load": load})
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "rows.csv").write_text("row\nr1\nr2\n")
    found = trial.run()
    assert set(found.endpoints) == {"/", "/item", "/form", "/json", "/upload", "/wrong"}
    assert found.endpoints["/wrong"].errors.keys() == {"the answer does not hold the wanted text"}
    assert all(found.endpoints[name].failed == 0 for name in ("/", "/item", "/form", "/json", "/upload"))


def test_visitors_in_python(tmp_path: Path, url: str) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "readers.py").write_text(
        "from locust import task\nfrom loadtests.visitor import Visitor\n"
        "from readiness.rehearsal.journeys import Step\n"
        "class Reader(Visitor):\n    @task\n    def read(self):\n        self.ask(Step(path='/read'))\n"
    )
    load = {"users_at_most": 100, "visitors": "readers.py", "stages": {"trial": QUICK}}
    found = Trial(tmp_path, url, QUICK, environment={"load": load}).run()
    assert set(found.endpoints) == {"/read"}


def test_a_visit_that_breaks_off_is_inconclusive(tmp_path: Path, url: str) -> None:
    steps = [{"path": "/"}, {"path": "/item/{{id}}"}]
    load = {"users_at_most": 100, "journeys": {"all": {"steps": steps, "rows": "r.csv"}}, "stages": {"trial": QUICK}}
    trial = Trial(tmp_path, url, QUICK, environment={"load": load})
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "r.csv").write_text("id\n" + "1\n" * 9 + "a b\n")
    found = judge(Figures.of(trial.run()))
    assert found.word is Conclusion.INCONCLUSIVE
    assert any("ValueError: GET /item/{{id}}: a header or the path" in reason.says for reason in found.reasons)


def recorded(method: str, path: str, headers: dict[str, str], text: str | None = None) -> dict[str, Any]:
    """Write one entry of a HAR as Chromium does."""
    body = {"postData": {"mimeType": "application/json", "text": text}} if text else {}
    given = [{"name": name, "value": value} for name, value in headers.items()]
    asked = {"method": method, "url": f"http://recorded.example{path}", "httpVersion": "h2", "headers": given, **body}
    answer = {"status": 200, "headers": [], "content": {"size": 2, "mimeType": "application/json"}, "redirectURL": ""}
    return {"startedDateTime": "2026-11-30T09:00:00.000Z", "request": asked, "response": answer, "_resourceType": "xhr"}


def test_a_recording_of_a_browser_is_a_journey(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entries = [
        recorded("GET", "/articles?page=1", {":authority": "recorded.example", "Cookie": "session=of-a-browser"}),
        recorded("POST", "/login", {"X-Auth-Token": "of-a-person"}, '{"user": "a\\"b", "place": "{{here}}"}'),
    ]
    (tmp_path / "walk.har").write_text(json.dumps({"log": {"version": "1.2", "pages": [], "entries": entries}}))
    load = {"users_at_most": 100, "journeys": {"walk": "walk.journey.yaml"}, "stages": {"trial": QUICK}}
    trial = Trial(tmp_path, url, QUICK, environment={"load": load})
    environments = tmp_path / "environments"
    environments.mkdir()
    (environments / "shop.yaml").write_text("environment: shop\ntarget: {url: http://recorded.example}\n")
    words = ["record", str(tmp_path / "walk.har"), "--env", "shop", "--environments", str(environments)]
    assert main(words) == 0
    assert "set RECORDED_X_AUTH_TOKEN" in capsys.readouterr().out

    monkeypatch.setenv("RECORDED_X_AUTH_TOKEN", "of-the-rehearsal")
    found = trial.run()

    assert set(found.endpoints) == {"/articles?page=1", "/login"}
    assert found.failed == 0


def test_an_address_outside_the_allow_list_ends_the_run(tmp_path: Path, url: str) -> None:
    journeys = {"out": {"steps": [{"path": "http://127.0.0.2:9/x"}]}}
    load = {"users_at_most": 100, "journeys": journeys, "stages": {"trial": QUICK}}
    found = Trial(tmp_path, url, QUICK, environment={"load": load}).run()
    assert (found.ended, found.sent) == ("cut short", 0)


def test_locust_lists_the_users() -> None:
    command = [sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--list"]
    shown = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert "Walker" in shown.stdout + shown.stderr


def test_the_page_has_no_script_and_escapes(tmp_path: Path, url: str) -> None:
    journeys = {"odd": {"steps": [{"path": "/", "name": "<script>alert(1)</script>"}]}}
    load = {"users_at_most": 100, "journeys": journeys, "stages": {"trial": QUICK}}
    Trial(tmp_path, url, QUICK, environment={"load": load}).run()
    folder = next(folders(tmp_path / "reports", "trial"))
    page = (folder / "page.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert read(folder).ok > 0
