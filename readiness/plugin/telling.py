"""The terminal: where and what before the first request, then what is wrong with its remedy, and the verdict last."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest

from readiness.measurements import Measurement, show
from readiness.outcomes import Outcome
from readiness.plugin.deciding import VERDICT
from readiness.plugin.recording import FOLDER
from readiness.plugin.run import RESULTS, RUN, Run, found_in, is_controller, is_real
from readiness.verdict import Verdict

Record = dict[str, Any]
COLOURS = {"fail": "red", "unknown": "yellow", "not run": "yellow", "warn": "yellow", "pass": "green"}
WORST_FIRST = ("fail", "unknown", "not run", "warn")
NAMED_AT_MOST = 8
CELL = 28


def pytest_configure(config: pytest.Config) -> None:
    """Take over from pytest's own report of items."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if is_real(config) and is_controller(config) and reporter is not None:
        reporter.showfspath = False
        setattr(reporter, "summary_stats", _nothing)  # noqa: B010  the verdict comes last, not pytest's counts


def _nothing() -> None:
    """Stand in for pytest's closing line."""


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what is about to be looked at, before anything is."""
    if not is_real(config):
        return []
    run = config.stash[RUN]
    expected = run.expected()
    due = sum(1 for item in expected if item.due)
    target = "replayed, nothing is contacted" if run.replay else run.environment.target.url
    kind = "production" if run.environment.production else "not production"
    launch = run.environment.launch_at
    return [
        f"target    {run.environment.environment}: {target} ({kind})",
        f"hosts     {', '.join(run.environment.allowed_hosts)}",
        f"allowed   {', '.join(sorted(run.allowed))}",
        f"judged    {run.phase}, as of {run.moment:%Y-%m-%d %H:%M:%S}Z",
        f"launch    {f'{launch:%Y-%m-%d %H:%M:%S}Z' if launch else 'not set'}",
        f"lines     {len(expected)} decisions of {', '.join(book.runbook for book in run.runbooks)}, {due} due",
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
    """Count an item under its outcome; nothing is printed for it while the run goes on (but with -v)."""
    found = found_in(report)
    if found is None:
        return None
    word = str(found["outcome"])
    return f"readiness {word}", "", (word.upper(), {COLOURS.get(word, "cyan"): True})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Report."""
    if not is_real(config) or VERDICT not in config.stash:
        return
    run, results, verdict = config.stash[RUN], config.stash[RESULTS], config.stash[VERDICT]
    page = _Page(terminalreporter)
    for word in WORST_FIRST:
        page.blocks(word, [record for record in results if record["outcome"] == word])
    page.missing(run, verdict)
    page.passed([record for record in results if record["outcome"] in {"pass", "warn"}])
    page.left_out([record for record in results if record["outcome"] in {"not due", "not applicable"}])
    page.diagnostics([record for record in results if record["diagnostics"]])
    page.verdict(run, verdict, str(config.stash.get(FOLDER, "")))


