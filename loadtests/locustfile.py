"""Load rehearsals. Where the wheel is installed, `readiness shipped loadtests` names the folder of this file.

    locust -f loadtests/locustfile.py --env staging --stage launch --headless
    locust -f loadtests/locustfile.py --env staging --stage launch --headless --processes 2
    locust -f loadtests/locustfile.py --env staging --stage capacity --headless --master --expect-workers 8

The evidence is written to reports/<environment>/rehearsals/ every ten seconds. Exit code: 0 pass, 1 fail,
10 inconclusive, 2 refused; the checks do not read it, they judge the evidence again.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import signal
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import gevent
from gevent import monkey
from locust import events
from locust.env import Environment as LocustEnvironment
from locust.runners import MasterRunner, Runner, WorkerRunner

# Locust loads this file by its path. `loadtests` is the folder that it lies in, here or in an installed wheel, and not
# one of that name where the command was started.
sys.path.insert(0, str(Path(__file__).parents[1]))

from loadtests.run import Run, prepare, say
from loadtests.safety import LoadPermission, Refused, raise_fd_limit
from loadtests.shape import COURSES, PHASE, Course, Stages
from loadtests.visitor import CLIENT_CONFIGS, THINK, Visitor, Walker, take_turns
from readiness.errors import BadInput
from readiness.outcomes import Effect
from readiness.rehearsal.journeys import Journey, check_names, read_rows

__all__ = ["Stages", "Walker"]

LOG = logging.getLogger("rehearsal")
EVERY_SECONDS = 10
REFUSED = 2
fork = monkey.get_original("os", "fork")
RUNS: dict[LocustEnvironment, Run] = {}
Listener = TypeVar("Listener", bound=Callable[..., None])


def _on(hook: Any) -> Callable[[Listener], Listener]:
    """Listen to one of Locust's events."""

    def listen(function: Listener) -> Listener:
        hook.add_listener(function)
        return function

    return listen


@_on(events.init_command_line_parser)
def _options(parser: ArgumentParser) -> None:
    shared: dict[str, Any] = {"include_in_web_ui": False}
    parser.add_argument("--env", default="", help="the environment, as environments/<name>.yaml names it", **shared)
    parser.add_argument(
        "--stage", default="", help="smoke, load, stress, launch, or one of the environment's", **shared
    )
    parser.add_argument("--allow", default="", help="'load': let it loose on production", **shared)
    parser.add_argument("--confirm", default="", help="the host name of the production target", **shared)
    parser.add_argument("--environments", default="environments", help="the folder of the environments", **shared)
    parser.add_argument("--reports", default="reports", help="the folder that evidence is written to", **shared)


@_on(events.init)
def _get_ready(environment: LocustEnvironment, runner: object = None, **_: object) -> None:
    options = environment.parsed_options
    if options is None:
        return
    if isinstance(runner, WorkerRunner):
        runner.register_message(PHASE, lambda msg, **_: _hold(environment, msg.data["settle"]))
        if options.processes:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells all of them; the leading process stops us
        return
    run = _set_up(environment)
    environment.host = run.environment.target.url
    COURSES["now"] = Course(run)
    print(run.first_line, flush=True)  # noqa: T201  the first line that a person sees
    if options.headless and isinstance(runner, Runner):
        options.html_file = options.html_file or str(run.folder / "report.html")
        for number in (signal.SIGINT, signal.SIGTERM):  # Locust itself dies of SIGTERM without a word
            gevent.signal_handler(number, _stop, runner, number.name)


def _stop(runner: Runner, name: str) -> None:
    course = COURSES.get("now")
    print(f"{name}: the users finish what they began", flush=True)  # noqa: T201
    if course:
        course.stop(runner, f"it was stopped by {name}")
        course.run.write()


@_on(events.test_start)
def _begin(environment: LocustEnvironment, **_: object) -> None:
    options, runner = environment.parsed_options, environment.runner
    # Under the web interface one process may see several rehearsals; each has its own counters and its own folder.
    run = RUNS[environment] if environment in RUNS and options and options.headless else _set_up(environment)
    run.leads = not isinstance(runner, MasterRunner) and not _works(environment)
    if not _works(environment):
        COURSES["now"] = Course(run)
        run.folder.mkdir(parents=True, exist_ok=True)
        _enter("begin", str(run.folder), run.stage_name)
        run.revision = run.look_up_revision()
        gevent.spawn(_write_on, run)
    if not isinstance(runner, MasterRunner):
        gevent.spawn(run.client_config.health.watch)


def _works(environment: LocustEnvironment) -> bool:
    """Tell whether this is a worker. By the options: one that comes late is told to begin before it has its runner."""
    return bool(environment.parsed_options and environment.parsed_options.worker)


