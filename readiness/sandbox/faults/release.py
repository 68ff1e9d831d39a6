"""What stands against a release: tests that failed, open issues, people who said no, and what hides it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.faults.backup import OBJECTS
from readiness.sandbox.vendors.tickets import Issue

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

CI = ("release.ci_green[agency/automated-tests]", "release.ci_green[umbrella/tests-passed]")
BLOCKERS = "release.no_open_blockers[no-open-p1-p2]"
DECISION = "release.decision_recorded[decision-recorded]"
APPROVAL = "release.stakeholders_approve[stakeholder-approval]"
LAUNCH_TIME = "release.launch_time_confirmed[launch-time]"
MAINTENANCE = "release.maintenance_window[umbrella/maintenance-announced]"
WINDOW = "release.maintenance_in_window[umbrella/maintenance-window]"
WATCHED = "release.watched_after_deploy[umbrella/watched-15-minutes]"
PREVIOUS = tuple(
    f"rollback.previous_version_available[{line}]"
    for line in (
        *("previous-version-tagged", "launch400k/rollback-plan", "launch400k/go-rollback", "agency/last-good"),
        *("launch400k/last-good-deployment", "playbook/last-good-artifact", "umbrella/backup-tag"),
    )
)
OF_THIS_REVISION = ("drills.kill_switch[kill-switch-tested]", PREVIOUS[0])
"""What counts only for the revision that runs, which /health names: of the sandbox's own runbook, and of the others."""
OTHERS_OF_THIS_REVISION = (
    *(*CI, *PREVIOUS[1:], "drills.kill_switch[agency/flag-rollback]", "drills.rollback[agency/rollback-time]"),
    *("drills.circuit_breaker[launch400k/breakers-tested]", "drills.fallback[launch400k/fallbacks]"),
)
PROCEDURE = tuple(
    f"rollback.procedure_reviewed[{line}]"
    for line in ("rollback-reviewed", "launch400k/rollback-plan", "launch400k/go-rollback")
)


@fault("preflight", turns={BLOCKERS: "fail"})
def open_p1(target: SandboxTarget) -> Iterator[None]:
    """A bug of the highest priority is open; its title is not kind to reports."""
    target.office.github.issues.append(Issue("Uploads vanish <script>alert(1)</script>\n| a | b |", ["bug", "P1"]))
    yield
    target.office.github.issues.pop()


@fault("preflight", turns={BLOCKERS: "unknown"})
def priority_label_renamed(target: SandboxTarget) -> Iterator[None]:
    """No label is called P2 any more: that none is open says nothing."""
    target.office.github.labels.remove("P2")
    yield
    target.office.github.labels.add("P2")


@fault("preflight", turns=turning("fail", *CI))
def ci_red(target: SandboxTarget) -> Iterator[None]:
    """One job of the revision that runs has failed; the others passed."""
    runs = target.office.github.runs
    before, runs["lint"] = runs["lint"], ("completed", "failure")
    yield
    runs["lint"] = before


@fault("preflight", turns=turning("unknown", *CI))
def ci_pending(target: SandboxTarget) -> Iterator[None]:
    """The tests of the revision that runs have not ended."""
    runs = target.office.github.runs
    before, runs["test"] = runs["test"], ("in_progress", None)
    yield
    runs["test"] = before


@fault("preflight", turns=turning("fail", DECISION, APPROVAL, LAUNCH_TIME))
def called_off(target: SandboxTarget) -> Iterator[None]:
    """A stakeholder took the approval back, the team decided no-go, and the launch is tomorrow."""
    with target.office.rewritten() as (_, record):
        now = datetime.now(UTC)
        record["approvals"].append({"at": now.isoformat(), "by": "Product", "decision": "rejected"})
        record["decisions"].append({"at": now.isoformat(), "by": "Engineering", "decision": "no-go"})
        record["launch_time"] = (target.launch_at + timedelta(days=1)).isoformat()
        target.office.write()
        yield


@fault("preflight", turns=turning("fail", MAINTENANCE, WINDOW))
def announced_late(target: SandboxTarget) -> Iterator[None]:
    """A maintenance of more than a day was announced an hour ago, and begins in an hour."""
    with _announced_an_hour_ago(target):
        yield


@fault("preflight", turns={MAINTENANCE: "fail"})
def emergency_announced_late(target: SandboxTarget) -> Iterator[None]:
    """An emergency was announced an hour ago, half an hour before it began; it need not wait for the weekly window."""
    with _announced_an_hour_ago(target, begins=timedelta(minutes=-30), emergency=True):
        yield


@contextmanager
def _announced_an_hour_ago(
    target: SandboxTarget, begins: timedelta = timedelta(hours=1), *, emergency: bool = False
) -> Iterator[None]:
    now = datetime.now(UTC)
    with target.office.rewritten() as (_, record):
        record["maintenance"][0] |= {
            "created_at": (now - timedelta(hours=1)).isoformat(),
            "scheduled_for": (now + begins).isoformat(),
            "scheduled_until": (now + timedelta(hours=30)).isoformat(),
            "emergency": emergency,
        }
        target.office.write()
        yield


@fault("preflight", turns={WINDOW: "fail"})
def maintenance_at_noon(target: SandboxTarget) -> Iterator[None]:
    """The maintenance was moved into the hours in which people work, and announced in good time."""
    with target.office.rewritten() as (_, record):
        window = record["maintenance"][0]
        for key in ("scheduled_for", "scheduled_until"):
            window[key] = (datetime.fromisoformat(window[key]) + timedelta(hours=34)).isoformat()
        target.office.write()
        yield


@fault("preflight", turns=turning("unknown", MAINTENANCE, WINDOW))
def nothing_announced(target: SandboxTarget) -> Iterator[None]:
    """No maintenance is announced: nobody knows whether the next one will be in time."""
    with target.office.rewritten() as (_, record):
        record["maintenance"] = []
        target.office.write()
        yield


@fault("postlaunch", turns={WATCHED: "fail"})
def went_home(target: SandboxTarget) -> Iterator[None]:
    """Somebody looked for seven minutes after the deployment, and then nobody."""
    with target.office.rewritten() as (_, record):
        del record["looks"][4:]
        target.office.write()
        yield


@fault("postlaunch", turns={WATCHED: "unknown"})
def watch_without_times(target: SandboxTarget) -> Iterator[None]:
    """The record of the looks carries no zone."""
    with target.office.rewritten() as (_, record):
        for look in record["looks"]:
            look["at"] = look["at"].partition("+")[0]
        target.office.write()
        yield


@fault("preflight", turns=turning("unknown", DECISION, APPROVAL, LAUNCH_TIME, MAINTENANCE, WINDOW, OBJECTS))
def record_lost(target: SandboxTarget) -> Iterator[None]:
    """What was decided and announced cannot be read."""
    path = target.office.folder / "release.json"
    whole = path.read_text(encoding="utf-8")
    path.unlink()
    yield
    path.write_text(whole, encoding="utf-8")


@fault("preflight", turns=turning("unknown", *CI, BLOCKERS, *PREVIOUS, *PROCEDURE))
def github_denied(target: SandboxTarget) -> Iterator[None]:
    """The probe's token has expired."""
    github = target.office.github
    before, github.token = github.token, "github_pat_of_somebody_else"
    yield
    github.token = before
