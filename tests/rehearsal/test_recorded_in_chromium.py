"""A session of a real Chromium, recorded by Playwright: what the browser itself writes becomes a journey."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from readiness.rehearsal import har
from readiness.rehearsal.journeys import Journey, check_names
from readiness.rehearsal.recorded import journey_of
from tests.evidence.chromium import PROGRAM, SHARED

PASSWORD, TOKEN = "a-password-of-ada-77", "tok-5d41402abc4b2a76b971"
PAGE = f"""\
<!doctype html><title>Shop</title><link rel="stylesheet" href="/style.css"><link rel="icon" href="data:,">
<script>
async function walk() {{
  const answer = await fetch("/login", {{method: "POST", headers: {{"Content-Type": "application/json"}},
    body: JSON.stringify({{user: "ada", password: "{PASSWORD}"}})}});
  const token = (await answer.json()).data.token;
  await fetch("/orders?page=1", {{headers: {{Authorization: "Bearer " + token}}}});
  await fetch("/orders", {{method: "POST", body: new URLSearchParams({{item: "a b", csrf_token: token}})}});
  const parts = new FormData();
  parts.append("note", "from {{{{place}}}}");
  await fetch("/note", {{method: "POST", body: parts, headers: {{"X-Token": token}}}});
  parts.append("file", new File(["day,spend\\n1,2\\n"], "rows.csv", {{type: "text/csv"}}));
  await fetch("/upload", {{method: "POST", body: parts}});
  await fetch("/gone").catch(() => 0);
  await fetch("http://localhost:" + location.port + "/of-others?token=" + token, {{mode: "no-cors"}});
  document.title = "done";
}}
</script><body onload="walk()">
"""


class Shop(http.server.BaseHTTPRequestHandler):
    """A site with a sign-in, a form, an upload, a file and something that is not there."""

    def do_GET(self) -> None:
        is_page = self.path == "/"
        kind = "text/html" if is_page else "text/css" if self.path.endswith(".css") else "application/json"
        self._answer(404 if self.path == "/gone" else 200, kind, PAGE if is_page else "{}")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(201, "application/json", f'{{"data": {{"token": "{TOKEN}"}}}}' if self.path == "/login" else "{}")

    def _answer(self, status: int, kind: str, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.send_header("Set-Cookie", "session=0123456789abcdef; Path=/")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def shop() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("", 0), Shop)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    serving.join()


@pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here: make setup")
def test_what_chromium_records_becomes_a_journey(shop: str, tmp_path: Path) -> None:
    def walk(browser: Browser, path: Path) -> list[str]:
        context = browser.new_context(record_har_path=path, record_har_content="embed")
        page = context.new_page()
        page.goto(shop)
        page.wait_for_function("document.title === 'done'")
        context.close()
        return []

    SHARED.look(walk, tmp_path / "walk.har")

    recorded = journey_of(har.read(tmp_path / "walk.har"), {"127.0.0.1"})

    check_names(Journey.model_validate({"steps": recorded.steps}), [{}])
    sent = {f"{step.get('method', 'GET')} {step['path']}": step for step in recorded.steps}
    assert list(sent) == ["GET /", "POST /login", "GET /orders?page=1", "POST /orders", "POST /note", "GET /gone"]
    assert sent["POST /login"]["json"] == {"user": "ada", "password": "${RECORDED_PASSWORD}"}
    (place,) = sent["POST /login"]["keep"]
    assert sent["GET /orders?page=1"]["headers"]["authorization"] == f"Bearer {{{{{place}}}}}"
    assert sent["POST /orders"]["form"] == {"item": "a b", "csrf_token": f"{{{{{place}}}}}"}
    assert "from {{braces}}place}}" in sent["POST /note"]["text"]
    assert sent["POST /note"]["headers"]["x-token"] == f"{{{{{place}}}}}"
    assert sent["GET /gone"]["status"] == [404]
    # Chromium does not tell Playwright what came from a file.
    assert recorded.left_out == ["POST /upload: the recording has not what was sent with it"]
    assert (recorded.other_hosts, recorded.static) == ({"localhost": 1}, 1)
    assert TOKEN not in str(recorded.steps)
    assert PASSWORD not in str(recorded.steps)
