"""The end of a run, step by step. Whatever breaks on the way costs a good verdict, and never the steps that follow."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

import pytest

from readiness.errors import BadRun
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.records import Finish
from readiness.evidence.rejudge import judge, on_ladder
from readiness.files import atomic_write
from readiness.plugin.deciding import publish_records, verdict_of
from readiness.plugin.history_writer import write_history
from readiness.plugin.notifying import notify
from readiness.plugin.options import environments_of
from readiness.plugin.recording import open_evidence
from readiness.plugin.reporting import HTML, PYTEST_HTML, finish_page
from readiness.plugin.run import Run
from readiness.plugin.session import SESSION, RunSession, is_controller, is_real
from readiness.plugin.sign_off import write_sign_off_page
from readiness.plugin.telling import annotate_pipeline, write_report
from readiness.plugin.workers import hand_over
from readiness.redaction.redactor import REDACTOR, scan, scan_file
from readiness.rendering import report_page
from readiness.rendering.exports import junit, markdown
from readiness.rendering.formats import ctrf
from readiness.verdict import INCOMPLETE_EXIT, Verdict

RENDERED = {"summary.md": markdown, "junit.xml": junit, "ctrf.json": ctrf, HTML: report_page.render}
ENDED = {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
Step = Callable[[pytest.Config, RunSession], None]


def pytest_configure(config: pytest.Config) -> None:
    """End on SIGTERM as on Ctrl-C: a cancelled pipeline leaves its evidence."""
    if is_real(config) and is_controller(config):
        signal.signal(signal.SIGTERM, _terminated)
        config.add_cleanup(_restore_sigterm)


def _terminated(number: int, frame: FrameType | None) -> None:
    del frame
    signal.signal(number, signal.SIG_IGN)  # once is enough: the evidence is being written
    raise KeyboardInterrupt("SIGTERM")


def _restore_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Generator[None, object, object]:
    """End the run around everyone else: decide before they write their reports, and close after they have."""
    config = session.config
    run_session = config.stash.get(SESSION, None)
    if not is_controller(config):
        hand_over(config)
    try:
        if run_session and is_real(config) and is_controller(config):
            return (yield from _finish(session, run_session, exitstatus))
        return (yield)
    finally:
        if run_session:
            run_session.observer.clients.close()


def _finish(session: pytest.Session, run: RunSession, exitstatus: int) -> Generator[None, object, object]:
    """Go through the steps; what breaks in one of them is reported with the verdict."""
    config = session.config
    settle(config, run)
    if exitstatus == pytest.ExitCode.USAGE_ERROR:
        refuse(run)
    else:
        decide(session, run, exitstatus)

    result = None
    broken: list[BaseException] = []
    try:
        result = yield  # JUnit, pytest-html, xdist and the terminal write their reports
    except BaseException as error:  # noqa: BLE001  whatever breaks in a reporter: reported, and no good verdict stands
        run.complain(f"a reporter broke: {type(error).__name__}: {error}")
        broken.append(error)

    # After a usage error there is a plan and nothing else: no report, no last record, no seal.
    for step in STEPS if run.decided else (scan_for_secrets,):
        try:
            step(config, run)
        except BaseException as error:  # noqa: BLE001  the steps that follow are to leave what they can
            run.complain(f"{step.__name__} broke: {type(error).__name__}: {error}")
            broken.append(error)

    if run.decided:
        _stand_by_exit(session, run, run.decided)
    write_report(config, run)

    # An error has been reported. A second Ctrl-C is for pytest to end with.
    for interruption in broken:
        if not isinstance(interruption, Exception):
            raise interruption
    return result


def settle(config: pytest.Config, run: RunSession) -> None:
    """Write down what nobody has yet: a run that ended before it began leaves its plan."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    open_evidence(run)
    publish_records(config, run.observer.take_records())


def refuse(run: RunSession) -> None:
    """Enter that a usage error ended the run before it looked at anything; pytest is about to report it."""
    reason = sys.exception() or "a usage error"
    try:
        if run.sealing:
            run.sealing.refuse(str(reason))
    except OSError as error:
        run.complain(f"the ledger could not be written: {error}")


