"""What people write by a slip, or to see what happens: the word is right, or the run is refused in one clear line."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from tests import warm
from tests.plugin.project import Project, line

GO, INCOMPLETE, REFUSED = 0, 10, 4


def bomb(first: str, next_: str) -> str:
    """Return YAML of ten lines, each repeating nine times the one before it."""
    lines = [f"a0: &a0 {first}"]
    for number in range(1, 10):
        nine = ", ".join([f"*a{number - 1}"] * 9)
        lines.append(f"a{number}: &a{number} {next_.format(nine=nine, number=number)}")
    return "\n".join(lines) + "\n"


BOMB_OF_LISTS = bomb("[x, x, x]", "[{nine}]")
BOMB_OF_MERGES = bomb("{x: 1}", "{{<<: [{nine}], k{number}: 1}}")
TOO_MANY = "more than 100,000 entries, with what aliases (*name) repeat"
FAR = "is longer than a thousand years"
NO_YEAR = "is of no year that"


@dataclass(frozen=True)
class Row:
    """What is odd, and how the run ends: its exit code, and what it must say."""

    name: str
    exit: int
    told: str
    words: tuple[str, ...] = ("-m", "preflight")
    environment: dict[str, Any] = field(default_factory=dict)
    limit: str = "0.8"
    """As it stands in the runbook: the figure is 0.5, and below it."""
    more: str = ""
    """What else the line states."""
    files: dict[str, str] = field(default_factory=dict)
    """Files that are written beside the environment, or over it."""

    def __str__(self) -> str:
        return self.name


def phase(expression: str, exit_code: int, told: str) -> Row:
    return Row(f"-m {expression}", exit_code, told, words=("-m", expression))


def without(plugin: str) -> Row:
    told = f"-p no:{plugin} is refused: a readiness run needs it"
    return Row(f"-p no:{plugin}", REFUSED, told, words=("-m", "preflight", "-p", f"no:{plugin}"))


def as_of(text: str, told: str, exit_code: int = REFUSED) -> Row:
    return Row(f"--as-of={text}", exit_code, told, words=("-m", "preflight", f"--as-of={text}"))


def launch_at(text: str, exit_code: int, told: str) -> Row:
    return Row(f"launch_at {text}", exit_code, told, environment={"launch_at": text}, more="due: T-7d")


def due(text: str, exit_code: int, told: str) -> Row:
    return Row(f"due {text}", exit_code, told, more=f"due: {text}")


def limit(text: str, exit_code: int, told: str) -> Row:
    return Row(f"a limit of {text}", exit_code, told, limit=text)


def differs(text: str) -> Row:
    return limit(text, REFUSED, f"{text} is ")


def attested(until: str) -> dict[str, str]:
    """Return the file of attestations with one entry, which counts until then."""
    entry = {"statement": "it is so", "who": "Ada Example", "at": "2026-01-01", "valid_until": until}
    content = {"attestations": {"book/one": {**entry, "evidence": "https://wiki.example/1"}}}
    return {"tiny.attestations.yaml": yaml.safe_dump(content)}


ROWS = [
    # A phase that is not taken.
    phase("not preflight", REFUSED, "leaves out what it names"),
    phase("not (preflight)", REFUSED, "leaves out what it names"),
    phase("preflight and not preflight", REFUSED, "leaves out what it names"),
    phase("not smoke", REFUSED, "leaves out what it names"),
    phase("preflight or not effect", GO, "1 pass"),
    phase("(preflight", REFUSED, "Wrong expression passed to '-m'"),
    # A run without what it needs.
    without("terminal"),
    without("terminalreporter"),
    without("python"),
    without("readiness-once-each"),
    without("readiness-decider"),
    without("readiness-of-another-version"),
    without("readiness.plugin.redacting"),
    without("readiness.plugin.finishing"),
    # Moments that there are not, or that nobody means.
    as_of("T-999999999d", FAR),
    as_of("T+999999999d", FAR),
    as_of("T-99999999999999999999d", FAR),
    as_of("0001-01-01T00:00:00Z", NO_YEAR),
    as_of("0001-01-01T00:00:00+12:00", NO_YEAR),
    as_of("9999-12-31T23:59:59-12:00", NO_YEAR),
    as_of("T-36500d", "asks about another moment", INCOMPLETE),
    launch_at("9999-12-31T23:59:59-12:00", REFUSED, NO_YEAR),
    launch_at("9999-12-31T23:59:59Z", REFUSED, NO_YEAR),
    launch_at("0001-01-01T00:00:00+12:00", REFUSED, NO_YEAR),
    launch_at("0001-01-01T00:00:00Z", REFUSED, NO_YEAR),
    launch_at("2000-01-01T00:00:00Z", GO, "1 pass"),
    launch_at("2999-12-31T23:59:59Z", INCOMPLETE, "1 not due"),
    due("T-999999999d", REFUSED, FAR),
    due("T+99999999999d", REFUSED, FAR),
    due("T-10000000h", REFUSED, FAR),
    due("T-36525d", GO, "1 pass"),
    due("9:30", REFUSED, "9:30 is 570 in YAML 1.1 and something else in YAML 1.2"),
    due("'9:30'", REFUSED, "'9:30' is not a time relative to launch"),
    Row("an attestation to the end of time", REFUSED, NO_YEAR, files=attested("9999-12-31")),
    Row("an attestation of year 1", REFUSED, NO_YEAR, files=attested("0001-01-01")),
    # Words that YAML 1.1 and 1.2 read as different things.
    differs("1:30"),
    differs("1:30.5"),
    differs("012"),
    differs("0b11"),
    differs("1_000"),
    differs("1_0.5"),
    differs("yes"),
    differs("on"),
    differs("No"),
    limit("'012'", GO, "allowed < 12"),
    limit("1e0", GO, "allowed < 1"),
    limit("0x1F", GO, "allowed < 31"),
    limit("+.9", GO, "allowed < 0.9"),
    limit("true", REFUSED, "limit 'share_below': a number is wanted, and this is true"),
    limit("0o17", REFUSED, "limit 'share_below': a number is wanted"),
    limit("~", REFUSED, "limit 'share_below': a number is wanted"),
    limit("2026-12-01", REFUSED, "limit 'share_below': a number is wanted"),
    limit(".inf", REFUSED, "limit 'share_below': a finite number is wanted"),
    # Tags that make what no key takes.
    *(
        limit(value, REFUSED, f"decided_by.demo.figure.share_below: the tag {value.split()[0]} makes what no key takes")
        for value in ("!!binary MC40", "!!set {a, b}", "!!omap [a: 1]", "!!pairs [a: 1]")
    ),
    limit("!!null x", REFUSED, "x is nothing by its tag, and says something"),
    limit("!!int '012'", REFUSED, "012 is 10 in YAML 1.1"),
    limit("!!timestamp 2026-12-01", REFUSED, "limit 'share_below': a number is wanted, not '2026-12-01'"),
    limit("!!float '0.8'", GO, "allowed < 0.8"),
    Row("a host of bytes", REFUSED, "the tag !!binary makes", files={"tiny.yaml": "allowed_hosts: [!!binary MTI3]\n"}),
    Row("a key of bytes", REFUSED, "a key is text", files={"tiny.yaml": "!!binary dGFyZ2V0: 1\n"}),
    Row("words of bytes", REFUSED, "the tag !!binary", files={"tiny.waivers.yaml": "waivers: {x: !!binary MTI3}\n"}),
    Row("sandbox: off", REFUSED, "tiny.yaml:1: off is false in", files={"tiny.yaml": "sandbox: off\n"}),
    Row("a key that is a truth", REFUSED, "tiny.yaml:1: on is true in", files={"tiny.yaml": "on: {x: 1}\n"}),
    # Files that grow while they are read.
    Row("a bomb as environment", REFUSED, TOO_MANY, files={"tiny.yaml": BOMB_OF_LISTS}),
    Row("a bomb as runbook", REFUSED, TOO_MANY, files={"book.yaml": BOMB_OF_LISTS}),
    Row("a bomb of merges", REFUSED, TOO_MANY, files={"book.yaml": BOMB_OF_MERGES}),
    Row("a bomb as attestations", REFUSED, TOO_MANY, files={"tiny.attestations.yaml": BOMB_OF_LISTS}),
    Row("a bomb as waivers", REFUSED, TOO_MANY, files={"tiny.waivers.yaml": BOMB_OF_LISTS}),
    # Two of one name.
    Row(
        "two runbooks of one name",
        REFUSED,
        "book.yaml and other.yaml: both are the runbook 'book'; give each a name of its own",
        environment={"runbooks": ["book.yaml", "other.yaml"]},
        files={"other.yaml": yaml.safe_dump({"runbook": "book", "title": "T", "lines": [line("two", "demo.figure")]})},
    ),
    Row(
        "a runbook twice",
        REFUSED,
        "book.yaml and book.yaml: both are the runbook 'book'",
        environment={"runbooks": ["book.yaml", "book.yaml"]},
    ),
]
RUNBOOK = """\
runbook: book
title: The book
lines:
  - {{id: one, ref: '1', says: it holds, phase: [preflight], gate: blocker,
     decided_by: {{demo.figure: {{share_below: {limit}}}}}, {more}}}
