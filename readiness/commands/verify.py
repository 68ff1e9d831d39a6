"""`readiness verify`: judge runs again from their journals, and hold them against the ledger, offline. A gate."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from readiness.commands import add_reports
from readiness.errors import BadInput, BadRun
from readiness.evidence import run_folders
from readiness.evidence.audit import ALTERED, Audit, Audited, audit_all, audit_run, book_of
from readiness.evidence.journal import FILE, RecordedRun, read_run
from readiness.evidence.ledger import Book
from readiness.evidence.previous_run import as_before, held_in
from readiness.evidence.rejudge import Judged, judge
from readiness.evidence.signing import SHOWN, PublicKey, trusted_keys
from readiness.files import atomic_write
from readiness.rendering import report_page
from readiness.rendering.exports import junit, markdown
from readiness.rendering.formats import ctrf
from readiness.timeline import parse_span
from readiness.verdict import INCOMPLETE_EXIT

HELP = "judge a run again, and who signed it: exit 0 only for GO, OK or APPROVED"
NAMED_AT_MOST = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command line may say."""
    parser.add_argument("run", nargs="*", metavar="RUN", help="a run's folder; or an environment and a phase: prod ga")
    parser.add_argument("--env", metavar="NAME", help="the environment, where RUN is the name of a run or a phase")
    parser.add_argument("--all", action="store_true", help="everything that the ledger of --env has, one by one")
    parser.add_argument(
        "--head", metavar="DIGEST", help="a head of the ledger that was kept elsewhere: it must be in it"
    )
    accepted = "with --all: limits that somebody has approved, though they are looser than before (repeatable)"
    parser.add_argument("--limits", metavar="DIGEST", action="append", default=[], help=accepted)
    add_reports(parser)
    keys = "whose keys/*.pub are trusted (default: environments)"
    parser.add_argument("--environments", type=Path, default=Path("environments"), metavar="DIR", help=keys)
    parser.add_argument("--newer-than", metavar="SPAN", help="refuse a run that began earlier than that: 30m, 24h")
    parser.add_argument("--render", action="store_true", help="write what is rendered anew from the journal")
    parser.add_argument("--json", action="store_true", help="for machines")


def run(options: argparse.Namespace) -> int:
    """Print what the journal is worth; the exit code is that of the verdict as it was recomputed."""
    trusted = trusted_keys(options.environments)
    if options.all:
        return _all(options, trusted)
    words = _words(options)
    try:
        recorded = read_run(run_folders.find(options.reports, words))
        book = book_of(recorded.folder.resolve().parent, trusted)
    except BadRun as error:
        return _untrusted(str(error).splitlines(), options)
    judged, audit = judge(recorded), audit_run(recorded, book, trusted)
    audit.faults[:0] = [*judged.refuted, *_stands_on_another(recorded), *_too_old(recorded, options.newer_than)]
    audit.faults += [*_not_the_one(recorded, book, words), *_anchor(book, options.head)]
    code = audit.exit if audit.faults else judged.verdict.exit or audit.exit
    if options.render:
        _render(recorded, book)
    if options.json:
        print(json.dumps(_facts(recorded, judged, audit, code), indent=2))
    else:
        _tell(recorded, judged, audit)
    return code


def _words(options: argparse.Namespace) -> list[str]:
    """Give what names the run, as `folders.find` takes it."""
    words: list[str] = options.run
    if options.env and len(words) == 1:
        home = options.reports / options.env
        return [str(home / words[0])] if (home / words[0]).is_dir() else [options.env, words[0]]
    if not words or len(words) > 2 or options.env:  # noqa: PLR2004  environment and phase
        told = f", not {' '.join(words)}" if words else ""
        raise BadInput([f"name one run, or an environment and a phase{told}; or --all --env NAME"])
    return words


def _not_the_one(recorded: RecordedRun, book: Book | None, words: list[str]) -> Iterator[str]:
    """Where the newest run of an environment is asked for: hold what was found against that."""
    if len(words) == 1:
        return
    if recorded.start.env != words[0]:
        yield f"this is a run of {recorded.start.env}: it was copied in"
    for one in book.runs.values() if book else ():
        began = one.entry.started_at
        if one.entry.kind == "run" and one.entry.phase == words[1] and began and began > recorded.start.started_at:
            yield f"the ledger has a newer run of {words[1]}: {one.name}"


