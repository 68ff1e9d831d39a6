"""Incident: simulate, detect, publish, mitigate, resolve, document. How long the alert takes is measured."""

from __future__ import annotations

import time

from readiness.environment.drills import IncidentDrill
from readiness.files.atomic_write import write_whole
from readiness.outcomes import NotConfigured
from readiness.procedures.course import Course

REPORT = "incident.md"


def run(course: Course) -> None:
    """Play it through. Raises Unknown."""
    settings = course.environment.drills.incident if course.environment.drills else None
    if settings is None:
        raise NotConfigured("no incident is described", "set drills.incident in the environment file")

    # An alert that fires already would be seen at once, and prove nothing of the incident.
    firing = _is_firing(course, settings.alert)
    course.note(alert=settings.alert, firing_before=firing)
    if firing:
        return

    mitigate = course.at_the_end("end what was simulated", lambda: course.do(settings.mitigate))
    with course.step("simulate", "begin the incident") as step:
        began = time.monotonic()
        step.saw(course.do(settings.simulate))

    _detect(course, settings, began)

    with course.step("publish", "tell those who must know") as step:
        step.saw(course.do(settings.publish))

    with course.step("mitigate", "end what was simulated"):
        mitigated = time.monotonic()
        mitigate()

    _resolve(course, settings, mitigated)

    with course.step("document", f"write the draft of the report, {REPORT}"):
        write_whole(course.folder / REPORT, _report(course))
        course.note(document=REPORT)


def _detect(course: Course, settings: IncidentDrill, began: float) -> None:
    with course.step("detect", f"see the alert {settings.alert} fire") as step:
        fired = course.wait(lambda: _is_firing(course, settings.alert), settings.seconds_at_most) is not None
        step.failed = not fired

        seconds = time.monotonic() - began
        course.note(detected_seconds=seconds if fired else None)
        if fired:
            step.saw(f"after {seconds:.1f} s")
        else:
            step.saw(f"it did not fire within {settings.seconds_at_most:g} s", done=False)


def _resolve(course: Course, settings: IncidentDrill, mitigated: float) -> None:
    with course.step("resolve", f"see the alert {settings.alert} end") as step:
        ended = course.wait(lambda: not _is_firing(course, settings.alert), settings.seconds_at_most) is not None
        step.failed = not ended
        course.note(resolved_seconds=time.monotonic() - mitigated if ended else None)
        step.saw("it has ended" if ended else "it still fires", done=ended)


def _is_firing(course: Course, alert: str) -> bool:
    """Check whether Alertmanager has it, and would notify; without one, whether Prometheus has it firing."""
    if not course.clients.alertmanager.configured:
        return bool(course.clients.prometheus.vector(f'ALERTS{{alertname="{alert}",alertstate="firing"}}'))

    # Not active is what a silence or another alert holds back: nobody would hear of it.
    alerts = course.clients.alertmanager.alerts(alertname=alert)
    return any(candidate.status.state == "active" for candidate in alerts)


def _report(course: Course) -> str:
    """Return the draft of an incident's report: what is known of it; the rest is for people."""
    evidence = course.evidence
    lines = [f"# Drill: {evidence.run}", "", f"Environment: {evidence.environment}", "", "## Timeline", ""]
    lines += [f"- {step.began:%H:%M:%S}Z {step.name}: {step.says}. {step.found}".rstrip() for step in evidence.steps]
    for heading in ("Summary", "Customer impact", "Root cause", "Mitigation", "Preventive actions"):
        lines += ["", f"## {heading}", "", "(to be written by whoever led the drill)"]
    return "\n".join([*lines, ""])
