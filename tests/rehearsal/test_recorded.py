"""What a browser's recording becomes: each request a step or named as left out, and no secret of it anywhere.

To add a row, add to STEPS a request with the step that it becomes, or to SECRETS a request with a secret in it.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from readiness.__main__ import main
from readiness.environment import schema
from readiness.environment.names import names
from readiness.errors import BadEnvironment
from readiness.rehearsal.har import Entry
from readiness.rehearsal.journeys import Journey, check_names
from readiness.rehearsal.recorded import Recorded, journey_of

TOKEN = "9f8e7d6c5b4a39281706"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlLW9mLWFkYQ"
NUMBER = "70351962"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=----b"
SHOP = "https://shop.example"


def asked(
    url: str = f"{SHOP}/",
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: dict[str, Any] | None = None,
    *,
    status: int = 200,
    answer: object = None,
    **more: Any,
) -> dict[str, Any]:
    """Return an entry of a HAR as Chromium writes it."""
    named = [{"name": name, "value": value} for name, value in (headers or {}).items()]
    request = {"method": method, "url": url, "headers": named} | ({"postData": body} if body else {})
    content = {"mimeType": "application/json", "text": json.dumps(answer) if answer is not None else ""}
    response = {"status": status, "headers": [], "content": content}
    return {"request": request, "response": response, "_resourceType": "xhr"} | more


def posted(type_: str, text: str | None = None, **more: Any) -> dict[str, Any]:
    return asked(method="POST", body={"mimeType": type_} | ({"text": text} if text is not None else {}) | more)


def made(*entries: dict[str, Any], given: tuple[str, ...] = (), static: bool = False) -> Recorded:
    recorded = journey_of([Entry.model_validate(entry) for entry in entries], {"shop.example"}, given, static=static)
    if recorded.steps:
        check_names(Journey.model_validate({"steps": recorded.steps}), [{}])
    return recorded


STEPS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a root without its slash": (asked(SHOP), {"path": "/"}),
    "a root with a query alone": (asked(f"{SHOP}?page=1"), {"path": "/?page=1"}),
    "a fragment": (asked(f"{SHOP}/a?b=1#c"), {"path": "/a?b=1"}),
    "another port and scheme": (asked("http://SHOP.example:8080/a"), {"path": "/a"}),
    "letters beyond Latin-1": (asked(f"{SHOP}/Ж?q=Ж"), {"path": "/%D0%96?q=%D0%96"}),
    "encoded already": (asked(f"{SHOP}/a%20b?q=c%26d+e"), {"path": "/a%20b?q=c%26d+e"}),
    "not found": (asked(status=404), {"path": "/", "status": [404]}),
    "a redirect": (asked(status=302), {"path": "/"}),
    "not modified": (asked(headers={"If-None-Match": '"1"'}, status=304), {"path": "/"}),
    "no answer in the file": ({"request": {"method": "get", "url": f"{SHOP}/"}}, {"path": "/"}),
    "nothing where nothing is known": (
        {"request": {"method": "GET", "url": f"{SHOP}/", "headers": [], "postData": None}, "_resourceType": None},
        {"path": "/"},
    ),
    "headers": (
        asked(headers={"Accept": "text/html", "User-Agent": "x", ":path": "/", "sec-fetch-mode": "cors", "Host": "x"}),
        {"path": "/", "headers": {"accept": "text/html"}},
    ),
    "json": (
        posted("application/json; charset=utf-8", '{"n": 1, "a": [true, null]}'),
        {"json": {"n": 1, "a": [True, None]}},
    ),
    "json of a kind": (posted("application/vnd.api+json", "[1]"), {"json": [1]}),
    "json that is none": (
        posted("application/json", "{"),
        {"text": "{", "headers": {"content-type": "application/json"}},
    ),
    "braces": (posted("application/json", '{"a": "{{b}}"}'), {"json": {"a": "{{braces}}b}}"}}),
    "a form as text": (posted(FORM, "a=1&b=c%20d"), {"form": {"a": "1", "b": "c d"}}),
    "a form as fields": (posted(FORM, params=[{"name": "a", "value": "1"}]), {"form": {"a": "1"}}),
    "a field twice": (posted(FORM, "a=1&a=2"), {"text": "a=1&a=2", "headers": {"content-type": FORM}}),
    "a form as fields, beside an empty text": (
        posted(FORM, "", params=[{"name": "a", "value": "1"}]),
        {"form": {"a": "1"}},
    ),
    "a field that is a number": (posted(FORM, params=[{"name": "a", "value": 1}]), {"form": {"a": "1"}}),
    "a persisted query": (
        asked(f"{SHOP}/graphql?extensions=%7B%22persistedQuery%22%3A1%7D"),
        {"path": "/graphql?extensions=%7B%22persistedQuery%22%3A1%7D"},
    ),
    "the host with its last dot": (asked("https://shop.example./a"), {"path": "/a"}),
    "an id behind a word": (asked(f"{SHOP}/orders/7f3a9b21c4d5/items"), {"path": "/orders/7f3a9b21c4d5/items"}),
    "parts as text": (
        posted(MULTIPART, '------b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n------b--\r\n'),
        {
            "headers": {"content-type": MULTIPART},
            "text": '------b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n------b--\r\n',
        },
    ),
    "parts as fields": (
        posted(MULTIPART, params=[{"name": "f", "value": "x,y", "fileName": "a.csv", "contentType": "text/csv"}]),
        {
            "headers": {"content-type": MULTIPART},
            "text": '------b\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n'
            "Content-Type: text/csv\r\n\r\nx,y\r\n------b--\r\n",
        },
    ),
}


@pytest.mark.parametrize(("entry", "step"), STEPS.values(), ids=list(STEPS))
def test_a_request_is_a_step(entry: dict[str, Any], step: dict[str, Any]) -> None:
    recorded = made(entry)

    (found,) = recorded.steps
    expected = {"path": "/"} | ({"method": "POST"} if entry["request"]["method"] == "POST" else {}) | step
    assert found == expected
    assert not recorded.left_out


SIZED = {"method": "POST", "url": f"{SHOP}/", "headers": [], "bodySize": 77}
LEFT_OUT = {
    "a method of its own": (asked(method="OPTIONS"), "no such method"),
    "given up": (asked(status=0), "gave it up"),
    "a file that is not there": (
        posted(MULTIPART, params=[{"name": "f", "fileName": "a"}]),
        "not what was in its file",
    ),
    "a file in base64": (
        posted(MULTIPART, params=[{"name": "f", "fileName": "a", "value": "data:image/png;base64,aa"}]),
        "not what was in its file",
    ),
    "no boundary": (posted("multipart/form-data", params=[{"name": "a", "value": "1"}]), "how its parts are divided"),
    "a body that is not there": (asked(method="PUT", headers={"Content-Length": "9"}), "not what was sent"),
    "an empty body of nine bytes": (
        asked(method="PUT", headers={"content-length": "9"}, body={"mimeType": MULTIPART, "params": []}),
        "not what was sent",
    ),
    "bytes": (posted("application/grpc", "AAAA", encoding="base64"), "no text"),
    "no status": (asked() | {"response": {"status": None}}, "gave it up"),
    "a body that only its size tells of": (asked(method="POST", headers={}) | {"request": SIZED}, "not what was sent"),
    "a WebSocket by its address": (asked("wss://shop.example/live"), "a WebSocket"),
    "a WebSocket by its status": (asked(f"{SHOP}/live", status=101, _resourceType=""), "a WebSocket"),
    "a stream of events": (asked(f"{SHOP}/live", _resourceType="eventsource"), "does not end"),
    "a token whose bytes are escaped elsewhere": (
        asked(f"{SHOP}/?token=abc123def456", "POST", body={"mimeType": "text/plain", "text": "%61bc123def456"}),
        "cannot be filled in",
    ),
    "what a file would fill in": (posted("text/plain", "${HOME}"), "${...}"),
}


@pytest.mark.parametrize(("entry", "why"), LEFT_OUT.values(), ids=list(LEFT_OUT))
def test_what_no_step_can_send_is_named(entry: dict[str, Any], why: str) -> None:
    recorded = made(entry, asked(f"{SHOP}/next"))

    assert [step["path"] for step in recorded.steps] == ["/next"]
    assert why in recorded.left_out[0]


def test_what_went_to_others_is_counted_and_never_a_step() -> None:
    others = ["https://api.stripe.example/v1/charge", "wss://live.example/", "data:text/html,x", "https://[::1/x"]
    others += [
        "https://shop.example.evil.example/",
        "https://evil.example/?u=https://shop.example/",
        "blob:x",
        "about:blank",
    ]
    recorded = made(*(asked(url, "POST", {"Authorization": f"Bearer {TOKEN}"}) for url in others))

    assert not recorded.steps
    assert recorded.other_hosts.total() == len(others)


def test_what_a_browser_keeps_is_left_out_unless_asked_for() -> None:
    by_type = asked(f"{SHOP}/b.png", _resourceType="")
    by_type["response"]["content"]["mimeType"] = "image/png"
    entries = (asked(f"{SHOP}/a.js", _resourceType="script"), by_type)

    assert (made(*entries).static, made(*entries).steps) == (2, [])
    assert [step["path"] for step in made(*entries, static=True).steps] == ["/a.js", "/b.png"]


COOKIE = {"name": "sid", "value": TOKEN}
SET_COOKIE = {"name": "set-cookie", "value": f"sid={TOKEN}; Path=/; HttpOnly"}
SECRETS = {
    "authorization": asked(headers={"Authorization": f"Bearer {TOKEN}"}),
    "basic": asked(headers={"Authorization": f"Basic {base64.b64encode(f'ada:{TOKEN}'.encode()).decode()}"}),
    **{
        name: asked(headers={name: TOKEN})
        for name in (
            *("x-auth-token", "api-key", "X-Api-Key", "x-csrf-token", "X-XSRF-TOKEN", "x-access-token", "X-Session-Id"),
            *("x-amz-security-token", "x-goog-iap-jwt-assertion", "ocp-apim-subscription-key", "x-hub-signature-256"),
        )
    },
    "a cookie": asked(headers={"Cookie": f"a=1; sid={TOKEN}"}),
    "a referer": asked(headers={"Referer": f"{SHOP}/?access_token={TOKEN}"}),
    "a parameter": asked(f"{SHOP}/a?access_token={TOKEN}&b=1"),
    "a key of an API": asked(f"{SHOP}/a?api_key={TOKEN}"),
    "the code of a sign-in": asked(f"{SHOP}/callback?code={TOKEN}&state={TOKEN[::-1]}"),
    "a path": asked(f"{SHOP}/reset/{JWT}"),
    "a field of a form": posted(FORM, f"user=ada&password={TOKEN}"),
    "a field in parts": posted(
        MULTIPART, f'------b\r\nContent-Disposition: form-data; name="password"\r\n\r\n{TOKEN}\r\n------b--\r\n'
    ),
    "a key of JSON": posted("application/json", json.dumps({"deep": [{"clientSecret": TOKEN}]})),
    "a list below a key of JSON": posted("application/json", json.dumps({"apiKeys": [TOKEN]})),
    "a number in JSON": posted("application/json", f'{{"pin": {NUMBER}}}'),
    "a cookie among the cookies alone": {"request": {"method": "GET", "url": SHOP, "cookies": [COOKIE]}},
    "a cookie that an answer set": asked() | {"response": {"status": 200, "cookies": [COOKIE]}},
    "a cookie that an answer set by its header": asked() | {"response": {"status": 200, "headers": [SET_COOKIE]}},
    "JSON in JSON": posted("application/json", json.dumps({"a": json.dumps({"b": json.dumps({"apiKey": TOKEN})})})),
    "JSON in a form": posted(FORM, "data=" + quote(json.dumps({"password": TOKEN}))),
    "JSON in a parameter": asked(f"{SHOP}/a?variables=" + quote(json.dumps({"token": TOKEN}))),
    "JSON in a part": posted(
        MULTIPART, f'------b\r\nContent-Disposition: form-data; name="a"\r\n\r\n{{"password": "{TOKEN}"}}\r\n------b--'
    ),
    "JSON on lines": posted("application/x-ndjson", json.dumps({"password": TOKEN}) + '\n{"a": 1}'),
    "a form as plain text": posted("text/plain", f"user=ada&password={TOKEN}"),
    "an argument of GraphQL": posted("application/json", json.dumps({"query": f'{{ me(token: "{TOKEN}") {{ id }} }}'})),
    "GraphQL as it is": posted("application/graphql", f'mutation {{ login(password: "{TOKEN}") {{ id }} }}'),
    "an element of XML": posted("text/xml", f"<a:login><a:Password type='x'>{TOKEN}</a:Password></a:login>"),
    "an attribute of XML": posted("text/xml", f'<UsernameToken Password="{TOKEN}"/>'),
    "a part of a path": asked(f"{SHOP}/reset-password/{TOKEN}/new"),
    "a part of a path behind an invitation": asked(f"{SHOP}/invite/{TOKEN}"),
    "a parameter of a path": asked(f"{SHOP}/a;jsessionid={TOKEN}?b=1"),
    "a query that is no more": asked(f"{SHOP}/confirm?{TOKEN}"),
    "a parameter of a type": asked(headers={"Accept": f"application/json; token={TOKEN}"}),
    "a token in a text": posted("text/plain", f"see {JWT} here"),
}


@pytest.mark.parametrize("entry", SECRETS.values(), ids=list(SECRETS))
def test_no_secret_is_written_or_printed(
    entry: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = next((one for one in (JWT, NUMBER) if one in str(entry)), TOKEN)
    # A short one has no form in base64 that could not be another text's.
    encoded = base64.b64encode(f"xx{secret}".encode()).decode() if secret != NUMBER else secret
    again = [posted("text/plain", f"again: {secret}"), posted("text/plain", f"again: {encoded}")]
    recorded(tmp_path, entry, *again, asked(f"{SHOP}/end"))

    assert main(["record", str(tmp_path / "walk.har"), "--env", "shop", "--environments", str(tmp_path)]) == 0

    written = (tmp_path / "walk.journey.yaml").read_text()
    for text in (written, *capsys.readouterr()):
        assert secret not in text
        assert encoded not in text
    assert "/end" in written


def recorded(folder: Path, *entries: dict[str, Any], target: dict[str, Any] | None = None) -> None:
    """Write a recording and the environment that it is for."""
    (folder / "walk.har").write_text("\ufeff" + json.dumps({"log": {"version": "1.2", "entries": entries}}))
    environment = {
        "environment": "shop",
        "production": False,
        "runbooks": ["ingestion"],
        "allowed_hosts": ["shop.example"],
        "target": target or {"url": SHOP},
    }
    (folder / "shop.yaml").write_text(yaml.safe_dump(environment))


def test_a_token_that_an_answer_gave_is_taken_from_it_again() -> None:
    sign_in = asked(f"{SHOP}/login", "POST", answer={"data": {"tokens": [{"access": TOKEN}]}})
    steps = made(sign_in, asked(f"{SHOP}/me?token={TOKEN}", headers={"Authorization": f"Bearer {TOKEN}"})).steps

    assert steps[0]["keep"] == {"authorization": "/data/tokens/0/access"}
    assert steps[1]["path"] == "/me?token={{authorization}}"
    assert steps[1]["headers"] == {"authorization": "Bearer {{authorization}}"}
    assert steps[1]["name"] == "/me"


def test_a_token_of_an_answer_that_no_step_asks_for_is_a_variable() -> None:
    left_out = asked(
        f"{SHOP}/login", "POST", body={"mimeType": "a/b", "text": "x", "encoding": "base64"}, answer={"t": TOKEN}
    )
    found = made(left_out, asked(f"{SHOP}/me?token={TOKEN}"))

    assert [step["path"] for step in found.steps] == ["/me?token=${RECORDED_TOKEN}"]
    assert found.variables == {"RECORDED_TOKEN": "token"}


def test_what_the_environment_sends_anyway_is_no_part_of_a_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = {"url": SHOP, "token": "${SHOP_TOKEN}", "headers": {"X-Api-Key": "${SHOP_KEY}"}}
    recorded(tmp_path, asked(headers={"authorization": f"Bearer {TOKEN}", "x-api-key": TOKEN[::-1]}), target=target)

    main(["record", str(tmp_path / "walk.har"), "--env", "shop", "--environments", str(tmp_path)])

    assert yaml.safe_load((tmp_path / "walk.journey.yaml").read_text()) == {"steps": [{"path": "/"}]}
    assert "RECORDED" not in capsys.readouterr().out


def test_the_journey_is_read_from_its_file_and_what_it_needs_is_asked_for(tmp_path: Path) -> None:
    recorded(tmp_path, asked(headers={"x-auth-token": TOKEN}))
    main(["record", str(tmp_path / "walk.har"), "--env", "shop", "--environments", str(tmp_path), "--journey", "buy"])
    stated = yaml.safe_load((tmp_path / "shop.yaml").read_text())
    stated["load"] = {"users_at_most": 10, "journeys": {"buy": "buy.journey.yaml"}}
    (tmp_path / "shop.yaml").write_text(yaml.safe_dump(stated))

    load = schema.load("shop", tmp_path, {"RECORDED_X_AUTH_TOKEN": TOKEN}).load
    assert load is not None
    assert load.journeys["buy"].steps[0].headers == {"x-auth-token": TOKEN}
    assert names(tmp_path) == ["shop"]
    with pytest.raises(BadEnvironment, match=r"buy.journey.yaml:\d+: .*RECORDED_X_AUTH_TOKEN is not set"):
        schema.load("shop", tmp_path, {})
    (tmp_path / "buy.journey.yaml").unlink()
    with pytest.raises(BadEnvironment, match=r"buy.journey.yaml: cannot be read"):
        schema.load("shop", tmp_path, {})


REFUSED: dict[str, tuple[bytes, str]] = {
    "no JSON": (b"<html>", "cannot be read as a HAR"),
    "no HAR": (b"{}", "is no HAR: log is missing"),
    "a list": (b"[]", "is no HAR"),
    "no request": (b'{"log": {"entries": []}}', "has no request"),
    "an entry that is none": (b'{"log": {"entries": [1]}}', "is no HAR: log.entries.0"),
    "deep": (b"[" * 200_000, "nested deeper"),
    "only others": (
        b'{"log": {"entries": [{"request": {"method": "GET", "url": "https://a.example/"}}]}}',
        "a.example (1)",
    ),
}


@pytest.mark.parametrize(("content", "says"), REFUSED.values(), ids=list(REFUSED))
def test_what_is_no_recording_of_the_target_is_refused_in_a_line(
    content: bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(tmp_path)
    (tmp_path / "walk.har").write_bytes(content)

    assert main(["record", str(tmp_path / "walk.har"), "--env", "shop", "--environments", str(tmp_path)]) == 4

    assert says in capsys.readouterr().err
    assert not list(tmp_path.glob("*.journey.yaml"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--env", "shp"], "did you mean 'shop'"),
        (["--env", "shop", "--journey", "../x"], "a name of letters"),
        (["--env", "shop", "--journey", ""], "--journey is empty"),
        (["--env", "shop", "--host", ""], "--host"),
        (["--env", "shop", "--journey", "there"], "is there already"),
    ],
)
def test_bad_words_are_refused_in_a_line(
    words: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(tmp_path, asked())
    (tmp_path / "there.journey.yaml").write_text("mine")

    assert main(["record", str(tmp_path / "walk.har"), *words, "--environments", str(tmp_path)]) == 4

    assert says in capsys.readouterr().err
    assert (tmp_path / "there.journey.yaml").read_text() == "mine"
