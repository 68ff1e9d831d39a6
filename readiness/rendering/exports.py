"""What is rendered from a journal: JUnit XML, a Markdown summary, annotations of a pipeline."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from readiness.evidence import attested
from readiness.evidence.journal import RecordedRun
from readiness.evidence.previous_run import changes_of, held_in
from readiness.evidence.recorded_ahead import says_ahead
from readiness.evidence.records import RED_BESIDE, Result
from readiness.evidence.rejudge import judge, missing_of
from readiness.outcomes import Gate, Outcome
from readiness.provenance import shown_whole
from readiness.rendering.diagnostics import Attached, attached
from readiness.runbook.links import is_link

BYTES_AT_MOST = 900_000  # GitHub drops a summary above 1 MiB whole
ANNOTATIONS_AT_MOST = 10  # and shows no more
OPEN = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_RUN)
SHOWN = {*OPEN, Outcome.WARN}
"""Of these the links are shown."""
_WORST_FIRST = [*OPEN, Outcome.WARN, Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.NOT_DUE]
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}
"""In the order in which they are replaced: an ampersand that an entity brings must stay."""
_IN_JUNIT = {
    Outcome.FAIL: "failure",
    Outcome.UNKNOWN: "error",
    Outcome.NOT_RUN: "error",
    Outcome.NOT_DUE: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
}


def results_of(run: RecordedRun) -> list[Result]:
    """Return all results, the missing ones too: the worst first, blockers before the others."""

    def rank(result: Result) -> tuple[int, bool, str]:
        return _WORST_FIRST.index(result.outcome), result.gate is not Gate.BLOCKER, result.line

    return sorted([*run.results, *missing_of(run)], key=rank)


def values_of(result: Result) -> list[str]:
    """Return what was measured, one text for each measurement."""
    return [f"{measurement.name}: {measurement.seen}" for measurement in result.measured()]


def limits_of(result: Result) -> list[str]:
    """Return what was allowed, in the same order."""
    return [measurement.allowed for measurement in result.measured()]


def urgency_of(result: Result) -> str:
    """Return how severe the runbook calls this failure, and until when somebody answers it."""
    answer = f"answer {result.answer}" if result.answer else ""
    return ", ".join(filter(None, (result.severity, answer)))


def gate_of(result: Result) -> str:
    """Return the gate, how severe and urgent the runbook calls this failure, and whether it is waived."""
    return ", ".join(filter(None, (result.gate, urgency_of(result), "waived" if result.waived else "")))


def attached_to(results: list[Result]) -> list[Attached]:
    """Return the diagnostics of the lines that are not well."""
    return list(attached((result.key.name, result.outcome, result.diagnostics or {}) for result in results))


def links_to(results: list[Result]) -> Iterator[tuple[str, str]]:
    """Yield the links of the lines that are not well, each with its line, and once."""
    linked = [result for result in results if result.outcome in SHOWN]
    yield from dict.fromkeys((result.key.name, link) for result in linked for link in result.links)


def verdict_in(run: RecordedRun) -> tuple[str, str]:
    """Return the verdict and the action: the recorded ones, or those of a run without an end."""
    if run.finish and run.finish.exit == 0 and run.finish.failed_beside:
        return str(run.finish.verdict), RED_BESIDE
    if run.finish:
        return str(run.finish.verdict), run.finish.action
    verdict = judge(run).verdict
    return str(verdict.word), f"the run ended early; {verdict.action}"


def beside(run: RecordedRun) -> Iterator[str]:
    """Yield what failed in the same run of pytest and decides no line."""
    for name in run.finish.failed_beside if run.finish else ():
        yield f"failed beside the lines, and decides none: {name}"


def worth(run: RecordedRun) -> str:
    """Return whether a run can be evidence at all; whether its seal holds, `readiness verify` checks."""
    if run.start.replay_of:
        return f"Not evidence: a replay of {run.start.replay_of.run}"
    if not run.start.key_id:
        return "Not evidence: nobody signed it"
    return f"Signed with the key {run.start.key_id[:16]}"


def junit(run: RecordedRun) -> str:
    """Return JUnit XML: a failure is a failure, unknown and not run are errors, left out is skipped."""
    results = results_of(run)
    kinds = [_IN_JUNIT.get(result.outcome) for result in results]

    root = ET.Element("testsuites")
    attributes = {
        "name": _xml(f"{run.start.env} {run.start.phase}"),
        "tests": str(len(results)),
        "time": f"{sum(result.seconds for result in results):.3f}",
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "timestamp": run.start.started_at.isoformat(),
    }
    suite = ET.SubElement(root, "testsuite", attributes)
    verdict, _ = verdict_in(run)
    facts = {
        "verdict": verdict,
        "run": run.start.run,
        "target": run.start.target.url,
        "as_of": run.start.as_of.isoformat(),
    }
    # Left out where nothing ends it, as in the reports of earlier versions.
    ends = run.holds_until
    if ends:
        facts["holds_until"] = ends
    _properties(suite, facts)
    for result, kind in zip(results, kinds, strict=True):
        _case(suite, result, kind)

    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _case(suite: ET.Element, result: Result, kind: str | None) -> None:
    """Add a result to a suite; `kind` is the element of what did not pass."""
    attributes = {"classname": result.check, "name": result.key.name, "time": f"{result.seconds:.3f}"}
    case = ET.SubElement(suite, "testcase", {key: _xml(value) for key, value in attributes.items()})

    properties: dict[str, str] = {}
    if result.waived:
        properties["waived"] = "yes"
    elif result.attested:
        properties["attested"] = "yes"
    if result.says_stated:
        properties["stated"] = _xml(result.says_stated)
    if result.provenance:
        properties["provenance"] = _xml("; ".join(map(shown_whole, result.provenance)))
    if result.says_overlaid:
        properties["overlaid"] = _xml(result.says_overlaid)
    if says_ahead(result.outcome, result.ahead):
        properties["ahead"] = _xml(says_ahead(result.outcome, result.ahead))
    properties["line"] = result.line
    properties["gate"] = str(result.gate or "")
    properties["outcome"] = str(result.outcome)
    properties["measured"] = "; ".join(values_of(result))
    properties["limit"] = "; ".join(limits_of(result))
    _properties(case, properties)

    if kind:
        element = ET.SubElement(case, kind, {"message": _xml(f"{result.outcome}: {result.reason}")})
        element.text = _xml(f"{result.says}\nremedy: {result.remedy}")


def _properties(parent: ET.Element, values: dict[str, str]) -> None:
    element = ET.SubElement(parent, "properties")
    for key, value in values.items():
        ET.SubElement(element, "property", {"name": key, "value": _xml(value)})


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def markdown(run: RecordedRun, room: int = BYTES_AT_MOST) -> str:
    """Return a summary for people, in at most `room` bytes: the verdict, what holds it back, then every line."""
    results = results_of(run)
    lines = [
        *_heading(run),
        *_not_well(results),
        *_people(run),
        *_diagnostics(results),
        *_every_line(results),
    ]
    return _capped(lines, room)


def _heading(run: RecordedRun) -> Iterator[str]:
    """Yield the verdict, what it is about and what it is worth."""
    start = run.start
    verdict, action = verdict_in(run)
    yield from (f"# {verdict}: {start.phase} of {_md(start.env)}", "", f"{_md(action)}.", "")
    yield from _changed(run)
    yield f"Target {_md(start.target.url)}, revision {_md(start.target.revision or 'not stated')}."
    yield f"Judged as of {start.as_of:%Y-%m-%d %H:%M:%S}Z, run {_md(start.run)}. {_md(worth(run))}."
    if run.deadline:
        yield f"Deadline of its looks: {_md(run.deadline.says)}."
    yield ""

    withdrawn = run.finish.withdrawn if run.finish else ()
    for why in withdrawn:
        yield f"- the evidence is not whole: {_md(why)}"
    for what in beside(run):
        yield f"- {_md(what)}"
    for key, step in held_in(run):
        yield f"- {_md(key.name)}: {_md(step)}"


def _changed(run: RecordedRun) -> list[str]:
    """Return what has turned since the run before; nothing where there was none."""
    changes = changes_of(run)
    if changes is None:
        return []
    if not changes.turned:
        return [f"{_md(changes.as_before)} ({_md(changes.before.run)}).", ""]

    heading = [f"## Changed since {_md(changes.before.run)}", "", "| line | before | now |", "|---|---|---|"]
    rows = [_row(change.name, change.before, change.now) for change in changes.turned]
    return [*heading, *rows, ""]


def _not_well(results: list[Result]) -> Iterator[str]:
    """Yield what failed, is unknown or was not run, with its remedy."""
    bad = [result for result in results if result.outcome in OPEN]
    if not bad:
        return
    yield from ("", "## Failed, unknown or not run", "")
    yield from ("| outcome | line | gate | why | remedy |", "|---|---|---|---|---|")
    for result in bad:
        yield _row(result.outcome, _titled(result), gate_of(result), result.reason, result.remedy)


def _people(run: RecordedRun) -> Iterator[str]:
    """Yield what people attested and waived."""
    statuses = attested.entry_statuses(run.results)
    if not statuses:
        return
    yield from ("", "## Attested and waived", "", "| | line | what |", "|---|---|---|")
    for status in statuses:
        yield _row(status.kind, status.entry, status.text)


def _diagnostics(results: list[Result]) -> Iterator[str]:
    """Yield where to look, and what was attached to the lines that are not well."""
    links = list(links_to(results))
    if links:
        yield from ("", "## Where to look", "")
    for line, link in links:
        place = f"<{link}>" if is_link(link) else _md(link)
        yield f"- {_md(line)}: {place}"

    for diagnostic in attached_to(results):
        yield from ("", f"### {_md(diagnostic.title)}", "")
        yield from (f"- {_md(row)}" for row in diagnostic.rows)


def _every_line(results: list[Result]) -> Iterator[str]:
    yield from ("", "## Every line", "")
    yield from ("| outcome | line | gate | measured | limit |", "|---|---|---|---|---|")
    for result in results:
        measured, limits = "; ".join([*values_of(result), *_beside(result)]), "; ".join(limits_of(result))
        yield _row(result.outcome, _titled(result), result.gate, measured, limits)


def _beside(result: Result) -> list[str]:
    says = (result.says_stated, result.says_overlaid, says_ahead(result.outcome, result.ahead))
    return [text for text in says if text]


def _capped(lines: list[str], room: int) -> str:
    """Return the first lines that fit into some bytes, and how many did not."""
    fitting: list[str] = []
    size = 0
    for line in lines:
        size += len(line.encode(errors="replace")) + 1
        # A hundred bytes are left for the sentence about the rest.
        if size > room - 100:
            fitting.append(f"\n{len(lines) - len(fitting)} more lines are in the journal.")
            break
        fitting.append(line)
    return "\n".join(fitting) + "\n"


def _titled(result: Result) -> str:
    return f"{result.key.name}: {result.says}"


def _row(*cells: object) -> str:
    return f"| {' | '.join(_md(str(cell or '')) for cell in cells)} |"


def _md(text: str) -> str:
    """Return a provider's text so that it is no markup, and mentions nobody."""
    flat = " ".join(text.split())
    for character, entity in _ENTITIES.items():
        flat = flat.replace(character, entity)
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", flat)


def commands_for_github(run: RecordedRun) -> Iterator[str]:
    """Yield GitHub's workflow commands: the verdict, then the worst lines, no more than it shows."""
    verdict, action = verdict_in(run)
    is_good = run.finish is not None and run.finish.exit == 0 and not run.finish.failed_beside
    level = "notice" if is_good else "error"
    yield f"::{level} title={_property(verdict)}::{_data(run.start.phase)}: {_data(action)}"

    bad = [result for result in results_of(run) if result.outcome in OPEN]
    bad.sort(key=lambda result: result.waived)
    for result in bad[: ANNOTATIONS_AT_MOST - 1]:
        level = "notice" if result.waived else "error"
        word = "waived " if result.waived else ""
        title = _property(f"{word}{result.outcome} {result.key.name}")
        text = _data(f"{result.reason} - {result.remedy}")
        yield f"::{level} title={title}::{text}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
