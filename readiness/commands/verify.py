"""`readiness verify`: judge runs again from their journals, and compare them with the ledger, offline. A gate."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from readiness.commands import add_anchor, add_reports
from readiness.config.project_root import ENVIRONMENTS, place
from readiness.environment.demands import signature_demand
from readiness.errors import BadInput, NoRun, not_one_of
from readiness.evidence import run_folders
from readiness.evidence.acceptance import REQUIRED, UNSIGNED, Examined, stated_digest, stated_head
from readiness.evidence.anchored import contradictions, hold_to_anchors, recalled_of
from readiness.evidence.audit import Audited, audit_all, read_ledger
from readiness.evidence.findings import Audit
from readiness.evidence.journal import RecordedRun
from readiness.evidence.ledger_reading import LedgerReading
from readiness.evidence.lost_history import lost
from readiness.evidence.pending_starts import pending
from readiness.evidence.previous_run import held_in
from readiness.evidence.reasons import Reason, gravest
from readiness.evidence.records import RED_BESIDE
from readiness.evidence.signing import SHOWN, PublicKey, trusted_keys
from readiness.evidence.standing import Demands, Place, Standing, standing_of, standing_of_run
from readiness.files import atomic_write
from readiness.files.canonical_json import JsonObject
from readiness.outcomes import Phase
from readiness.rendering import report_page
from readiness.rendering.exports import junit, markdown
from readiness.rendering.formats import ctrf
from readiness.rendering.terminal import say, say_json
from readiness.rendering.verified import as_json, audited_line, endings
from readiness.timeline import parse_span

HELP = "judge a run again, and who signed it: exit 0 only for GO, OK or APPROVED"
CODES = "; ".join(f"{reason.code} {reason}" for reason in sorted(Reason, key=lambda reason: reason.code))
NAMED_AT_MOST = 12
"""Findings of one kind; --json has all of them."""
ENDINGS = {Reason.GOOD: "everything holds", Reason.ALTERED: "something was changed"}
NOT_ALL = "not all is evidence"
ALTERED, MISSING, NOTHING = "the journal cannot be trusted", "its folder is missing", "there is no run"
"""Why nothing can be said of a run."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.epilog = f"exit: {CODES}; 4 where the command line is wrong (docs/gate.md says what each means)"
    parser.add_argument("run", nargs="*", metavar="RUN", help="a run's folder; or an environment and a phase: prod ga")
    parser.add_argument("--env", metavar="NAME", help="the environment, where RUN is the name of a run or a phase")
    signed = "accept only what a trusted key has signed; once the project has used a key this is so anyway"
    parser.add_argument("--require-signed", action="store_true", help=signed)
    parser.add_argument("--all", action="store_true", help="everything that the ledger of --env has, one by one")
    parser.add_argument(
        "--head", metavar="DIGEST", help="a head of the ledger that was kept elsewhere: it must be in it"
    )
    add_anchor(parser, "a place of heads beside those that the environment states")
    anchored = "demand that the ledger has every head that was kept, and that one covers the run; see evidence.anchor"
    parser.add_argument("--anchored", action="store_true", help=anchored)
    accepted = "with --all: limits or a target that somebody accepts, though looser or another than before (repeatable)"
    parser.add_argument("--limits", metavar="DIGEST", action="append", default=[], help=accepted)
    add_reports(parser)
    keys = "whose keys/*.pub are trusted (default: environments)"
    parser.add_argument("--environments", type=Path, default=place(ENVIRONMENTS), metavar="DIR", help=keys)
    newer = "refuse a run that began earlier: 30m, 24h (default, of the newest run: by the rhythm of its phase)"
    parser.add_argument("--newer-than", metavar="SPAN", help=newer)
    parser.add_argument("--render", action="store_true", help="write what is rendered anew from the journal")
    parser.add_argument("--json", action="store_true", help="for machines")


def run(options: argparse.Namespace) -> int:
    """Print what the journal is worth; return the exit code of the verdict as it was recomputed."""
    options.head = stated_head(options.head)
    options.limits = [stated_digest(digest, "--limits") for digest in options.limits]
    trusted = trusted_keys(options.environments)
    if options.all:
        return _verify_all(options, trusted)

    standing = _standing(options, trusted)
    if standing.examined is None:
        if not standing.unreadable:
            return _without_run(standing, options)
        return _refuse(list(standing.why), options, why=MISSING if standing.is_missing else ALTERED)

    examined, ledger = standing.examined, standing.ledger
    examined.audit.tampered += _head_missing(ledger, options.head)
    if options.render:
        _render(examined.recorded, ledger)
    if options.json:
        say_json(as_json(standing))
    else:
        _print_run(standing)
        _print_reason(standing.reason)
    return standing.exit


