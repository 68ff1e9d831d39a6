"""Whom the suite believes: the authorities that vouch for a server, and how much of it is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, model_validator

from readiness.config.fields import STRICT

TlsMode = Literal["verify-full", "verify-ca", "require", "prefer", "disable"]
"""libpq's words for it (`sslmode`), the strictest first."""


def _authorities(path: Path) -> Path:
    """Return the path of a file that holds certificates; from where the command was given, as every path here."""
    import ssl  # noqa: PLC0415  only where a file is named: it takes as long as all other sections together

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path.expanduser())
    except OSError as error:  # of it ssl.SSLError, for a file that holds no certificate
        why = error.strerror if not isinstance(error, ssl.SSLError) else "it holds no certificate in PEM"
        raise ValueError(f"{path} cannot be read as a file of authorities: {why}") from None
    return path.expanduser()


OF_MACHINE = frozenset({("http", "ca_file"), ("postgres", "ca_file")})
"""The keys whose file may lie only on the machines that judge."""
AuthoritiesFile = Annotated[Path, AfterValidator(_authorities)]


class HttpTrust(BaseModel):
    """The keys of `http` about trust: the certificate and the name of every server are verified, always."""

    model_config = STRICT

    ca_file: AuthoritiesFile | None = None
    """Authorities that are believed beside the public ones, in PEM: those of a company of its own."""


class DatabaseTrust(BaseModel):
    """The keys of `postgres` about trust; they hold for the replica and the scratch server of a drill too."""

    model_config = STRICT

    tls: TlsMode | None = None
    """None is what the address says (`sslmode`); where it says nothing, `verify-full` in production and over the
    network, and else libpq's own `prefer`, which gives the password in clear to a server without TLS."""
    ca_file: AuthoritiesFile | None = None
    """Authorities that are believed instead of the machine's, in PEM: those of the database's provider."""

    @model_validator(mode="after")
    def _can_be_verified(self) -> DatabaseTrust:
        # libpq: "weak sslmode may not be used with sslrootcert=system".
        if self.tls == "verify-ca" and self.ca_file is None:
            raise ValueError("verify-ca believes any name of one authority: name that authority by ca_file")
        return self
