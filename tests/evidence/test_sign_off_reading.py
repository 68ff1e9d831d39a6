"""Anyone can read the page: by screen reader, in the dark, on paper; and nothing that a provider wrote runs in it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from readiness.outcomes import Phase
from readiness.rendering.dossier import gather
from readiness.rendering.sign_off_page import render
from tests.evidence import chromium
from tests.evidence.journals import ATTESTED, LAUNCH, book, keep, result, whole_launch

VOID = {"meta", "br", "link", "img", "input", "hr"}
EVIL = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "</td></table></main><iframe src=//evil.example></iframe>",
    "</title></style><style>*{display:none}</style>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "\u202etxt.exe \u2066left\u2069 \u200b\u200f\ufeff",
    "bell\x07 escape\x1b[31m null\x00 line\x85",
    f"zalgo z{chr(0x0301) * 60}",
    "w" * 4000,
    "one\ntwo\r\nthree\u2028four",
)


@dataclass
class Element:
    name: str
    attributes: dict[str, str | None]
    parents: tuple[str, ...]
    text: str = ""
    children: list[Element] = field(default_factory=list)


class Tree(HTMLParser):
    """Every element of a page, in order; fails where one is not closed as it was opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(page)
        assert not self._open, [one.name for one in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = Element(tag, dict(attrs), tuple(one.name for one in self._open))
        if self._open:
            self._open[-1].children.append(found)
        self.elements.append(found)
        if tag not in VOID:
            self._open.append(found)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs), tuple(one.name for one in self._open)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().name == tag

    def handle_data(self, data: str) -> None:
        for one in self._open:
            one.text += data

    def all(self, *names: str) -> list[Element]:
        return [one for one in self.elements if one.name in names]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    reports = tmp_path_factory.mktemp("reports")
    errors, weekly = book(("errors", "weekly"))
    attested = result(errors, attested=True, attestation={**ATTESTED, "entry": "book/errors", "state": "decides"})
    whole_launch(reports, results=[attested, result(weekly, 3)], attestations={"book/errors": ATTESTED})
    return render(gather(reports, "shop", {}))


def test_the_page_has_a_language_a_title_and_landmarks(page: str) -> None:
    tree = Tree(page)
    assert tree.all("html")[0].attributes["lang"] == "en"
    assert tree.all("title")[0].text == "DEFERRED: sign-off of shop"
    assert [one.name for one in tree.all("header", "nav", "main")] == ["header", "nav", "main"]
    for one in tree.all("h1", "h2", "h3", "p", "table", "figure", "dl"):
        assert {"header", "main"} & set(one.parents), f"{one.name} {one.text[:40]!r} stands outside the landmarks"
    ids = [one.attributes["id"] for one in tree.elements if "id" in one.attributes]
    assert max(Counter(ids).values()) == 1
    inner = {str(one.attributes["href"])[1:] for one in tree.all("a") if str(one.attributes["href"]).startswith("#")}
    assert inner <= set(ids)


def test_headings_are_in_order(page: str) -> None:
    levels = [int(one.name[1]) for one in Tree(page).all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_table_says_what_its_cells_are(page: str) -> None:
    tree = Tree(page)
    assert len(tree.all("table")) >= 5
    for one in tree.all("th"):
        assert one.attributes.get("scope") in {"col", "row", "rowgroup"}
        assert one.text.strip()
    for one in tree.all("table"):
        assert one.children[0].name in {"caption", "thead"}
        head = next(part for part in one.children if part.name == "thead")
        width = len(head.children[0].children)
        for row in (row for body in one.children if body.name == "tbody" for row in body.children):
            assert sum(int(cell.attributes.get("colspan") or 1) for cell in row.children) == width


def test_every_picture_is_told_or_hidden(page: str) -> None:
    pictures = Tree(page).all("svg")
    assert len(pictures) > 10
    for one in pictures:
        hidden = one.attributes.get("aria-hidden") == "true"
        assert hidden or (one.attributes.get("role") == "img" and one.attributes.get("aria-label"))


def test_what_is_coloured_is_also_said(page: str) -> None:
    """Nothing rests on colour alone: a box's word stands beside it, a bar's share is in its label."""
    tree = Tree(page)
    boxes = [row for row in tree.all("tr") if str(row.children[0].attributes.get("class")).startswith("box")]
    assert len(boxes) == 4
    assert all(re.search("passed|failed|attested|unknown|stale|not", row.children[2].text) for row in boxes)


def test_nothing_is_fetched_and_nothing_runs(page: str) -> None:
    tree = Tree(page)
    assert not tree.all("script", "link", "img", "iframe", "object", "form", "input", "button")
    style = tree.all("style")[0].text
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(one for one in tree.all("meta") if one.attributes.get("http-equiv"))
    allowed = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert policy.attributes["content"] == allowed
    assert "url(" not in style
    assert "@import" not in style
    for one in tree.elements:
        assert not [name for name in one.attributes if name.startswith("on") or name == "style"], one
        assert not re.match(r"[a-z]+:|//", str(one.attributes.get("href", "")))


def style_sheet() -> str:
    """Return the one stylesheet of all pages, without the blanks that only its readers need."""
    css = files("readiness.rendering").joinpath("templates/page.css").read_text("utf-8")
    return re.sub(r"\s*([{}:;,])\s*", r"\1", css)


def variables(css: str) -> Iterator[tuple[str, str]]:
    for block in re.findall(r":root\{([^}]*)\}", css):
        yield from re.findall(r"--([a-z]+):(#[0-9a-f]{3,6})", block)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(one * 2 for one in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "panel"])
