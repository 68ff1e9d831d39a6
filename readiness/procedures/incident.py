"""Incident: simulate, detect, publish, mitigate, resolve, document. How long the alert takes is measured."""

from __future__ import annotations

import time

from readiness.files.atomic_write import write_whole
from readiness.outcomes import NotConfigured
from readiness.procedures.course import Course

REPORT = "incident.md"


def run(course: Course) -> None:
    """Play it through. Raises Unknown."""
    settings = course.environment.drills.incident if course.environment.drills else None
    if settings is None:
        raise NotConfigured("no incident is described", "set drills.incident in the environment file")
    firing = _firing(course, settings.alert)
    course.note(alert=settings.alert, firing_before=firing)
    if firing:
        return
    mitigate = course.at_the_end("end what was simulated", lambda: course.do(settings.mitigate))
    with course.step("simulate", "begin the incident") as step:
        began = time.monotonic()
        step.saw(course.do(settings.simulate))
    with course.step("detect", f"see the alert {settings.alert} fire") as step:
        fired = course.wait(lambda: _firing(course, settings.alert), settings.seconds_at_most)
        step.failed = fired is None
        seconds = None if fired is None else time.monotonic() - began
        course.note(detected_seconds=seconds)
        told = f"it did not fire within {settings.seconds_at_most:g} s" if seconds is None else f"after {seconds:.1f} s"
        step.saw(told, done=fired is not None)
    with course.step("publish", "tell those who must know") as step:
        step.saw(course.do(settings.publish))
    with course.step("mitigate", "end what was simulated"):
        mitigated = time.monotonic()
        mitigate()
    with course.step("resolve", f"see the alert {settings.alert} end") as step:
        ended = course.wait(lambda: not _firing(course, settings.alert), settings.seconds_at_most)
        step.failed = ended is None
        course.note(resolved_seconds=None if ended is None else time.monotonic() - mitigated)
        step.saw("it has ended" if ended is not None else "it still fires", done=ended is not None)
    with course.step("document", f"write the draft of the report, {REPORT}"):
        write_whole(course.folder / REPORT, _report(course))
        course.note(document=REPORT)


def _firing(course: Course, alert: str) -> bool:
    """Tell whether Alertmanager has it, and would tell somebody; without one, whether Prometheus has it firing."""
    if not course.clients.alertmanager.configured:
        return bool(course.clients.prometheus.vector(f'ALERTS{{alertname="{alert}",alertstate="firing"}}'))
    found = course.clients.alertmanager.alerts(alertname=alert)
    return any(one.status.state == "active" for one in found)


def _report(course: Course) -> str:
    """Write what is known of an incident's report; the rest is for people."""
    evidence = course.evidence
    lines = [f"# Drill: {evidence.run}", "", f"Environment: {evidence.environment}", "", "## Timeline", ""]
    lines += [f"- {step.began:%H:%M:%S}Z {step.name}: {step.says}. {step.found}".rstrip() for step in evidence.steps]
    for heading in ("Summary", "Customer impact", "Root cause", "Mitigation", "Preventive actions"):
        lines += ["", f"## {heading}", "", "(to be written by whoever led the drill)"]
    return "\n".join([*lines, ""])
