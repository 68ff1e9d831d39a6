"""Signatures by an Ed25519 key: its private half in the process's environment, its public half in the project."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.errors import BadInput
from readiness.redaction.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VARIABLE = "READINESS_SIGNING_KEY"
FILE_VARIABLE = f"{VARIABLE}_FILE"
KEYS = "keys"
"""The folder of public keys, beside the environment files."""
SHOWN = 16
_PUBLIC = bytes.fromhex("302a300506032b6570032100")  # what stands before an Ed25519 key in its public form (RFC 8410)
_OTHERS_MAY = 0o077
_PREFIX = 22  # so much of the private form is the same for every key


@dataclass(frozen=True)
class PublicKey:
    """A key that the project trusts, or the public half of one's own."""

    name: str
    raw: bytes

    @property
    def key_id(self) -> str:
        """The digest that signatures name it by."""
        return hashlib.sha256(self.raw).hexdigest()

    def verifies(self, signature: bytes, data: bytes) -> bool:
        """Tell whether the signature is of this key and of these bytes."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  only who verifies pays for it
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def to_pem(self) -> str:
        """Write it as a file of the project."""
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
        """Sign these bytes."""
        return self._key.sign(data)


def signer_of(variables: Mapping[str, str]) -> Signer | None:
    """Give the key that the process was given; None where there is none. Raises BadInput."""
    text, file = variables.get(VARIABLE), variables.get(FILE_VARIABLE)
    if not text and not file:
        return None
    if text and file:
        raise BadInput([f"{VARIABLE} and {FILE_VARIABLE} are both set: keep one"])
    return _signer(text or _content(Path(file or "")), VARIABLE if text else f"{FILE_VARIABLE} ({file})")


def _content(path: Path) -> str:
    try:
        if path.stat().st_mode & _OTHERS_MAY:
            raise BadInput([f"{FILE_VARIABLE}: others may read {path}: chmod 600 {path}"])
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput([f"{FILE_VARIABLE}: {path} cannot be read: {error}"]) from None


def _signer(text: str, place: str) -> Signer:
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  only who signs pays for it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

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
    """Make a key: its private half as PEM, and its public half."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  only who makes one pays for it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    key = Ed25519PrivateKey.generate()
    form, lock = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    text = key.private_bytes(serialization.Encoding.PEM, form, lock).decode()
    return text, Signer(key).public


def trusted_keys(environments: Path) -> dict[str, PublicKey]:
    """Read the public keys of the project, by their ids. Raises BadInput, with every problem."""
    if not environments.is_dir():  # that nobody looked is not that nobody is trusted
        told = "there is no such folder, and the keys that the project trusts are in it"
        raise BadInput([f"--environments {environments}: {told}; name the folder of the environment files"])
    found: dict[str, PublicKey] = {}
    problems: list[str] = []
    for path in sorted((environments / KEYS).glob("*.pub")):
        try:
            key = _public(path)
            found[key.key_id] = key
        except (OSError, ValueError) as error:
            problems.append(f"{KEYS}/{path.name}: {error}")
    if problems:
        raise BadInput(problems)
    return found


def _public(path: Path) -> PublicKey:
    text = path.read_text(encoding="utf-8")
    if "PRIVATE KEY" in text:
        raise ValueError("this is a private key: remove it, and make another (readiness key NAME)")
    body = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    try:
        data = base64.b64decode(body, validate=True)
    except binascii.Error:
        data = b""
    if not data.startswith(_PUBLIC) or len(data) != len(_PUBLIC) + 32:
        raise ValueError("this is no Ed25519 public key in PEM")
    return PublicKey(path.stem, data.removeprefix(_PUBLIC))
