"""The report of a run: made from its journal alone, the worst first, in our words, and deaf to hostile text."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from readiness.evidence import previous_run
from readiness.evidence.journal import RecordedRun, read_run
from readiness.evidence.recorded_request import RecordedRequest
from readiness.evidence.records import Finish, Result
from readiness.outcomes import Effect, Gate, Outcome, Phase
from readiness.rendering.dossier import gather
from readiness.rendering.report_page import render
from readiness.rendering.sign_off_page import render as sign_off
from readiness.verdict import VerdictStatus
from tests.evidence import chromium
from tests.evidence.journals import ATTESTED, LAUNCH, WAIVED, book, keep, result
from tests.evidence.test_exports import run_of

HOUR = timedelta(hours=1)
HOSTILE = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(2)></style></title><!-- ",
    "attribute": '" onmouseover=alert(1) x=\'" autofocus onfocus=alert(2) `',
    "address": "javascript:alert(1)",
    "template": "{{ 7 * 7 }}{% raw %}{# x #}",
    "controls": "a\x00b\x07c\x1b[31md\x7fe\r\nGO: go on\u2028f",
    "bidi": "\u202eon\u202c \u2066x\u2069 \u200b\ufeff\u061c",
    "stacked": "a" + "\u0301" * 500,
    "surrogate": "a\ud800b\udfffc",
    "long": "x" * 1_000_000,
    "many words": "word " * 200_000,
}


class Seen(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._in_style = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = self._in_style and tag != "style"

    def handle_data(self, data: str) -> None:
        self.text += "" if self._in_style else data

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.attributes if key == name]


def one(name: str, outcome: Outcome, text: str = "", **more: Any) -> Result:
    """Give a result; `text` stands in everything that comes from outside."""
    measured = {"name": text or "share", "value": text or 0.5, "comparator": "is", "limit": text or 1, "unit": text}
    told: dict[str, Any] = {
        "line": f"book/{name}",
        "check": "demo.check",
        "subject": text or None,
        "nodeid": name,
        "outcome": outcome,
        "measurements": [{**measured, "ok": outcome is not Outcome.FAIL}],
        "seconds": 0.1,
        "gate": Gate.BLOCKER,
        "ref": text or "1.1",
        "says": text or f"{name} is well",
        "reason": text or f"{name} was {outcome}",
        "remedy": text or "mend it",
        "where": text or "checks/test_demo.py:9",
        "again": text or f"pytest {name}",
        "links": [text] if text else [],
        "diagnostics": {text: [text, {text: text}]} if text else {},
    }
    return Result.model_validate({**told, **more})


def hostile(text: str) -> RecordedRun:
    """Give a run in which a text stands wherever the world outside can put one."""
    entries: dict[str, Any] = {
        "attestation": {**ATTESTED, "statement": text, "who": text, "entry": text, "state": "void"},
        "waiver": {**WAIVED, "because": text, "approved_by": text, "entry": text, "state": "expired"},
    }
    run = run_of(*(one(outcome.replace(" ", "-"), outcome, text, **entries) for outcome in Outcome), text=text)
    then = {"line": text, "check": text, "outcome": "pass"}
    before = {"run": text, "head": "", "started_at": run.start.started_at, "verdict": "GO"}
    before["decisions"] = [then, {"line": "book/fail", "check": "demo.check", "subject": text, "outcome": "pass"}]
    told = {"before": before, "owners": {"demo": text}, "suite": text, "run": text, "key_id": text}
    start = type(run.start).model_validate({**run.start.model_dump(by_alias=True), **told})
    end = Finish(
        verdict=VerdictStatus.NO_GO, exit=1, action=text, counts={text: 1}, finished_at=start.as_of, withdrawn=(text,)
    )
    requests = [request(text, target) for target in (text, f"http://{text}")]
    return replace(run, start=start, finish=end, requests=requests)


def request(client: str, target: str, effect: Effect = Effect.READ) -> RecordedRequest:
    return RecordedRequest(
        client=client, method="GET", target=target, status="200", seconds=0.1, effect=effect, at=datetime.now(UTC)
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_from_outside_becomes_more_than_text(name: str) -> None:
    text = HOSTILE[name]
    page = render(hostile(text))
    page.encode()
    assert len(page) < 1_000_000
    seen = Seen(page)
    assert not set(seen.tags) & {"script", "img", "iframe", "svg", "form", "base", "link", "object"}
    assert not [key for key, _ in seen.attributes if key.startswith("on") or key in {"style", "src", "autofocus"}]
    assert seen.tags.count("style") == seen.tags.count("title") == 1
    assert {value.partition("#")[0] for value in seen.all("href")} <= {
        *("", "journal.jsonl", "summary.md", "junit.xml", "ctrf.json")
    }
    assert len(seen.all("id")) == len(set(seen.all("id")))
    odd = {one for one in seen.text if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl"} and one != "\n"}
    assert odd == set()
    assert "49" not in seen.text or name != "template"


def test_a_link_leads_only_to_an_address_of_the_web() -> None:
    links = ["https://status.example.com/?a=1&b=2", "javascript:alert(1)", "data:text/html,x", "//evil.example.com"]
    seen = Seen(render(run_of(one("a", Outcome.FAIL, links=links))))
    assert [value for value in seen.all("href") if not value.startswith(("#", *"jsc"))] == [links[0]]
    assert seen.all("rel") == ["noopener noreferrer"]
    assert all(link in seen.text for link in links)


def sections(page: str) -> list[str]:
    return re.findall(r'<h2 id="([a-z-]+)">', page)


def test_the_verdict_is_the_first_word_and_the_worst_comes_first(tmp_path: Path) -> None:
    good, hidden, bad = lines = book(("good", "hidden", "bad"))
    results = [result(good), result(hidden, outcome="unknown"), result(bad, 3)]
    page = render(read_run(keep(tmp_path, Phase.PREFLIGHT, LAUNCH - HOUR, results, lines=lines)))
    assert re.search(r"<body[^>]*>\s*<header>\s*<div[^>]*>\s*<h1><span[^>]*>NO-GO</span> preflight of shop</h1>", page)
    assert "<title>NO-GO: preflight of shop</title>" in page
    assert sections(page) == ["failed", "unknown", "passed", "asked"]
    assert Seen(page).text.count("do not launch: mend the failed blockers") == 1


def test_every_outcome_has_its_section() -> None:
    page = render(run_of(*(one(outcome.replace(" ", "-"), outcome) for outcome in Outcome)))
    assert sections(page) == ["failed", "unknown", "warnings", "passed", "left-out", "asked"]


@pytest.mark.parametrize(
    ("found", "place"),
    [
        (one("a", Outcome.FAIL), "failed"),
        (one("a", Outcome.FAIL, gate=Gate.ACTION), "failed"),
        (one("a", Outcome.FAIL, gate=Gate.WARNING), "warnings"),
        (one("a", Outcome.FAIL, waived=True), "warnings"),
        (one("a", Outcome.UNKNOWN), "unknown"),
        (one("a", Outcome.UNKNOWN, gate=Gate.REPORT), "warnings"),
        (one("a", Outcome.NOT_RUN, gate=Gate.WARNING), "unknown"),
        (one("a", Outcome.WARN), "warnings"),
        (one("a", Outcome.PASS, gate=Gate.WARNING), "passed"),
        (one("a", Outcome.NOT_DUE), "left-out"),
    ],
)
def test_every_line_stands_where_a_reader_looks_for_it(found: Result, place: str) -> None:
    assert sections(render(run_of(found))) == [place, "asked"]


def test_a_line_that_is_not_well_says_all_that_is_needed() -> None:
    run = run_of(one("a", Outcome.FAIL, severity="SEV-2"))
    owned = replace(run, start=run.start.model_copy(update={"owners": {"demo": "Ada Byron"}}))
    text = Seen(render(owned)).text
    for told in ("a is well", "a was fail", "mend it", "checks/test_demo.py:9", "pytest a", "blocker, SEV-2", "book/a"):
        assert told in text
    assert "owner: Ada Byron" in text
    assert "share: 0.5" in text


def test_lines_with_one_cause_stand_together() -> None:
    told: Any = {"reason": "the database did not answer", "remedy": "start it"}
    page = render(run_of(*(one(f"line-{number}", Outcome.UNKNOWN, **told) for number in range(12))))
    assert page.count("the database did not answer") == page.count("start it") == 1
    assert "12 lines, one cause" in page
    assert all(f'id="book/line-{number}"' in page for number in range(12))


def test_a_passed_line_takes_one_row_with_its_most_telling_figure() -> None:
    taken = [
        {"name": "status", "value": 200, "comparator": "is", "limit": 200, "unit": "", "ok": True},
        {"name": "answer time", "value": 0.25, "comparator": "below", "limit": 1, "unit": "s", "ok": True},
    ]
    page = render(run_of(one("a", Outcome.PASS, measurements=taken)))
    assert re.search(r"<td>answer time: 0.25 s <details><summary>\+1</summary><ul><li>status: 200, allowed = 200", page)


def test_people_and_their_entries_are_told() -> None:
    attested = {**ATTESTED, "entry": "book/a", "state": "decides"}
    waived = {**WAIVED, "entry": "book/b", "state": "waives"}
    run = run_of(
        one("a", Outcome.PASS, attested=True, attestation=attested),
        one("b", Outcome.FAIL, waived=True, waiver=waived),
    )
    text = Seen(render(run)).text
    assert "Attested and waived" in text
    assert text.count("by Ada Byron on 2026-12-07, valid until 2026-12-20: the week was calm") == 2
    assert text.count("asked for by Bo Chen, approved by Cy Diaz on 2026-12-07") == 2
    assert "fail (waived)" in text


def test_what_has_changed_leads_to_its_lines(tmp_path: Path) -> None:
    pool, pages = book(("pool", "pages"))
    then = read_run(keep(tmp_path, Phase.PREFLIGHT, LAUNCH - 2 * HOUR))
    before = previous_run.as_before(then)
    assert before
    told = before.model_dump(mode="json")
    run = read_run(keep(tmp_path, Phase.PREFLIGHT, LAUNCH - HOUR, [result(pool, 3), result(pages)], before=told))
    page = render(run)
    assert f"Changed since {then.start.run}" in page
    assert '<a href="#book/pool">book/pool</a>: pass → <b class="fail">fail</b>' in page
    same = render(read_run(keep(tmp_path, Phase.PREFLIGHT, LAUNCH, before=told)))
    assert f"Nothing has changed since {then.start.run}" in same


def test_the_sign_off_leads_to_the_line_on_the_report(tmp_path: Path) -> None:
    pool, pages = book(("pool", "pages"))
    folder = keep(tmp_path, Phase.PREFLIGHT, LAUNCH - HOUR, [result(pool, 3), result(pages, subject="a b")])
    (folder / "report.html").write_text(page := render(read_run(folder)), encoding="utf-8")
    links = re.findall(rf'href="{folder.name}/report.html#([^"]+)"', sign_off(gather(tmp_path, "shop", {})))
    assert "book/pool" in links
    assert set(links) <= set(Seen(page).all("id"))


def test_a_line_that_several_checks_decide_has_an_anchor_for_each() -> None:
    page = render(run_of(one("a", Outcome.FAIL), one("a", Outcome.FAIL, check="demo.other", reason="else")))
    assert [name for name in Seen(page).all("id") if name.startswith("book/")] == ["book/a", "book/a+2"]


def test_a_run_that_was_killed_says_where(tmp_path: Path) -> None:
    run = replace(read_run(keep(tmp_path, Phase.PREFLIGHT, LAUNCH - HOUR)), finish=None, cases=["test_x.py::test_y"])
    page = render(run)
    text = Seen(page).text
    assert "<title>INCOMPLETE: preflight of shop</title>" in page
    assert "the run ended early: it has no last record" in text
    assert "it ended within test_x.py::test_y" in text


def test_a_journal_that_contradicts_itself_has_no_verdict(tmp_path: Path) -> None:
    run = read_run(keep(tmp_path, Phase.PREFLIGHT, LAUNCH - HOUR))
    assert run.finish
    forged = [replace_value(run.results[0]), *run.results[1:]]
    page = render(replace(run, results=forged))
    assert "<title>INCOMPLETE: preflight of shop</title>" in page
    assert "so its verdict (GO) does not count" in page
    assert "compared again it is not met" in page


def replace_value(found: Result) -> Result:
    taken = [{**one.model_dump(), "value": 9.0} for one in found.measurements]
    return Result.model_validate({**found.model_dump(), "measurements": taken})


def test_what_was_asked_is_summed_up_what_changes_something_first() -> None:
    asked = [request("http", f"http://h:1/{n}?x={n}") for n in range(3)]
    asked += [request("files", "/etc/service.env")]
    asked += [request("http", "http://h:1/up", Effect.WRITE)]
    page = render(replace(run_of(), requests=asked))
    rows = re.findall(r"<tr><td>([^<]+)</td><td>(\w+)</td><td>(\w+)</td><td class=\"n\">(\d+)</td>", page)
    assert rows == [
        ("http://h:1", "http", "write", "1"),
        ("http://h:1", "http", "read", "3"),
        ("/etc/service.env", "files", "read", "1"),
    ]


def test_none_of_the_words_of_pytest_stands_on_it() -> None:
    text = Seen(render(run_of(*(one(outcome.replace(" ", "-"), outcome) for outcome in Outcome)))).text
    assert not re.findall(r"\b(tests? took|Skipped|Errors?|Reruns?|XFailed|XPassed|[Ee]xpected failures?)\b", text)


def test_the_same_journal_gives_the_same_page(tmp_path: Path) -> None:
    folder = keep(tmp_path, Phase.GA, LAUNCH)
    page = render(read_run(folder))
    assert page == render(read_run(folder))
    assert '<a href="../sign-off.html">sign-off.html</a>' in page
    assert "sign-off.html" not in render(read_run(keep(tmp_path, Phase.SMOKE, LAUNCH)))


if chromium.PROGRAM:

    def test_it_is_for_everybody(tmp_path: Path) -> None:
        mixed = hostile(HOSTILE["markup"] + HOSTILE["bidi"] + "x" * 3_000)
        causes = [one(f"line-{number}", Outcome.UNKNOWN, reason="one cause", remedy="x") for number in range(3)]
        path = tmp_path / "report.html"
        path.write_text(render(replace(mixed, results=[*mixed.results, *causes])), encoding="utf-8")
        assert chromium.faults(path) == []
