"""What is rendered from a journal: JUnit XML, a Markdown summary, annotations of a pipeline."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable

from readiness.evidence.journal import Record, RecordedRun
from readiness.evidence.judged import missing_of
from readiness.measurements import Measurement
from readiness.verdict import Verdict

BYTES_AT_MOST = 900_000  # GitHub drops a summary above 1 MiB whole
ANNOTATIONS_AT_MOST = 10  # and shows no more
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORST_FIRST = ["fail", "unknown", "not run", "warn", "pass", "not applicable", "not due"]


def records_of(run: RecordedRun) -> list[Record]:
    """Give all results, those that are missing too, the worst first."""
    found = [*run.results, *missing_of(run)]
    return sorted(found, key=lambda record: (_WORST_FIRST.index(record["outcome"]), record["line"]))


def measured(record: Record) -> str:
    """Write what was measured against what was allowed."""
    return "; ".join(str(Measurement(**one)) for one in record["measurements"])


def junit(run: RecordedRun) -> str:
    """Write JUnit XML: a failure is a failure, unknown and not run are errors, left out is skipped."""
    records = records_of(run)
    name = f"{run.start['env']} {run.start['phase']}"
    suite = ET.Element("testsuite", {"name": name, "timestamp": run.start["started_at"], "tests": str(len(records))})
    counts = {"failure": 0, "error": 0, "skipped": 0}
    for record in records:
        case = ET.SubElement(suite, "testcase", _case(record))
        properties = ET.SubElement(case, "properties")
        for key in ("line", "gate", "outcome"):
            ET.SubElement(properties, "property", {"name": key, "value": _xml(str(record[key]))})
        ET.SubElement(properties, "property", {"name": "measured", "value": _xml(measured(record))})
        kind = _KIND.get(record["outcome"])
        if kind:
            counts[kind] += 1
            told = {"message": _xml(str(record.get("reason", "")))}
            ET.SubElement(case, kind, told).text = _xml(str(record.get("remedy", "")))
    for key, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        suite.set(attribute, str(counts[key]))
    root = ET.Element("testsuites")
    root.append(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


_KIND = {
    "fail": "failure",
    "unknown": "error",
    "not run": "error",
    "not due": "skipped",
    "not applicable": "skipped",
}


def _case(record: Record) -> dict[str, str]:
    subject = f":{record['subject']}" if record.get("subject") else ""
    name = f"{record['line']}{subject}"
    return {"classname": _xml(record["check"]), "name": _xml(name), "time": f"{record.get('seconds', 0):.3f}"}


def _xml(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def markdown(run: RecordedRun, verdict: Verdict) -> str:
    """Write a summary for people: the verdict, what holds it back with its remedy, then every line."""
    records = records_of(run)
    start = run.start
    lines = [
        f"# {verdict.word}: {start['phase']} of {_md(start['env'])}",
        "",
        f"{_md(verdict.action)}.",
        "",
        f"Target {_md(start['target']['url'])}, revision {_md(str(start['target']['revision']))}, judged as of "
        f"{start['as_of']}, run {_md(run.folder.name)}.",
        "",
    ]
    bad = [record for record in records if record["outcome"] in {"fail", "unknown", "not run"}]
    if bad:
        lines += ["| | line | why | remedy |", "|---|---|---|---|"]
        lines += [_row(record["outcome"], _named(record), record["reason"], record["remedy"]) for record in bad]
        lines.append("")
    lines += ["| outcome | line | gate | measured |", "|---|---|---|---|"]
    lines += [_row(record["outcome"], _named(record), record["gate"], measured(record)) for record in records]
    return _capped(lines)


def _capped(lines: list[str]) -> str:
    kept, size = [], 0
    for line in lines:
        size += len(line.encode()) + 1
        if size > BYTES_AT_MOST:
            kept.append(f"\n{len(lines) - len(kept)} more lines are in the journal.")
            break
        kept.append(line)
    return "\n".join(kept) + "\n"


def _named(record: Record) -> str:
    subject = f":{record['subject']}" if record.get("subject") else ""
    return f"{record['line']}{subject}: {record['says']}"


def _row(*cells: str) -> str:
    return f"| {' | '.join(_md(cell) for cell in cells)} |"


def _md(text: str) -> str:
    """Keep a provider's text from being markup."""
    flat = " ".join(str(text).split())
    return re.sub(r"([\\`*_{}\[\]<>|#!~])", r"\\\1", flat).replace("&", "&amp;")


def annotations(run: RecordedRun, verdict: Verdict) -> Iterable[str]:
    """Write GitHub's workflow commands: the verdict, then the worst lines, no more than it shows."""
    level = "notice" if verdict.good else "error"
    yield f"::{level} title={_property(str(verdict.word))}::{_data(f'{run.start["phase"]}: {verdict.action}')}"
    bad = [record for record in records_of(run) if record["outcome"] in {"fail", "unknown", "not run"}]
    for record in bad[: ANNOTATIONS_AT_MOST - 1]:
        text = f"{record['reason']} - {record['remedy']}"
        yield f"::error title={_property(f'{record["outcome"]} {record["line"]}')}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
