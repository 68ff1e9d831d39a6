"""What README, docs/, ARCHITECTURE and CONTRIBUTING say is so: their links, commands, paths, examples and tables."""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import command, verbs
from readiness.commands.drill import PROCEDURES
from readiness.environment import schema
from readiness.environment.drills import Drills
from readiness.environment.schema import Environment
from readiness.runbook import lines as runbook_lines
from readiness.runbook.lines import Line
from tests.house.markdown import PAGES, ROOT, anchors, commands, fenced, inline, links, read, rows, section, show
from tests.house.test_architecture import FLOORS

README, DOCS = ROOT / "README.md", ROOT / "docs"
ARCHITECTURE, CONTRIBUTING = read(ROOT / "ARCHITECTURE.md"), read(ROOT / "CONTRIBUTING.md")
WORDS_AT_MOST = 900

ANNOUNCED: set[str] = set()
"""Commands of the next release: the docs say so where they name them."""
BEING_BUILT: set[str] = set()
"""A command and targets of `make` that come with the packaging of this release."""

WRITTEN_BY_USERS = re.compile(r"environments/(?:prod\.|shop|NAME|visitors|keys)|reports/(?!README)")
HERE = re.compile(r"(?:checks|docs|environments|loadtests|readiness|reports|tests)/\S*|pyproject\.toml|conftest\.py")
VARIABLES = {
    "SHOP_DATABASE_URL": "postgresql://probe:a-password@db.example.com/shop",
    "CHAT_URL": "jsons://shop.example.com/chat",
}


def test_the_readme_is_read_in_four_minutes() -> None:
    assert len(read(README).split()) <= WORDS_AT_MOST


@pytest.mark.parametrize("page", PAGES, ids=show)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(read(page)):
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{show(page)}: {link} leads to nothing"
        if fragment:
            assert fragment in anchors(read(target)), f"{show(page)}: {link}: there is no such heading"


def test_each_page_is_in_the_index() -> None:
    listed = set(links(read(DOCS / "README.md")))
    assert {page.name for page in DOCS.glob("*.md")} - {"README.md"} <= listed


TOOLS = ["pytest", "locust", *(f"readiness {verb}" for verb in verbs())]


@pytest.mark.parametrize("page", PAGES, ids=show)
def test_commands_exist(page: Path) -> None:
    for text in commands(read(page)):
        verb, target = re.match(r"readiness ([a-z][a-z-]*)", text), re.match(r"make ([a-z]+)", text)
        if verb:
            assert verb[1] in {*verbs(), *ANNOUNCED, *BEING_BUILT}, f"{show(page)}: {text}: there is no such command"
        if target:
            assert target[1] in targets() | BEING_BUILT, f"{show(page)}: {text}: there is no such target"


@pytest.mark.parametrize("page", PAGES, ids=show)
def test_options_exist(page: Path) -> None:
    for text in commands(read(page)):
        # An option that stands alone is one of any of them; other people's commands are their own business.
        tools = TOOLS if text.startswith("-") else [tool for tool in TOOLS if re.match(rf"{tool}\b(?!-)", text)]
        known = set().union(*map(options, tools))
        stated = re.findall(r"(?<![\w-])--[a-z][a-z-]*", text) if tools else []
        assert not set(stated) - known, f"{show(page)}: {text}: an option is not known"


@cache
def options(tool: str) -> set[str]:
    """Return the options that a command has, from its own help."""
    if tool.startswith("readiness "):
        parser = argparse.ArgumentParser()
        command(tool.removeprefix("readiness ")).add_arguments(parser)
        text = parser.format_help()
    else:
        asked = [sys.executable, "-m", tool, "--help"]
        text = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    if tool == "locust":  # its help does not read the file that adds ours
        text += read(ROOT / "loadtests/locustfile.py").partition("def _options")[2]
    return set(re.findall(r"--[a-z][a-z-]*", text))


@cache
def targets() -> set[str]:
    """Return the targets of the Makefile."""
    return set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=show)
def test_paths_exist(page: Path) -> None:
    for text in inline(read(page)):
        if HERE.fullmatch(text) and not WRITTEN_BY_USERS.match(text):
            path, _, test = text.partition("::")
            assert list(ROOT.glob(_pattern(path))), f"{show(page)}: {text} is not there"
            if test:
                assert test.partition("[")[0] in defined(ROOT / path), f"{show(page)}: {text} is not there"


def _pattern(path: str) -> str:
    return re.sub(r"<\w+>", "*", path).rstrip("/")


@cache
def defined(path: Path) -> set[str]:
    """Return the functions and classes of a module, and `Class.method`."""
    tree = ast.parse(read(path))
    kinds = (ast.FunctionDef, ast.ClassDef)
    names = {node.name for node in tree.body if isinstance(node, kinds)}
    for owner in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        names |= {f"{owner.name}.{node.name}" for node in owner.body if isinstance(node, kinds)}
    return names


