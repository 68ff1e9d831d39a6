"""Recordings as each tool writes them: all become the same journey, without a secret and without third parties.

To add a row: a tool, and a small recording as it writes it. Each has a sign-in of the shop, a page behind it, and a
request to somebody else.
"""

from __future__ import annotations

import base64
import codecs
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main

PASSWORD = "gh0st-Qp7-wR4t8Yb1"
SESSION = "9f8e7d6c5b4aXq7wR4t8"
FORM = "application/x-www-form-urlencoded"
SENT = f"user=ada&password={PASSWORD}"
FIELDS = [{"name": "user", "value": "ada"}, {"name": "password", "value": PASSWORD}]
AS_FORM = {"name": "Content-Type", "value": FORM}
COOKIES = [{"name": "sid", "value": SESSION}]
COOKIE = {"name": "Cookie", "value": f"sid={SESSION}"}
PAGE = "<h1>Orders</h1>"
OTHER = "https://stats.example/collect?key=k3y-of-somebody-else"


def entry(
    url: str, method: str = "GET", *, status: int = 200, more: dict[str, Any] | None = None, **request: Any
) -> Any:
    """Return an entry with what HAR 1.2 demands."""
    asked = {"method": method, "url": url, "httpVersion": "HTTP/1.1", "headers": [], "cookies": [], "queryString": []}
    content = {"size": len(PAGE), "mimeType": "text/html", "text": PAGE}
    answer = {"status": status, "statusText": "", "httpVersion": "HTTP/1.1", "headers": [], "cookies": []}
    answer |= {"content": content, "redirectURL": "", "headersSize": -1, "bodySize": -1}
    beside = {"startedDateTime": "2026-01-01T00:00:00.000Z", "time": 1, "cache": {}, "timings": {}}
    sizes = {"headersSize": -1, "bodySize": -1}
    return {**beside, "request": asked | sizes | request, "response": answer} | (more or {})


def walk(body: dict[str, Any], page: dict[str, Any], *others: Any, more: dict[str, Any] | None = None) -> list[Any]:
    """Return what every tool recorded: the sign-in, the page, and somebody else's."""
    return [
        entry("https://shop.example/login", "POST", postData=body, status=302, more=more, headers=[AS_FORM]),
        entry("https://shop.example/orders", more=more, **page),
        entry(OTHER, "POST", more=more, postData={"mimeType": "text/plain", "text": "x"}),
        *others,
    ]


def _with_answer(entries: list[Any], **content: Any) -> list[Any]:
    for each in entries:
        each["response"]["content"] = content
    return entries


PSEUDO = [{"name": name, "value": "x"} for name in (":authority", ":method", ":path", ":scheme")]
CHROME = {"_initiator": {"type": "script", "stack": {"callFrames": [{"url": OTHER}]}}, "_priority": "High"}
CHROME |= {"_resourceType": "document", "connection": "443", "pageref": "page_1"}
ENCODED = {"mimeType": "text/html", "text": base64.b64encode(PAGE.encode()).decode(), "encoding": "base64"}
BOTH = {"mimeType": FORM, "text": SENT, "params": FIELDS}
STREAMED = f"Content-Type: {FORM}\r\nContent-Length: {len(SENT)}\r\n\r\n{SENT}"
SOCKET = entry("wss://shop.example/live", status=101, more={"_webSocketMessages": [{"type": "send", "data": SESSION}]})
TUNNEL = entry("https://shop.example:443", "CONNECT")
GIVEN_UP = entry("https://shop.example/orders", status=0)
BLOB = entry("blob:https://shop.example/0e8f", status=200)
MINIMAL = {"method": "GET", "url": "https://shop.example/orders", "headers": []}