def _standing(options: argparse.Namespace, trusted: Mapping[str, PublicKey]) -> Standing:
    """Return how what is asked for stands: the newest run of a phase, or the run that is named. Raises BadInput."""
    demands = Demands(datetime.now(UTC), newer_than=_newer_than(options), signed=options.require_signed)
    demands = replace(demands, anchored=options.anchored, anchors=tuple(options.anchor))
    words = _run_words(options)
    if len(words) == 2:  # noqa: PLR2004  environment and phase
        asked = Place(words[0], options.reports, options.environments)
        return standing_of(asked, Phase(words[1]), trusted, demands)

    path = Path(words[0])
    phase = path.name.removeprefix(run_folders.LATEST)
    try:
        if path.name.startswith(run_folders.LATEST) and phase in list(Phase):
            return _of_pointer(path, Phase(phase), options.environments, trusted, demands)
        return standing_of_run(run_folders.find(options.reports, words), options.environments, trusted, demands)
    except NoRun as error:
        return Standing(no_run=str(error))


def _of_pointer(
    pointer: Path, phase: Phase, environments: Path, trusted: Mapping[str, PublicKey], demands: Demands
) -> Standing:
    """Return how the phase stands that a pointer's name states. What stands in it is not sealed. Raises NoRun."""
    if not pointer.exists():
        raise NoRun(f"there is no run {pointer}: it does not exist")
    home = pointer.absolute().parent
    standing = standing_of(Place(home.name, home.parent, environments), phase, trusted, demands)
    named = _leads_to(pointer).name if pointer.is_dir() else run_folders.pointed_at(pointer)
    newest_name = standing.began_last or (standing.folder.name if standing.folder else "")
    if standing.examined and newest_name != named:
        newest = f"the newest run of {phase} is {newest_name}"
        standing.examined.audit.lacks(Reason.NOT_EVIDENCE, f"{pointer.name} names {named}, and {newest}")
    return standing


def _leads_to(folder: Path) -> Path:
    """Return what a link names, which may be a link itself; a folder that is none."""
    return folder.readlink() if folder.is_symlink() else folder


def _newer_than(options: argparse.Namespace) -> timedelta | None:
    """Return how old a run may be, where that is stated. Raises BadInput."""
    if options.newer_than is None:
        return None
    try:
        return parse_span(options.newer_than)
    except ValueError as error:
        raise BadInput([f"--newer-than: {error}"]) from None


def _without_run(standing: Standing, options: argparse.Namespace) -> int:
    """Print that what is asked for is no run, so that nothing is known; return the exit code."""
    no_run, reason = standing.no_run, standing.reason
    words = _run_words(options)
    is_phase = len(words) == 2  # noqa: PLR2004  environment and phase
    name, again = " ".join(words), "name a run by its folder, or an environment and a phase: readiness verify prod ga"
    if is_phase:
        again = f"mend that, then pytest -m {words[1]} --env {words[0]}"

    if options.json:
        facts: JsonObject = {"run": None, "env": words[0], "phase": words[1]} if is_phase else {"run": name}
        facts |= {"trusted": True, "evidence": False, "verdict": "INCOMPLETE", "problems": list(standing.why)}
        say_json(facts | {"incomplete": True} | _ended(reason))
        return reason.code

    say(f"run       none{f' of {name}' if is_phase else ''}: {no_run}")
    for gap in standing.gaps:
        say(f"GAP       {gap.says}")
    say(f"verdict   INCOMPLETE: {again}")
    _print_reason(reason)
    return reason.code


def _ended(reason: Reason) -> JsonObject:
    """Return the reason of an end for machines: its word, and its exit code."""
    return {"reason": str(reason), "exit": reason.code}


