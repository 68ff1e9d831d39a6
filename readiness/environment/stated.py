"""What an environment file says as it stands there: for commands that must not need its secrets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from readiness.config.documents import read
from readiness.environment.normal_form import ENTRIES, is_left_out, normal_entry, normal_form
from readiness.errors import BadEnvironment
from readiness.files import bounded_read
from readiness.files.canonical_json import as_plain
from readiness.redaction.secret import Secret, is_secret
from readiness.runbook import attestations, sign_off

OF_EVIDENCE = {"evidence"}
"""Keys that say nothing of what is judged: what they demand of evidence is asked of each run anew."""
_FILES_OF_PEOPLE = {"attestations": attestations.SUFFIX, "sign_off": sign_off.SUFFIX}
"""Keys whose default is a file beside the environment's own, and how its name ends."""
HOSTS = "allowed_hosts"
"""The key whose parts count one by one: a run rests on the hosts that it contacted."""


@dataclass(frozen=True)
class StatedEnvironment:
    """An environment file, no variable filled in."""

    digest: str
    """Of its text."""
    keys: Mapping[str, str]
    """The digest of each key with what it says, and its name: comments and order are no part of it."""
    project: str
    runbooks: tuple[str, ...]
    """The names of its runbooks."""
    attestations: str = ""
    """Where it says that people's attestations lie; empty for the usual place."""
    sign_off: str = ""
    """Where it says that the sign-off lies; empty for the usual place."""
    approvers: Mapping[str, str] = field(default_factory=dict)
    """Who may approve: name → what they are known by."""
    owners: Mapping[str, str] = field(default_factory=dict)
    """Who sees to what."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """Each key, and each entry of those that hold many: `readings.orders`. Its path, and the digest of what it says.

    What says no more than the default is left out: a file may state it or not.
    """
    as_written: Mapping[str, str] = field(default_factory=dict)
    """The same paths, with the digest of what stands there, as earlier versions kept it."""
    not_applicable: frozenset[str] = frozenset()
    """The lines that cannot apply."""


def stated_environment(path: Path) -> StatedEnvironment:
    """Return what a file says. Raises BadEnvironment where it is not there or cannot be read."""
    if not path.is_file():
        raise BadEnvironment([f"{path.name} is not in {path.parent}"])
    document = read(path)
    if document.problems or not isinstance(document.data, dict):
        raise BadEnvironment(document.problems or [f"{path.name} says nothing"])

    data = document.data
    names = data.get("runbooks")
    return StatedEnvironment(
        digest=text_digest(path),
        keys={_digest([str(key), value]): str(key) for key, value in data.items() if key not in OF_EVIDENCE},
        project=str(data.get("project") or ""),
        runbooks=tuple(str(name) for name in names) if isinstance(names, list) else (),
        attestations=str(data.get("attestations") or ""),
        sign_off=str(data.get("sign_off") or ""),
        approvers={str(name): str(known) for name, known in _mapping(data.get("approvers")).items()},
        owners={str(what): str(who) for what, who in _mapping(data.get("owners")).items()},
        paths={path: _digest([path, value]) for path, value in _normal_forms(data)},
        as_written={path: _digest([path, value]) for path, value in _by_path(data)},
        not_applicable=frozenset(map(str, _mapping(data.get("not_applicable")))),
    )


def _by_path(data: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the path of each key, and of each entry of those that hold many, with what it says."""
    for key, value in data.items():
        yield str(key), value
    for key in ENTRIES:
        for name, value in _mapping(data.get(key)).items():
            yield f"{key}.{name}", value


def _normal_forms(data: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the same paths with the normal form of what they say, and each host that may be contacted as its own."""
    usual = {key: f"{data.get('environment')}{suffix}" for key, suffix in _FILES_OF_PEOPLE.items()}
    for key, value in data.items():
        is_usual = key in usual and normal_form(str(key), value) == usual[key]
        if not is_usual and not is_left_out(str(key), value):
            yield str(key), normal_form(str(key), value)
    for key in ENTRIES:
        for name, value in _mapping(data.get(key)).items():
            yield f"{key}.{name}", normal_entry(key, value)
    hosts = normal_form(HOSTS, data.get(HOSTS))
    for host in hosts if isinstance(hosts, list) else ():
        yield f"{HOSTS}.{host}", host


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}


def text_digest(path: Path) -> str:
    """Return the digest of a text, the same for each way to end its lines. Raises OSError and UnicodeDecodeError."""
    return hashlib.sha256(bounded_read.read_text(path).encode()).hexdigest()


def _digest(value: Any) -> str:
    """Return the digest of a key and what it says. No secret is in it: those stand in variables and in files."""
    text = json.dumps(as_plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def stated_target(path: Path, variables: Mapping[str, str]) -> str:
    """Return the address of the target that a file names; empty where that cannot be known from here."""
    data = read(path).data if path.is_file() else None
    target = data.get("target") if isinstance(data, dict) else None
    url = target.get("url") if isinstance(target, dict) else None
    if not isinstance(url, str):
        return ""

    filled = Template(url).safe_substitute(variables)
    _remember_secrets(url, filled, variables)
    return "" if "${" in filled else filled


def _remember_secrets(stated: str, filled: str, variables: Mapping[str, str]) -> None:
    """Have what is secret in an address masked wherever it is told: outside of a run nobody has read it yet."""
    for name in Template(stated).get_identifiers():
        value = variables.get(name, "")
        Secret(value, remembered=is_secret(name, value))
    try:
        password = urlsplit(filled).password
    except ValueError:  # it is no address: a run would refuse it
        return
    if password:
        Secret(password)
