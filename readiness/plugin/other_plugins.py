"""What plugins beside this one do not change: how often an item is judged, where, and the exit code of the run.

Each plugin that tries again, forks or repeats brings a way of its own to run an item. None of them is named here, but
in messages: pytest's own way comes before all of theirs.
"""

from __future__ import annotations

import warnings
from collections.abc import Generator, Sequence

import pytest
from _pytest import runner
from _pytest.config import apply_warning_filters

from readiness.plugin.session import SESSION, is_controller, is_real, state_of

FILTERS = pytest.StashKey[tuple[str, ...]]()
"""What the configuration file says of warnings: it is about checks and tests, not about the plugins beside."""
TO_ERRORS = "error"


def let_them_warn(config: pytest.Config) -> None:
    """Let no warning of another plugin end the run: that any warning is an error is meant for the checks."""
    if config.getoption("env", None) is None:
        return
    filters = config.getini("filterwarnings")
    config.stash[FILTERS] = tuple(filters)
    filters[:] = [text for text in filters if text != TO_ERRORS]
    # Pytest has put the file's filters in force for the whole of this session already.
    warnings.simplefilter("default")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register last of all, which is what has the first word on how an item is run."""
    if SESSION in config.stash:
        config.pluginmanager.register(OnceEach(), "readiness-once-each")


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Have files be read under the filters of the configuration file: what warns is told before it is judged."""
    filters = collector.config.stash.get(FILTERS, ())
    if TO_ERRORS not in filters:
        return (yield)
    with warnings.catch_warnings():
        apply_warning_filters(filters, ())
        return (yield)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Have each item run under them, too."""
    filters = config.stash.get(FILTERS, ())
    if TO_ERRORS not in filters or not config.pluginmanager.hasplugin("warnings"):
        return
    for item in items:
        item.add_marker(pytest.mark.filterwarnings(*filters), append=False)


class OnceEach:
    """Runs each item of a line once, in this process: a failure that does not come back is a failure."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run an item as pytest does, before another plugin can (--forked, --reruns, --force-flaky)."""
        if state_of(item) is None:
            return None
        return runner.pytest_runtest_protocol(item, nextitem)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Keep the exit code that the verdict has: a plugin's own (--suppress-tests-failed-exit-code) says less."""
    config = session.config
    if not (is_real(config) and is_controller(config)):
        return (yield)
    of_the_verdict = session.exitstatus  # `finishing`, which is around this, has decided by now
    try:
        return (yield)
    finally:
        session.exitstatus = of_the_verdict
