"""The run that the command line asks for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from readiness import timeline
from readiness.config.documents import read
from readiness.environment import schema
from readiness.environment.schema import Environment
from readiness.errors import BadInput, ReadinessError, not_one_of
from readiness.evidence import run_folders
from readiness.evidence.journal import read_run
from readiness.evidence.records import Start
from readiness.evidence.signing import trusted_keys
from readiness.outcomes import Effect, Phase
from readiness.plugin import embedded
from readiness.plugin.run import Run
from readiness.plugin.session import SESSION, begin
from readiness.redaction.redactor import REDACTOR
from readiness.runbook import attestations, sign_off, waivers
from readiness.runbook import lines as runbook_lines
from readiness.runbook.attestations import Attestations
from readiness.runbook.lines import Runbook
from readiness.runbook.sign_off import SignOff
from readiness.runbook.waivers import Waivers

_REDACTED = {"fd", "sys"}
"""The ways of capturing that let nothing past the redaction."""


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the environment and its runbooks; all that is wrong with them is told here, before anything is contacted."""
    if config.getoption("env") is None:
        return
    try:
        config.stash[SESSION] = begin(config, _run(config), trusted_keys(environments_of(config)))
    except (ReadinessError, ValueError) as error:
        raise pytest.UsageError(REDACTOR.text(str(error))) from None


def _run(config: pytest.Config) -> Run:
    capture = config.getoption("capture")
    if capture not in _REDACTED and not config.option.collectonly and not hasattr(config, "workerinput"):
        told = "-s (--capture=no)" if capture == "no" else f"--capture={capture}"
        raise ValueError(f"{told} is refused: what is printed would pass the redaction of secrets; leave it out")
    phase, allow = _phase(config), _allow(config)
    found, runbooks, entries = _environment(config, phase)
    shared: Mapping[str, str] = getattr(config, "workerinput", {}).get("readiness", {})
    started_at = datetime.fromisoformat(shared["started_at"]) if shared else datetime.now(UTC)
    reports = Path(config.getoption("reports") or _home(config) / "reports")
    replay = _recorded(reports, found.environment, config.getoption("replay"))
    as_of = config.getoption("as_of")
    recorded = read_run(replay).start if replay else None
    if recorded and (recorded.env, recorded.phase) != (found.environment, phase or recorded.phase):
        asked = f"--env {found.environment} -m {phase}"
        raise ValueError(f"--replay {replay}: a run of {recorded.env} {recorded.phase}, and this is {asked}")
    if recorded:  # the launch may have been moved since, people may have taken their word back
        found = found.model_copy(update={"launch_at": recorded.launch_at})
        entries = _entries_of(recorded)
    moment = recorded.as_of if recorded else started_at
    return Run(
        environment=found,
        runbooks=runbooks,
        phase=phase,
        moment=timeline.parse_as_of(as_of, found.launch_at) if as_of else moment,
        started_at=started_at,
        allowed=frozenset({Effect.READ, *found.allow, *allow}),
        reports=reports,
        replay=replay,
        as_of=as_of,
        sign_off=recorded.sign_off if recorded else _sign_off(found, environments_of(config), phase),
        attestations=entries.attestations,
        waivers=entries.waivers,
    )


def _recorded(reports: Path, name: str, word: str | None) -> Path | None:
    """Find the run to replay: by its folder, or by its name among those of the environment."""
    if not word:
        return None
    named = reports / name / word
    return run_folders.find(reports, [str(named if named.is_dir() and not Path(word).exists() else word)])


def _sign_off(found: Environment, folder: Path, phase: Phase | None) -> SignOff | None:
    """Read what people decided; it is for the last phase. Raises BadInput."""
    return sign_off.load(sign_off.path_of(found.environment, folder, found.sign_off)) if phase is Phase.GA else None


def _phase(config: pytest.Config) -> Phase | None:
    """Read the phase from `-m`: a verdict belongs to one."""
    words = config.getoption("markexpr").replace("(", " ").replace(")", " ").split()
    named = [phase for phase in Phase if phase in words]
    if len(named) == 1:
        return named[0]
    if named:
        raise ValueError(f"one phase a run: -m names {' and '.join(named)}, and a verdict belongs to one; run each")
    odd = [word for word in words if word not in {"and", "or", "not"}]
    if odd:
        raise ValueError(f"-m {not_one_of(odd[0], list(map(str, Phase)))}; choose one phase")
    if config.option.collectonly:
        return None
    raise ValueError(f"choose a phase: -m {' | -m '.join(Phase)} (or --collect-only for the plan of all)")


def _allow(config: pytest.Config) -> list[Effect]:
    known = [str(effect) for effect in Effect if effect is not Effect.READ]
    for word in config.getoption("allow"):
        if word not in known:
            raise ValueError(f"--allow {not_one_of(word, known)}")
    return [Effect(word) for word in config.getoption("allow")]


