"""The exposition page: what a scrape would see, and nothing where it would see nothing."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readiness.clients.metrics import _parsed
from readiness.outcomes import NotConfigured, Unknown
from readiness.transport.answer import Answer
from tests.clients.conftest import Make
from tests.clients.servers import Server, raw, whole

PAGE = """\
# HELP uploads_total Uploads.
# TYPE uploads_total counter
uploads_total{status="completed"} 7
uploads_total{status="failed"} 2
# TYPE seconds histogram
seconds_bucket{le="1"} 3
seconds_bucket{le="+Inf"} 4
seconds_sum 5.5
seconds_count 4
# TYPE depth gauge
depth 3
# TYPE broken gauge
broken NaN
"""
OPENMETRICS = '# TYPE uploads counter\nuploads_total{status="completed"} 7\nuploads_created 1\n# EOF\n'
OPEN_TYPE = {"Content-Type": "application/openmetrics-text; version=1.0.0; charset=utf-8"}


def test_samples_are_found_by_their_family_and_by_their_name(make: Make) -> None:
    with Server(whole(200, PAGE)) as server:
        exposition = make(server.url).exposition
        assert {one.name for one in exposition.family("seconds")} == {"seconds_bucket", "seconds_sum", "seconds_count"}
        assert len(exposition.family("uploads_total")) == len(exposition.family("uploads")) == 2
        assert exposition.total("uploads_total") == 9
        assert exposition.total("uploads_total", {"status": "failed"}) == 2
        assert exposition.total("depth") == 3
        assert exposition.total("seconds_count") == 4
    assert {asked.path for asked in server.asked} == {"/metrics"}


def test_openmetrics_is_parsed_as_such(make: Make) -> None:
    with Server(whole(200, OPENMETRICS, OPEN_TYPE)) as server:
        assert make(server.url).exposition.total("uploads_total") == 7


@pytest.mark.parametrize(
    ("name", "labels", "words"),
    [
        ("upload_total", {}, "did you mean uploads_total?"),
        ("uploads_total", {"status": "stuck"}, "with status=stuck has no sample"),
        ("uploads_total", {"state": "failed"}, "with state=failed has no sample"),
        ("broken", {}, "is not a number"),
        ("uploads", {}, "has no sample"),
    ],
)
def test_what_is_not_there_is_unknown_and_not_zero(name: str, labels: dict[str, str], words: str, make: Make) -> None:
    with Server(whole(200, PAGE)) as server, pytest.raises(Unknown) as found:
        make(server.url).exposition.total(name, labels)
    assert words in str(found.value)


def test_a_family_that_is_not_there_is_unknown(make: Make) -> None:
    with Server(whole(200, PAGE)) as server, pytest.raises(Unknown, match="has no sample"):
        make(server.url).exposition.family("nothing")


NO_COUNTERS = {
    "a gauge": "# TYPE x_users gauge\nx_users 1\n",
    "without a type": "x_users 1\n",
    "a summary": "# TYPE x_users summary\nx_users_sum 1\nx_users_count 1\n",
    "a counter of another name": "# TYPE x_users_seen_total counter\nx_users_seen_total 1\n",
}


@pytest.mark.parametrize("what", NO_COUNTERS)
def test_no_counter_is_made_up(what: str, make: Make) -> None:
    """Nobody counts users here: a line that asks for the counter is not decided by what is called alike."""
    with Server(whole(200, NO_COUNTERS[what])) as server, pytest.raises(Unknown, match="x_users_total has no sample"):
        make(server.url).exposition.family("x_users_total")


def test_a_value_that_the_end_of_the_connection_cuts_is_unknown(make: Make) -> None:
    """13 is read as 1, and is well below any limit."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
    with Server(raw(head + b"a 3\ndepth 1")) as server, pytest.raises(Unknown, match="ends within a line"):
        make(server.url).exposition.total("depth")
    with Server(raw(head + b"a 3\ndepth 13\n")) as server:
        assert make(server.url).exposition.total("depth") == 13


def test_a_page_that_says_how_long_it_is_may_end_without_a_line_feed(make: Make) -> None:
    with Server(whole(200, "a 3\ndepth 13")) as server:
        assert make(server.url).exposition.total("depth") == 13


@pytest.mark.parametrize(
    ("page", "headers"),
    [
        ("# only a comment\n", {}),
        ("# TYPE a counter\n", {}),
        ("a one\n", {}),
        ("a 1\na 2\n", {}),
        ('a{b="c" 1\n', {}),
        ("ok\n", {}),
        (OPENMETRICS.replace("# EOF\n", ""), OPEN_TYPE),
    ],
    ids=["a comment", "no sample", "no number", "a series twice", "an open brace", "a word", "cut short"],
)
def test_a_page_that_is_none_is_unknown(page: str, headers: dict[str, str], make: Make) -> None:
    with Server(whole(200, page, headers)) as server, pytest.raises(Unknown):
        make(server.url).exposition.samples()


def test_no_page_is_not_configured(make: Make) -> None:
    exposition = make(systems=False).exposition
    assert not exposition.configured
    for act in (exposition.samples, lambda: exposition.total("a"), lambda: exposition.family("a")):
        with pytest.raises(NotConfigured, match=r"set metrics\.url"):
            act()


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.sampled_from([*'ab{}=",\\# \n1.', "# TYPE a counter", "# HELP", "a_total", "NaN", "le=", "# EOF"])),
    st.sampled_from(["text/plain", OPEN_TYPE["Content-Type"]]),
)
def test_no_page_breaks_the_parser(parts: list[str], kind: str) -> None:
    """Any text is samples or unknown; nothing else comes out of it."""
    try:
        _parsed(Answer("http://a.example/metrics", 200, {"content-type": kind}, "".join(parts).encode(), 0.1))
    except Unknown as unknown:
        assert unknown.remedy  # noqa: PT017  either way out is right


TOO_MUCH = {
    "more than 50,000 lines": "".join(f"m{n} 1\n" for n in range(50_001)),
    "a line of more than 16,000 characters": "m{" + ",".join(f'l{n}="x"' for n in range(2_000)) + "} 1\n",
}


@pytest.mark.parametrize("words", TOO_MUCH)
def test_a_page_that_takes_too_long_to_read_is_not_read(words: str, make: Make) -> None:
    with Server(whole(200, TOO_MUCH[words])) as server, pytest.raises(Unknown, match=words):
        make(server.url).exposition.samples()
