"""What keeps a launch from being signed off: interventions, pages, incidents without a report, no approval."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.runbook.lines import planned_checks
from readiness.sandbox.attested import VALID
from readiness.sandbox.channels import postmortem
from readiness.sandbox.faults import fault, turning
from readiness.sandbox.faults.attestations import TURNED
from readiness.sandbox.vendors.status_pages import OWN

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget
    from readiness.sandbox.vendors.tickets import Issue

MANUAL = "signoff.no_manual_interventions[ga-manual-interventions]"
SUPPORT, BURDEN = "signoff.support_volume[ga-support-volume]", "signoff.on_call_burden[ga-on-call-burden]"
DOCUMENTATION, APPROVALS = "signoff.documentation_published[ga-docs]", "signoff.approvals[ga-approvals]"
FLAG = "flags.fully_rolled_out[ga-flag-full]"
ATTESTED_AFTER_IT = ("signoff.announcement_published[ga-announced]", "signoff.handed_over[ga-bau]")
STATUS_PAGE = "communication.status_page_current[ga-status-page]"
AFTER_IT = (*ATTESTED_AFTER_IT, STATUS_PAGE)
SIGNED = {item: "unknown" if item.partition("[")[0] in planned_checks() else "pass" for item in (FLAG, *AFTER_IT)}
"""The lines that are due after the sign-off, once it is signed."""
IN_TIME = "signoff.incidents_reviewed[playbook/report-in-48h]"
WHOLE = (
    "signoff.incidents_reviewed[ga-incident-review]",
    "signoff.incidents_reviewed[launch400k/day-end-review]",
    "signoff.incidents_reviewed[umbrella/incident-reports]",
    "signoff.incidents_reviewed[playbook/report-fields]",
)
FIRST_DAY_AGO = 7.8
"""Days: the launch that is signed off was eight ago."""
LAPSE = "LapseWithoutReport"
RULES = Path(__file__).parents[1] / "alert-rules.yml"
FIRST_DAY = "signoff.incidents_reviewed[launch400k/review-24h]"
"""It is about the incidents of the first day after the launch, and no others."""
INCIDENTS = (*WHOLE, IN_TIME, FIRST_DAY)
INCIDENTS_OF_OTHERS = tuple(item for item in INCIDENTS if "/" in item)


@fault("ga", turns={MANUAL: "fail"})
def intervened_by_hand(target: SandboxTarget) -> Iterator[None]:
    """Somebody restarted a worker by hand yesterday."""
    target.admin.rows(
        "insert into operations.audit_trail (at, actor, action, by_hand)"
        " values (now() - interval '1 day', 'bo <b>chen</b>', 'restarted the parser', true)"
    )
    yield
    target.admin.rows("delete from operations.audit_trail where by_hand and at > now() - interval '2 days'")


@fault("ga", turns={BURDEN: "fail"})
def paged_twice(target: SandboxTarget) -> Iterator[None]:
    """Whoever was on call was paged twice this week."""
    target.admin.rows(
        "insert into operations.pages select now() - interval '1 day' * n, 'bo', 'lag' from generate_series(1, 2) as n"
    )
    yield
    target.admin.rows("delete from operations.pages where summary = 'lag'")


@fault("ga", turns={SUPPORT: "fail"})
def support_doubled(target: SandboxTarget) -> Iterator[None]:
    """Twice as many requests for support as in other weeks."""
    target.admin.rows(
        "insert into operations.support_requests"
        " select now() - interval '6 hours' * n, 'it does not work' from generate_series(1, 24) as n"
    )
    yield
    target.admin.rows("delete from operations.support_requests where subject = 'it does not work'")


@fault("ga", turns=turning("unknown", MANUAL, BURDEN, SUPPORT, *INCIDENTS))
def operations_closed(target: SandboxTarget) -> Iterator[None]:
    """What people write down has moved, and nobody told the probe."""
    target.admin.rows("alter schema operations rename to operations_of_old")
    yield
    target.admin.rows("alter schema operations_of_old rename to operations")


@fault("ga", turns={MANUAL: "unknown"})
def audit_trail_cut(target: SandboxTarget) -> Iterator[None]:
    """The audit trail was emptied three days ago: what was done by hand before is gone."""
    target.admin.rows("create table operations.kept as select * from operations.audit_trail")
    target.admin.rows("delete from operations.audit_trail where at < now() - interval '3 days'")
    yield
    target.admin.rows("delete from operations.audit_trail")
    target.admin.rows(
        "insert into operations.audit_trail (at, actor, action, by_hand)"
        " select at, actor, action, by_hand from operations.kept"
    )
    target.admin.rows("drop table operations.kept")


@fault("ga", turns=turning("fail", *WHOLE))
def report_lacks_a_field(target: SandboxTarget) -> Iterator[None]:
    """An incident's report still has a placeholder for the root cause."""
    target.papers.report(root_cause="<to be written>")
    yield
    target.papers.report()


