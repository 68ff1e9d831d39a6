"""Keeps the run: the folder, the journal, what is rendered from it, and the last scan for secrets."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Generator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from readiness.environment import KnownReading
from readiness.evidence.exports import annotations, junit, markdown
from readiness.evidence.journal import SCHEMA, Journal, make_folder, now, read_run, write_whole
from readiness.evidence.redaction import Redactor, scan
from readiness.outcomes import Unknown
from readiness.plugin.deciding import VERDICT, tell, withdraw
from readiness.plugin.looking import Pool, make_pool
from readiness.plugin.run import RUN, Run, is_controller, is_real
from readiness.runbook import Line
from readiness.verdict import Verdict

FOLDER = pytest.StashKey[Path]()
JOURNAL = pytest.StashKey[Journal]()
REDACTOR = Redactor()
_TROUBLE = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder, and have pytest-html write into it."""
    if not (is_real(config) and is_controller(config)):
        return
    run = config.stash[RUN]
    assert run.phase
    folder = config.stash[FOLDER] = make_folder(run.reports, run.environment.environment, run.phase, run.started_at)
    config.stash[_TROUBLE] = []
    config.pluginmanager.register(Recorder(config), "readiness-recorder")
    if hasattr(config.option, "htmlpath") and not config.option.htmlpath:
        config.option.htmlpath = str(folder / "report.html")
        config.option.self_contained_html = True


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Open the journal, once the header has told where we are: what is judged, and all that the runbooks demand."""
    config = session.config
    if FOLDER not in config.stash:
        return
    run, pool = config.stash[RUN], make_pool(config.stash[RUN])
    journal = config.stash[JOURNAL] = Journal(config.stash[FOLDER])
    plan = [_line(run, book.runbook, line) for book in run.runbooks for line in book.lines if run.phase in line.phase]
    digest = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()
    start = {
        "schema": SCHEMA,
        "run": config.stash[FOLDER].name,
        "env": run.environment.environment,
        "phase": str(run.phase),
        "as_of": run.moment.isoformat(),
        "started_at": run.started_at.isoformat(),
        "suite": f"production-readiness {version('production-readiness')}",
        "target": {"url": run.environment.target.url, "revision": _revision(pool)},
        "production": run.environment.production,
        "allowed": sorted(map(str, run.allowed)),
        "replay": str(run.replay) if run.replay else None,
        "limits_digest": digest,
    }
    journal.write("start", **REDACTOR.plain(start))
    journal.write("plan", lines=REDACTOR.plain(plan))
    pool.clients.close()
    tell(config, pool.fetch_seen())


def _line(run: Run, runbook: str, line: Line) -> dict[str, Any]:
    items = [item for item in run.demanded() if item.runbook == runbook and item.line.id == line.id]
    return {
        "id": f"{runbook}/{line.id}",
        "runbook": runbook,
        "ref": line.ref,
        "says": line.says,
        "phase": [str(phase) for phase in line.phase],
        "gate": str(line.gate),
        "due": line.due,
        "checks": list(line.decided_by),
        "limits": line.decided_by,
        "ladder": {str(step): threshold for step, threshold in line.ladder.items()},
        "rendered_as": line.rendered_as,
        "items": [{"check": item.check, "subject": item.subject, "due": run.due(item)} for item in items],
    }


def _revision(pool: Pool) -> str:
    """Ask which revision runs; a target that does not tell is recorded as such."""
    stated = pool.run.environment.target.revision
    if stated is None or isinstance(stated, str):
        return stated or "not stated: set target.revision"
    if pool.recorded:
        return str(pool.recorded.start["target"]["revision"])
    try:
        return str(pool.clients.readings.value(KnownReading("target.revision", "the revision that runs", stated)))
    except Unknown as unknown:
        return f"unknown: {unknown.reason}"


class Recorder:
    """Writes what the plugin tells."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @property
    def _journal(self) -> Journal:
        return self._config.stash[JOURNAL]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Name the item, so that a run that is killed says where it died."""
        self._journal.write("case", nodeid=REDACTOR.text(nodeid))

    def pytest_readiness_observation(self, record: dict[str, Any]) -> None:
        """Keep an observation."""
        self._journal.write("observation", **REDACTOR.plain(record))

    def pytest_readiness_request(self, record: dict[str, Any]) -> None:
        """Keep a request."""
        self._journal.write("request", **REDACTOR.plain(record))

    def pytest_readiness_result(self, record: dict[str, Any]) -> None:
        """Keep a result."""
        self._journal.write("result", **REDACTOR.plain(record))

    def pytest_readiness_verdict(self, verdict: Verdict) -> None:
        """Close the journal."""
        finish = {"verdict": str(verdict.word), "exit": verdict.exit, "action": verdict.action}
        self._journal.write("finish", **finish, counts=verdict.counts, finished_at=now())
        self._journal.close()

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Render, after pytest-html has written its page; then search everything for secrets."""
        result = yield
        folder = self._config.stash[FOLDER]
        run, verdict = read_run(folder), self._config.stash[VERDICT]
        run.finish = {"verdict": str(verdict.word)}
        write_whole(folder / "summary.md", REDACTOR.text(markdown(run, verdict)))
        write_whole(folder / "junit.xml", REDACTOR.text(junit(run)))
        if os.environ.get("GITHUB_ACTIONS") == "true":
            self._annotate(folder, "\n".join(annotations(run, verdict)))
        for hit in scan(folder):
            self._config.stash[_TROUBLE].append(f"{hit.file}:{hit.line} held a secret; the file was removed")
            if hit.file != self._journal.path.name:
                (folder / hit.file).unlink(missing_ok=True)
        if self._config.stash[_TROUBLE]:
            withdraw(session)
        return result

    def _annotate(self, folder: Path, commands: str) -> None:
        print(REDACTOR.text(commands))  # noqa: T201  the pipeline reads them from the output
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write((folder / "summary.md").read_text(encoding="utf-8"))

    def pytest_unconfigure(self) -> None:
        """Tell what came to light after the report."""
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        for trouble in self._config.stash[_TROUBLE]:
            if reporter:
                reporter.write_line(f"WITHDRAWN  the verdict is INCOMPLETE: {trouble}", red=True)
