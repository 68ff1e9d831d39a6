"""The terminal: where and what before the first request, then what is wrong with its remedy, and the verdict last."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from readiness.evidence.attested import said
from readiness.evidence.previous_run import changes, held
from readiness.plugin.deciding import VERDICT, standing_in
from readiness.plugin.observing import POOL
from readiness.plugin.page import COLOURS, Page
from readiness.plugin.recording import FOLDER
from readiness.plugin.run import RESULTS, RUN, Run, is_controller, is_real
from readiness.plugin.sealing import SEALING
from readiness.plugin.transfer import result_of

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
    """Say what is about to be looked at, before anything is."""
    if not is_real(config):
        return []
    return [*banner(config.stash[RUN]), *(config.stash[SEALING].lines(10) if SEALING in config.stash else [])]


def banner(run: Run) -> list[str]:
    """Name the target, what may be done to it, and what is judged."""
    found = run.environment
    expected = run.expected()
    due = sum(1 for item in expected if item.due)
    target = f"nothing is contacted: replay of {run.replay}" if run.replay else found.target.url
    said = f" ({run.as_of})" if run.as_of else ""
    launch = f"{found.launch_at:%Y-%m-%d %H:%M:%S}Z" if found.launch_at else "not set"
    return [
        f"target    {found.environment}{' (PRODUCTION)' if found.production else ' (not production)'}: {target}",
        f"hosts     {', '.join(found.allowed_hosts)}",
        f"allowed   {', '.join(sorted(run.allowed))}",
        f"judged    {run.phase}, as of {run.moment:%Y-%m-%d %H:%M:%S}Z{said}; launch {launch}",
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


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Report, after everyone else has."""
    result = yield
    config = session.config
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not is_real(config) or VERDICT not in config.stash or reporter is None:
        return result
    run, results, verdict = config.stash[RUN], config.stash[RESULTS], config.stash[VERDICT]
    if config.get_verbosity() >= TRACE_VERBOSITY:
        _traces(reporter)
    outcomes = {result.key: result.outcome for result in results}
    page = Page(reporter.write_line, reporter._tw.fullwidth, several=len(run.runbooks) > 1)  # noqa: SLF001  no other way
    page.changed(changes(run.before, outcomes.items()))
    page.bad(results)
    page.held(held(standing_in(config), outcomes, run.hysteresis))
    page.missing(run, verdict)
    page.stopped(config.stash[POOL].threads.stopped)
    page.warned(results)
    if config.get_verbosity() >= 0:
        page.passed(results)
    page.left_out(results)
    page.people(said(results))
    page.diagnostics(results)
    page.close(run, verdict, _files(config), config.stash[SEALING].lines() if SEALING in config.stash else [])
    return result


def _traces(reporter: pytest.TerminalReporter) -> None:
    """Show the whole of what went wrong, for who asked for it."""
    for category, reports in reporter.stats.items():
        for report in reports if category.startswith(CATEGORY) else []:
            result = result_of(report)
            if result and report.outcome == "failed":
                reporter.write_sep("_", result.key.name)
                reporter.write_line(report.longreprtext)


def _files(config: pytest.Config) -> tuple[Path | None, list[str]]:
    """Name the folder of the run, as short as it can be said from here, and what lies in it."""
    folder = config.stash.get(FOLDER, None)
    if folder is None:
        return None, []
    here = Path.cwd()
    short = folder.relative_to(here) if folder.is_relative_to(here) else folder
    return short, sorted(path.name for path in folder.iterdir() if path.is_file())
