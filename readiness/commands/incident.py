"""`readiness incident`: the runbook's own first 5, 15 and 30 minutes, with the facts filled in. It changes nothing."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from readiness.commands import add_env, add_environments, add_reports
from readiness.environment import schema
from readiness.environment.refusals import unknown_tables
from readiness.environment.schema import Environment
from readiness.errors import BadInput, ReadinessError, meant, not_one_of
from readiness.evidence import captured
from readiness.evidence.journal import RecordedRun
from readiness.evidence.red_lines import evidence_facts, newest_run, since_when
from readiness.evidence.rejudge import judge
from readiness.files.canonical_json import JsonObject, dumped
from readiness.incident.facts import MINUTES_TO_FIX, OF_PEOPLE, RED_LINES, VERDICT
from readiness.incident.found import Fact, Found, Missing
from readiness.incident.plain_walk import PLAIN_WALK
from readiness.incident.signs import health_paths, wanted_health
from readiness.incident.walk import IncidentWalk, Repair
from readiness.incident.walked import FilledWalk, fill
from readiness.observations import KNOWN_READINGS, load_all
from readiness.observations.asking import Asked, FactFinder
from readiness.plugin import embedded
from readiness.redaction.shown import shown
from readiness.rendering import first_minutes
from readiness.rendering.announcements import AnnouncementText
from readiness.rendering.incident_next import announced, next_steps
from readiness.rendering.repair_sql import RepairSql, repair_sql
from readiness.rendering.terminal import say, say_json
from readiness.runbook.lines import Runbook
from readiness.runbook.overlays import load_stated
from readiness.runbook.severity import SeverityTable
from readiness.sandbox import Sandbox, SandboxFailed
from readiness.timeline import parse_span

HELP = "walk the runbook's first 5, 15 and 30 minutes of an incident, with the facts filled in; it changes nothing"
MINUTES = (5, 15, 30)
NOT_KNOWN = "unknown"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _TEACHES
    add_env(parser)
    parser.add_argument("--runbook", metavar="NAME", help="one of the environment's runbooks (default: each of them)")
    parser.add_argument("--minutes", type=int, choices=MINUTES, help="no more of the walk than this (default: all)")
    parser.add_argument("--fix", metavar="SPAN", help="how long you think that the fix takes: 45m, 2h, or unknown")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where a new folder of captures is made")
    parser.add_argument("--json", action="store_true", help="for machines")
    add_environments(parser)
    add_reports(parser)


_TEACHES = """\
What it does, in this order, in about half a minute at the most:
  1. reads the newest run: what is red, and since when
  2. asks the systems that the environment names, and only reads; what nobody could get is told as unknown, with the key
  3. saves the rows of the runbook's capture queries, before anybody changes anything
  4. prints the walk, the decision with its number, the announcement, and changes by hand as SQL. It runs none of them

examples:
  readiness incident --env prod                 the whole walk
  readiness incident --env prod --minutes 5     the first five minutes
  readiness incident --env prod --fix 45m       decide at minute 30, knowing how long the fix takes
"""


@dataclass(frozen=True)
class Place:
    """What an incident is walked through of."""

    environment: Environment
    books: tuple[Runbook, ...]
    """Those that are walked."""
    every: tuple[Runbook, ...]
    """All that the environment follows: each asks by its own queries."""
    folder: Path
    now: datetime


@dataclass(frozen=True)
class Walked:
    """A runbook's walk, and what was saved and written for it."""

    walk: FilledWalk
    severities: SeverityTable
    repairs: tuple[RepairSql, ...]
    saved: tuple[str, ...]