# The examples


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a folder with the environment and the runbook of the README."""
    environment, runbook = fenced(read(README), "yaml")
    (tmp_path / "shop.yaml").write_text(environment, encoding="utf-8")
    (tmp_path / "shop-runbook.yaml").write_text(runbook, encoding="utf-8")
    return tmp_path


def test_the_examples_of_the_readme_load(shop: Path) -> None:
    environment = schema.load("shop", shop, VARIABLES)
    (name,) = environment.runbooks
    runbook = runbook_lines.load(runbook_lines.locate(name, shop))
    assert [line.id for line in runbook.lines] == ["health", "pool", "queue", "orders"]


EXAMPLES = [
    pytest.param(code, id=f"{page.stem}-{number}")
    for page in sorted(DOCS.glob("*.md"))
    for number, code in enumerate(fenced(read(page), "yaml"), 1)
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_examples_of_the_docs_load(code: str, shop: Path) -> None:
    """A part of an environment is put into the README's, a part of a line into a line."""
    part: dict[str, Any] = yaml.safe_load(code)
    if set(part) <= set(Environment.model_fields):
        whole = yaml.safe_load(read(shop / "shop.yaml")) | part
        (shop / "shop.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
        schema.load("shop", shop, VARIABLES)
    else:
        Line.model_validate({"id": "a", "ref": "1", "says": "so", "phase": ["smoke"], "gate": "blocker", **part})


# The reference


def test_each_command_is_documented() -> None:
    named = {verb for text in commands(read(DOCS / "options.md")) for verb in re.findall(r"^readiness ([a-z-]+)", text)}
    assert set(verbs()) <= named


def test_each_option_of_pytest_is_documented() -> None:
    stated = re.findall(r"\"(--[a-z-]+)\"", read(ROOT / "readiness/plugin/__init__.py"))
    assert stated
    assert not [option for option in stated if f"`{option}" not in read(DOCS / "options.md")]


def test_each_drill_is_in_all_its_places() -> None:
    names = set(PROCEDURES)
    modules = {path.stem.replace("_", "-") for path in (ROOT / "readiness/procedures").glob("*.py")}
    assert modules - {"--init--", "course", "uploads"} == names
    assert {name.replace("_", "-") for name in Drills.model_fields} - {"drilled-in"} == names
    assert {name for name in names if f"readiness drill {name} " not in read(DOCS / "drills.md")} == set()


def test_each_key_of_a_line_is_documented() -> None:
    listed = {row[0].strip("`") for row in rows(section(read(DOCS / "runbooks.md"), "## The keys of a line"))}
    assert listed == set(Line.model_fields)


def test_what_is_announced_is_not_there_yet() -> None:
    assert not ANNOUNCED & set(verbs()), "it is there: say in docs/ and README how it is used, not that it will come"


# ARCHITECTURE.md


def test_the_floors_are_those_that_a_test_holds() -> None:
    (picture,) = fenced(ARCHITECTURE, "text")
    drawn = re.findall(r"^ *(\d+) │ (\S+(?: {2}\S+)*)", picture, re.MULTILINE)
    assert {int(floor): set(rooms.split()) for floor, rooms in drawn} == dict(enumerate(FLOORS))
    table = [(int(floor), room.strip("`")) for floor, room, _ in rows(section(ARCHITECTURE, "## The rooms"))]
    assert sorted(table) == sorted((floor, room) for floor, rooms in enumerate(FLOORS) for room in rooms)


def test_the_walk_goes_through_functions_that_exist() -> None:
    walk = list(rows(section(ARCHITECTURE, "## One line, from YAML to the report")))
    assert [int(row[0]) for row in walk] == list(range(1, len(walk) + 1))
    for _, where, _ in walk:
        path, name = inline(where)
        assert name in defined(ROOT / path), f"{path} has no {name}"


# CONTRIBUTING.md

PLACES = list(rows(section(CONTRIBUTING, "## Where does it go?")))


@pytest.mark.parametrize("row", PLACES, ids=lambda row: row[0])
def test_where_it_goes(row: list[str]) -> None:
    """The paths are held above; here, that each row names what fails, and that this is there."""
    _, touch, fails = row
    assert HERE.search(touch) or "load." in touch
    if fails == "nothing to forget":
        return
    named = inline(fails)
    files = [text for text in named if text.startswith("tests/")]
    assert files, f"{row[0]}: no test is named"
    known = set.union(*(defined(ROOT / file) for file in files))
    assert {text for text in named if text.startswith("test_")} <= known
