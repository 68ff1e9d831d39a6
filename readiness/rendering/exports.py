"""What is rendered from a journal: JUnit XML, a Markdown summary, annotations of a pipeline."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from readiness.evidence import attested
from readiness.evidence.journal import RecordedRun
from readiness.evidence.previous_run import changes_of, held_in
from readiness.evidence.records import Result
from readiness.evidence.rejudge import judge, missing_of
from readiness.measurements import show
from readiness.outcomes import Gate, Outcome
from readiness.rendering.diagnostics import Attached, attached
from readiness.runbook.lines import is_link

BYTES_AT_MOST = 900_000  # GitHub drops a summary above 1 MiB whole
ANNOTATIONS_AT_MOST = 10  # and shows no more
OPEN = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.NOT_RUN)
SHOWN = {*OPEN, Outcome.WARN}
"""Of these the links are shown."""
_WORST_FIRST = [*OPEN, Outcome.WARN, Outcome.PASS, Outcome.NOT_APPLICABLE, Outcome.NOT_DUE]
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_IN_JUNIT = {
    Outcome.FAIL: "failure",
    Outcome.UNKNOWN: "error",
    Outcome.NOT_RUN: "error",
    Outcome.NOT_DUE: "skipped",
    Outcome.NOT_APPLICABLE: "skipped",
}


def results_of(run: RecordedRun) -> list[Result]:
    """Give all results, the missing ones too: the worst first, blockers before the others."""
    found = [*run.results, *missing_of(run)]
    return sorted(found, key=lambda one: (_WORST_FIRST.index(one.outcome), one.gate is not Gate.BLOCKER, one.line))


def values_of(result: Result) -> list[str]:
    """Write what was measured, one text for each measurement."""
    return [f"{one.name}: {show(one.value)} {one.unit}".strip() for one in result.measurements]


def limits_of(result: Result) -> list[str]:
    """Write what was allowed, in the same order."""
    return [one.measurement().allowed for one in result.measurements]


def gate_of(result: Result) -> str:
    """Name the gate, and how severe the runbook calls this failure."""
    return ", ".join(filter(None, (result.gate, result.severity, "waived" if result.waived else "")))


def attached_to(results: list[Result]) -> list[Attached]:
    """Give the diagnostics of the lines that are not well."""
    return list(attached((one.key.name, one.outcome, one.diagnostics or {}) for one in results))


def links_to(results: list[Result]) -> Iterator[tuple[str, str]]:
    """Give the links of the lines that are not well, each with its line."""
    yield from dict.fromkeys((one.key.name, link) for one in results if one.outcome in SHOWN for link in one.links)


def verdict_in(run: RecordedRun) -> tuple[str, str]:
    """Give the verdict and the action: the recorded ones, or those of a run without an end."""
    if run.finish:
        return str(run.finish.verdict), run.finish.action
    again = judge(run).verdict
    return str(again.word), f"the run ended early; {again.action}"


def worth(run: RecordedRun) -> str:
    """Say whether a run can be evidence at all; whether its seal holds, `readiness verify` says."""
    if run.start.replay_of:
        return f"Not evidence: a replay of {run.start.replay_of.run}"
    return f"Signed with the key {run.start.key_id[:16]}" if run.start.key_id else "Not evidence: nobody signed it"


def junit(run: RecordedRun) -> str:
    """Write JUnit XML: a failure is a failure, unknown and not run are errors, left out is skipped."""
    results = results_of(run)
    kinds = [_IN_JUNIT.get(one.outcome) for one in results]
    root = ET.Element("testsuites")
    totals = {"tests": str(len(results)), "time": f"{sum(one.seconds for one in results):.3f}"}
    totals |= {"failures": str(kinds.count("failure")), "errors": str(kinds.count("error"))}
    totals |= {"skipped": str(kinds.count("skipped")), "timestamp": run.start.started_at.isoformat()}
    suite = ET.SubElement(root, "testsuite", {"name": _xml(f"{run.start.env} {run.start.phase}"), **totals})
    facts = {"verdict": verdict_in(run)[0], "run": run.start.run, "target": run.start.target.url}
    _properties(suite, facts | {"as_of": run.start.as_of.isoformat()})
    for result, kind in zip(results, kinds, strict=True):
        case = {"classname": result.check, "name": result.key.name, "time": f"{result.seconds:.3f}"}
        element = ET.SubElement(suite, "testcase", {key: _xml(value) for key, value in case.items()})
        flags: dict[str, str] = {}
        if result.waived:
            flags = {"waived": "yes"}
        elif result.attested:
            flags = {"attested": "yes"}
        said = {**flags, "line": result.line, "gate": str(result.gate or ""), "outcome": str(result.outcome)}
        said |= {"measured": "; ".join(values_of(result)), "limit": "; ".join(limits_of(result))}
        _properties(element, said)
        if kind:
            message = {"message": _xml(f"{result.outcome}: {result.reason}")}
            ET.SubElement(element, kind, message).text = _xml(f"{result.says}\nremedy: {result.remedy}")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _properties(parent: ET.Element, values: dict[str, str]) -> None:
    element = ET.SubElement(parent, "properties")
    for key, value in values.items():
        ET.SubElement(element, "property", {"name": key, "value": _xml(value)})


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def markdown(run: RecordedRun, room: int = BYTES_AT_MOST) -> str:
    """Write a summary for people: the verdict, what holds it back with its remedy, then every line."""
    results, start = results_of(run), run.start
    verdict, action = verdict_in(run)
    lines = [
        f"# {verdict}: {start.phase} of {_md(start.env)}",
        "",
        f"{_md(action)}.",
        "",
        *_changed(run),
        f"Target {_md(start.target.url)}, revision {_md(start.target.revision or 'not stated')}.",
        f"Judged as of {start.as_of:%Y-%m-%d %H:%M:%S}Z, run {_md(start.run)}. {_md(worth(run))}.",
        "",
    ]
    lines += [f"- the evidence is not whole: {_md(why)}" for why in (run.finish.withdrawn if run.finish else ())]
    lines += [f"- {_md(key.name)}: {_md(told)}" for key, told in held_in(run)]
    bad = [one for one in results if one.outcome in OPEN]
    if bad:
        lines += ["", "## Failed, unknown or not run", ""]
        lines += ["| outcome | line | gate | why | remedy |", "|---|---|---|---|---|"]
        lines += [_row(one.outcome, _titled(one), gate_of(one), one.reason, one.remedy) for one in bad]
    said = attested.entry_statuses(run.results)
    if said:
        lines += ["", "## Attested and waived", "", "| | line | what |", "|---|---|---|"]
        lines += [_row(one.kind, one.entry, one.text) for one in said]
    lines += _attached(results)
    lines += ["", "## Every line", "", "| outcome | line | gate | measured | limit |", "|---|---|---|---|---|"]
    lines += [
        _row(one.outcome, _titled(one), one.gate, "; ".join(values_of(one)), "; ".join(limits_of(one)))
        for one in results
    ]
    return _capped(lines, room)


def _changed(run: RecordedRun) -> list[str]:
    """Tell what has turned since the run before; without one there is nothing to tell."""
    found = changes_of(run)
    if found is None:
        return []
    if not found.turned:
        return [f"{_md(found.as_before)} ({_md(found.before.run)}).", ""]
    lines = [f"## Changed since {_md(found.before.run)}", "", "| line | before | now |", "|---|---|---|"]
    return [*lines, *(_row(one.name, one.before, one.now) for one in found.turned), ""]


def _attached(results: list[Result]) -> Iterator[str]:
    """Write where to look, and what was attached to the lines that are not well."""
    links = list(links_to(results))
    if links:
        yield from ("", "## Where to look", "")
        yield from (f"- {_md(line)}: {f'<{link}>' if is_link(link) else _md(link)}" for line, link in links)
    for one in attached_to(results):
        yield from ("", f"### {_md(one.title)}", "", *(f"- {_md(row)}" for row in one.rows))


def _capped(lines: list[str], room: int) -> str:
    kept: list[str] = []
    size = 0
    for line in lines:
        size += len(line.encode(errors="replace")) + 1
        if size > room - 100:
            kept.append(f"\n{len(lines) - len(kept)} more lines are in the journal.")
            break
        kept.append(line)
    return "\n".join(kept) + "\n"


def _titled(result: Result) -> str:
    return f"{result.key.name}: {result.says}"


def _row(*cells: object) -> str:
    return f"| {' | '.join(_md(str(cell or '')) for cell in cells)} |"


def _md(text: str) -> str:
    """Keep a provider's text from being markup, or from mentioning anybody."""
    flat = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", flat)


def commands_for_github(run: RecordedRun) -> Iterator[str]:
    """Write GitHub's workflow commands: the verdict, then the worst lines, no more than it shows."""
    verdict, action = verdict_in(run)
    level = "notice" if run.finish and run.finish.exit == 0 else "error"
    yield f"::{level} title={_property(verdict)}::{_data(run.start.phase)}: {_data(action)}"
    bad = sorted((one for one in results_of(run) if one.outcome in OPEN), key=lambda one: one.waived)
    for one in bad[: ANNOTATIONS_AT_MOST - 1]:
        level, word = ("notice", "waived ") if one.waived else ("error", "")
        title = _property(f"{word}{one.outcome} {one.key.name}")
        yield f"::{level} title={title}::{_data(f'{one.reason} - {one.remedy}')}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
