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
from functools import partial
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

from loadtests.browser import mask_answers
from loadtests.run import RehearsalRun, log_judgement, prepare
from loadtests.safety import LoadPermission, LoadRefused, raise_fd_limit
from loadtests.shape import COURSES, PHASE, StageCourse, Stages
from loadtests.visitor import CLIENT_CONFIGS, THINK, Visitor, Walker, take_turns
from readiness.errors import BadInput
from readiness.files import atomic_write
from readiness.outcomes import Effect
from readiness.redaction.redactor import REDACTOR
from readiness.redaction.stream import mask_all_output
from readiness.rehearsal.journeys import Journey, check_names, read_rows

__all__ = ["Stages", "Walker"]

LOG = logging.getLogger("rehearsal")
EVERY_SECONDS = 10
REFUSED = 2
fork = monkey.get_original("os", "fork")
"""The system's own, without what gevent does in the child."""
RUNS: dict[LocustEnvironment, RehearsalRun] = {}
Listener = TypeVar("Listener", bound=Callable[..., None])


def _on(hook: Any) -> Callable[[Listener], Listener]:
    """Return a decorator that lets a function listen to one of Locust's events."""

    def listen(function: Listener) -> Listener:
        hook.add_listener(function)
        return function

    return listen


@_on(events.init_command_line_parser)
def _options(parser: ArgumentParser) -> None:
    # What is let loose on whom is said on the command line, and not by who happens to open the web interface.
    add = partial(parser.add_argument, include_in_web_ui=False)
    add("--env", default="", help="the environment, as environments/<name>.yaml names it")
    add("--stage", default="", help="smoke, load, stress, launch, or one of the environment's")
    add("--allow", default="", help="'load': let it loose on production")
    add("--confirm", default="", help="the host name of the production target")
    add("--environments", default="environments", help="the folder of the environments")
    add("--reports", default="reports", help="the folder that evidence is written to")


@_on(events.init)
def _get_ready(environment: LocustEnvironment, runner: object = None, **_: object) -> None:
    options = environment.parsed_options
    if options is None:
        return

    if isinstance(runner, WorkerRunner):
        # A worker is told when the hold begins, and reads its environment when the test starts.
        runner.register_message(PHASE, lambda msg, **_: _hold(environment, msg.data["settle"]))
        if options.processes:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal tells all of them; the leading process stops us
        return

    run = _set_up(environment)
    if environment.web_ui:
        mask_answers(environment.web_ui.app)
    environment.host = run.environment.target.url
    COURSES["now"] = StageCourse(run)
    print(run.first_line, flush=True)  # noqa: T201  the first line that a person sees
    if options.headless and isinstance(runner, Runner):
        options.html_file = options.html_file or str(run.folder / "report.html")
        for number in (signal.SIGINT, signal.SIGTERM):  # Locust itself dies of SIGTERM without a word
            gevent.signal_handler(number, _stop, runner, number.name)


def _stop(runner: Runner, name: str) -> None:
    course = COURSES.get("now")
    print(f"{name}: the users finish what they began", flush=True)  # noqa: T201  who pressed Ctrl-C reads it
    if course:
        course.stop(runner, f"it was stopped by {name}")
        course.run.write()


@_on(events.test_start)
def _begin(environment: LocustEnvironment, **_: object) -> None:
    options, runner = environment.parsed_options, environment.runner
    # Under the web interface one process may see several rehearsals; each has its own counters and its own folder.
    is_set_up = environment in RUNS and options is not None and options.headless
    run = RUNS[environment] if is_set_up else _set_up(environment)

    run.leads = not isinstance(runner, MasterRunner) and not _is_worker(environment)
    if not _is_worker(environment):
        COURSES["now"] = StageCourse(run)
        run.folder.mkdir(parents=True, exist_ok=True)
        _enter(environment, "begin", str(run.folder), run.stage_name)
        run.revision = run.look_up_revision()
        gevent.spawn(_write_regularly, run)

    if not isinstance(runner, MasterRunner):
        gevent.spawn(run.client_config.health.watch)


def _is_worker(environment: LocustEnvironment) -> bool:
    """Check whether this is a worker. By the options: one that comes late is told to begin before it has its runner."""
    return bool(environment.parsed_options and environment.parsed_options.worker)


