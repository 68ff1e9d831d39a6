"""The run that the command line asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from readiness import timeline
from readiness.config.documents import read
from readiness.config.project_root import ENVIRONMENTS, REPORTS, project_root
from readiness.environment import schema
from readiness.environment.names import names
from readiness.environment.refusals import unknown_names
from readiness.environment.schema import Environment
from readiness.errors import BadInput, ReadinessError, not_one_of, wrong_value
from readiness.evidence import ledger, run_folders
from readiness.evidence.binding import binding_of
from readiness.evidence.journal import read_run
from readiness.evidence.recorded_binding import RecordedBinding
from readiness.evidence.records import Start
from readiness.evidence.signing import trusted_keys
from readiness.outcomes import Effect, Phase
from readiness.plugin import embedded, starting
from readiness.plugin.command_line import phase_named, phase_of, refuse_ways_round
from readiness.plugin.output_places import refuse_what_is_no_output
from readiness.plugin.refusing import enter_refused, taken_invocation
from readiness.plugin.run import Run
from readiness.plugin.session import SESSION, begin, is_controller, judges_nothing
from readiness.redaction.redactor import REDACTOR
from readiness.runbook import attestations, sign_off, waivers
from readiness.runbook.approvers import Approvers
from readiness.runbook.attestations import Attestations
from readiness.runbook.entry_files import misnamed_files
from readiness.runbook.lines import Runbook
from readiness.runbook.overlays import load_stated
from readiness.runbook.sign_off import SignOff
from readiness.runbook.waivers import Waivers

_TELLING = ("help", "version", "markers", "cacheshow")
"""Options with which pytest tells about itself and ends."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the environment and its runbooks, and report all that is wrong with them before anything is contacted."""
    if config.getoption("env") is None or _only_tells(config):
        starting.settle(config)
        return
    invocation = taken_invocation(os.environ)
    try:
        run = _run(config)
        run.invocation = invocation
        run.environments = environments_of(config)
        run.binding = _binding(config, run)
        config.stash[SESSION] = begin(config, run, trusted_keys(environments_of(config)))
    except (ReadinessError, ValueError) as error:
        reason = REDACTOR.text(str(error))
        _enter_refused(config, invocation, reason)
        starting.settle(config)
        raise pytest.UsageError(reason) from None
    # A run that judges is settled when it is in the ledger: what breaks before that is still a start without a run.
    if judges_nothing(config) or run.replay or not is_controller(config):
        starting.settle(config)


def _only_tells(config: pytest.Config) -> bool:
    """Check whether pytest is asked about itself: then nothing runs, and nothing is left behind."""
    return any(getattr(config.option, name, None) for name in _TELLING)


def _enter_refused(config: pytest.Config, invocation: str, reason: str) -> None:
    """Enter into the ledger that a run was refused before it began.

    A name that is no environment's, and of which there is no evidence, is a typo: no folder is made for it.
    """
    environment = config.getoption("env")
    is_real_start = is_controller(config) and not judges_nothing(config) and not config.getoption("replay")
    if not is_real_start or not starting.is_name(environment):
        return
    home = reports_of(config) / environment
    is_known = (environments_of(config) / f"{environment}.yaml").is_file() or (home / ledger.FILE).is_file()
    if is_known:
        enter_refused(home, phase_named(config.getoption("markexpr")), invocation, reason)


def _run(config: pytest.Config) -> Run:
    """Return the run that the command line asks for. Raises BadInput and ValueError."""
    refuse_ways_round(config)
    refuse_what_is_no_output(config, (environments_of(config), reports_of(config)))
    phase, allow = phase_of(config), _allow(config)
    environment, runbooks, entries = _environment(config, phase)

    # All processes of a run judge the same instant: a worker has it from the controller.
    shared: Mapping[str, str] = getattr(config, "workerinput", {}).get("readiness", {})
    started_at = datetime.fromisoformat(shared["started_at"]) if shared else datetime.now(UTC)

    reports = reports_of(config)
    replay = _recorded(reports, environment.environment, config.getoption("replay"))
    if replay:
        # The launch may have been moved since, and people may have taken their word back.
        recorded = _start_of(replay, environment, phase)
        environment = environment.model_copy(update={"launch_at": recorded.launch_at})
        entries = _entries_of(recorded)
        moment = recorded.as_of
        decision = recorded.sign_off
    else:
        moment = started_at
        decision = _sign_off(environment, environments_of(config), phase)

    as_of = config.getoption("as_of")
    moment = timeline.parse_as_of(as_of, environment.launch_at) if as_of else moment
    return Run(
        environment=environment,
        runbooks=tuple(runbook.at(moment) for runbook in runbooks),
        phase=phase,
        moment=moment,
        started_at=started_at,
        allowed=frozenset({Effect.READ, *environment.allow, *allow}),
        reports=reports,
        replay=replay,
        as_of=as_of,
        sign_off=decision,
        attestations=entries.attestations,
        waivers=entries.waivers,
    )


def _binding(config: pytest.Config, run: Run) -> RecordedBinding | None:
    """Return what a run is evidence about; None for a plan and in a worker, which leave none. Raises BadInput."""
    if judges_nothing(config) or not is_controller(config):
        return None
    return binding_of(environments_of(config), run.environment.environment, run.reports, os.environ)


def _recorded(reports: Path, name: str, word: str | None) -> Path | None:
    """Return the folder of the run to replay: by its path, or by its name among those of the environment."""
    if not word:
        return None
    named = reports / name / word
    is_name = named.is_dir() and not Path(word).exists()
    return run_folders.find(reports, [str(named) if is_name else word])