def _run_words(options: argparse.Namespace) -> list[str]:
    """Return what names the run: its folder, or an environment and a phase. Raises BadInput."""
    words: list[str] = options.run

    if options.env and len(words) == 1:
        folder = options.reports / options.env / words[0]
        words = [str(folder)] if folder.is_dir() else [options.env, words[0]]
        return words if folder.is_dir() else _run_words(argparse.Namespace(env=None, run=words))

    if not words or len(words) > 2 or options.env:  # noqa: PLR2004  environment and phase
        stated = f", not {' '.join(words)}" if words else ""
        raise BadInput([f"name one run, or an environment and a phase{stated}; or --all --env NAME"])
    if len(words) == 2 and words[1] not in list(Phase):  # noqa: PLR2004  the same two
        raise BadInput([f"PHASE {not_one_of(words[1], list(map(str, Phase)))}"])
    return words


def _head_missing(ledger: LedgerReading | None, head: str | None) -> Iterator[str]:
    """Yield that a head which was kept elsewhere is not in the ledger."""
    if head is not None and (ledger is None or ledger.anchored(head) is None):
        yield f"the ledger never had the head {head[:SHOWN]}: it was cut or written anew (16 digits at least)"


def _render(recorded: RecordedRun, ledger: LedgerReading | None) -> None:
    """Write what is rendered anew; what is sealed stays as it was sealed. Raises BadInput."""
    record = ledger.runs.get(recorded.folder.name) if ledger else None
    sealed_digests = record.sealed.files if record and record.sealed else {}

    rendered = {"summary.md": markdown, "junit.xml": junit, "ctrf.json": ctrf, report_page.FILE: report_page.render}
    # An earlier version sealed it: there pytest-html wrote the file of that name.
    if report_page.FILE in sealed_digests and report_page.BESIDE not in sealed_digests:
        del rendered[report_page.FILE]

    for file, render in rendered.items():
        text = render(recorded)
        digest = hashlib.sha256(text.encode()).hexdigest()
        if sealed_digests.get(file, digest) != digest:
            raise BadInput(
                [f"{file} is sealed, and would come out differently today: copy the journal elsewhere first"]
            )
        atomic_write.write_whole(recorded.folder / file, text)


def _verify_all(options: argparse.Namespace, trusted: Mapping[str, PublicKey]) -> int:
    """Print what each run of an environment's ledger is worth; return the code of the gravest. Raises BadInput."""
    if not options.env or options.run:
        raise BadInput(["--all goes through one environment: readiness verify --all --env NAME"])

    home = options.reports / options.env
    ledger = read_ledger(home, trusted)
    file = options.environments / f"{options.env}.yaml"
    recalled = recalled_of(options.env, file, options.anchor, is_demanded=options.anchored)
    if ledger is None:
        gaps = [gap for each in recalled for gap in contradictions(None, each)]
        reason = gravest([Reason.NO_RUN, *(gap.reason for gap in gaps)])
        return _refuse([f"there is no ledger in {home}", *(gap.says for gap in gaps)], options, reason, NOTHING)

    audit, audited_runs = audit_all(home, ledger, trusted, options.limits)
    audit.tampered += _head_missing(ledger, options.head)
    killed = (start.says for start in pending(home) if not start.is_alive)
    audit.lacks(Reason.NOT_EVIDENCE, *filter(None, [lost(home, ledger), *killed]))
    runs = [record for record in ledger.runs.values() if record.entry.kind == "run"]
    hold_to_anchors(audit, ledger, recalled, runs[-1] if runs else None)
    demanded_by = REQUIRED if options.require_signed else signature_demand(file)
    if demanded_by and not (trusted or ledger.ever_signed):
        audited_runs = [
            replace(audited, reason=gravest([audited.reason, Reason.NOT_SIGNED])) for audited in audited_runs
        ]
        audit.lacks(Reason.NOT_SIGNED, f"{demanded_by}: {UNSIGNED}")
    if options.json:
        say_json(_ledger_as_json(ledger, audit, audited_runs))
        return audit.reason.code

    for audited in audited_runs:
        say(audited_line(audited))
    _print_audit(audit, every=True)
    say(f"ledger    {len(ledger.digests)} entries, head {ledger.head}")
    if options.head is not None and not audit.tampered:
        say(f"anchor    {ledger.anchored(options.head)} entries since {options.head[:SHOWN]}")
    say(f"verdict   {ENDINGS.get(audit.reason, NOT_ALL)}")
    _print_reason(audit.reason)
    return audit.reason.code


