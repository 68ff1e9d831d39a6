"""The terminal: where and what before the first request, then what is wrong with its remedy, and the verdict last."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from readiness.evidence.attested import entry_statuses
from readiness.evidence.journal import RecordedRun
from readiness.evidence.previous_run import changes, held, history_notes
from readiness.evidence.records import Result
from readiness.outcomes import Phase
from readiness.plugin.deciding import escalation_states
from readiness.plugin.options import root_of
from readiness.plugin.page import COLOURS, TerminalPage
from readiness.plugin.run import Run
from readiness.plugin.session import SESSION, RunSession, is_controller, is_real
from readiness.plugin.transfer import result_of
from readiness.plugin.unused_readings import unused_readings
from readiness.redaction.redactor import REDACTOR
from readiness.rendering.exports import BYTES_AT_MOST, commands_for_github, markdown
from readiness.rendering.terminal import line_of
from readiness.verdict import Verdict

TRACE_VERBOSITY = 2
CATEGORY = "readiness "


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Take over from pytest's own report of items."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if is_real(config) and is_controller(config) and reporter is not None:
        reporter.showfspath = False
        setattr(reporter, "summary_stats", _nothing)  # noqa: B010  the verdict comes last, not pytest's counts


def _nothing() -> None:
    """Stand in for pytest's closing line."""


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Return what is about to be judged, before anything is contacted."""
    if not is_real(config):
        return []
    session = config.stash[SESSION]
    lines = [f"project   {root_of(config)}", *banner(session.run)]
    if session.is_beside_another:
        lines.append("beside    another run of it is under way: each leaves its own folder, and both act on one target")
    lines += [f"before    {note}" for note in _history(session.run)]
    return [*lines, *(session.sealing.lines(10) if session.sealing else [])]


def _history(run: Run) -> Iterator[str]:
    """Yield what is to be known of the runs before; after the launch also that there are none."""
    if run.replay or run.phase is None:
        return
    yield from history_notes(run.before, run.unsealed, run.started_at)
    if run.phase is Phase.POSTLAUNCH and run.before is None:
        yield "none that the ledger here knows: taken as the first (readiness gate --head tells if some are missing)"


def banner(run: Run) -> list[str]:
    """Return the target, what may be done to it, and what is judged, a line each."""
    environment = run.environment
    expected = run.expected()
    due = sum(1 for item in expected if item.due)
    kind = "PRODUCTION" if environment.production else "not production"
    target = f"nothing is contacted: replay of {run.replay}" if run.replay else environment.target.url
    as_of = f" ({run.as_of})" if run.as_of else ""
    launch = f"{environment.launch_at:%Y-%m-%d %H:%M:%S}Z" if environment.launch_at else "not set"
    return [
        f"target    {environment.environment} ({kind}): {target}",
        f"hosts     {', '.join(environment.allowed_hosts)}",
        f"allowed   {', '.join(sorted(run.allowed))}",
        f"judged    {run.phase}, as of {run.moment:%Y-%m-%d %H:%M:%S}Z{as_of}; launch {launch}",
        f"lines     {len(expected)} decisions of {', '.join(book.runbook for book in run.runbooks)}, {due} due",
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str | tuple[str, dict[str, bool]]] | None:
    """Count an item under its outcome; nothing is printed for it while the run goes on (but with -v)."""
    result = result_of(report)
    if result is None:
        return None
    word = str(result.outcome)
    return f"{CATEGORY}{word}", "", (word.upper(), {COLOURS.get(result.outcome, "cyan"): True})


def write_report(config: pytest.Config, session: RunSession) -> None:
    """Write the report, after everyone else has written theirs, and last of all why a verdict was taken back."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    if session.verdict:
        _report(config, session, session.verdict, reporter)
    if session.sign_off_page:
        reporter.write_line(line_of(f"sign-off {session.sign_off_page}"))
    for why in session.trouble:
        reporter.write_line(line_of(f"WITHDRAWN  no good verdict stands: {why}"), red=True, bold=True)


def _report(config: pytest.Config, session: RunSession, verdict: Verdict, reporter: Any) -> None:
    """Write what has changed, what is not well, what passed, and the verdict."""
    run, results = session.run, _as_planned(session)
    if config.get_verbosity() >= TRACE_VERBOSITY:
        _traces(reporter)

    outcomes = {result.key: result.outcome for result in results}

    def write(text: str, /, **markup: bool) -> None:
        reporter.write_line(line_of(text), **markup)

    page = TerminalPage(write, reporter._tw.fullwidth, several=len(run.runbooks) > 1)  # noqa: SLF001  no other way
    page.changed(changes(run.before, outcomes.items()))
    page.bad(results)
    page.held(held(escalation_states(session), outcomes, run.hysteresis))
    page.missing(run, verdict)
    page.stopped(session.observer.tasks.stopped)
    page.warned(results)
    if config.get_verbosity() >= 0:
        page.passed(results)
    page.left_out(results)
    page.stated(results)
    page.overlaid(results)
    page.ahead(results)
    page.unused(unused_readings(run))
    page.people(entry_statuses(results))
    page.diagnostics(results)
    page.beside(session.failed_beside)
    signed = session.sealing.lines() if session.sealing else []
    page.close(run, verdict, _files(session.folder), signed, is_red_beside=bool(session.failed_beside))


def _as_planned(session: RunSession) -> list[Result]:
    """Return the results in the order of the runbooks: with -n they come in as workers happen to end."""
    places = {item.key: place for place, item in enumerate(session.run.demanded())}
    return sorted(session.results, key=lambda result: places.get(result.key, len(places)))


def _traces(reporter: pytest.TerminalReporter) -> None:
    """Write the whole of what went wrong, for whoever asked for it."""
    for category, reports in reporter.stats.items():
        # Pytest keeps warnings and the like among its reports.
        if not category.startswith(CATEGORY):
            continue
        for report in reports:
            result = result_of(report)
            if result and report.outcome == "failed":
                reporter.write_sep("_", result.key.name)
                for line in report.longreprtext.splitlines():
                    reporter.write_line(line_of(line))


def _files(folder: Path | None) -> tuple[Path | None, list[str]]:
    """Return the folder of the run, as short as it can be written from here, and what lies in it."""
    if folder is None:
        return None, []
    here = Path.cwd()
    short = folder.relative_to(here) if folder.is_relative_to(here) else folder
    return short, sorted(path.name for path in folder.iterdir() if path.is_file())


def annotate_pipeline(config: pytest.Config, run: RecordedRun) -> None:
    """Write GitHub's annotations and the step's summary, from the masked journal: nothing printed can be taken back."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        reporter.ensure_newline()
        for line in commands_for_github(run):
            reporter.write_line(REDACTOR.text(line))

    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return
    try:
        with Path(summary).open("a", encoding="utf-8", errors="replace") as file:
            room = BYTES_AT_MOST - file.tell()  # the step may have written to it before
            file.write(REDACTOR.text(markdown(run, room)))
    except OSError as error:  # the evidence is whole without it
        if reporter:
            why = f"the step's summary could not be written (GITHUB_STEP_SUMMARY): {error}"
            reporter.write_line(line_of(why), yellow=True)