def run(options: argparse.Namespace) -> int:
    """Print the walk; return 1 where something could not be saved, else 0: it decides nothing. Raises BadInput."""
    load_all()
    minutes_to_fix = _minutes_to_fix(options.fix)
    with ExitStack() as stack:
        place = _place(options, stack)
        finder = FactFinder(place.environment, place.every, options.reports, place.now)
        stack.callback(finder.close)
        asked = finder.ask(dict(_questions(place, finder)))

        newest, told = _of_the_evidence(options, place)
        facts = told | {MINUTES_TO_FIX: minutes_to_fix}
        troubles: list[str] = []
        walks = [_walked(place, book, finder, facts, asked, options.minutes, troubles) for book in place.books]
        requests = "".join(f"{dumped(request.record())}\n" for request in tuple(finder.guard.requests))
        _save(lambda: captured.save_text(place.folder, "requests.jsonl", requests), troubles)
        return _tell(options, place, newest, walks, troubles)


def _minutes_to_fix(stated: str | None) -> Fact:
    """Return how long somebody thinks that the fix takes. Raises BadInput."""
    if stated is None:
        return Missing("nobody has said how long", "--fix 45m, or --fix unknown", was_asked=False)
    if stated == NOT_KNOWN:
        return Missing("the cause is not known")
    try:
        minutes = parse_span(stated) / timedelta(minutes=1)
    except ValueError as error:
        raise BadInput([f"--fix: {error}"]) from None
    return Found(f"{minutes:g} minutes", minutes)


def _place(options: argparse.Namespace, stack: ExitStack) -> Place:
    """Return what is walked through. Raises BadInput with all problems, before anything is contacted."""
    path: Path = options.environments / f"{options.env}.yaml"
    is_embedded = embedded.is_wanted(path, os.environ)
    stand_ins = embedded.stand_ins(path) if is_embedded else {}
    environment = schema.load(options.env, options.environments, {**os.environ, **stand_ins})

    problems: list[str] = []
    every = tuple(load_stated(environment.runbooks, path, problems))
    books = _chosen(every, options.runbook, problems)
    problems += _unknown_captures(books, environment)
    problems += unknown_tables(environment, every)
    if problems:
        raise BadInput(problems)

    now = datetime.now(UTC)
    folder = captured.new_folder(options.out or options.reports / options.env / captured.FOLDER, now)
    if is_embedded:
        try:
            sandbox = stack.enter_context(Sandbox.start(launched=True))
        except SandboxFailed as error:
            raise BadInput([str(error)]) from None
        environment = schema.load(options.env, options.environments, {**os.environ, **sandbox.variables})
    return Place(environment, books, every, folder, now)


def _chosen(books: tuple[Runbook, ...], name: str | None, problems: list[str]) -> tuple[Runbook, ...]:
    """Return the runbooks that are walked: the one of a name, or all."""
    if name is None:
        return books
    chosen = tuple(book for book in books if book.runbook == name)
    if not chosen:
        problems.append(f"--runbook {not_one_of(name, [book.runbook for book in books])}")
    return chosen


def _unknown_captures(books: tuple[Runbook, ...], environment: Environment) -> Iterator[str]:
    """Yield the captures and rows of repairs that no reading is called."""
    for book in books:
        readings = {*KNOWN_READINGS, *book.readings, *environment.readings}
        for name in _walk_of(book).readings:
            if name not in readings:
                yield f"runbook {book.runbook}: incident: reading {meant(name, readings)}"


def _walk_of(book: Runbook) -> IncidentWalk:
    return book.incident or PLAIN_WALK


