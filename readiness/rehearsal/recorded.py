"""A journey of a load rehearsal, made of a browser's recording: what was sent to the target, and to nobody else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import get_args
from urllib.parse import quote, unquote, unquote_plus, urlencode

from readiness.files import strict_json
from readiness.files.canonical_json import JsonObject
from readiness.rehearsal.har import FORM, MULTIPART, Body, Entry, Pair
from readiness.rehearsal.journeys import Step
from readiness.rehearsal.recorded_secrets import RecordedSecrets, find, is_secret, literal, secret_parts

WANTED_HEADERS = {"accept", "accept-language", "content-type", "x-requested-with"}
"""What changes the answer, and tells nothing of who recorded it. Of the others only those that are secret are sent,
with what stands for them; the rest is named."""
_UNMISSED = {"cookie", "host", "content-length", "connection", "accept-encoding", "proxy-authorization", "te"}
_UNMISSED |= {"user-agent", "origin", "referer", "if-none-match", "if-modified-since", "cache-control", "pragma"}
_UNMISSED |= {"upgrade-insecure-requests", "priority", "dnt", "keep-alive", "transfer-encoding"}
"""Headers of a browser and of its connection, and conditions of its cache: nobody asks where they are."""
_SCHEMES = ("http://", "https://", "ws://", "wss://")
METHODS: tuple[str, ...] = get_args(Step.model_fields["method"].annotation)
USUAL: tuple[int, ...] = Step.model_fields["status"].default
NOT_MODIFIED = 304
"""The answer to a condition that no step sends: what it is without, a step takes as it comes."""
_PLACE = re.compile(r"\$?\{+(\w+)\}+")
_OF_ADDRESSES = "/%:@!$&'()*+,;=~{}?[]|"
"""Characters that stay: what a browser has encoded is not encoded again."""


class Untransferable(Exception):
    """A request that no step can send; the reason is the text."""


@dataclass
class Recorded:
    """The steps of a journey, and what of the recording is not among them."""

    steps: list[JsonObject] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    """What the surroundings must give → the name that its value was sent by."""
    other_hosts: Counter[str] = field(default_factory=Counter)
    """Host → requests to it that were left out."""
    static: int = 0
    """Pictures, styles and scripts that were left out."""
    left_out: list[str] = field(default_factory=list)
    """Each request to the target that was left out, and why."""
    headers: Counter[str] = field(default_factory=Counter)
    """Header → requests from which it was left out."""


def journey_of(
    entries: Sequence[Entry], hosts: Collection[str], given: Collection[str] = (), *, static: bool = False
) -> Recorded:
    """Return the journey of what was sent to `hosts`.

    `given` are the headers that the environment sends with every request, in lower case; with `static` the files that
    a browser keeps are asked for too.
    """
    recorded = Recorded()
    to_target = []
    for entry in entries:
        if entry.request.host not in hosts or not entry.request.url.lower().startswith(_SCHEMES):
            recorded.other_hosts[entry.request.host or "no host"] += 1
        elif entry.is_static and not static:
            recorded.static += 1
        else:
            to_target.append(entry)

    # What no step can send answers nothing that a later step could have from it.
    transferable = []
    first_look = find(to_target)
    for entry in to_target:
        try:
            _step(entry, first_look, {}, given, Counter())
            transferable.append(entry)
        except Untransferable as reason:
            path = first_look.hide(entry.request.path).partition("?")[0]
            recorded.left_out.append(f"{entry.request.method} {path}: {reason}")

    secrets = find(transferable)
    for number, entry in enumerate(transferable):
        kept = secrets.kept.get(number, {})
        recorded.steps.append(_step(entry, secrets, kept, given, recorded.headers))

    sent = repr(recorded.steps)
    recorded.variables = {variable: name for variable, name in secrets.variables.items() if f"${{{variable}}}" in sent}
    return recorded


def _step(
    entry: Entry, secrets: RecordedSecrets, kept: dict[str, str], given: Collection[str], left_out: Counter[str]
) -> JsonObject:
    """Return a step as an environment file has it. Raises Untransferable."""
    request = entry.request
    status = entry.response.status if entry.response else USUAL[0]
    _refuse_what_cannot_be_sent(entry, status)

    path = _path(request.path, secrets)
    headers = dict(_headers(request.headers, secrets, given, left_out))
    body = _body(request.body, secrets) if request.body else {}
    if "json" in body or "form" in body:
        headers.pop("content-type", None)  # the client says it
    elif request.body and request.body.type and body:
        headers["content-type"] = request.body.type

    step: JsonObject = {"path": path, "method": request.method.upper(), "headers": headers, **body}
    if "{{" in path or "${" in path:
        step["name"] = _PLACE.sub(r"{\1}", path.partition("?")[0])
    if status not in USUAL and status != NOT_MODIFIED:
        step["status"] = [status]
    if kept:
        step["keep"] = kept
    _refuse_what_would_be_filled_in(step, secrets)
    return {key: value for key, value in step.items() if value not in ({}, "GET")}


def _refuse_what_cannot_be_sent(entry: Entry, status: int) -> None:
    if entry.is_web_socket:
        raise Untransferable("it opens a WebSocket, and a step asks once")
    if entry.is_event_stream:
        raise Untransferable("it is a stream of events, which does not end")
    if entry.request.method.upper() not in METHODS:
        raise Untransferable("a step sends no such method")
    if status <= 0:
        raise Untransferable("the browser gave it up")
    if entry.request.lacks_its_body:
        raise Untransferable("the recording has not what was sent with it")


def _refuse_what_would_be_filled_in(step: JsonObject, secrets: RecordedSecrets) -> None:
    """Raise Untransferable for what an environment file would take for a variable, and for a secret that is left."""
    text = repr(step)
    for variable in secrets.variables:
        text = text.replace(f"${{{variable}}}", "")
    if "${" in text:
        raise Untransferable("it holds ${...}, which an environment file would fill in")
    if secrets.stands_in(text):
        raise Untransferable("a secret stands in it in a form that cannot be filled in")


def _path(path: str, secrets: RecordedSecrets) -> str:
    """Return a path with its query; what is secret in it is hidden in its place."""
    place, mark, query = path.partition("?")
    tokens = set(secret_parts(place))
    parts = [
        secrets.places[unquote(part)] if unquote(part) in tokens else secrets.hide(part) for part in place.split("/")
    ]
    pairs = []
    for pair in query.split("&") if mark else []:
        name, equals, value = pair.partition("=")
        plain = unquote_plus(value)
        is_hidden = is_secret(unquote_plus(name), plain)
        hidden = secrets.places[plain] if is_hidden else _encoded_again(value, secrets)
        pairs.append(f"{secrets.hide(name)}{equals}{hidden}")
    return quote("/".join(parts) + (f"?{'&'.join(pairs)}" if mark else ""), safe=_OF_ADDRESSES)


def _encoded_again(value: str, secrets: RecordedSecrets) -> str:
    """Return the value of a parameter as it stands; where a secret is in what it means, with what stands for that."""
    plain = unquote_plus(value)
    hidden = secrets.hide(plain)
    return secrets.hide(value) if hidden == literal(plain) else quote(hidden, safe="{}$")


def _headers(
    headers: Sequence[Pair], secrets: RecordedSecrets, given: Collection[str], left_out: Counter[str]
) -> Iterator[tuple[str, str]]:
    for header in headers:
        name = header.name.lower()
        if name in given or name in _UNMISSED or name.startswith((":", "sec-")):
            continue
        if name in WANTED_HEADERS or is_secret(name, header.value):
            yield name, secrets.header(name, header.value)
        else:
            left_out[name] += 1


def _body(body: Body, secrets: RecordedSecrets) -> JsonObject:
    """Return the key of a step that sends a body. Raises Untransferable."""
    if body.encoding and body.encoding.lower() not in {"utf-8", "utf8"}:
        raise Untransferable(f"its body is no text ({body.encoding})")
    if body.media_type == MULTIPART:
        return {"text": _multipart(body, secrets)}
    if body.media_type == FORM:
        return _form(body, secrets)
    if not body.text:
        return {}
    if body.media_type.endswith("json"):
        try:
            return {"json": secrets.document(strict_json.parse(body.text.encode()))}
        except ValueError:
            pass  # it is sent as the text that it is
    return {"text": secrets.hide(body.text)}


def _form(body: Body, secrets: RecordedSecrets) -> JsonObject:
    """Return a form as a step has it; as text where a field stands in it more than once."""
    names = [name for name, _ in body.parts]
    fields = [(name, secrets.field(name, value)) for name, value in body.parts]
    if len(set(names)) < len(names):
        return {"text": urlencode(fields, safe="{}$")}
    return {"form": dict(fields)}


def _hidden_parts(text: str, parts: Sequence[tuple[str, str]], secrets: RecordedSecrets) -> str:
    """Return a form in several parts with its secret parts hidden, each in its own place."""
    hidden = ""
    for name, value in parts:
        if not is_secret(name, value):
            continue
        match = re.search(rf"\r?\n\r?\n{re.escape(value)}", text)
        if match is None:
            raise Untransferable("its parts cannot be told apart")
        at = match.end() - len(value)
        hidden += secrets.hide(text[:at]) + secrets.places[value]
        text = text[match.end() :]
    return hidden + secrets.hide(text)


def _multipart(body: Body, secrets: RecordedSecrets) -> str:
    """Return a form in several parts, as it was sent or as its parts make it. Raises Untransferable."""
    if body.text is not None:
        return _hidden_parts(body.text, body.parts, secrets)

    _, _, boundary = body.type.partition("boundary=")
    boundary = boundary.strip('"')
    if not boundary:
        raise Untransferable("the recording has not how its parts are divided")
    text = ""
    for one in body.fields:
        if one.value is None or one.value.startswith("data:"):
            raise Untransferable("the recording has not what was in its file")
        file = f'; filename="{one.file_name}"' if one.file_name is not None else ""
        kind = f"Content-Type: {one.content_type}\r\n" if one.content_type else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{one.name}"{file}\r\n{kind}\r\n'
        text += head + secrets.field(one.name, one.value) + "\r\n"
    return f"{text}--{boundary}--\r\n"