def decide(session: pytest.Session, run: RunSession, exitstatus: int) -> None:
    """Add the results up to the verdict, and set pytest's exit code."""
    cut_short = session.shouldstop or session.shouldfail or exitstatus not in ENDED
    run.decided = verdict_of(run, ended=not cut_short)
    if run.journal is None:
        run.complain("nothing was recorded")
    if run.decided.good:
        for why in _not_of_now(run.run, run.decided):
            run.complain(why)
    _find_failed_beside(session, run, exitstatus)
    if exitstatus != pytest.ExitCode.INTERNAL_ERROR:
        session.exitstatus = run.decided.exit or int(bool(run.failed_beside))


def _not_of_now(run: Run, decided: Verdict) -> Iterator[str]:
    """Yield why a good word does not speak for this moment."""
    if run.as_of is not None:
        yield f"--as-of {run.as_of} asks about another moment: that is a plan, and no verdict"
    elif run.replay:
        words = f"by the limits of today {run.replayed} come to {decided.word}, and nobody has looked since"
        yield f"--replay is no run of now: {words}"
    else:
        # What fell due or expired while the run was under way has not been judged.
        lapsed = decided.lapsed(datetime.now(UTC))
        if lapsed:
            yield lapsed


def _find_failed_beside(session: pytest.Session, run: RunSession, exitstatus: int) -> None:
    """Find what is red though no report was: a plugin that counts a failure of its own, as one of coverage does."""
    uncounted = session.testsfailed - run.failed_reports
    is_red = exitstatus == pytest.ExitCode.TESTS_FAILED
    if uncounted > 0 or (is_red and not session.testsfailed):
        run.fail_beside("what another plugin of pytest counts (its own words stand above)")


def _stand_by_exit(session: pytest.Session, run: RunSession, decided: Verdict) -> None:
    """Set the exit code again: other plugins may have changed it, and a good word may have been taken back."""
    if decided.good and run.trouble:
        session.exitstatus = INCOMPLETE_EXIT
    elif not session.exitstatus:
        session.exitstatus = decided.exit or int(bool(run.failed_beside))


def render(config: pytest.Config, run: RunSession) -> None:
    """Write everything that is rendered from the journal; what cannot be written costs the verdict."""
    recorded = _recorded(run)
    if recorded is None or run.folder is None:
        return
    for name, rendered in RENDERED.items():
        try:
            atomic_write.write_whole(run.folder / name, REDACTOR.text(rendered(recorded)))
            run.artefacts[name] = run.folder / name
        except OSError as error:
            run.complain(f"{name} could not be written: {error}")

    page = Path(getattr(config.option, "htmlpath", None) or run.folder / PYTEST_HTML)
    try:
        finish_page(page, run.folder / HTML)
        run.artefacts[PYTEST_HTML] = page
    except OSError as error:
        if config.pluginmanager.hasplugin("html"):
            run.complain(f"{page.name} was not written: {error}")


def render_again(config: pytest.Config, run: RunSession) -> None:
    """Have what is rendered say so, where the evidence has turned out not to be whole."""
    if run.finish and run.finish.withdrawn != tuple(run.trouble):
        render(config, run)


def scan_for_secrets(config: pytest.Config, run: RunSession) -> None:
    """Search all that is left behind; what holds a secret is masked or removed."""
    del config
    if run.journal is None or run.folder is None:
        return
    outside = [path for path in run.artefacts.values() if run.folder not in path.parents]
    hits = [*scan(run.folder, REDACTOR), *(hit for path in outside for hit in scan_file(path, REDACTOR))]
    run.held_a_secret = bool(hits)
    for hit in hits:
        run.complain(f"{hit.file.name} held {hit.what}; it was masked or removed")
        if hit.file == run.journal.path:
            run.journal.mask()
        else:
            hit.file.unlink(missing_ok=True)


def close(config: pytest.Config, run: RunSession) -> None:
    """Write the journal's last record, and close it."""
    del config
    if run.journal is None or _recorded(run) is None or run.finish is None:
        return
    try:
        run.journal.write("finish", run.finish.model_dump(mode="json"))
        run.journal.close()
    except OSError as error:
        run.complain(f"the journal could not be closed: {error}")


