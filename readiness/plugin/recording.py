"""Keeps the run: makes its folder and its journal, and writes down what happens, as it happens."""

from __future__ import annotations

from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from _pytest.config.exceptions import UsageError

from readiness.errors import BadRun
from readiness.evidence import run_folders
from readiness.evidence.broken_off import under_way
from readiness.evidence.journal import Journal
from readiness.evidence.people_files import Folders, recorded_places
from readiness.evidence.planned_lines import outline, planned_lines
from readiness.evidence.recorded_ladder import RecordedHysteresis
from readiness.evidence.recorded_request import RecordedRequest
from readiness.evidence.records import SCHEMA, RecordedObservation, Result
from readiness.evidence.rejudge import limits_digest
from readiness.outcomes import Phase, Unknown
from readiness.plugin import starting
from readiness.plugin.deciding import publish_records
from readiness.plugin.observer import Observer
from readiness.plugin.refusing import enter_killed
from readiness.plugin.reporting import PYTEST_HTML, Reporting
from readiness.plugin.run import Run
from readiness.plugin.session import SESSION, RunSession, is_controller, is_real
from readiness.redaction.redactor import REDACTOR
from readiness.sources.readings import revision_of


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder, and have pytest-html write into it."""
    if getattr(config.option, "htmlpath", None) and config.option.collectonly:
        config.option.htmlpath = None  # it would write an empty page over the last report
    if not (is_real(config) and is_controller(config)):
        return

    session = config.stash[SESSION]
    run = session.run
    assert run.phase
    try:
        # What lies here of older runs is looked at before this one adds to it.
        if run.lying_beside or run.lost_history:
            session.complain(run.lost_history)
        session.folder = run_folders.make(
            run.reports,
            run.environment.environment,
            run.started_at,
            run.phase,
            replay=run.replay is not None,
            taken=run.ledger.runs if run.ledger else (),
        )
    except (OSError, BadRun) as error:
        raise UsageError(f"the run cannot leave its evidence: {error}") from None
    session.is_beside_another, leave = run_folders.share(session.folder.parent)
    config.add_cleanup(leave)
    config.add_cleanup(run_folders.hold(session.folder))
    enter_killed(session.folder.parent)
    _open_ledger(session)
    starting.settle(config)

    if hasattr(config.option, "htmlpath"):
        if not config.option.htmlpath:
            config.option.htmlpath = str(session.folder / PYTEST_HTML)
        config.option.self_contained_html = True  # the page's policy lets no stylesheet in from beside it
        config.pluginmanager.register(Reporting(config), "readiness-reporting")
    config.pluginmanager.register(Recorder(config), "readiness-recorder")


class Recorder:
    """Writes down what the hooks of the plugin announce. The controller has the only one."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._session = config.stash[SESSION]

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Make the journal first of all, so that a run which cannot keep its evidence does not begin."""
        assert self._session.folder
        try:
            self._session.journal = Journal(self._session.folder, REDACTOR)
        except OSError as error:
            raise UsageError(f"the run cannot leave its evidence: {error}") from None

    def pytest_readiness_opened(self) -> None:
        """Open the evidence before anything is observed: what is judged, and all that the runbooks demand."""
        observer = self._session.observer
        open_evidence(self._session, _revision(observer))
        publish_records(self._config, observer.take_records())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Record which item begins, so that the journal of a run that is killed shows where it died."""
        self._session.record("case", {"nodeid": nodeid})

    def pytest_readiness_observation(self, record: RecordedObservation) -> None:
        """Keep an observation, with the name of this run: in another one's journal it is foreign."""
        run = self._session.folder.name if self._session.folder else ""
        self._session.record(record.KIND, {**record.plain(), "run": run})

    def pytest_readiness_request(self, record: RecordedRequest) -> None:
        """Keep a request."""
        self._session.record(record.KIND, record.plain())

    def pytest_readiness_result(self, result: Result) -> None:
        """Keep a result, bound to the records of the observations that it rests on."""
        journal = self._session.journal
        if journal and result.rests_on is not None:
            result = result.model_copy(update={"rests_on": journal.bound(result.rests_on)})
        self._session.record("result", result.plain())