def _anchor(book: Book | None, head: str | None) -> Iterator[str]:
    if head and (book is None or book.anchored(head) is None):
        yield f"the ledger never had the head {head[:SHOWN]}: it was cut or written anew (16 digits at least)"


def _render(recorded: RecordedRun, book: Book | None) -> None:
    """Write what is rendered anew; what is sealed stays as it was sealed. Raises BadInput."""
    kept = book.runs.get(recorded.folder.name) if book else None
    sealed = kept.sealed.files if kept and kept.sealed else {}
    rendered = {"summary.md": markdown, "junit.xml": junit, "ctrf.json": ctrf, report_page.FILE: report_page.render}
    if report_page.FILE in sealed and report_page.BESIDE not in sealed:
        del rendered[report_page.FILE]  # an earlier version sealed it: there pytest-html wrote the file of that name
    for file, render in rendered.items():
        text = render(recorded)
        if sealed.get(file, digest := hashlib.sha256(text.encode()).hexdigest()) != digest:
            raise BadInput(
                [f"{file} is sealed, and would come out differently today: copy the journal elsewhere first"]
            )
        atomic_write.write_whole(recorded.folder / file, text)


def _all(options: argparse.Namespace, trusted: Mapping[str, PublicKey]) -> int:
    """Go through the ledger of an environment."""
    if not options.env or options.run:
        raise BadInput(["--all goes through one environment: readiness verify --all --env NAME"])
    home = options.reports / options.env
    book = book_of(home, trusted)
    if book is None:
        return _untrusted([f"there is no ledger in {home}"], options)
    audit, found = audit_all(home, book, trusted, options.limits)
    audit.faults += _anchor(book, options.head)
    if options.json:
        print(json.dumps(_facts_of_all(book, audit, found), indent=2))
        return audit.exit
    for one in found:
        entry, state = one.kept.entry, {0: "holds", ALTERED: "ALTERED"}.get(one.exit, "not evidence")
        nobody = "signed, not trusted" if one.kept.signed else "not signed"
        signed = f"signed by {one.kept.key.name}" if one.kept.key else nobody
        print(f"{entry.at:%Y-%m-%d %H:%M:%S}Z  {one.kept.ended:<11}{state:<14}{one.kept.name}  {signed}")
    _tell_audit(audit, every=True)
    print(f"ledger    {len(book.digests)} entries, head {book.head}")
    if options.head and not audit.faults:
        print(f"anchor    {book.anchored(options.head)} entries since {options.head[:SHOWN]}")
    print(f"verdict   {['everything holds', 'something was changed', 'not all is evidence'][min(audit.exit, 2)]}")
    return audit.exit


def _facts_of_all(book: Book, audit: Audit, found: list[Audited]) -> dict[str, Any]:
    return {
        "env": book.path.parent.name,
        "head": book.head,
        "entries": len(book.digests),
        "exit": audit.exit,
        "faults": audit.faults,
        "gaps": audit.gaps,
        "told": audit.told,
        "runs": [
            {**one.kept.entry.model_dump(mode="json"), "ended": one.kept.ended, "exit_now": one.exit}
            | {"signed_by": one.kept.key.name if one.kept.key else None}
            for one in found
        ],
    }


def _tell_audit(audit: Audit, *, every: bool = False) -> None:
    told = {"REFUTED": audit.faults, "GAP": audit.gaps, "evidence": audit.told}
    for word, sentences in told.items():
        for sentence in sentences if every else sentences[:NAMED_AT_MOST]:
            print(f"{word:<10}{sentence}")
        if not every and len(sentences) > NAMED_AT_MOST:
            print(f"{word:<10}and {len(sentences) - NAMED_AT_MOST} more (see --json)")


def _untrusted(problems: list[str], options: argparse.Namespace) -> int:
    if options.json:
        print(json.dumps({"run": options.run, "trusted": False, "problems": problems, "exit": ALTERED}, indent=2))
    else:
        print("not evidence: the journal cannot be trusted")
        for problem in problems[:NAMED_AT_MOST]:
            print(f"  {problem}")
    return ALTERED


