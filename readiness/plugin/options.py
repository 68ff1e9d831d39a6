"""The command line, and the run that it asks for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from _pytest.config.exceptions import UsageError

from readiness import environment, runbook, timeline
from readiness.documents import read
from readiness.environment import Environment
from readiness.errors import BadInput, not_one_of
from readiness.outcomes import Effect, Phase
from readiness.plugin import hooks
from readiness.plugin.run import RUN, Run
from readiness.runbook import Runbook
from readiness.sandbox import Sandbox, SandboxFailed

SANDBOX = pytest.StashKey[Sandbox]()
STANDING_IN = "SANDBOX_"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what the command line may say."""
    group = parser.getgroup("readiness", "production readiness (example: pytest -m preflight --env prod)")
    group.addoption("--env", metavar="NAME", help="the environment to judge: a file environments/NAME.yaml")
    group.addoption(
        "--as-of",
        metavar="TIME",
        help="judge the list as it must stand then: T-1h (relative to launch_at), or 2026-12-01T08:00:00Z",
    )
    group.addoption(
        "--allow",
        metavar="EFFECT",
        action="append",
        default=[],
        help="permit an effect beyond reading: write (repeatable: load, notify)",
    )
    group.addoption("--replay", metavar="RUN", help="judge a recorded run again; nothing is contacted: --replay=FOLDER")
    group.addoption("--environments", metavar="DIR", help="where environment files are (default: environments/)")
    group.addoption("--reports", metavar="DIR", help="where runs leave their evidence (default: reports/)")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the hooks that the plugin calls."""
    pluginmanager.add_hookspecs(hooks)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the environment and its runbooks; all that is wrong with them is told here, before anything is contacted."""
    if config.getoption("env") is None:
        return
    if config.getoption("capture") == "no" and not config.option.collectonly:
        raise UsageError("-s (--capture=no) is refused: output would pass the redaction of secrets")
    try:
        config.stash[RUN] = _run(config)
    except (BadInput, ValueError, SandboxFailed) as error:
        raise UsageError(str(error)) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the sandbox that this run started."""
    if SANDBOX in config.stash:
        config.stash[SANDBOX].stop()


def _run(config: pytest.Config) -> Run:
    shared: Mapping[str, str] = getattr(config, "workerinput", {}).get("readiness", {})
    phase = _phase(config)
    found = _environment(config, phase)
    now = datetime.now(UTC)
    started_at = datetime.fromisoformat(shared["started_at"]) if shared else now
    as_of = config.getoption("as_of")
    return Run(
        environment=found,
        runbooks=_runbooks(found, _environments(config)),
        phase=phase,
        moment=timeline.parse_as_of(as_of, found.launch_at) if as_of else started_at,
        started_at=started_at,
        allowed=_allowed(config, found),
        replay=Path(config.getoption("replay")) if config.getoption("replay") else None,
        reports=_reports(config),
        as_of=as_of,
    )


def _phase(config: pytest.Config) -> Phase | None:
    expression = config.getoption("markexpr")
    named = [phase for phase in Phase if phase in expression.replace("(", " ").replace(")", " ").split()]
    if len(named) == 1:
        return named[0]
    if named:
        raise ValueError(f"-m {expression!r} names {len(named)} phases; a verdict belongs to one: run them one by one")
    if config.option.collectonly:
        return None
    raise ValueError(f"choose a phase: -m {' | '.join(Phase)} (or --collect-only for the plan of all)")


def _environment(config: pytest.Config, phase: Phase | None) -> Environment:
    folder, name = _environments(config), config.getoption("env")
    variables: dict[str, str] = dict(os.environ)
    path = folder / f"{name}.yaml"
    embedded = path.is_file() and isinstance(data := read(path).data, dict) and data.get("sandbox") is True
    if embedded and f"{STANDING_IN}URL" not in variables:
        if config.option.collectonly or config.getoption("replay"):
            variables |= _standing_in(path)
        else:
            sandbox = config.stash[SANDBOX] = Sandbox.start(launched=phase is not Phase.PREFLIGHT)
            os.environ.update(sandbox.variables)  # so that workers find it too
            variables |= sandbox.variables
    return environment.load(name, folder, variables)


def _standing_in(path: Path) -> dict[str, str]:
    """Give values for the sandbox's variables where it is not started: nothing will be contacted."""
    text = path.read_text(encoding="utf-8")
    names = {word.split("}")[0] for word in text.split("${")[1:] if word.startswith(STANDING_IN)}
    urls = {name: "http://127.0.0.1:1" for name in names if name.endswith("_URL")}
    plain = {name: f"not-started-{name.lower()}" for name in names - set(urls)}
    launch = {name: datetime.now(UTC).isoformat() for name in names if name.endswith("_AT")}
    return plain | urls | launch | {"SANDBOX_DATABASE_URL": "postgresql://not@127.0.0.1:1/started"}


def _runbooks(found: Environment, folder: Path) -> tuple[Runbook, ...]:
    problems: list[str] = []
    loaded: list[Runbook] = []
    for name in found.runbooks:
        try:
            loaded.append(runbook.load(runbook.locate(name, folder)))
        except BadInput as error:
            problems += error.problems
    lines = [f"{book.runbook}/{line.id}" for book in loaded for line in book.lines]
    for key in found.not_applicable:
        if not problems and key not in lines:
            problems.append(f"{found.environment}.yaml: not_applicable: line {not_one_of(key, lines)[:200]}")
    if problems:
        raise BadInput(problems)
    return tuple(loaded)


def _allowed(config: pytest.Config, found: Environment) -> frozenset[Effect]:
    asked: list[str] = config.getoption("allow")
    unknown = [word for word in asked if word not in set(Effect)]
    if unknown:
        raise ValueError(f"--allow {not_one_of(unknown[0], list(Effect))}")
    return frozenset({Effect.READ, *found.allow, *(Effect(word) for word in asked)})


def _environments(config: pytest.Config) -> Path:
    return Path(config.getoption("environments") or config.rootpath / "environments")


def _reports(config: pytest.Config) -> Path:
    return Path(config.getoption("reports") or config.rootpath / "reports")


def known_environments(config: pytest.Config) -> list[str]:
    """Name the environments there are, for whoever forgot to name one."""
    return environment.names(_environments(config))
