"""An address as it may be shown: without a user, and with the secrets of its query masked."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote_plus, urlencode

import httpx

from readiness.redaction.secret import MASK, is_secret_parameter
from readiness.redaction.shown import shown


def question(method: str, where: str) -> str:
    """Return what is asked of a host at an address as it is shown, as a person would write it.

    >>> question("GET", "https://prometheus.shop.internal/api/v1/query?query=sum%28up%29&token=***")
    'GET /api/v1/query?query=sum(up)&token=***'
    """
    address = httpx.URL(where)
    return shown(f"{method} {unquote_plus(address.raw_path.decode('ascii', 'replace'))}")


def shown_address(url: httpx.URL | str) -> str:
    """Return an address without user, password and fragment, and with the secrets of its query masked."""
    address = httpx.URL(url)
    bare = address.copy_with(username=None, password=None, query=None, fragment=None)

    parameters = []
    for name, value in parse_qsl(address.query.decode("ascii", "replace"), keep_blank_values=True):
        parameters.append((name, MASK if is_secret_parameter(name) else value))
    if not parameters:
        return str(bare)
    return f"{bare}?{urlencode(parameters, safe='*')}"