def _start_of(replay: Path, environment: Environment, phase: Phase | None) -> Start:
    """Return how a recorded run began. Raises ValueError where it is one of another environment or phase."""
    recorded = read_run(replay).start
    is_same_phase = phase is None or recorded.phase is phase
    if recorded.env != environment.environment or not is_same_phase:
        asked = f"--env {environment.environment} -m {phase}"
        raise ValueError(f"--replay {replay}: a run of {recorded.env} {recorded.phase}, and this is {asked}")
    return recorded


def _sign_off(environment: Environment, folder: Path, phase: Phase | None) -> SignOff | None:
    """Return what people decided; None before the last phase, which it is for. Raises BadInput."""
    if phase is not Phase.GA:
        return None
    path = sign_off.path_of(environment.environment, folder, environment.sign_off)
    return sign_off.load(path, Approvers(environment.approvers))


def _allow(config: pytest.Config) -> list[Effect]:
    """Return the effects that `--allow` permits. Raises ValueError."""
    effects = [str(effect) for effect in Effect if effect is not Effect.READ]
    for word in config.getoption("allow"):
        if word not in effects:
            raise ValueError(f"--allow {not_one_of(word, effects)}")
    return [Effect(word) for word in config.getoption("allow")]


def _environment(config: pytest.Config, phase: Phase | None) -> tuple[Environment, tuple[Runbook, ...], Entries]:
    """Return the environment, its runbooks and its entries. Raises BadInput with the problems of all at once.

    The sandbox is started only when there are none.
    """
    folder, name = environments_of(config), config.getoption("env")
    path = folder / f"{name}.yaml"
    needs_sandbox = embedded.is_wanted(path, os.environ)
    variables = {**os.environ, **embedded.stand_ins(path)} if needs_sandbox else dict(os.environ)

    problems: list[str] = []
    environment = None
    try:
        environment = schema.load(name, folder, variables)
    except BadInput as error:
        problems += error.problems

    # Also of an environment that cannot be used the runbooks are read: their problems are shown with its own.
    names = environment.runbooks if environment else _named(path)
    runbooks = load_stated(names, path, problems)
    problems += misnamed_files(name, folder)
    entries = Entries()
    if environment:
        problems += unknown_names(environment, runbooks)
        entries = _entries(environment, runbooks, folder, variables, problems)
    if problems or not environment:
        raise BadInput(list(dict.fromkeys(problems)))

    contacts_nothing = judges_nothing(config) or config.getoption("replay")
    if needs_sandbox and not contacts_nothing:
        embedded.start(config, launched=phase is not Phase.PREFLIGHT, evidence=reports_of(config) / name)
        environment = schema.load(name, folder, os.environ)
        entries = _entries(environment, runbooks, folder, os.environ, problems)
        if problems:
            raise BadInput(problems)
    return environment, tuple(runbooks), entries


@dataclass(frozen=True)
class Entries:
    """What people have written beside the environment file."""

    attestations: Attestations = field(default_factory=Attestations)
    waivers: Waivers = field(default_factory=Waivers)


def _entries(
    environment: Environment,
    runbooks: list[Runbook],
    folder: Path,
    variables: Mapping[str, str],
    problems: list[str],
) -> Entries:
    """Return what people have written; `problems` gains what is wrong with it."""
    # Of a runbook that could not be read nobody knows the lines, so no entry can be held against them.
    if len(runbooks) < len(environment.runbooks):
        return Entries()

    attested, waived = Attestations(), Waivers()
    path = attestations.path_of(environment.environment, folder, environment.attestations)
    try:
        attested = attestations.load(path, runbooks, variables, required=environment.attestations is not None)
    except BadInput as error:
        problems += error.problems
    try:
        path = folder / f"{environment.environment}{waivers.SUFFIX}"
        waived = waivers.load(path, runbooks, variables, Approvers(environment.approvers), environment.owners)
    except BadInput as error:
        problems += error.problems
    return Entries(attested, waived)


def _entries_of(start: Start) -> Entries:
    """Return the entries that a recorded run began with. Raises BadInput."""
    try:
        attested = Attestations.model_validate({"attestations": start.attestations})
        waived = Waivers.model_validate({"waivers": start.waivers})
    except ValidationError as error:
        reason = wrong_value(error.errors()[0])
        raise BadInput([f"the recorded run began with entries that cannot be read: {reason}"]) from None
    return Entries(attested, waived)


def _named(path: Path) -> tuple[str, ...]:
    """Return the names of the runbooks in an environment file that cannot be used as it is."""
    data = read(path).data if path.is_file() else None
    names = data.get("runbooks") if isinstance(data, dict) else None
    if not isinstance(names, list):
        return ()
    return tuple(name for name in names if isinstance(name, str))


def environments_of(config: pytest.Config) -> Path:
    """Return the folder of the environment files."""
    return Path(config.getoption("environments") or root_of(config) / ENVIRONMENTS)


def reports_of(config: pytest.Config) -> Path:
    """Return the folder that runs leave their evidence in."""
    return Path(config.getoption("reports") or root_of(config) / REPORTS)


def root_of(config: pytest.Config) -> Path:
    """Return the folder of the project, as the `readiness` command finds it.

    Pytest's own root is no help: it takes what a configuration file lies in, or what the paths of its tests share.
    """
    return project_root(config.invocation_params.dir)


def known_environments(config: pytest.Config) -> list[str]:
    """Return the names of the environments there are, for whoever forgot to name one."""
    return names(environments_of(config))