class _Page:
    """The report, part by part."""

    def __init__(self, reporter: pytest.TerminalReporter) -> None:
        self._reporter = reporter
        self._width = max(60, reporter._tw.fullwidth)  # noqa: SLF001  no public way to it

    def _line(self, text: str = "", **colour: bool) -> None:
        for part in _wrapped(text, self._width):
            self._reporter.write_line(part, **colour)

    def blocks(self, word: str, records: list[Record]) -> None:
        """Tell those of one bad outcome; those with one cause stand together."""
        ordered = sorted(records, key=lambda record: (record["gate"] != "blocker", *_cause(record)))
        for (reason, remedy), group in groupby(ordered, key=_cause):
            found = list(group)
            self._line()
            for record in found[:NAMED_AT_MOST]:
                label = word.upper() if record is found[0] else ""
                self._line(f"{label:<8} {_name(record)}: {record['says']} ({record['gate']})", **{COLOURS[word]: True})
            if len(found) > NAMED_AT_MOST:
                names = ", ".join(_name(record) for record in found[NAMED_AT_MOST:])
                self._line(f"         and {len(found) - NAMED_AT_MOST} more: {names}", **{COLOURS[word]: True})
            self._line(f"         {'measured' if word == 'fail' else 'why':<8} {reason}")
            self._line(f"         {'remedy':<8} {remedy}")
            if len(found) == 1:
                self._line(f"         {'again':<8} {found[0]['again']}")

    def missing(self, run: Run, verdict: Verdict) -> None:
        """Tell what the runbook demands and nobody answered."""
        if verdict.missing:
            names = ", ".join(
                f"{line.partition('/')[2]}{f':{subject}' if subject else ''}" for line, _, subject in verdict.missing
            )
            self._line()
            self._line(
                f"{'NOT RUN':<8} {len(verdict.missing)} decisions that {run.phase} demands: {names}", yellow=True
            )

    def passed(self, records: list[Record]) -> None:
        """List what passed, with value and limit, by section of the runbook."""
        for ref, group in groupby(sorted(records, key=lambda record: record["ref"]), key=lambda record: record["ref"]):
            self._line()
            self._line(str(ref), bold=True)
            for record in group:
                first = Measurement(**record["measurements"][0])
                unit = f" {first.unit}" if first.unit else ""
                text = f"  {record['outcome']:<5} {_name(record):<{CELL}} {first.name}: {show(first.value)}{unit}"
                self._reporter.write_line(_cut(f"{text}, allowed {first.allowed}", self._width), green=True)

    def left_out(self, records: list[Record]) -> None:
        """Count what is not due and name what is not applicable."""
        for reason, group in groupby(sorted(records, key=lambda record: record["reason"]), key=lambda r: r["reason"]):
            found = list(group)
            self._line()
            self._line(f"{found[0]['outcome']:<8} {reason}: {', '.join(_name(record) for record in found)}")

    def diagnostics(self, records: list[Record]) -> None:
        """Show the incident queries of the lines that failed; the journal has them all."""
        shown: set[str] = set()
        for record in records:
            for name, rows in record["diagnostics"].items():
                if name in shown or record["outcome"] == Outcome.PASS:
                    continue
                shown.add(name)
                self._line()
                self._line(f"diagnostic {name} ({record['line']})", bold=True)
                for row in rows[:5] if isinstance(rows, list) else [rows]:
                    self._reporter.write_line(_cut(f"  {show(row)}", self._width))
                if isinstance(rows, list) and len(rows) > 5:  # noqa: PLR2004
                    self._line(f"  and {len(rows) - 5} more in the journal")

    def verdict(self, run: Run, verdict: Verdict, folder: str) -> None:
        """Close with the verdict."""
        counts = ", ".join(f"{number} {word}" for word, number in sorted(verdict.counts.items()))
        self._line()
        if folder:
            self._line(f"evidence  {folder}/report.html, summary.md, junit.xml, journal.jsonl")
            self._line(f"verify    readiness verify {folder}")
        if verdict.holding:
            names = [
                f"{line.partition('/')[2]}{f':{subject}' if subject else ''}" for line, _, subject in verdict.holding
            ]
            names = list(dict.fromkeys(names))
            more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
            self._line(f"held by   {', '.join(names[:NAMED_AT_MOST])}{more}")
        self._line(f"counts    {counts}")
        colour = "green" if verdict.good else "yellow" if verdict.exit != 1 else "red"
        self._line()
        self._line(
            f"{verdict.word}  {run.phase} of {run.environment.environment}: {verdict.action}",
            **{colour: True, "bold": True},
        )


def _cause(record: Record) -> tuple[str, str]:
    return record["reason"], record["remedy"]


def _name(record: Record) -> str:
    line = str(record["line"]).partition("/")[2]
    return f"{line}:{record['subject']}" if record["subject"] else line


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _wrapped(text: str, width: int) -> Iterator[str]:
    """Break a long text at words; what follows is indented under the text of its label."""
    indent = " " * 18 if text.startswith(" " * 9) else " " * 10
    while len(text) > width:
        at = text.rfind(" ", len(indent) + 1, width)
        if at < 0:
            break
        yield text[:at]
        text = indent + text[at + 1 :]
    yield text