def _open_ledger(session: RunSession) -> None:
    """Enter that the run begins, before anything else can end it: what comes to no end stays visible."""
    if session.folder is None or session.sealing is None:
        return
    run, folder = session.run, session.folder
    others = _under_way_beside(folder, run.phase) if session.is_beside_another and run.phase else ()
    try:
        session.sealing.open(folder, limits_digest(planned_lines(run.runbooks, run.phase)), others)
    except OSError as error:
        session.complain(f"the ledger could not be written: {error}")


def _under_way_beside(folder: Path, phase: Phase) -> tuple[str, ...]:
    """Return the other runs of a phase that are under way: one that is killed later has seen what this one has not."""
    return tuple(name for name in under_way(folder.parent, phase) if name != folder.name)


def open_evidence(session: RunSession, revision: str | None = None) -> None:
    """Write down what is judged; once."""
    if session.opened or session.folder is None or session.sealing is None:
        return
    session.opened = True
    start, plan = opening(session.run, session.folder.name, revision)
    # Known before anything is looked at, so that a run which is killed tells it too.
    deadline = {"deadline": session.deadline.model_dump(mode="json")} if session.deadline else {}
    session.record("start", {**start, **deadline, "key_id": session.sealing.key_id})
    session.record("plan", plan)
    session.sealing.revision = revision


def opening(run: Run, name: str, revision: str | None) -> tuple[dict[str, object], dict[str, object]]:
    """Return the records `start` and `plan`."""
    demanded = [item.name for item in run.demanded()]
    lines = planned_lines(run.runbooks, run.phase)
    items = [
        {"line": item.line_id, "check": item.check, "subject": item.subject, "due": run.due(item)}
        for item in run.demanded()
    ]
    start: dict[str, object] = {
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
        "attestations": run.attestations.plain(demanded),
        "waivers": run.waivers.plain(demanded),
        **_declared(run),
        "replay": run.replay,
        "replay_of": run.replay_of,
        "invocation": run.invocation,
        **_stands_on(run),
        "binds_results": True,
        "binding": run.binding.model_dump(mode="json") if run.binding else None,
        **_lies_in(run),
        "limits_digest": limits_digest(lines),
        "owners": run.environment.owners,
        **_of_the_last_phase(run),
    }
    instants = {key: value.isoformat() for key, value in start.items() if isinstance(value, datetime)}
    plan: dict[str, object] = {"lines": lines, "items": items, "books": [outline(book) for book in run.runbooks]}
    return {**start, **instants}, plan


def _declared(run: Run) -> dict[str, object]:
    """Return who answers for values that nobody measures."""
    entries = {key: entry.model_dump(mode="json") for key, entry in run.environment.declared.items()}
    return {"declared": entries} if entries else {}


def _lies_in(run: Run) -> dict[str, object]:
    """Return where the files of people's words lie that the environment names."""
    if run.environments is None:
        return {}
    named = {"attestations": run.environment.attestations, "sign_off": run.environment.sign_off}
    places = recorded_places(named, Folders(run.environments, run.reports / run.environment.environment))
    return {"lies_in": places} if places else {}


def _of_the_last_phase(run: Run) -> dict[str, object]:
    """Return what only the last phase begins with: how the others stand, and what people have decided."""
    stated: dict[str, object] = {}
    if run.earlier_phases is not None:
        stated["earlier_phases"] = [earlier.model_dump(mode="json") for earlier in run.earlier_phases]
    if run.sign_off:
        stated["sign_off"] = run.sign_off.model_dump(mode="json")
    return stated


def _stands_on(run: Run) -> dict[str, object]:
    """Return what of the runs before it a run stands on."""
    beside = {"also_before": run.also_before} if run.also_before else {}
    return {
        "before": run.before,
        **beside,
        "unsealed": run.unsealed,
        "keeps_steps": True,
        "takes_steps": True,
        "hysteresis": RecordedHysteresis.of(run.hysteresis).model_dump(mode="json"),
    }


def _suite() -> str:
    try:
        return f"production-readiness {version('production-readiness')}, pytest {pytest.__version__}"
    except PackageNotFoundError:
        return f"production-readiness (not installed), pytest {pytest.__version__}"


def _revision(observer: Observer) -> str | None:
    """Return which revision runs; None where it cannot be read."""
    target = observer.run.environment.target
    # A replay contacts nothing: a revision that would have to be read is that of the recorded run.
    if observer.recorded and not isinstance(target.revision, str | None):
        return observer.recorded.start.target.revision
    try:
        return revision_of(target, observer.clients.readings)
    except Unknown:
        return None