@fault("ga", turns={IN_TIME: "fail"})
def report_after_50_hours(target: SandboxTarget) -> Iterator[None]:
    """An incident's report was written 50 hours after its end."""
    target.papers.report(hours_after=50)
    yield
    target.papers.report()


@fault("ga", turns={FIRST_DAY: "fail"})
def report_after_the_first_day(target: SandboxTarget) -> Iterator[None]:
    """An incident of the launch's first day was written down 30 hours after its end."""
    name = "INC-6"
    target.papers.report(name, hours_after=30, days_ago=FIRST_DAY_AGO)
    yield
    (target.papers.reports / f"{name}.md").unlink()


@fault("ga", turns=turning("fail", *INCIDENTS))
def first_day_without_a_report(target: SandboxTarget) -> Iterator[None]:
    """An incident of the launch's first day has no report."""
    began = f"now() - interval '{FIRST_DAY_AGO} days'"
    target.admin.rows(
        f"insert into operations.incidents values ('INC-5', 'sign-ins failed', {began}, {began} + interval '9 minutes')"  # noqa: S608  our own words
    )
    yield
    target.admin.rows("delete from operations.incidents where id = 'INC-5'")


@fault("ga", turns={WHOLE[0]: "fail"})
def report_lacks_a_field_of_one_runbook(target: SandboxTarget) -> Iterator[None]:
    """An incident's report does not say what was done, which only one of the runbooks asks for."""
    target.papers.report(actions_taken="tbd")
    yield
    target.papers.report()


@fault("ga", turns={WHOLE[-1]: "fail"})
def postmortem_lacks_a_field(target: SandboxTarget) -> Iterator[None]:
    """An incident's report in the tracker says nothing under one of its headings."""
    yield from _in_the_tracker(target, postmortem(preventive_actions="<!-- what, who, until when -->"))


@fault("ga", turns={IN_TIME: "fail"})
def postmortem_not_dated(target: SandboxTarget) -> Iterator[None]:
    """Nothing tells when an incident's report in the tracker was written, and its end is ten days ago."""
    yield from _in_the_tracker(target, postmortem(hours_after=None))


def _in_the_tracker(target: SandboxTarget, report: Issue) -> Iterator[None]:
    issues = target.channels.tickets.issues
    usual, issues[-1] = issues[-1], report
    yield
    issues[-1] = usual


@fault("ga", turns=turning("fail", *WHOLE, IN_TIME))
def report_missing(target: SandboxTarget) -> Iterator[None]:
    """An incident of last week has no report."""
    target.admin.rows(
        "insert into operations.incidents values"
        " ('INC-8', 'promotion stood still', now() - interval '6 days', now() - interval '6 days' + interval '1 hour')"
    )
    yield
    target.admin.rows("delete from operations.incidents where id = 'INC-8'")


@fault("ga", turns=turning("fail", *WHOLE))
def alert_without_a_report(target: SandboxTarget) -> Iterator[None]:
    """A critical alert fired, and nobody has written of it; there is time for that until the day after tomorrow."""
    lapse = f"- {{alert: {LAPSE}, expr: vector(1), labels: {{severity: critical}}}}\n      - alert: HighCpu\n"
    target.monitoring.rules(RULES.read_text(encoding="utf-8").replace("- alert: HighCpu\n", lapse))
    target.monitoring.settle()
    target.monitoring.rules()
    yield
    target.monitoring.forget(0, time.time(), f'{{alertname="{LAPSE}"}}')


@fault("ga", turns=turning("unknown", *INCIDENTS))
def report_malformed(target: SandboxTarget) -> Iterator[None]:
    """A file among the reports is none: nobody knows what it is about."""
    path = target.papers.reports / "INC-9.md"
    path.write_text("---\nid: INC-9\nstarted_at: yesterday\n---\n", encoding="utf-8")
    yield
    path.unlink()


@fault("ga", turns={APPROVALS: "fail"})
def approval_missing(target: SandboxTarget) -> Iterator[None]:
    """The SRE Lead has not approved."""
    target.papers.sign({role: name for role, name in target.papers.people.items() if role != "SRE Lead"})
    yield
    target.papers.sign()