"""


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_the_word_is_right_or_it_is_refused(tmp_path: Path, row: Row) -> None:
    project = Project(tmp_path)
    project.environment(**row.environment)
    project.write("environments/book.yaml", RUNBOOK.format(limit=row.limit, more=row.more))
    for name, text in row.files.items():
        project.write(f"environments/{name}", text)
    ran = project.run(*row.words)
    assert ran.exit == row.exit, ran.out
    assert row.told in ran.out.replace("\n", " "), ran.out
    assert "INTERNALERROR" not in ran.out, ran.out
    assert "Traceback" not in ran.out, ran.out
    if row.exit == REFUSED:
        assert ran.looked == [], "it was looked at something all the same"


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_python_without_assertions_is_refused(flag: str, tmp_path: Path) -> None:
    # Not in the checkout's own reports: there the refused start would be the newest that is known.
    ran = subprocess.run(
        [sys.executable, flag, "-m", "pytest", "-m", "preflight", "--env", "local", f"--reports={tmp_path}"],
        cwd=warm.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == REFUSED, ran.stdout + ran.stderr
    assert "python -O (or PYTHONOPTIMIZE) is refused: it leaves out what a check asserts" in ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr


LACKING = "starlette is missing: pip install 'production-readiness[sandbox]'"


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (("readiness", "demo"), REFUSED),
        (("readiness", "sandbox"), REFUSED),
        (("readiness", "sandbox", "--list-faults"), REFUSED),
        (("readiness", "drill", "kill-switch", "--env", "local"), REFUSED),
        (("pytest", "-m", "preflight", "--env", "local"), REFUSED),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_needs_the_sandbox_says_how_it_is_installed(
    tmp_path: Path, words: tuple[str, ...], exit_code: int
) -> None:
    text = "raise ModuleNotFoundError(\"No module named 'starlette'\", name='starlette')\n"
    lacking = tmp_path / "lacking"
    lacking.mkdir()
    (lacking / "starlette.py").write_text(text, encoding="utf-8")
    (tmp_path / "environments").mkdir()
    local = (warm.ROOT / "environments" / "local.yaml").read_text(encoding="utf-8")
    (tmp_path / "environments" / "local.yaml").write_text(local, encoding="utf-8")
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(lacking), str(warm.ROOT)])}
    ran = warm.run_cold(*words, folder=tmp_path, variables=variables)
    out = ran.stdout + ran.stderr
    assert ran.returncode == exit_code, out
    assert LACKING in out, out
    assert "Traceback" not in out, out


@pytest.mark.parametrize("number", ["0", "-3", "99999999999999999999", "1e3", "\N{ARABIC-INDIC DIGIT ONE}"])
@pytest.mark.parametrize("words", ["history --env=tiny --last", "next --env=tiny --first", "rehearse --processes"])
def test_a_count_that_is_none_is_refused(capsys: pytest.CaptureFixture[str], words: str, number: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(f"{words}={number}".split())
    assert ended.value.code == REFUSED
    assert "is no count from 1 to 1,000,000" in capsys.readouterr().err


ATTEST = "attest book/one --who Ada --statement 'it is so' --evidence https://wiki.shop.internal/1 --valid-for 7d"
WAIVE = (
    "waive book/one --requested-by Ada --approved-by Grace --reason mitigated"
    f" --because 'we watch it by hand' --until {datetime.now(UTC).date() + timedelta(days=7)}"
)
NO_YAML = "attestations: [\n"


@pytest.mark.parametrize(
    ("words", "file", "text", "told"),
    [
        (ATTEST, "tiny.attestations.yaml", BOMB_OF_LISTS, TOO_MANY),
        (ATTEST, "tiny.attestations.yaml", NO_YAML, "tiny.attestations.yaml:2: this is not YAML"),
        (WAIVE, "tiny.waivers.yaml", BOMB_OF_LISTS, TOO_MANY),
        (WAIVE, "tiny.waivers.yaml", NO_YAML, "tiny.waivers.yaml:2: this is not YAML"),
    ],
    ids=["attest: a bomb", "attest: no YAML", "waive: a bomb", "waive: no YAML"],
)
def test_no_entry_is_put_into_what_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, file: str, text: str, told: str
) -> None:
    project = Project(tmp_path)
    project.runbook(line("one", "demo.figure"))
    project.write(f"environments/{file}", text)
    places = [f"--environments={tmp_path / 'environments'}", "--env=tiny"]
    assert main([*shlex.split(words), *places]) == REFUSED
    assert told in capsys.readouterr().err
    assert (tmp_path / "environments" / file).read_text(encoding="utf-8") == text
