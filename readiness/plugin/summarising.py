"""How pytest ends after a run that no gate started: its summary is FAILED until pytest is over, and then PASSED.

After the last step of a run others still end: their `pytest_unconfigure`, a reporter around all others, what they have
cleaned up. What raises there ends pytest red. So PASSED is written behind all of them, or FAILED stays, and the ledger
remembers that it ended so. A process that dies there comes never back: the file of its end stays, see `pending_ends`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from readiness.evidence.reasons import BAD_EXIT
from readiness.evidence.sealed_folder import SUMMARY
from readiness.plugin.options import environments_of
from readiness.plugin.sealing import Sealing
from readiness.plugin.session import SESSION, RunSession, is_controller, is_real
from readiness.rendering.terminal import say
from readiness.verdict import INCOMPLETE_EXIT

SHOWN_AT_MOST = 3


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Conclude the summary around everything that pytest does: what comes back here is how it ends."""
    environments = environments_of(config).resolve()  # as it was named from where pytest began
    try:
        exitstatus = yield
    except BaseException as error:
        why = f"pytest ended with {type(error).__name__}, raised after the verdict: its output says where"
        _end_red(config, why, BAD_EXIT)
        if isinstance(error, SystemExit) and not error.code:
            _refuse_to_end_well(config, error)
        raise

    if exitstatus != pytest.ExitCode.OK:
        code = INCOMPLETE_EXIT if exitstatus == INCOMPLETE_EXIT else BAD_EXIT
        _end_red(config, f"pytest ended with exit code {exitstatus}: its output says why", code)
    else:
        _conclude(config, environments)
    return exitstatus


def _refuse_to_end_well(config: pytest.Config, error: SystemExit) -> None:
    """Raise SystemExit with the run's own exit code where somebody else ends its process with 0."""
    run = _decided_run(config)
    if run is not None and run.verdict is not None:
        raise SystemExit(run.verdict.exit or BAD_EXIT) from error


def _end_red(config: pytest.Config, why: str, code: int) -> None:
    """Enter that pytest ended red, where the run was sealed as a good one, and say why its summary stays FAILED."""
    run = _decided_run(config)
    if run is None or run.sealing is None:
        return
    try:
        run.sealing.end_red(why, code)
    except OSError as error:
        say(f"ledger   cannot say that {why}: {error.strerror}")
    if _is_good(run) and run.sealing.writes_summary:
        _say_why([why])


def _conclude(config: pytest.Config, environments: Path) -> None:
    """Write PASSED for a run that is good and accepted, or say why a release gate goes on reading FAILED."""
    run = _decided_run(config)
    if run is None or run.sealing is None or not _is_good(run):
        return
    try:
        run.sealing.end()
    except OSError as error:
        say(f"ledger   cannot say that pytest ended well: {error}")
        return
    _summarise(run, run.sealing, environments)


def _summarise(run: RunSession, sealing: Sealing, environments: Path) -> None:
    from readiness.evidence.ended_run import in_the_way  # noqa: PLC0415  only a signed run that is good asks

    if run.proof is None or run.folder is None or not sealing.writes_summary:
        return
    why = in_the_way(run.folder, sealing.trusted, environments, datetime.now(UTC))
    if why:
        _say_why(why)
        return
    try:
        sealing.summarise(run.proof[0], is_accepted=True)
    except OSError as error:
        _say_why([f"it could not be written anew: {error}"])


def _decided_run(config: pytest.Config) -> RunSession | None:
    """Return the run of this process, where it decides one."""
    run = config.stash.get(SESSION, None)
    return run if run and is_real(config) and is_controller(config) else None


def _is_good(run: RunSession) -> bool:
    """Check whether a run came to a good word that stands."""
    return run.verdict is not None and run.verdict.good and not run.failed_beside


def _say_why(why: Iterable[str]) -> None:
    for sentence in list(why)[:SHOWN_AT_MOST]:
        say(f"summary  {SUMMARY} is FAILED: {sentence}")