def _stands_on_another(recorded: RecordedRun) -> list[str]:
    """Hold what a run says of the one before it against that one's journal, where it still lies beside it."""
    before = recorded.start.before
    folder = recorded.folder.parent / before.run if before else None
    if before is None or folder is None or not (folder / FILE).is_file():
        return []
    try:
        found = as_before(read_run(folder), recorded.start.started_at)
    except BadRun:
        found = None
    if found == before:
        return []
    return [f"it says that it stands on {before.run}, and that run's journal says otherwise"]


def _too_old(recorded: RecordedRun, span: str | None) -> list[str]:
    if span is None:
        return []
    try:
        oldest = datetime.now(UTC) - parse_span(span)
    except ValueError as error:
        raise BadInput([f"--newer-than: {error}"]) from None
    began = recorded.start.started_at
    return [f"the run began {began:%Y-%m-%d %H:%M:%S}Z, longer than {span} ago"] if began < oldest else []


def _tell(recorded: RecordedRun, judged: Judged, audit: Audit) -> None:
    start, verdict = recorded.start, judged.verdict
    print(f"run       {start.run}: {start.phase} of {start.env}, as of {start.as_of:%Y-%m-%d %H:%M:%S}Z")
    print(f"target    {start.target.url}, revision {start.target.revision or 'not stated'}")
    print(f"journal   {recorded.records} records, chain intact, head {recorded.head[:16]}")
    print(f"results   {judged.decided} of {judged.demanded} due decisions, {len(recorded.requests)} requests")
    for sentence in _endings(recorded, judged):
        print(f"ended     {sentence}")
    _tell_audit(audit)
    if start.before:
        print(f"before    {start.before.run}: {start.before.verdict}")
    for key, told in held_in(recorded):
        print(f"stands    {key.name}: {told}")
    held = list(dict.fromkeys(key.name for key in verdict.holding))
    if held and not audit.faults:
        more = f" and {len(held) - NAMED_AT_MOST} more" if len(held) > NAMED_AT_MOST else ""
        print(f"held by   {', '.join(held[:NAMED_AT_MOST])}{more}")
    if audit.faults:
        print("verdict   none: this is not what was recorded")
    elif audit.gaps and verdict.exit == 0:
        print(f"verdict   none: recorded as {verdict.word}, and this is not evidence")
    else:
        print(f"verdict   {verdict.word}: {verdict.action}")


def _endings(recorded: RecordedRun, judged: Judged) -> list[str]:
    """Say how the run ended, where it did not end as it should."""
    found = []
    if recorded.finish is None:
        where = recorded.died_in or ("after its last item" if recorded.cases else "before its first item")
        died = f"it died in {where}" if recorded.died_in else f"it died {where}"
        found.append(f"early: {judged.decided} of {judged.demanded} results kept, {died}")
    if recorded.torn:
        found.append("while it wrote: the last line is cut off")
    if recorded.finish and not recorded.finish.ended:
        found += [f"not whole: {why}" for why in recorded.finish.withdrawn or ("it was interrupted",)]
    return found


def _facts(recorded: RecordedRun, judged: Judged, audit: Audit, code: int) -> dict[str, Any]:
    finish = recorded.finish
    return {
        "run": recorded.start.run,
        "env": recorded.start.env,
        "phase": str(recorded.start.phase),
        "as_of": recorded.start.as_of.isoformat(),
        "started_at": recorded.start.started_at.isoformat(),
        "trusted": not audit.faults,
        "evidence": not (audit.faults or audit.gaps),
        "gaps": audit.gaps,
        "told": audit.told,
        "verdict": None if audit.faults else str(judged.verdict.word),
        "exit": code,
        "recorded": str(finish.verdict) if finish else None,
        "ended": bool(finish and finish.ended),
        "endings": _endings(recorded, judged),
        "problems": audit.faults,
        "decided": judged.decided,
        "demanded": judged.demanded,
        "missing": [one.key.name for one in judged.missing],
        "holding": [key.name for key in judged.verdict.holding],
        "counts": judged.verdict.counts,
        "head": recorded.head,
        "incomplete": code == INCOMPLETE_EXIT,
    }
