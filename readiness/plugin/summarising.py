"""How pytest ends after a run that no gate started: its summary is FAILED until pytest is over, and then PASSED.

After the last step of a run others still end: their `pytest_unconfigure`, a reporter around all others, what they have
cleaned up. What raises there ends pytest red. So PASSED is written behind all of them, or FAILED stays, and the ledger
remembers that it ended so.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from readiness.evidence.sealed_folder import SUMMARY
from readiness.plugin.options import environments_of
from readiness.plugin.session import SESSION, RunSession, is_controller, is_real
from readiness.rendering.terminal import say

SHOWN_AT_MOST = 3


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Conclude the summary around everything that pytest does: what comes back here is how it ends."""
    environments = environments_of(config).resolve()  # as it was named from where pytest began
    try:
        exitstatus = yield
    except BaseException as error:
        _end_red(config, f"pytest ended with {type(error).__name__}, raised after the verdict: its output says where")
        raise

    if exitstatus != pytest.ExitCode.OK:
        _end_red(config, f"pytest ended with exit code {exitstatus}: its output says why")
    else:
        _conclude(config, environments)
    return exitstatus


def _end_red(config: pytest.Config, why: str) -> None:
    """Enter that pytest ended red, where the run by itself was good, and say why its summary stays FAILED."""
    run = _good_run(config)
    if run is None or run.sealing is None:
        return
    try:
        run.sealing.end_red(why)
    except OSError as error:
        say(f"ledger   cannot say that {why}: {error.strerror}")
    if run.sealing.writes_summary:
        _say_why([why])


def _conclude(config: pytest.Config, environments: Path) -> None:
    """Write PASSED for a run that is good and accepted, or say why a release gate goes on reading FAILED."""
    from readiness.evidence.ended_run import in_the_way  # noqa: PLC0415  only a signed run that is good asks

    run = _good_run(config)
    if run is None or run.sealing is None or run.proof is None or run.folder is None:
        return
    if not run.sealing.writes_summary:
        return

    why = in_the_way(run.folder, run.sealing.trusted, environments, datetime.now(UTC))
    if why:
        _say_why(why)
        return
    try:
        run.sealing.summarise(run.proof[0], is_accepted=True)
    except OSError as error:
        _say_why([f"it could not be written anew: {error}"])


def _good_run(config: pytest.Config) -> RunSession | None:
    """Return the run of this process, where it decides one and came to a good word."""
    run = config.stash.get(SESSION, None)
    if run is None or not is_real(config) or not is_controller(config):
        return None
    is_good = run.verdict is not None and run.verdict.good and not run.failed_beside
    return run if is_good else None


def _say_why(why: Iterable[str]) -> None:
    for sentence in list(why)[:SHOWN_AT_MOST]:
        say(f"summary  {SUMMARY} is FAILED: {sentence}")
