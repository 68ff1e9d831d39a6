"""The process that `tests.warm` forks whole runs from: it has imported what a run imports, and has begun nothing.

It is started as a script and never forked itself, because a worker of xdist has threads. Requests and answers are lines
of JSON on its standard input and output. A request names a module and what `python -m` would be given with it; the
answers are the process id of the run when it has begun, and how it ended.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import importlib.metadata
import json
import os
import pickle
import pkgutil
import random
import runpy
import select
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest
from _pytest.fixtures import FixtureFunctionDefinition, FixtureManager

TASKS, FILES = Path("/proc/self/task"), Path("/proc/self/fd")
ROOT = Path(__file__).parents[1]
CHECKS = ROOT / "checks"
LIBRARIES = (
    *("httpx", "psycopg", "jinja2", "yaml", "prometheus_client", "promql_parser"),
    # What these and pytest import when they are first asked for something.
    *("httpcore", "h11", "certifi", "encodings.idna", "pydantic.dataclasses", "tomllib", "packaging.version"),
)
ROOMS = ("clients", "evidence", "observations", "rendering", "sources", "transport")
"""Importing an observation registers it: a run begins with what ships in its register, as `load_all` leaves it."""
WITHOUT = ("-p", "no:locust", "-p", "no:cacheprovider")
"""Locust's pytest plugin would bring gevent, which no run of ours has; the cache would be written."""
GIVES_WAY = 5
"""How much a run gives way to the sandboxes: one that answers Prometheus too late looks as if it were away."""
COLLECTS_SELDOM = (100_000, 50, 50)
"""When a run looks for garbage: it is over before there is much."""
SET_PARENT_DEATH_SIGNAL = 1
"""`PR_SET_PDEATHSIG` of prctl(2)."""
Job = dict[str, Any]


class Imports:
    """A pytest plugin that imports and compiles what runs need, where pytest rewrites assertions as it must."""

    def pytest_collection(self) -> None:
        # Nothing of ours is imported before pytest rewrites it: a run would be warned of that.
        plugin = sys.modules["readiness.plugin"]
        pytest.register_assert_rewrite(*plugin.MODULES)
        for name in (*LIBRARIES, *plugin.MODULES):
            importlib.import_module(name)
        for room in ROOMS:
            package = importlib.import_module(f"readiness.{room}")
            for module in pkgutil.walk_packages(package.__path__, f"readiness.{room}."):
                importlib.import_module(module.name)
        for observation in sys.modules["readiness.observations"].OBSERVATIONS.values():
            _ = observation.adapter  # made when it is first asked for
        # What a run renders its pages with takes a tenth of a small run to compile, and is the same in all of them.
        templates = sys.modules["readiness.rendering.charts"]._templates()
        for name in templates.list_templates():
            templates.get_template(name)
        keep_template_of_pytest_html()
        read_the_checks()
        keep_what_ships()


def keep_template_of_pytest_html() -> None:
    """Have pytest-html's page compiled here: it compiles it anew in each run, which takes a tenth of a small one."""
    plugin: Any = importlib.import_module("pytest_html.plugin")
    read = plugin._read_template
    by_folders = cache(lambda *folders: read(list(folders)))
    page = by_folders(Path(plugin.__file__).parent / "resources")
    for name in page.environment.list_templates():
        page.environment.get_template(name)
    plugin._read_template = lambda folders: by_folders(*folders)


def read_the_checks() -> None:
    """Have the files of checks parsed and looked through here: anew in each run, that takes a fifth of a small one."""
    check_files = importlib.import_module("readiness.plugin.check_files")
    for path in CHECKS.glob("test_*.py"):
        check_files.has_only_checks(check_files.parsed(path))


def search_only_where_fixtures_are() -> None:
    """Have pytest search what is here already only where fixtures are: it looks at 3,600 names in each run."""
    modules = [module for module in sys.modules.values() if isinstance(module, ModuleType)]
    fixtures_of = {module: _fixtures_alone(module) for module in modules}
    plugins = {kind for module in modules if _brings_plugins(module) for kind in _classes_of(module)}
    without = {kind for kind in plugins if not any(map(_has_fixtures, kind.__mro__))}
    search = FixtureManager.parsefactories

    def search_fixtures(manager: FixtureManager, *given: Any, **named: Any) -> None:
        holder = named.get("holder")
        if isinstance(holder, ModuleType):
            holder = fixtures_of.get(holder, holder)
            named["holder"] = holder
        has_none = holder is None or type(holder) in without
        if "holder" not in named or not has_none:
            search(manager, *given, **named)

    FixtureManager.parsefactories = search_fixtures  # type: ignore[method-assign, assignment]  # here only


