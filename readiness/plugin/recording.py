"""Keeps the run: its folder, its journal, what is rendered from it, and the last search for secrets."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from _pytest.config.exceptions import UsageError

from readiness.errors import BadRun
from readiness.evidence import run_folders
from readiness.evidence.journal import Journal, RecordedRun, read_run
from readiness.evidence.records import SCHEMA, Finish, RecordedHysteresis
from readiness.evidence.rejudge import judge, limits_digest, on_ladder
from readiness.files import atomic_write
from readiness.outcomes import Unknown
from readiness.plugin.deciding import VERDICT, tell, withdraw
from readiness.plugin.looking import POOL, Pool
from readiness.plugin.reporting import HTML, PYTEST_HTML, Reporting, finish_page
from readiness.plugin.run import RUN, Run, is_controller, is_real
from readiness.plugin.sealing import SEALING
from readiness.redaction.redactor import REDACTOR, scan, scan_file
from readiness.rendering import report_page
from readiness.rendering.exports import BYTES_AT_MOST, commands_for_github, junit, markdown
from readiness.rendering.formats import ctrf
from readiness.runbook.lines import Line, Runbook
from readiness.sources.readings import revision_of
from readiness.verdict import Verdict

FOLDER = pytest.StashKey[Path]()
"""On the controller's config: the folder of the run."""

ARTEFACTS = pytest.StashKey[dict[str, Path]]()
"""On the controller's config: what was written, by name."""