def _questions(place: Place, finder: FactFinder) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield all that is asked for: the facts of the walks, and the rows that are saved."""
    for book in place.books:
        walk, name = _walk_of(book), book.runbook
        for fact in walk.names:
            wanted = walk.wanted(fact)
            if wanted.kind.look:
                yield _fact_key(name, fact), partial(finder.fact, name, wanted)
        for path in _health_paths(book):
            yield _health_key(name, path), partial(finder.fact, name, wanted_health(path))
        for reading in walk.saved_readings:
            yield _rows_key(name, reading), partial(finder.rows, name, reading)


def _fact_key(runbook: str, fact: str) -> str:
    return f"{runbook}: fact {fact}"


def _health_paths(book: Runbook) -> list[str]:
    return health_paths(line.decided_by for line in book.lines)


def _health_key(runbook: str, path: str) -> str:
    return f"{runbook}: health {path}"


def _rows_key(runbook: str, reading: str) -> str:
    return f"{runbook}: rows {reading}"


def _of_the_evidence(options: argparse.Namespace, place: Place) -> tuple[RecordedRun | None, dict[str, Fact]]:
    """Return the newest run, and what it and those before it tell; evidence that is damaged stops no walk."""
    again = f"pytest -m postlaunch --env {options.env}"
    try:
        newest = newest_run(options.reports, options.env, place.environment.target.url)
        since = since_when(options.reports, newest) if newest else {}
    except (ReadinessError, OSError) as error:
        damaged = Missing(f"the evidence cannot be read: {str(error).splitlines()[0]}", again)
        return None, {RED_LINES: damaged, VERDICT: damaged}
    verdict = judge(newest).verdict if newest else None
    return newest, evidence_facts(newest, since, verdict, place.now, again)


def _walked(
    place: Place,
    book: Runbook,
    finder: FactFinder,
    known: dict[str, Fact],
    asked: dict[str, Asked],
    until: int | None,
    troubles: list[str],
) -> Walked:
    """Return a runbook's walk with its facts, its rows saved."""
    walk, name = _walk_of(book), book.runbook
    facts = dict(known)
    for fact in walk.names:
        kind = walk.wanted(fact).kind
        if kind.look:
            facts[fact] = _answer(asked[_fact_key(name, fact)])
        elif kind.name in OF_PEOPLE:
            facts[fact] = known[kind.name]

    folder = place.folder if len(place.books) == 1 else place.folder / name
    _save(lambda: folder.mkdir(exist_ok=True), troubles)
    saved = [_saved(folder, name, reading, finder, asked, troubles) for reading in walk.captures]
    repairs = [_repair_sql(place, book, repair, finder, asked) for repair in walk.repairs]
    scripts = [repair.sql for repair in repairs if repair.sql]
    if scripts:
        _save(lambda: captured.save_text(folder, "repairs-for-review.sql", "\n\n".join(scripts) + "\n"), troubles)
    health = {path: _answer(asked[_health_key(name, path)]) for path in _health_paths(book)}
    filled = fill(name, book.title, walk, facts, until, health)
    text = "".join(f"{line}\n" for line in first_minutes.lines_of(filled))
    _save(lambda: captured.save_text(folder, "walk.txt", text), troubles)
    return Walked(filled, book.severities, tuple(repairs), tuple(saved))


def _answer(asked: Asked) -> Fact:
    fact: Fact = asked.answer if asked.is_there else asked.missing
    return fact


def _saved(
    folder: Path, runbook: str, reading: str, finder: FactFinder, asked: dict[str, Asked], troubles: list[str]
) -> str:
    """Save the rows of a reading, and return what became of them."""
    answer = asked[_rows_key(runbook, reading)]
    if not answer.is_there:
        return f"{reading}: {answer.missing.says}"
    kind, query = finder.query(runbook, reading)
    counted: list[str] = []
    _save(lambda: counted.append(captured.save_rows(folder, reading, kind, query, answer.answer)), troubles)
    return f"{reading}: {counted[0] if counted else 'NOT SAVED'}"


def _save(save: Callable[[], object], troubles: list[str]) -> None:
    """Save something; the walk goes on where the disk is full."""
    try:
        save()
    except OSError as error:
        troubles.append(str(error))


def _repair_sql(place: Place, book: Runbook, repair: Repair, finder: FactFinder, asked: dict[str, Asked]) -> RepairSql:
    """Return the SQL of a change by hand for the rows that were found, or why there is none."""
    rows = asked[_rows_key(book.runbook, repair.rows)]
    if not rows.is_there:
        return RepairSql(repair.name, repair.says, "", f"which rows, nobody knows: {rows.missing.says}")
    is_of_runbook = finder.is_of_runbook(book.runbook, repair.rows)
    return repair_sql(repair, place.environment.tables, rows.answer, is_of_runbook=is_of_runbook)