@fault("ga", turns={APPROVALS: "fail"})
def approval_by_one_for_two(target: SandboxTarget) -> Iterator[None]:
    """One person approved for two roles, and nobody says why that may be."""
    target.papers.sign(target.papers.people | {"SRE Lead": "Ada Byron"})
    yield
    target.papers.sign()


@fault("ga", turns={APPROVALS: "unknown"})
def sign_off_missing(target: SandboxTarget) -> Iterator[None]:
    """Nobody has written a sign-off."""
    target.papers.sign_off.unlink()
    yield
    target.papers.sign()


@fault(turns={})
def decision_deferred(target: SandboxTarget) -> Iterator[None]:
    """All have approved, and the decision was deferred: no line turns, and the verdict does."""
    target.papers.sign(decision="deferred", reason="a client asked for two weeks more", review_on="2030-01-31")
    yield
    target.papers.sign()


@fault(turns={})
def decision_open(target: SandboxTarget) -> Iterator[None]:
    """All have approved, and nobody has decided: no line turns, and the verdict does."""
    target.papers.sign(decision="open")
    yield
    target.papers.sign()


@fault("ga", turns={DOCUMENTATION: "fail"})
def documentation_unpublished(target: SandboxTarget) -> Iterator[None]:
    """One page of the documentation is not there."""
    target.papers.page_status["api"] = 404
    yield
    target.papers.page_status["api"] = 200


@fault("ga", turns={DOCUMENTATION: "unknown"})
def documentation_denied(target: SandboxTarget) -> Iterator[None]:
    """One page of the documentation is shown to nobody outside."""
    target.papers.page_status["api"] = 403
    yield
    target.papers.page_status["api"] = 200


def _signed(target: SandboxTarget) -> None:
    target.papers.sign(signed_at=(datetime.now(UTC) - timedelta(minutes=1)).isoformat())


@fault("ga", turns=SIGNED | {FLAG: "fail"})
def flag_half_rolled_out(target: SandboxTarget) -> Iterator[None]:
    """The page is signed, and half of all do not get the feature."""
    _signed(target)
    target.admin.rows("update feature_flags set rollout_share = 0.5")
    yield
    target.admin.rows("update feature_flags set rollout_share = 0")
    target.papers.sign()


@fault("ga", turns=SIGNED | {FLAG: "unknown"})
def flag_lost(target: SandboxTarget) -> Iterator[None]:
    """The page is signed, and the flag is gone from the store."""
    _signed(target)
    target.admin.rows("update feature_flags set name = 'ingestion_v3_enabled' where name = 'ingestion_v2_enabled'")
    yield
    target.admin.rows("update feature_flags set name = 'ingestion_v2_enabled' where name = 'ingestion_v3_enabled'")
    target.papers.sign()


ATTESTED = (*ATTESTED_AFTER_IT, *(item for item in TURNED if "/" not in item))


@fault("ga", turns=SIGNED | {FLAG: "fail"} | turning("fail", *ATTESTED))
def attestations_withdrawn_after_the_sign_off(target: SandboxTarget) -> Iterator[None]:
    """The page is signed, and people have taken back all that they attested; the flag is on for nobody."""
    _signed(target)
    target.attested.withdraw()
    yield
    target.attested.write()
    target.papers.sign()


@fault("ga", turns=SIGNED | {FLAG: "fail"} | turning("unknown", *ATTESTED))
def attestations_expired_after_the_sign_off(target: SandboxTarget) -> Iterator[None]:
    """The page is signed, and what people attested has expired; the flag is on for nobody."""
    _signed(target)
    target.attested.write(datetime.now(UTC).date() - VALID - timedelta(days=1))
    yield
    target.attested.write()
    target.papers.sign()


@fault("ga", turns=SIGNED | {STATUS_PAGE: "fail"})
def status_page_silent_after_the_sign_off(target: SandboxTarget) -> Iterator[None]:
    """The page is signed and everybody gets the feature, and the status page has never said that it is live."""
    _signed(target)
    target.admin.rows("update feature_flags set enabled = true, rollout_share = 1")
    site = target.channels.pages.sites[OWN]
    said, site.past = site.past, []
    yield
    site.past = said
    target.admin.rows("update feature_flags set enabled = false, rollout_share = 0")
    target.papers.sign()


@fault("ga", turns=SIGNED)
def rolled_out_and_signed(target: SandboxTarget) -> Iterator[None]:
    """No fault: the page is signed, and everybody gets the feature."""
    _signed(target)
    target.admin.rows("update feature_flags set enabled = true, rollout_share = 1")
    yield
    target.admin.rows("update feature_flags set enabled = false, rollout_share = 0")
    target.papers.sign()