def _set_up(environment: LocustEnvironment) -> Run:
    """Read what the options name and hand it to the users; end with status 2 where it is refused."""
    options = environment.parsed_options
    if options is None:
        raise RuntimeError("Locust gave no options")
    permission = LoadPermission(
        {Effect(word) for word in options.allow.split(",") if word in set(Effect)}, options.confirm, options.host
    )
    folder = Path(options.environments)
    try:
        run = prepare(options.env, options.stage, permission, folder, Path(options.reports))
        _raise_fd_limit(options, run.stage.users)
        load = run.environment.load
        journeys = load.journeys if load else {}
        take_turns(journeys, {name: _rows(options.env, name, journey, folder) for name, journey in journeys.items()})
        classes = _classes(folder / load.visitors) if load and load.visitors else []
    except (BadInput, ValueError) as error:
        print(f"refused: {error}", file=sys.stderr, flush=True)  # noqa: T201
        sys.exit(REFUSED)
    environment.user_classes = [*classes, *([Walker] if journeys or not classes else [])]
    environment.stop_timeout = run.stage.drain_seconds
    CLIENT_CONFIGS[environment], THINK[environment], RUNS[environment] = run.client_config, run.stage.think_seconds, run
    return run


def _raise_fd_limit(options: Namespace, users: int) -> None:
    """Let this process have its users' connections, where it has users. Raises Refused."""
    if options.master and not options.processes:
        return
    try:
        raise_fd_limit(users, options.processes or 1)
    except Refused:
        if not options.worker:  # how many users come to it, a worker does not know
            raise


def _rows(env: str, name: str, journey: Journey, folder: Path) -> list[dict[str, str]]:
    """Read the rows of a journey and hold its steps against them. Raises ValueError with the file and the key."""
    try:
        rows = read_rows(journey, folder)
        check_names(journey, rows)
    except ValueError as error:
        raise ValueError(f"{env}.yaml: load.journeys.{name}.{error}") from None
    return rows


def _classes(path: Path) -> list[type[Visitor]]:
    """Load the `Visitor` classes of a team's file. Raises ValueError where there are none."""
    spec = importlib.util.spec_from_file_location("visitors", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ValueError(f"load.visitors: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = [kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Visitor)]
    own = [kind for kind in found if kind.__module__ == "visitors"]
    if not own:
        raise ValueError(f"load.visitors: {path.name} has no class that derives from Visitor")
    return own


def _hold(environment: LocustEnvironment, settle_seconds: float) -> None:
    RUNS[environment].hold(settle_seconds)


def _write_on(run: Run) -> None:
    """Write the evidence every ten seconds, in a copy of this process: users must not wait the 0.3 s that it takes."""
    gevent.sleep(EVERY_SECONDS)
    while run.ended == "running":
        run.copy = fork()
        if run.copy == 0:
            try:
                run.write()
            finally:
                os._exit(0)  # nothing of Locust's own may end twice
        gevent.sleep(EVERY_SECONDS)
        _end_copy(run)


def _end_copy(run: Run) -> None:
    """See to it that no copy writes any more: the last word is ours."""
    if not run.copy:
        return
    with contextlib.suppress(ProcessLookupError, ChildProcessError):  # it has ended, and gevent may have seen it first
        ended, _ = os.waitpid(run.copy, os.WNOHANG)
        if not ended:
            os.kill(run.copy, signal.SIGKILL)
            os.waitpid(run.copy, 0)
    run.copy = 0


@_on(events.report_to_master)
def _report(client_id: str, data: dict[str, Any]) -> None:
    for run in RUNS.values():
        data["rehearsal"] = {
            "counters": run.recorder.drain(),
            "health": {**run.client_config.health.plain(), "name": client_id},
        }


@_on(events.worker_report)
def _collect(client_id: str, data: dict[str, Any]) -> None:
    found = data.get("rehearsal")
    if not found:
        return
    for run in RUNS.values():
        run.recorder.counters.add(found["counters"])
        run.generators[client_id] = found["health"]


@_on(events.user_error)
def _broke(exception: Exception, **_: object) -> None:
    for run in RUNS.values():
        run.recorder.record_exception(exception)


@_on(events.test_stop)
def _stopped_in_browser(environment: LocustEnvironment, **_: object) -> None:
    if environment.web_ui:
        _finish(environment)


@_on(events.quitting)
def _finish(environment: LocustEnvironment, **_: object) -> None:
    run = RUNS.get(environment)
    if run is None or _works(environment) or not run.folder.is_dir():
        return
    del RUNS[environment]
    _end_copy(run)
    if run.ended == "running":
        run.ended, run.ended_because = "cut short", "it was stopped before its end"
    if environment.runner:
        run.outside = max(
            0, environment.runner.stats.total.num_requests - sum(run.recorder.counters.recorded_in.values())
        )
    run.revision_at_end = run.look_up_revision()[0]
    found = run.write()
    say(found, run)
    environment.process_exit_code = found.word.exit
    _enter("end", str(run.folder))


def _enter(*words: str) -> None:
    """Make an entry in the ledger; a rehearsal goes on without, and says that it is no evidence."""
    command = [sys.executable, "-m", "readiness.rendering.rehearsal_entry", *words]
    subprocess.run(command, check=False, start_new_session=True)  # noqa: S603  not for a second Ctrl-C to break off