def prove(config: pytest.Config, run: RunSession) -> None:
    """Read the journal back from the disk, the only time, and hold the verdict against what it says."""
    del config
    if run.journal is None or run.folder is None:
        return
    try:
        recorded = read_run(run.folder)
    except BadRun as error:
        run.complain(f"the journal cannot be read back: {str(error).splitlines()[0]}")
        return
    judged = judge(recorded)
    agrees = run.verdict is not None and judged.verdict.word is run.verdict.word and not judged.refuted
    if run.verdict and run.verdict.good and not agrees:
        why = judged.refuted[0] if judged.refuted else f"its results add up to {judged.verdict.word}"
        run.complain(f"the journal does not bear the verdict out: {why}")
        return  # without a proof nothing is sealed
    run.proof = recorded, judged


def seal(config: pytest.Config, run: RunSession) -> None:
    """Seal the run, unless something of it held a secret; then the ledger shows one that was never sealed."""
    del config
    if run.proof is None or run.sealing is None or run.held_a_secret:
        return
    recorded, judged = run.proof
    whole = bool(run.finish and run.finish.ended) and judged.decided == judged.demanded
    try:
        run.sealing.seal(recorded, whole=whole)
    except (OSError, BadRun) as error:
        run.complain(f"the run was not sealed: {error}")


def anchor(config: pytest.Config, run: RunSession) -> None:
    """Keep the head of the ledger where the environment states it: a good word rests on it from now on."""
    if run.sealing:
        for why in run.sealing.anchor(environments_of(config).resolve().parent):
            run.complain(why)


def annotate(config: pytest.Config, run: RunSession) -> None:
    """Annotate the pipeline, from the journal as it was read back."""
    if run.proof and run.proof[0].finish:
        annotate_pipeline(config, run.proof[0])


def sign_off(config: pytest.Config, run: RunSession) -> None:
    """Write the page that approvers sign."""
    write_sign_off_page(run, environments_of(config))


def announce(config: pytest.Config, run: RunSession) -> None:
    """Announce the verdict to other plugins."""
    config.hook.pytest_readiness_verdict(verdict=run.verdict)


def summarise(config: pytest.Config, run: RunSession) -> None:
    """Write the summary for release gates as FAILED: it becomes PASSED when pytest is over, see `summarising`."""
    del config
    if run.sealing is None or run.proof is None:
        return
    try:
        run.sealing.summarise(run.proof[0], is_accepted=False)
    except OSError as error:
        run.complain(f"the summary for release gates could not be written: {error}")


STEPS: tuple[Step, ...] = (
    render,
    scan_for_secrets,
    render_again,  # with what the search has found
    notify,
    close,
    prove,
    render_again,  # with what went wrong while the journal was closed
    seal,
    anchor,
    annotate,
    write_history,
    sign_off,
    announce,
    summarise,
)
"""What follows once all reporters have written theirs, in this order. Last of all the report is written."""


def _recorded(run: RunSession) -> RecordedRun | None:
    """Return the run with its last record, which is made anew where something has gone wrong since."""
    recorded = run.journal.recorded if run.journal else None
    if recorded is None:
        return None
    if run.finish is None or run.finish.withdrawn != tuple(run.trouble):
        run.finish = _last_record(run, recorded)
    return replace(recorded, finish=run.finish)


def _last_record(run: RunSession, recorded: RecordedRun) -> Finish:
    """Return the journal's last record: the verdict, and what the run leaves to the one after it."""
    verdict = run.verdict
    assert verdict
    finish = Finish(
        verdict=verdict.word,
        exit=verdict.exit,
        action=verdict.action,
        counts=verdict.counts,
        finished_at=datetime.now(UTC),
        withdrawn=tuple(run.trouble),
        failed_beside=tuple(run.failed_beside),
        deadline=run.deadline,
        holding=verdict.holding,
        holds_until=verdict.holds_until,
    )
    judged = judge(replace(recorded, finish=finish))
    # A verdict that the results do not add up to is one that was taken back.
    ended = verdict.ended and judged.verdict.word is verdict.word
    return finish.model_copy(update={"ended": ended, "standing": on_ladder(judged.states, judged.outcomes)})