def _ledger_as_json(ledger: LedgerReading, audit: Audit, audited_runs: list[Audited]) -> JsonObject:
    return {
        "env": ledger.path.parent.name,
        "head": ledger.head,
        "entries": len(ledger.digests),
        **_ended(audit.reason),
        "faults": audit.tampered,
        "gaps": audit.unproven,
        "told": audit.notes,
        "runs": [_audited_as_json(audited) for audited in audited_runs],
    }


def _audited_as_json(audited: Audited) -> JsonObject:
    record = audited.record
    return {
        **record.entry.model_dump(mode="json"),
        "ended": record.ended,
        "reason": str(audited.reason),
        "exit_now": audited.reason.code,
        "signed_by": record.key.name if record.key else None,
    }


def _print_audit(audit: Audit, *, every: bool = False) -> None:
    """Print the findings of an audit, the first few of each kind or every one."""
    for word, sentences in (("REFUTED", audit.tampered), ("GAP", audit.unproven), ("evidence", audit.notes)):
        shown = sentences if every else sentences[:NAMED_AT_MOST]
        for sentence in shown:
            say(f"{word:<10}{sentence}")
        left_out = len(sentences) - len(shown)
        if left_out:
            say(f"{word:<10}and {left_out} more (see --json)")


def _refuse(
    problems: list[str], options: argparse.Namespace, reason: Reason = Reason.ALTERED, why: str = ALTERED
) -> int:
    if options.json:
        facts = {"run": options.run, "trusted": False, "problems": problems, **_ended(reason)}
        say_json(facts)
        return reason.code

    say(f"not evidence: {why}")
    for problem in problems[:NAMED_AT_MOST]:
        say(f"  {problem}")
    _print_reason(reason)
    return reason.code


def _print_reason(reason: Reason) -> None:
    """Print the reason of the exit code; a good word needs none."""
    if reason is not Reason.GOOD:
        say(f"reason    {reason} ({reason.code}): {reason.says}")


def _print_run(standing: Standing) -> None:
    examined = standing.examined
    assert examined  # who has none is told so elsewhere
    recorded, judged, audit = examined.recorded, examined.judged, examined.audit
    start = recorded.start
    say(f"run       {start.run}: {start.phase} of {start.env}, as of {start.as_of:%Y-%m-%d %H:%M:%S}Z")
    say(f"files     {recorded.folder.resolve()}")
    say(f"began     {start.started_at:%Y-%m-%d %H:%M:%S}Z, {_ago(datetime.now(UTC) - start.started_at)}")
    say(f"target    {start.target.url}, revision {start.target.revision or 'not stated'}")
    say(f"journal   {recorded.records} records, chain intact, head {recorded.head[:16]}")
    say(f"results   {judged.decided} of {judged.demanded} due decisions, {len(recorded.requests)} requests")
    for sentence in endings(recorded, judged):
        say(f"ended     {sentence}")

    _print_audit(audit)
    for before in (start.before, *start.also_before):
        if before:
            say(f"before    {before.run}: {before.verdict}")
    for key, sentence in held_in(recorded):
        say(f"stands    {key.name}: {sentence}")
    if examined.failed_beside:
        say(f"beside    {examined.failed_beside}")
    _print_verdict(examined)


def _ago(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours:.1f} h ago" if hours >= 0 else f"{-hours:.1f} h ahead of this clock"


def _print_verdict(examined: Examined) -> None:
    verdict, audit = examined.judged.verdict, examined.audit

    if audit.tampered:
        say("verdict   none: this is not what was recorded")
        return

    holding = list(dict.fromkeys(key.name for key in verdict.holding))
    if holding:
        more = f" and {len(holding) - NAMED_AT_MOST} more" if len(holding) > NAMED_AT_MOST else ""
        say(f"held by   {', '.join(holding[:NAMED_AT_MOST])}{more}")

    if audit.unproven and verdict.exit == 0:
        say(f"verdict   none: recorded as {verdict.word}, and this is not evidence")
        return
    if examined.lapsed:
        say(f"verdict   none: {examined.lapsed}")
        return
    is_red_beside = verdict.good and bool(examined.failed_beside)
    say(f"verdict   {verdict.word}: {RED_BESIDE if is_red_beside else verdict.action}")