TOOLS: dict[str, list[Any]] = {
    "Chrome": _with_answer(walk(BOTH, {"headers": [*PSEUDO, COOKIE]}, SOCKET, BLOB, more=CHROME), **ENCODED),
    "Chrome, sanitized": walk(BOTH, {}, more=CHROME),
    "Firefox": walk(BOTH, {"headers": [COOKIE], "cookies": COOKIES}, GIVEN_UP),
    "Firefox, of a stream": walk({"mimeType": FORM, "params": [], "text": STREAMED}, {"cookies": COOKIES}),
    "Safari": walk({"mimeType": FORM, "text": SENT, "params": []}, {"cookies": COOKIES, "httpVersion": "HTTP/2"}),
    "Charles": walk({"mimeType": FORM, "params": FIELDS, "comment": None}, {"cookies": COOKIES}, TUNNEL),
    "Fiddler": walk({"mimeType": FORM, "params": FIELDS, "text": ""}, {"headers": [COOKIE]}, TUNNEL),
    "mitmproxy": walk({"mimeType": FORM, "text": SENT, "params": FIELDS}, {"cookies": COOKIES}, SOCKET),
    "Playwright": _with_answer(walk(BOTH, {"headers": [COOKIE]}), size=-1, mimeType="x-unknown", _sha1="0a.html"),
    "Insomnia": walk({"mimeType": FORM, "text": SENT}, {"headers": [COOKIE], "comment": "My request"}),
    "HTTP Toolkit": walk({"mimeType": FORM, "params": FIELDS}, {"headers": [COOKIE]}),
    "k6": [*walk({"mimeType": FORM, "text": SENT}, {})[::2], {"request": MINIMAL}],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_each_tool_s_recording_is_the_same_journey(
    tool: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written, told = _record(tmp_path, capsys, json.dumps(_recording(TOOLS[tool])).encode())

    sign_in, orders = yaml.safe_load(written)["steps"]
    assert sign_in == {
        "path": "/login",
        "method": "POST",
        "form": {"user": "ada", "password": "${RECORDED_PASSWORD}"},
    }
    assert orders == {"path": "/orders"}
    for secret in (PASSWORD, SESSION, "k3y-of-somebody-else"):
        assert secret not in written + told
    assert "left out  what went to stats.example: 1 of the requests" in told
    assert ("a WebSocket" in told) is (SOCKET in TOOLS[tool])
    assert ("no such method" in told) is (TUNNEL in TOOLS[tool])
    assert ("the browser gave it up" in told) is (GIVEN_UP in TOOLS[tool])
    assert ("what went to no host" in told) is (BLOB in TOOLS[tool])


ENCODINGS = {
    "with a mark of its bytes' order": codecs.BOM_UTF8 + json.dumps({"log": {"entries": TOOLS["k6"]}}).encode(),
    "UTF-16, as Windows' shell writes": json.dumps({"log": {"entries": TOOLS["k6"]}}).encode("utf-16"),
    "UTF-16, the other way round": codecs.BOM_UTF16_BE
    + json.dumps({"log": {"entries": TOOLS["k6"]}}).encode("utf-16-be"),
}


@pytest.mark.parametrize("content", ENCODINGS.values(), ids=list(ENCODINGS))
def test_a_recording_is_read_however_it_was_saved(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written, _ = _record(tmp_path, capsys, content)
    assert len(yaml.safe_load(written)["steps"]) == 2


HOSTS = {
    "an address of IPv6": ("http://[::1]:8080/a", "[::1]"),
    "a name beyond ASCII": ("https://xn--bcher-kva.example/a", "Bücher.example"),
    "a name in ASCII": ("https://bücher.example/a", "xn--bcher-kva.example"),
    "a name with its last dot": ("https://shop.example/a", "SHOP.example."),
}


@pytest.mark.parametrize(("url", "host"), HOSTS.values(), ids=list(HOSTS))
def test_a_host_is_known_in_each_spelling(
    url: str, host: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = json.dumps(_recording([entry(url)])).encode()
    written, _ = _record(tmp_path, capsys, content, "--host", host)
    assert yaml.safe_load(written)["steps"] == [{"path": "/a"}]


def _recording(entries: list[Any]) -> dict[str, Any]:
    return {"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "pages": [], "entries": entries}}


def _record(folder: Path, capsys: pytest.CaptureFixture[str], content: bytes, *words: str) -> tuple[str, str]:
    (folder / "walk.har").write_bytes(content)
    (folder / "shop.yaml").write_text("environment: shop\ntarget: {url: https://shop.example}\n")
    assert main(["record", str(folder / "walk.har"), "--env", "shop", "--environments", str(folder), *words]) == 0
    return (folder / "walk.journey.yaml").read_text(), capsys.readouterr().out