def _environment(config: pytest.Config, phase: Phase | None) -> tuple[Environment, tuple[Runbook, ...], Entries]:
    """Load all, and tell the problems of all at once. The sandbox is started only when there are none."""
    folder, name = environments_of(config), config.getoption("env")
    path = folder / f"{name}.yaml"
    needs_sandbox = embedded.is_wanted(path, os.environ)
    variables = {**os.environ, **embedded.stand_ins(path)} if needs_sandbox else dict(os.environ)
    problems: list[str] = []
    found = None
    try:
        found = schema.load(name, folder, variables)
    except BadInput as error:
        problems += error.problems
    runbooks = list(_runbooks(found.runbooks if found else _named(path), folder, problems))
    problems += _elsewhere(found, runbooks) if found else []
    entries = _entries(found, runbooks, folder, variables, problems) if found else Entries()
    if problems or not found:
        raise BadInput(list(dict.fromkeys(problems)))
    if needs_sandbox and not config.option.collectonly and not config.getoption("replay"):
        embedded.start(config, launched=phase is not Phase.PREFLIGHT)
        found = schema.load(name, folder, os.environ)
        entries = _entries(found, runbooks, folder, os.environ, problems)
    if problems:
        raise BadInput(problems)
    return found, tuple(runbooks), entries


@dataclass(frozen=True)
class Entries:
    """What people have written beside the environment file."""

    attestations: Attestations = field(default_factory=Attestations)
    waivers: Waivers = field(default_factory=Waivers)


def _entries(
    found: Environment, runbooks: list[Runbook], folder: Path, variables: Mapping[str, str], problems: list[str]
) -> Entries:
    if len(runbooks) < len(found.runbooks):  # nobody knows the lines of the others
        return Entries()
    path = attestations.path_of(found.environment, folder, found.attestations)
    attested, waived = Attestations(), Waivers()
    try:
        attested = attestations.load(path, runbooks, variables, required=found.attestations is not None)
    except BadInput as error:
        problems += error.problems
    try:
        waived = waivers.load(folder / f"{found.environment}{waivers.SUFFIX}", runbooks, variables)
    except BadInput as error:
        problems += error.problems
    return Entries(attested, waived)


def _entries_of(start: Start) -> Entries:
    """Give the entries that a recorded run began with. Raises BadInput."""
    try:
        attested = Attestations.model_validate({"attestations": start.attestations})
        return Entries(attested, Waivers.model_validate({"waivers": start.waivers}))
    except ValidationError as error:
        raise BadInput(
            [f"the recorded run began with entries that cannot be read: {error.errors()[0]['msg']}"]
        ) from None


def _named(path: Path) -> tuple[str, ...]:
    """Read the names of the runbooks from an environment file that cannot be used as it is."""
    data = read(path).data if path.is_file() else None
    names = data.get("runbooks") if isinstance(data, dict) else None
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def _runbooks(names: tuple[str, ...], folder: Path, problems: list[str]) -> Iterator[Runbook]:
    for name in names:
        try:
            yield runbook_lines.load(runbook_lines.locate(name, folder))
        except BadInput as error:
            problems += error.problems


def _elsewhere(found: Environment, runbooks: list[Runbook]) -> Iterator[str]:
    """Tell what the environment says of lines and checks that no runbook has."""
    if len(runbooks) < len(found.runbooks):  # nobody knows what the others have
        return
    lines = [f"{book.runbook}/{line.id}" for book in runbooks for line in book.lines]
    for key in found.not_applicable:
        if key not in lines:
            yield f"{found.environment}.yaml: not_applicable: {not_one_of(key, lines).partition(' (known')[0]}"
    checks: dict[str, set[str]] = {}
    for item in (item for book in runbooks for item in book.items()):
        checks.setdefault(item.check, set()).add(item.line_id)
    for name, level in found.service_levels.items():
        place = f"{found.environment}.yaml: service_levels.{name}.history"
        source = level.history
        if source and source.check not in checks:
            yield f"{place}.check: {not_one_of(source.check, checks).partition(' (known')[0]}: no line asks for it"
        elif source and source.line and source.line not in checks[source.check]:
            yield f"{place}.line: {not_one_of(source.line, checks[source.check])}"


def environments_of(config: pytest.Config) -> Path:
    """Give the folder of the environment files."""
    return Path(config.getoption("environments") or _home(config) / "environments")


def _home(config: pytest.Config) -> Path:
    """Return the folder that holds `environments/` and `reports/`: where the command was given, else pytest's own root.

    Pytest takes for its root what a configuration file lies in, and that may be far above a team's folder.
    """
    here = config.invocation_params.dir
    return here if (here / "environments").is_dir() else config.rootpath


def known_environments(config: pytest.Config) -> list[str]:
    """Name the environments there are, for whoever forgot to name one."""
    return schema.names(environments_of(config))