def test_text_stands_out_from_its_ground(ground: str, *, dark: bool) -> None:
    css = style_sheet()
    at = css.index("@media screen and (prefers-color-scheme:dark)")
    night = css[at : css.index("}}", at) + 2]
    found = dict(variables(css.replace(night, ""))) | (dict(variables(night)) if dark else {})
    for name in ("ink", "soft", "good", "bad", "open", "low", "person"):
        one, other = sorted((luminance(found[name]), luminance(found[ground])))
        assert (other + 0.05) / (one + 0.05) >= 4.5, f"{name} on {ground}"


def test_it_prints(page: str) -> None:
    css = style_sheet()
    paper = css[css.index("@media print{", css.index("@page")) :]
    assert "@page{size:A4" in css
    assert "thead{display:table-header-group;}" in paper
    assert "break-inside:avoid" in paper
    assert "prefers-color-scheme:dark" not in paper  # ink on paper, whatever the screen shows
    assert page.count("<thead>") == page.count("<table")


def hostile_launch(reports: Path, text: str) -> str:
    lines = book(
        weekly={"says": text, "ref": text, "checks": ["signoff.approvals"], "limits": {"roles": [text, "SRE"]}}
    )
    errors, weekly = lines[2:4]
    waiver = {"entry": text, "state": "waives", "requested_by": text, "approved_by": text, "because": text}
    bad = result(weekly, 3, reason=text, remedy=text, waiver={**waiver, "until": "2026-12-20", "at": text})
    bad["measurements"][0] |= {"name": text, "unit": text}
    fine = result(errors, diagnostics={"daily_levels": [{"ends_on": "2026-12-01", "count": text}]})
    target = {"url": text, "revision": text}
    form = {"decision": "deferred", "reason": f"because {text[:1900]}", "review_on": "2026-12-20"}
    form["approvals"] = [{"role": "SRE", "name": f"Eve {text[:1900]}", "approved_on": "2026-12-08", "evidence": text}]  # type: ignore[assignment]
    keep(reports, Phase.PREFLIGHT, LAUNCH - timedelta(hours=1), lines=lines, target=target)
    for hours in (1, 2):
        seen = [{**result(one), "says": text} for one in lines[1:3]]
        keep(reports, Phase.POSTLAUNCH, LAUNCH + timedelta(hours=hours), seen, lines=lines, target=target)
    at = LAUNCH + timedelta(days=7)
    keep(reports, Phase.GA, at, [fine, bad], lines=lines, target=target, sign_off=form, owners={"signoff": text})
    return render(gather(reports, "shop", {}))


@pytest.mark.parametrize("text", EVIL, ids=range(len(EVIL)))
def test_hostile_text_stays_text(text: str, page: str, tmp_path: Path) -> None:
    found = hostile_launch(tmp_path, text)
    test_nothing_is_fetched_and_nothing_runs(found)
    test_every_table_says_what_its_cells_are(found)
    test_headings_are_in_order(found)
    assert {one.name for one in Tree(found).elements} <= {one.name for one in Tree(page).elements} | {"circle", "b"}
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", found)
    assert not re.search("\u0301{3}", found)
    assert len(Tree(found).all("style")) == 1


if chromium.PROGRAM:

    def test_hostile_text_does_nothing_in_a_browser(tmp_path: Path) -> None:
        path = tmp_path / "sign-off.html"
        path.write_text(hostile_launch(tmp_path / "reports", " ".join(EVIL)), encoding="utf-8")
        assert chromium.faults(path) == []
