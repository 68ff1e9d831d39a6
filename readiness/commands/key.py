"""`readiness key`: make a key that signs runs. Its private half stays out of the project, its public half goes in."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from readiness.commands import add_environments
from readiness.errors import BadInput, not_one_of
from readiness.evidence import key_rules
from readiness.evidence.signing import (
    FILE_VARIABLE,
    KEYS,
    SHOWN,
    VARIABLE,
    PublicKey,
    new_pair,
    signer_of,
    trusted_keys,
)
from readiness.files import atomic_write
from readiness.rendering.terminal import say

HELP = "make a key that signs runs, or say which keys the project trusts"
OVERLAP = timedelta(days=7)
"""So long a key that is replaced goes on: pipelines change one by one, and the entries of the new one vouch for it."""
A_YEAR = timedelta(days=365)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="of the new key: ci; without one the keys are listed")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the private key (default: ~/.config/readiness/NAME.key)"
    )
    replaces = "of the key that the new one follows: prints the entries that end the old one in a week"
    parser.add_argument("--replaces", metavar="OLD", help=replaces)
    revoke = "print the entry that revokes the key NAME as of now; keys.yaml says what a key may sign"
    parser.add_argument("--revoke", action="store_true", help=revoke)
    add_environments(parser)


def run(options: argparse.Namespace) -> int:
    """Make a key, and print where it is and what to do with it, never the key; without a name list the keys.

    Raises BadInput.
    """
    if options.name is None and (options.revoke or options.replaces):
        raise BadInput(["name the key: readiness key NAME --revoke, or readiness key NEW --replaces OLD"])
    if options.name is None:
        return _list(options.environments)
    if options.revoke:
        return _print_revoked(options.environments, options.name)
    if not _NAME.fullmatch(options.name):
        raise BadInput([f"{options.name!r} is no name of a key: lower-case letters, digits and -, 40 at most"])
    replaced = _trusted(options.environments, options.replaces) if options.replaces else None

    key = _made(options)
    say(f"key       {key.key_id[:SHOWN]}")
    _teach_rules(options.environments, options.name, replaced)
    return 0


def _made(options: argparse.Namespace) -> PublicKey:
    """Return a new key; print where its halves are, and what to do with them. Raises BadInput."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    private: Path = options.out or home / "readiness" / f"{options.name}.key"
    public: Path = options.environments / KEYS / f"{options.name}.pub"
    taken = [f"{path} is there already: choose another name" for path in (private, public) if path.exists()]
    if taken:
        raise BadInput(taken)

    private_text, key = new_pair()
    try:
        private.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        public.parent.mkdir(parents=True, exist_ok=True)
        atomic_write.write_whole(private, private_text, atomic_write.PRIVATE)
        atomic_write.write_whole(public, key.to_pem(), atomic_write.SHARED)
    except OSError as error:
        raise BadInput([f"the key could not be written: {error}"]) from None

    say(f"private   {private} (mode 0600; into the store of the pipeline's secrets, never into the project)")
    say(f"public    {public} (commit it: what it has signed is evidence from then on)")
    say(f"next      export {FILE_VARIABLE}={private}, or {VARIABLE} with its text; then run as ever")
    return key


def _trusted(environments: Path, name: str) -> PublicKey:
    """Return the trusted key of a name. Raises BadInput, with the nearest name."""
    keys = {key.name: key for key in trusted_keys(environments).values()}
    if name not in keys:
        raise BadInput([f"the key {not_one_of(name, keys)}, in {environments / KEYS}"])
    return keys[name]


def _teach_rules(environments: Path, name: str, replaced: PublicKey | None) -> None:
    """Print the entry that says what the new key may sign, and the one that ends the key before it."""
    place = environments / KEYS / key_rules.FILE
    now = datetime.now(UTC).replace(microsecond=0)
    if replaced is None:
        example = {"phases": ["preflight", "smoke"], "valid_from": _written(now), "valid_until": _written(now + A_YEAR)}
        say(f"rules     without an entry in {place} it may sign everything, always; for example:")
        _print_entries({name: example})
        return

    rules = replaced.rules
    ends = min(filter(None, [rules.last_moment, now + OVERLAP]))
    before = rules.model_dump(mode="json", exclude_unset=True)
    scope: dict[str, object] = {key: before[key] for key in ("phases", "environments") if key in before}
    say(f"rules     into {place}: {replaced.name} ends {_written(ends)}, and {name} begins now")
    ended = {**before, "valid_until": _written(ends)}
    begun = {**scope, "valid_from": _written(now)}
    _print_entries({replaced.name: ended, name: begun})


def _print_revoked(environments: Path, name: str) -> int:
    """Print the entry that revokes a key as of now; return 0. Raises BadInput."""
    rules = _trusted(environments, name).rules.model_dump(mode="json", exclude_unset=True)
    now = _written(datetime.now(UTC).replace(microsecond=0))
    say(f"rules     into {environments / KEYS / key_rules.FILE}, and commit it; leave {name}.pub where it is:")
    _print_entries({name: {"revoked": now, "reason": "say here what happened to it", **rules}})
    say("time      state since when you do not believe it, which may be long before you noticed")
    say(f"next      readiness key NAME --replaces {name}, and run again: what only this key signed counts no longer")
    return 0


def _print_entries(entries: Mapping[str, object]) -> None:
    for line in yaml.safe_dump({"keys": entries}, sort_keys=False, default_flow_style=None).splitlines():
        say(f"          {line}")


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _list(environments: Path) -> int:
    """Print the trusted keys, and the one that this process would sign with; return 0."""
    trusted = trusted_keys(environments)
    for key in trusted.values():
        say(f"trusted   {key.key_id[:SHOWN]}  {key.name}: {key.rules.told}")
    if not trusted:
        say(f"trusted   none: no {environments / KEYS}/*.pub; readiness key NAME makes one")

    signer = signer_of(os.environ)
    if signer is None:
        say(f"own       none: neither {VARIABLE} nor {FILE_VARIABLE} is set, runs will not be evidence")
        return 0

    own = trusted.get(signer.key_id)
    trust = "trusted" if own else "NOT trusted by this project"
    if own and own.has_ended(datetime.now(UTC)):
        trust = "trusted no longer: what it signs now does not count"
    say(f"own       {signer.key_id[:SHOWN]}  {trust}")
    return 0
