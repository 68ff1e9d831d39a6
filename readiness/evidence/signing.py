"""Signatures by an Ed25519 key: its private half in the process's environment, its public half in the project."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.errors import BadInput
from readiness.evidence import key_rules
from readiness.evidence.key_rules import EVERYTHING, KeyRules
from readiness.files import bounded_read
from readiness.redaction.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VARIABLE = "READINESS_SIGNING_KEY"
FILE_VARIABLE = f"{VARIABLE}_FILE"
KEYS = "keys"
"""The folder of public keys, beside the environment files."""
SHOWN = 16
"""The characters of a digest or a key's id that are printed."""
_PUBLIC = bytes.fromhex("302a300506032b6570032100")
"""The beginning of every Ed25519 public key in DER (RFC 8410)."""
_KEY_BYTES = 32
_OTHERS_MAY = 0o077
BYTES_AT_MOST = 100_000
"""A key in PEM has some two hundred."""
_PREFIX = 22
"""The characters at the beginning of a private key in PEM that are the same for every key."""


@dataclass(frozen=True)
class PublicKey:
    """A key that the project trusts, or the public half of one's own."""

    name: str
    raw: bytes
    rules: KeyRules = EVERYTHING
    """What it may sign; without any, everything."""

    @property
    def key_id(self) -> str:
        """The digest that signatures name it by."""
        return hashlib.sha256(self.raw).hexdigest()

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Check whether the signature is of this key and of these bytes."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  only who verifies pays for it
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415  the same

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def has_ended(self, at: datetime) -> bool:
        """Check whether nothing counts any more that it signs at a moment."""
        end = self.rules.last_moment
        return end is not None and end <= at

    def may_not_sign(self, subject: str, environment: str, at: datetime) -> str:
        """Return why what it signs at a moment would not count; empty where it would."""
        refused = next(self.rules.refusals(subject, environment, at), None)
        return f"the key {self.name}, {refused.says}" if refused else ""

    def to_pem(self) -> str:
        """Return it in PEM, as it lies in the project."""
        body = base64.b64encode(_PUBLIC + self.raw).decode()
        return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"


class Signer:
    """The private key. It is never printed and never written."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = PublicKey("", key.public_key().public_bytes_raw())

    @property
    def key_id(self) -> str:
        """The digest of its public half."""
        return self.public.key_id

    def sign(self, data: bytes) -> bytes:
        """Return the signature of these bytes."""
        return self._key.sign(data)


def signer_of(variables: Mapping[str, str]) -> Signer | None:
    """Return the private key that the environment variables hold or name; None where there is none. Raises BadInput."""
    text = variables.get(VARIABLE)
    file = variables.get(FILE_VARIABLE)
    if text and file:
        raise BadInput([f"{VARIABLE} and {FILE_VARIABLE} are both set: keep one"])
    if text:
        return _signer(text, VARIABLE)
    if file:
        return _signer(_private_text(Path(file)), f"{FILE_VARIABLE} ({file})")
    return None


def _private_text(path: Path) -> str:
    """Return the text of a file that nobody else may read. Raises BadInput."""
    try:
        if path.stat().st_mode & _OTHERS_MAY:
            raise BadInput([f"{FILE_VARIABLE}: others may read {path}: chmod 600 {path}"])
        return bounded_read.read_text(path, BYTES_AT_MOST)
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput([f"{FILE_VARIABLE}: {path} cannot be read: {error}"]) from None


def _signer(text: str, place: str) -> Signer:
    """Return the signer of a private key in PEM, which is a secret from now on. Raises BadInput."""
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  only who signs pays for it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415  the same
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415  the same

    # What every key begins with is no secret, and masking it would deface what only looks alike.
    for line in text.splitlines():
        if line.strip() and not line.startswith("-----"):
            Secret(line.strip()[_PREFIX:])

    try:
        key = load_pem_private_key(text.encode(), password=None)
    except TypeError:
        raise BadInput([f"{place}: the key has a passphrase; give one without (readiness key NAME)"]) from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadInput([f"{place}: this is no private key in PEM (readiness key NAME makes one)"]) from None

    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput([f"{place}: an Ed25519 key is wanted (readiness key NAME makes one)"])
    return Signer(key)


def new_pair() -> tuple[str, PublicKey]:
    """Return a new key: its private half in PEM, and its public half."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  only who makes one pays for it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415  the same

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        encoding=serialization.Encoding.PEM,
        format=serialization.PrivateFormat.PKCS8,
        encryption_algorithm=serialization.NoEncryption(),
    )
    return private.decode(), Signer(key).public


def trusted_keys(environments: Path) -> dict[str, PublicKey]:
    """Return the public keys of the project, by their ids. Raises BadInput, with every problem."""
    # That nobody looked is not that nobody is trusted.
    if not environments.is_dir():
        reason = "there is no such folder, and the keys that the project trusts are in it"
        raise BadInput([f"--environments {environments}: {reason}; name the folder of the environment files"])

    keys, problems = _public_keys(environments / KEYS)
    if problems:
        raise BadInput(problems)

    rules = key_rules.load(environments / KEYS, [key.name for key in keys.values()])
    return {key_id: replace(key, rules=rules.get(key.name, key.rules)) for key_id, key in keys.items()}


def _public_keys(folder: Path) -> tuple[dict[str, PublicKey], list[str]]:
    """Return the public keys of a folder by their ids, and what is wrong with its files."""
    keys: dict[str, PublicKey] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.pub")):
        try:
            key = _public_key(path)
        except (OSError, ValueError) as error:
            problems.append(f"{KEYS}/{path.name}: {error}")
            continue

        # Under a second name it would have rules of its own, or none.
        if key.key_id in keys:
            problems.append(f"{KEYS}/{path.name}: this is the same key as {keys[key.key_id].name}.pub: remove one")
        keys[key.key_id] = key
    return keys, problems


def _public_key(path: Path) -> PublicKey:
    """Return the public key of a file. Raises OSError, and ValueError where it is none."""
    text = bounded_read.read_text(path, BYTES_AT_MOST)
    if "PRIVATE KEY" in text:
        raise ValueError("this is a private key: remove it, and make another (readiness key NAME)")

    body = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    try:
        data = base64.b64decode(body, validate=True)
    except binascii.Error:
        data = b""  # which is no key either
    if not data.startswith(_PUBLIC) or len(data) != len(_PUBLIC) + _KEY_BYTES:
        raise ValueError("this is no Ed25519 public key in PEM")
    return PublicKey(path.stem, data.removeprefix(_PUBLIC))