def _tell(
    options: argparse.Namespace, place: Place, newest: RecordedRun | None, walks: list[Walked], troubles: list[str]
) -> int:
    """Print all of it, and return the exit code."""
    # At minute 30 it hangs on how long the fix takes: before somebody says so it asks for nothing yet.
    moves = [move for walked in walks for move in walked.walk.moves(first_alone=options.fix is None)]
    move = max(moves, key=lambda one: one.rank, default=None)
    message = announced(move, place.environment, newest, place.now)
    steps = next_steps(move, place.environment)
    if message:
        text = f"{message.title}\n{message.body}\n"
        _save(lambda: captured.save_text(place.folder, "announcement.txt", text), troubles)

    if options.json:
        announcement = {"title": message.title, "body": message.body} if message else None
        written = {"announcement": announcement, "next": steps, "folder": str(place.folder), "not_saved": troubles}
        say_json(
            {"environment": options.env, "at": place.now.isoformat(), **written, "walks": list(map(_plain, walks))}
        )
    else:
        for line in _lines(place, walks):
            say(line)
        for line in (*_closing(place, message, troubles), *_decisions(walks), *(f"next      {step}" for step in steps)):
            say(line)
    return 1 if troubles else 0


def _plain(walked: Walked) -> JsonObject:
    repairs = [vars(repair) for repair in walked.repairs]
    severities = {word: level.model_dump() for word, level in walked.severities.items()}
    beside_the_walk = {"severities": severities, "repairs": repairs, "captures": list(walked.saved)}
    return {**first_minutes.plain(walked.walk), **beside_the_walk}


def _lines(place: Place, walks: list[Walked]) -> Iterator[str]:
    kind = "PRODUCTION" if place.environment.production else "not production"
    url = place.environment.target.url
    yield f"incident  {place.environment.environment} ({kind}), {url}, {place.now:%Y-%m-%d %H:%M}Z"
    for walked in walks:
        yield ""
        yield from first_minutes.lines_of(walked.walk)
        yield from _severity_lines(walked)
        yield from _repair_lines(walked)
        if walked.saved:
            yield ""
            yield "captured before anybody changes anything"
            yield from (f"  {line}" for line in walked.saved)


def _severity_lines(walked: Walked) -> Iterator[str]:
    """Yield the runbook's table: how severe it is people say, and until when it is answered and rolled back."""
    if not walked.severities:
        return
    yield ""
    yield "severities of the runbook"
    for word, level in walked.severities.items():
        back = f"; roll back: {level.roll_back}" if level.roll_back else ""
        yield f"  {word:<8}{shown(f'{level.means}; answer: {level.answer}{back}')}"


def _repair_lines(walked: Walked) -> Iterator[str]:
    if not walked.repairs:
        return
    yield ""
    yield "changes by hand, for a review: nothing ran them, and nothing will"
    for repair in walked.repairs:
        yield f"  {repair.name}: {repair.why}"
        yield from (f"    {line}" for line in repair.sql.splitlines())


def _decisions(walks: list[Walked]) -> Iterator[str]:
    """Yield what is decided, once more: whoever scrolls reads the end."""
    for walked in walks:
        for window in walked.walk.windows:
            if window.decision:
                word = str(window.decision.do).upper() if window.decision.do else "OPEN"
                graver = "".join(f"; not ruled out: {shown(why)}" for why in window.decision.graver[:1])
                when = f"minute {window.minutes.partition('-')[2]}, {walked.walk.runbook}"
                yield f"decision  {when}: {word}, {shown(window.decision.says)}{graver}"


def _closing(place: Place, message: AnnouncementText | None, troubles: list[str]) -> Iterator[str]:
    if message:
        yield ""
        yield "announcement (a draft: nobody was told)"
        yield f"  {message.title}"
        yield from (f"  {line}" for line in message.body.splitlines())
    yield ""
    yield f"saved     {place.folder}/"
    yield from (f"NOT SAVED {why}" for why in troubles)