def _set_up(environment: LocustEnvironment) -> RehearsalRun:
    """Read what the options name and hand it to the users; end with status 2 where it is refused."""
    options = environment.parsed_options
    if options is None:
        raise RuntimeError("Locust gave no options")

    allowed = {Effect(word) for word in options.allow.split(",") if word in set(Effect)}
    permission = LoadPermission(allowed, options.confirm, options.host)
    folder = Path(options.environments)
    try:
        run = prepare(options.env, options.stage, permission, folder, Path(options.reports))
        # From here on the secrets are known. Locust prints what visitors raise, and the names of requests.
        mask_all_output()
        _raise_fd_limit(options, run.stage.users)

        load = run.environment.load
        journeys = load.journeys if load else {}
        rows = {name: _rows(options.env, name, journey, folder) for name, journey in journeys.items()}
        take_turns(journeys, rows)
        classes = _classes(folder / load.visitors) if load and load.visitors else []
    except (BadInput, ValueError) as error:
        print(f"refused: {REDACTOR.text(str(error))}", file=sys.stderr, flush=True)  # noqa: T201  the command's refusal
        sys.exit(REFUSED)

    # Without journeys and classes of the team's own, the target's first page is asked for.
    walkers: list[type[Visitor]] = [Walker] if journeys or not classes else []
    environment.user_classes = [*classes, *walkers]
    environment.stop_timeout = run.stage.drain_seconds

    CLIENT_CONFIGS[environment] = run.client_config
    THINK[environment] = run.stage.think_seconds
    RUNS[environment] = run
    return run


def _raise_fd_limit(options: Namespace, users: int) -> None:
    """Raise the limit of open files, where this process has users. Raises LoadRefused."""
    # A master has no users of its own, unless it forks its workers.
    if options.master and not options.processes:
        return
    try:
        raise_fd_limit(users, options.processes or 1)
    except LoadRefused:
        # A worker does not know how many of the users come to it.
        if not options.worker:
            raise


def _rows(env: str, name: str, journey: Journey, folder: Path) -> list[dict[str, str]]:
    """Return the rows of a journey, once its steps fit them. Raises ValueError with the file and the key."""
    try:
        rows = read_rows(journey, folder)
        check_names(journey, rows)
    except ValueError as error:
        raise ValueError(f"{env}.yaml: load.journeys.{name}.{error}") from None
    return rows


def _classes(path: Path) -> list[type[Visitor]]:
    """Return the `Visitor` classes of a team's file. Raises ValueError where there are none."""
    spec = importlib.util.spec_from_file_location("visitors", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ValueError(f"load.visitors: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    visitors = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Visitor)]
    # What the file imports is no class of its own: Visitor itself, to begin with.
    own_visitors = [visitor for visitor in visitors if visitor.__module__ == "visitors"]
    if not own_visitors:
        raise ValueError(f"load.visitors: {path.name} has no class that derives from Visitor")
    return own_visitors


def _hold(environment: LocustEnvironment, settle_seconds: float) -> None:
    RUNS[environment].hold(settle_seconds)


def _write_regularly(run: RehearsalRun) -> None:
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


def _end_copy(run: RehearsalRun) -> None:
    """End the copy that writes, where it still does: what this process writes last must not be written over."""
    if not run.copy:
        return
    with contextlib.suppress(ProcessLookupError, ChildProcessError):  # it has ended, and gevent may have seen it first
        ended_pid, _ = os.waitpid(run.copy, os.WNOHANG)
        if not ended_pid:
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
    report = data.get("rehearsal")
    if not report:
        return
    for run in RUNS.values():
        run.recorder.counters.add(report["counters"])
        run.generators[client_id] = report["health"]


@_on(events.user_error)
def _record_exception(exception: Exception, **_: object) -> None:
    for run in RUNS.values():
        run.recorder.record_exception(exception)


@_on(events.test_stop)
def _stopped_in_browser(environment: LocustEnvironment, **_: object) -> None:
    if environment.web_ui:
        _finish(environment)


@_on(events.quitting)
def _finish(environment: LocustEnvironment, **_: object) -> None:
    run = RUNS.get(environment)
    # Without a folder the test was never started; a worker keeps no evidence.
    if run is None or _is_worker(environment) or not run.folder.is_dir():
        return

    del RUNS[environment]
    _end_copy(run)
    if run.ended == "running":
        run.ended, run.ended_because = "cut short", "it was stopped before its end"
    if environment.runner:
        counted_by_locust = environment.runner.stats.total.num_requests
        recorded = sum(run.recorder.counters.recorded_in.values())
        run.outside = max(0, counted_by_locust - recorded)
    run.revision_at_end = run.look_up_revision()[0]

    judgement = run.write()
    log_judgement(judgement, run)
    environment.process_exit_code = judgement.word.exit
    for page in run.folder.glob("*.html"):
        _mask_file(page)
    _enter(environment, "end", str(run.folder))


def _mask_file(path: Path) -> None:
    """Mask a page that Locust has written: it holds what visitors raised, and the names of requests."""
    text = path.read_text("utf-8")
    masked = REDACTOR.text(text)
    if masked != text:
        atomic_write.write_whole(path, masked)


def _enter(environment: LocustEnvironment, verb: str, *arguments: str) -> None:
    """Make an entry in the ledger; a rehearsal goes on without, and says that it is no evidence."""
    environments = environment.parsed_options.environments if environment.parsed_options else ""
    command = [sys.executable, "-m", "readiness.rendering.rehearsal_entry", verb, environments, *arguments]
    subprocess.run(command, check=False, start_new_session=True)  # noqa: S603  not for a second Ctrl-C to break off