def _fixtures_alone(module: ModuleType) -> ModuleType | None:
    """Return a module that has nothing but the fixtures of another; None where it has none."""
    if not _has_fixtures(module):
        return None
    alone = ModuleType(module.__name__)
    vars(alone).update({name: value for name, value in vars(module).items() if _is_fixture(value)})
    return alone


def _brings_plugins(module: ModuleType) -> bool:
    return module.__name__.partition(".")[0] in {"_pytest", "pytest_html", "pytest_metadata", "readiness", "xdist"}


def _classes_of(module: ModuleType) -> list[type]:
    classes = [value for value in list(vars(module).values()) if isinstance(value, type)]
    return [kind for kind in classes if kind.__module__ == module.__name__]


def _has_fixtures(holder: ModuleType | type) -> bool:
    return any(map(_is_fixture, list(vars(holder).values())))


def _is_fixture(value: object) -> bool:
    return type(value) is FixtureFunctionDefinition


def look_hooks_up_plainly() -> None:
    """Have pluggy take a module's functions as they are: it looks for descriptors, which a module cannot have."""
    manager: Any = importlib.import_module("pluggy._manager")
    look_up = getattr(manager, "_static_hook_attr", None)
    if look_up is None:  # a release that takes them so itself
        return

    def look_up_quickly(holder: object, name: str) -> Any:
        value = vars(holder).get(name) if type(holder) is ModuleType else None
        return (value, value) if isinstance(value, FunctionType) else look_up(holder, name)

    manager._static_hook_attr = look_up_quickly


def keep_what_ships() -> None:
    """Have the runbooks and environments that ship parsed here: anew in each run, that takes up to a tenth of one.

    Each run gets a copy of what was read, found by the whole text: a file with another text is parsed.
    """
    documents: Any = importlib.import_module("readiness.config.documents")
    parse = documents._fill
    parsed: dict[str, tuple[bytes, Any]] = {}
    for path in (*ROOT.glob("readiness/shipped/runbooks/*.yaml"), *ROOT.glob("environments/*.yaml")):
        document = documents.read(path)
        if not document.problems:
            parsed[path.read_text(encoding="utf-8")] = pickle.dumps(document.data), document._places

    def fill(document: Any, text: str) -> None:
        if text not in parsed:
            parse(document, text)
            return
        data, places = parsed[text]
        document.data = pickle.loads(data)
        document._places.update(places)

    documents._fill = fill
    # The shipped lines give the example of a limit that a line lacks.
    importlib.import_module("readiness.runbook.limit_examples").example_of("health.live", ["path"])


def keep_what_is_installed() -> None:
    """Have the metadata of what is installed parsed once: each run asks for them again."""
    for name in ("metadata", "entry_points", "files"):
        parsed = getattr(importlib.metadata.PathDistribution, name).fget
        setattr(importlib.metadata.PathDistribution, name, property(kept_by_folder(parsed)))


def kept_by_folder(parsed: Callable[[Any], object]) -> Callable[[Any], object]:
    """Return the same of a distribution, parsed once for each folder of metadata."""
    kept: dict[str, object] = {}

    def value(distribution: Any) -> object:
        folder = str(distribution._path)
        if folder not in kept:
            kept[folder] = parsed(distribution)
        return kept[folder]

    return value


def warm_up() -> None:
    """Import pytest's plugins and ours in a run of nothing, which pytest ends and undoes as any other."""
    keep_what_is_installed()
    with tempfile.TemporaryDirectory(prefix="readiness-warm-") as empty:
        words = ["--capture=no", "-p", "readiness.plugin", *WITHOUT, f"--rootdir={empty}", "-c", os.devnull, empty]
        ended = pytest.main(words, plugins=[Imports()])
    if ended != pytest.ExitCode.NO_TESTS_COLLECTED:
        raise RuntimeError(f"the run that warms up ended with {ended!r}")
    search_only_where_fixtures_are()
    look_hooks_up_plainly()
    gc.collect()
    gc.freeze()  # a collection in a run does not touch, and so copy, what is here already


def impurities() -> list[str]:
    """Name what a run must not inherit and would: threads, gevent, sockets, TLS, secrets."""
    found = []
    threads = len(list(TASKS.iterdir())) if TASKS.is_dir() else threading.active_count()
    if threads != 1:
        found.append(f"{threads} threads")
    if "gevent" in sys.modules:
        found.append("gevent is imported")
    if FILES.is_dir():
        found += [f"{target} is open" for target in map(_target, FILES.iterdir()) if target.startswith("socket:")]
    if sys.modules["readiness.redaction.secret"].known_secrets():
        found.append("secrets are known")
    return found


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # the one that lists the folder
        return ""


