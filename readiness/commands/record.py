"""`readiness record`: make a journey of a browser's recording (HAR), for a load rehearsal."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from readiness.commands import add_env, add_environments
from readiness.config.documents import read
from readiness.environment.journey_files import SUFFIX
from readiness.environment.names import names
from readiness.errors import BadInput, not_one_of
from readiness.files import atomic_write
from readiness.files.canonical_json import JsonObject
from readiness.rehearsal import har
from readiness.rehearsal.journeys import Journey, check_names
from readiness.rehearsal.recorded import Recorded, journey_of
from readiness.rendering.terminal import say

HELP = "make a journey for load rehearsals of a browser's recording (HAR): only what went to the target, no secret"
SHOWN = 12
"""Rows of one kind that are printed."""
_NAME = re.compile(r"[A-Za-z0-9][\w-]*")
_HEAD = "# What a browser sent, by `readiness record`. Look through the texts before you commit it: names, addresses.\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("recording", type=Path, metavar="HAR", help="the file that the browser's network tab saved")
    add_env(parser)
    parser.add_argument("--journey", metavar="NAME", help="its name (default: that of the recording)")
    host = "what was recorded, where that is another host than the environment's target (repeatable)"
    parser.add_argument("--host", action="append", default=[], metavar="HOST", help=host)
    static = "also ask for what a browser keeps: pictures, styles, scripts, fonts"
    parser.add_argument("--static", action="store_true", help=static)
    add_environments(parser)


def run(options: argparse.Namespace) -> int:
    """Write the journey, print what is not in it, and return 0. Raises BadInput, and then nothing was written."""
    name = _name(options)
    stated = _stated(options.env, options.environments)
    hosts = _hosts(options, stated)
    path = options.environments / f"{name}{SUFFIX}"
    if path.exists():
        raise BadInput([f"{path} is there already: name another journey (--journey NAME), or remove it first"])

    entries = har.read(options.recording)
    recorded = journey_of(entries, hosts, _sent_anyway(stated), static=options.static)
    if not recorded.steps:
        raise BadInput(list(_nothing(options.recording.name, hosts, recorded)))
    _check(recorded)

    text = yaml.safe_dump({"steps": recorded.steps}, sort_keys=False, allow_unicode=True, width=110)
    try:
        atomic_write.write_whole(path, _HEAD + text)
    except OSError as error:
        raise BadInput([f"{path} cannot be written: {error}"]) from None

    for line in _told(recorded, path, options.env, name):
        say(line)
    return 0


def _name(options: argparse.Namespace) -> str:
    name = options.journey if options.journey is not None else options.recording.name.partition(".")[0]
    if not _NAME.fullmatch(name):
        raise BadInput([f"--journey {name!r}: a name of letters, digits, - and _"])
    return str(name)


def _stated(name: str, folder: Path) -> JsonObject:
    """Return an environment file as it stands: no variable is needed for that. Raises BadInput."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        raise BadInput([f"--env {not_one_of(name, names(folder))}, in {folder}/"])
    document = read(path)
    if document.problems:
        raise BadInput(document.problems)
    return document.data if isinstance(document.data, dict) else {}


def _target(stated: JsonObject) -> JsonObject:
    target = stated.get("target")
    return target if isinstance(target, dict) else {}


def _hosts(options: argparse.Namespace, stated: JsonObject) -> set[str]:
    """Return the hosts whose requests are wanted. Raises BadInput where none is known."""
    hosts = {har.as_on_the_wire(str(host)) for host in options.host}
    if not hosts:
        url = str(_target(stated).get("url", ""))
        hosts = {har.as_on_the_wire(urlsplit(url).hostname or "")} if "${" not in url else {""}
    if "" in hosts:
        raise BadInput(
            [f"{options.env}.yaml does not say the target's host as it stands: name what was recorded, --host"]
        )
    return hosts


def _sent_anyway(stated: JsonObject) -> set[str]:
    """Return the headers that the environment sends with every request."""
    target = _target(stated)
    headers = target.get("headers")
    names_of_headers = {str(name).lower() for name in headers} if isinstance(headers, dict) else set()
    return names_of_headers | ({"authorization"} if "token" in target else set())


def _check(recorded: Recorded) -> None:
    """Raise BadInput where a rehearsal would refuse the journey."""
    try:
        check_names(Journey.model_validate({"steps": recorded.steps}), [{}])
    except ValueError as error:
        raise BadInput([f"the recording makes no journey: {error}"]) from None


def _nothing(file: str, hosts: set[str], recorded: Recorded) -> Iterator[str]:
    asked = ", ".join(sorted(hosts))
    others = ", ".join(f"{host} ({count})" for host, count in recorded.other_hosts.most_common(SHOWN))
    yield f"{file} has no request to {asked} that a step could send; it has: {others or 'none to others'}"
    yield from recorded.left_out[:SHOWN]
    if recorded.other_hosts:
        yield "name the host that was recorded: --host HOST"


def _told(recorded: Recorded, path: Path, env: str, name: str) -> Iterator[str]:
    """Yield what was made, what is not in it, and what to do next."""
    yield f"journey   {path}: {len(recorded.steps)} steps"
    yield f"next      in {env}.yaml, load: {{journeys: {{{name}: {path.name}}}}}"
    yield f"          then: readiness rehearse smoke --env {env}"
    for variable, sent_as in recorded.variables.items():
        yield f"secret    {sent_as} was left out: set {variable}"
    for host, count in recorded.other_hosts.most_common(SHOWN):
        yield f"left out  what went to {host}: {count} of the requests"
    if recorded.static:
        yield f"left out  what a browser keeps: {recorded.static} of the requests (--static asks for it)"
    for reason in recorded.left_out[:SHOWN]:
        yield f"left out  {reason}"
    for header, count in recorded.headers.most_common(SHOWN):
        yield f"header    {header}: left out {count} times; add it where the target needs it"
    lists = (recorded.other_hosts, recorded.left_out, recorded.headers)
    hidden = sum(max(0, len(rows) - SHOWN) for rows in lists)
    if hidden:
        yield f"          and {hidden} more rows of these kinds"