SUMMARY, JUNIT, CTRF = "summary.md", "junit.xml", "ctrf.json"


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder, and have pytest-html write into it."""
    if getattr(config.option, "htmlpath", None) and config.option.collectonly:
        config.option.htmlpath = None  # it would write an empty page over the last report
    if not (is_real(config) and is_controller(config)):
        return
    run = config.stash[RUN]
    assert run.phase
    try:
        folder = run_folders.make(
            run.reports, run.environment.environment, run.started_at, run.phase, replay=run.replay is not None
        )
    except OSError as error:
        raise UsageError(f"the run cannot leave its evidence: {error}") from None
    config.stash[FOLDER], config.stash[ARTEFACTS] = folder, {}
    if hasattr(config.option, "htmlpath"):
        if not config.option.htmlpath:
            config.option.htmlpath = str(folder / PYTEST_HTML)
        config.option.self_contained_html = True  # the page's policy lets no stylesheet in from beside it
        config.pluginmanager.register(Reporting(config), "readiness-reporting")
    config.pluginmanager.register(Recorder(config), "readiness-recorder")


class Recorder:
    """Writes what the plugin tells, and closes the run. The controller has the only one."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._run = config.stash[RUN]
        self._folder = config.stash[FOLDER]
        self._journal: Journal | None = None
        self._session: pytest.Session | None = None
        self._opened = False
        self._trouble: list[str] = []
        self._held_a_secret = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """Make the journal first of all, so that a run which cannot keep its evidence does not begin."""
        self._session = session
        try:
            self._journal = Journal(self._folder, REDACTOR)
        except OSError as error:
            raise UsageError(f"the run cannot leave its evidence: {error}") from None

    def pytest_readiness_opened(self) -> None:
        """Open it before anything is looked at: what is judged, and all that the runbooks demand."""
        pool = self._config.stash[POOL]
        self._open(_revision(pool))
        tell(self._config, pool.fetch_seen())

    def _open(self, revision: str | None) -> None:
        if not self._opened:
            self._opened = True
            start, plan = opening(self._run, self._folder.name, revision)
            sealing = self._config.stash[SEALING]
            self._write("start", {**start, "key_id": sealing.key_id})
            self._write("plan", plan)
            try:
                sealing.open(self._folder, start)
            except OSError as error:
                self._complain(f"the ledger could not be written: {error}")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Name the item, so that a run that is killed says where it died."""
        self._write("case", {"nodeid": nodeid})

    def pytest_readiness_observation(self, record: dict[str, Any]) -> None:
        """Keep an observation."""
        self._write("observation", record)

    def pytest_readiness_request(self, record: dict[str, Any]) -> None:
        """Keep a request."""
        self._write("request", record)

    def pytest_readiness_result(self, record: dict[str, Any]) -> None:
        """Keep a result."""
        self._write("result", record)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Render once every other reporter is done, search everything for secrets, and take back what is not whole."""
        self._session = session
        result = None
        try:
            result = yield
        except Exception as error:  # noqa: BLE001  whatever breaks in a reporter: told, and no good verdict stands
            self._complain(f"a reporter broke: {type(error).__name__}: {error}")
        self._open(None)  # a run that ended before it began leaves its plan
        if self._journal is not None:
            self._render()
            self._search()
        if self._trouble and VERDICT in self._config.stash:
            withdraw(session)
            self._render()
        return result

    def pytest_readiness_verdict(self, verdict: Verdict) -> None:
        """Write the last record, and tell it to the pipeline."""
        if self._journal is None or self._session is None:
            return
        try:
            run = read_run(self._folder)
            finish = self._finish(run, verdict)
            self._journal.write("finish", finish.model_dump(mode="json"))
            self._journal.close()
        except OSError as error:
            self._complain(f"the journal could not be closed: {error}")
            withdraw(self._session)
            return
        final = replace(run, finish=finish)
        if self._trouble:
            self._render(final)
        self._seal(final)
        _annotate(self._config, final)

    def _seal(self, run: RecordedRun) -> None:
        """Seal it, unless something of it held a secret; then the ledger shows a run that was never sealed."""
        try:
            if not self._held_a_secret:
                self._config.stash[SEALING].seal(run)
        except (OSError, BadRun) as error:
            self._complain(f"the run was not sealed: {error}")
            assert self._session
            withdraw(self._session)

    def pytest_unconfigure(self) -> None:
        """Tell why a verdict was taken back."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        for why in self._trouble:
            if reporter:
                reporter.write_line(f"WITHDRAWN  no good verdict stands: {why}", red=True, bold=True)

    def _write(self, kind: str, fields: dict[str, Any]) -> None:
        if self._journal is None:
            return
        try:
            self._journal.write(kind, fields)
        except OSError as error:
            self._complain(f"the journal could not be written: {error}")

    def _complain(self, why: str) -> None:
        text = REDACTOR.text(why)
        if text not in self._trouble:
            self._trouble.append(text)

    def _finish(self, run: RecordedRun, verdict: Verdict) -> Finish:
        finish = Finish(
            verdict=verdict.word,
            exit=verdict.exit,
            action=verdict.action,
            counts=verdict.counts,
            finished_at=datetime.now(UTC),
            withdrawn=tuple(self._trouble),
            holding=verdict.holding,
        )
        again = judge(replace(run, finish=finish))
        ended = verdict.ended and again.verdict.word is verdict.word
        return finish.model_copy(update={"ended": ended, "standing": on_ladder(again.standing, again.outcomes)})

    def _render(self, run: RecordedRun | None = None) -> None:
        """Write everything that is rendered from the journal; what cannot be written costs the verdict."""
        if VERDICT not in self._config.stash:
            return
        if run is None:
            run = read_run(self._folder)
            run = replace(run, finish=self._finish(run, self._config.stash[VERDICT]))
        for name, render in ((SUMMARY, markdown), (JUNIT, junit), (CTRF, ctrf), (HTML, report_page.render)):
            try:
                atomic_write.write_whole(self._folder / name, REDACTOR.text(render(run)))
                self._config.stash[ARTEFACTS][name] = self._folder / name
            except OSError as error:
                self._complain(f"{name} could not be written: {error}")
        page = Path(getattr(self._config.option, "htmlpath", None) or self._folder / PYTEST_HTML)
        try:
            finish_page(page, self._folder / HTML)
            self._config.stash[ARTEFACTS][PYTEST_HTML] = page
        except OSError as error:
            if self._config.pluginmanager.hasplugin("html"):
                self._complain(f"{page.name} was not written: {error}")

    def _search(self) -> None:
        """Look through all that is left behind; what holds a secret is masked or removed."""
        assert self._journal
        outside = [path for path in self._config.stash[ARTEFACTS].values() if self._folder not in path.parents]
        hits = [*scan(self._folder, REDACTOR), *(hit for path in outside for hit in scan_file(path, REDACTOR))]
        self._held_a_secret = bool(hits)
        for hit in hits:
            self._complain(f"{hit.file.name} held {hit.what}; it was masked or removed")
            if hit.file == self._journal.path:
                self._journal.mask()
            else:
                hit.file.unlink(missing_ok=True)


def opening(run: Run, name: str, revision: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make the records `start` and `plan`."""
    lines = [_line(book.runbook, line) for book in run.runbooks for line in book.lines if run.phase in line.phase]
    items = [
        {"line": item.line_id, "check": item.check, "subject": item.subject, "due": run.due(item)}
        for item in run.demanded()
    ]
    start = {
        "schema": SCHEMA,
        "run": name,
        "env": run.environment.environment,
        "phase": run.phase,
        "as_of": run.moment,
        "as_of_said": run.as_of,
        "started_at": run.started_at,
        "suite": _suite(),
        "target": {"url": run.environment.target.url, "revision": revision},
        "launch_at": run.environment.launch_at,
        "production": run.environment.production,
        "allowed": sorted(run.allowed),
        "allowed_hosts": run.environment.allowed_hosts,
        "not_applicable": run.environment.not_applicable,
        "attestations": run.attestations.plain([item.name for item in run.demanded()]),
        "waivers": run.waivers.plain([item.name for item in run.demanded()]),
        "replay": run.replay,
        "replay_of": run.replay_of,
        "before": run.before,
        "hysteresis": RecordedHysteresis.of(run.hysteresis).model_dump(mode="json"),
        "limits_digest": limits_digest(lines),
        "owners": run.environment.owners,
    }
    if run.sign_off:
        start["sign_off"] = run.sign_off.model_dump(mode="json")
    instants = {key: value.isoformat() for key, value in start.items() if isinstance(value, datetime)}
    return {**start, **instants}, {"lines": lines, "items": items, "books": [_outline(book) for book in run.runbooks]}