def contexts_of_tls() -> int:
    """Count the TLS contexts there are. Slow: it looks at every object."""
    gc.unfreeze()
    found = sum(type(one).__name__ == "SSLContext" for one in gc.get_objects())
    gc.freeze()
    return found


class Server:
    """Forks a run for each request, waits for its end, and ends with whoever asks."""

    def __init__(self, requests: int, answers: int) -> None:
        self._requests, self._answers = requests, answers
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler nothing is written to `wake`
        signal.set_wakeup_fd(wake)
        self._inherited = (requests, answers, self._woken, wake)

    def serve(self) -> Job | None:
        """Return the job in each forked process; return None in the server when nobody asks any more."""
        for line in self._lines():
            job: Job = json.loads(line)
            found = impurities()
            if job.get("tell"):
                self._answer(pid=os.getpid(), impurities=found, contexts=contexts_of_tls())
                continue
            if found:
                self._answer(refused=", ".join(found))
                continue
            child = os.fork()
            if not child:
                self._leave()
                return job
            self._answer(pid=child)
            self._wait(child)
        return None

    def _leave(self) -> None:
        """Give up, in the forked process, what belongs to the server."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for one in self._inherited:
            os.close(one)

    def _wait(self, child: int) -> None:
        """Answer how the run ended; kill it, and end, when nobody waits for it any more."""
        while True:
            ready, _, _ = select.select([self._woken, self._requests], [], [])
            if self._requests in ready:  # nobody asks before the answer: the other end was closed
                os.killpg(child, signal.SIGKILL)
                raise SystemExit(1)
            os.read(self._woken, 4096)
            ended, status, usage = os.wait4(child, os.WNOHANG)
            if ended:
                seconds = usage.ru_utime + usage.ru_stime
                self._answer(status=os.waitstatus_to_exitcode(status), cpu_seconds=seconds)
                return

    def _answer(self, **what: Any) -> None:
        os.write(self._answers, json.dumps(what).encode() + b"\n")

    def _lines(self) -> Iterator[bytes]:
        kept = b""
        while read := os.read(self._requests, 1 << 16):
            *whole, kept = (kept + read).split(b"\n")
            yield from whole


def become(job: Job, server: int, path: list[str]) -> None:
    """Make this forked process what `python -m` would have made: its folder, variables, files, signals and seeds."""
    os.setpgid(0, 0)  # whoever ends it ends what it started
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != server:  # it died before we asked to be told
            os._exit(1)
    os.nice(GIVES_WAY)
    gc.set_threshold(*COLLECTS_SELDOM)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, name in enumerate((os.devnull, job["stdout"], job["stderr"])):
        opened = os.open(name, os.O_WRONLY | os.O_APPEND if number else os.O_RDONLY)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["variables"])
    time.tzset()
    more = os.environ.get("PYTHONPATH", "")
    sys.path[:] = [job["folder"], *(more.split(os.pathsep) if more else []), *path]
    sys.argv[:] = ["-m", *job["words"]]  # `runpy` replaces the first
    importlib.invalidate_caches()
    random.seed()


def run_and_end(module: str) -> None:
    """Run a module and end the process as Python does, but for taking all that was imported apart.

    It is taken apart where it was copied for that, page by page: that took a third of a small run. What ends in another
    way than with a number has Python end it.
    """
    status = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        is_number = ended.code is None or isinstance(ended.code, int)
        if not is_number:
            raise
        status = int(ended.code or 0)
    # In the order of Py_FinalizeEx: the threads that are waited for, what was registered, the streams.
    threading._shutdown()  # type: ignore[attr-defined]  # what Python itself calls
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 0xFF)


def main() -> None:
    """Warm up, then fork until nobody asks any more."""
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):
        os.dup2(nothing, number)
    os.close(nothing)
    own = [str(Path(__file__).parent), *os.environ.pop("PYTHONPATH", "").split(os.pathsep)]
    path = [one for one in sys.path if one not in own]
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        del os.environ[name]
    warm_up()
    server, me = Server(requests, answers), os.getpid()
    os.write(answers, b'{"ready": true}\n')
    job = server.serve()
    if job is not None:
        become(job, me, path)
        run_and_end(job["module"])


if __name__ == "__main__":
    main()
