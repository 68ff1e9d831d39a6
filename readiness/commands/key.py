"""`readiness key`: make a key that signs runs. Its private half stays out of the project, its public half goes in."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from readiness.commands import add_environments
from readiness.errors import BadInput
from readiness.evidence.signing import FILE_VARIABLE, KEYS, SHOWN, VARIABLE, new_pair, signer_of, trusted_keys
from readiness.files import atomic_write
from readiness.rendering.terminal import say

HELP = "make a key that signs runs, or say which keys the project trusts"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="of the new key: ci; without one the keys are listed")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="the private key (default: ~/.config/readiness/NAME.key)"
    )
    add_environments(parser)


def run(options: argparse.Namespace) -> int:
    """Make a key, and print where it is and what to do with it, never the key; without a name list the keys.

    Raises BadInput.
    """
    if options.name is None:
        return _list(options.environments)
    if not _NAME.fullmatch(options.name):
        raise BadInput([f"{options.name!r} is no name of a key: lower-case letters, digits and -, 40 at most"])

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
    say(f"key       {key.key_id[:SHOWN]}")
    say(f"next      export {FILE_VARIABLE}={private}, or {VARIABLE} with its text; then run as ever")
    return 0


def _list(environments: Path) -> int:
    """Print the trusted keys, and the one that this process would sign with; return 0."""
    trusted = trusted_keys(environments)
    for key in trusted.values():
        say(f"trusted   {key.key_id[:SHOWN]}  {key.name}")
    if not trusted:
        say(f"trusted   none: no {environments / KEYS}/*.pub; readiness key NAME makes one")

    signer = signer_of(os.environ)
    if signer is None:
        say(f"own       none: neither {VARIABLE} nor {FILE_VARIABLE} is set, runs will not be evidence")
        return 0

    trust = "trusted" if signer.key_id in trusted else "NOT trusted by this project"
    say(f"own       {signer.key_id[:SHOWN]}  {trust}")
    return 0