def _stated(runbook: str, line: Line) -> dict[str, Any]:
    """Write down what a line says, whatever phase is judged."""
    return {
        "id": f"{runbook}/{line.id}",
        "ref": line.ref,
        "says": line.says,
        "phase": list(line.phase),
        "gate": line.gate,
        "due": line.due,
        "checks": list(line.decided_by),
        "rendered_as": line.rendered_as,
    }


def _line(runbook: str, line: Line) -> dict[str, Any]:
    """Write down how a line of the phase is judged."""
    return {
        **_stated(runbook, line),
        "runbook": runbook,
        "limits": line.decided_by,
        "ladder": line.ladder,
        "consecutive": line.consecutive,
        "severity": line.severity,
        "diagnostics": line.diagnostics,
        **({"links": line.links} if line.links else {}),
    }


def _outline(book: Runbook) -> dict[str, Any]:
    """Write down a runbook whole, the lines of the other phases too."""
    lines = [_stated(book.runbook, line) for line in book.lines]
    return {"runbook": book.runbook, "title": book.title, "lines": lines}


def _suite() -> str:
    try:
        return f"production-readiness {version('production-readiness')}, pytest {pytest.__version__}"
    except PackageNotFoundError:
        return f"production-readiness (not installed), pytest {pytest.__version__}"


def _revision(pool: Pool) -> str | None:
    """Ask which revision runs; None where the target does not tell."""
    target = pool.run.environment.target
    if pool.recorded and not isinstance(target.revision, str | None):
        return pool.recorded.start.target.revision
    try:
        return revision_of(target, pool.clients.readings)
    except Unknown:
        return None


def _annotate(config: pytest.Config, run: RecordedRun) -> None:
    """Tell GitHub, from the masked journal: what is printed cannot be taken back."""
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
            told = f"the step's summary could not be written (GITHUB_STEP_SUMMARY): {error}"
            reporter.write_line(REDACTOR.text(told), yellow=True)
