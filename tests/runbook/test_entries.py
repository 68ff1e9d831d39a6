"""An entry is put into a file, and everything else in it stays as people wrote it."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from readiness.__main__ import main
from readiness.errors import BadInput
from readiness.runbook.editing import put

ENTRY = {"who": "Grace", "statement": "it's true: really"}
KEPT = """\
# The launch of December.
attestations:
  # reviewed with the platform team
  book/one:   # first
    who: Ada
    statement: >
      a text
      of two lines
  # about the second
  book/two:
    who: Ada   # on leave from Monday

    tags: [a, b]
# the end
"""


def test_a_new_entry_is_appended() -> None:
    found = put(KEPT, "attestations", "book/three", ENTRY)
    assert yaml.safe_load(found)["attestations"]["book/three"] == ENTRY
    assert found.startswith(KEPT.removesuffix("# the end\n"))
    assert found.endswith("# the end\n")


def test_an_older_entry_is_replaced() -> None:
    found = put(KEPT, "attestations", "book/one", ENTRY)
    assert yaml.safe_load(found)["attestations"]["book/one"] == ENTRY
    assert found.startswith("# The launch of December.\nattestations:\n  # reviewed with the platform team\n")
    assert found.endswith(KEPT[KEPT.index("  # about the second") :])


@pytest.mark.parametrize(
    "text", ["", "# only a comment\n", "attestations:\n", "attestations: {}\n", "attestations:  # none yet", "other: 1"]
)
def test_an_empty_file_takes_the_first(text: str) -> None:
    found = put(text, "attestations", "book/one", ENTRY)
    assert yaml.safe_load(found)["attestations"] == {"book/one": ENTRY}
    assert text.split("#", maxsplit=1)[0].split(":", maxsplit=1)[0].strip() in found


@pytest.mark.parametrize("text", ["attestations: {book/two: {who: Ada}}", "{attestations: {}}", "- a\n"])
def test_what_cannot_be_kept_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        put(text, "attestations", "book/one", ENTRY)


def test_any_order_of_writing_gives_the_same_entries() -> None:
    chance = random.Random(7)
    for _ in range(50):
        names = [chance.choice(["book/one", "book/two", "book/x", "book/y:z"]) for _ in range(6)]
        text, last = KEPT, {}
        for number, name in enumerate(names):
            last[name] = {"who": f"#{number}", "statement": "a: b\nc"}
            text = put(text, "attestations", name, last[name])
        assert yaml.safe_load(text)["attestations"] == {**yaml.safe_load(KEPT)["attestations"], **last}
        assert text.startswith("# The launch of December.\n")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.yaml").write_text(
        "environment: shop\nrunbooks: [ingestion]\nlaunch_at: ${WHEN}\n", encoding="utf-8"
    )
    return tmp_path


ATTEST = ["--statement", "we walked through it", "--who", "Ada", "--evidence", "https://wiki.shop.internal/x"]


def attest(folder: Path, line: str, *words: str) -> int:
    return main(["attest", line, "--env", "shop", f"--environments={folder}", *ATTEST, *words])


def test_attest_writes_an_entry_that_a_run_can_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert attest(folder, "rollback-reviewed", "--valid-for", "7d") == 0
    assert "ingestion/rollback-reviewed is attested until" in capsys.readouterr().out
    assert attest(folder, "ingestion/contacts-verified", "--valid-for", "2w", "--does-not-hold") == 0
    found = yaml.safe_load((folder / "shop.attestations.yaml").read_text(encoding="utf-8"))["attestations"]
    assert list(found) == ["ingestion/rollback-reviewed", "ingestion/contacts-verified"]
    assert found["ingestion/contacts-verified"]["holds"] is False
    days = found["ingestion/rollback-reviewed"]["valid_until"] - found["ingestion/rollback-reviewed"]["at"]
    assert days.days == 7


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["rolback-reviewed", "--valid-for", "7d"], "did you mean 'rollback-reviewed'?"),
        (["rollback-reviewed", "--valid-until", "2020-01-01"], "--valid-until: 2020-01-01 is over; today is"),
        (["rollback-reviewed", "--valid-until", "2027-02-29"], "is not a day of the calendar"),
        (["rollback-reviewed", "--valid-for", "ever"], "is not a span of time"),
        (["rollback-reviewed", "--valid-for", "9999999999w"], "--valid-until: "),
        (["rollback-reviewed", "--valid-for", "900d"], "is more than 366 days after"),
        (["rollback-reviewed", "--valid-for", "7d", "--who", "A"], "who: text of 2 characters or more is wanted"),
    ],
)
def test_attest_refuses_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert attest(folder, *words) == 4
    assert told in capsys.readouterr().err
    assert not (folder / "shop.attestations.yaml").exists()


def test_waive_wants_someone_else_to_approve(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ["waive", "rollback-reviewed", "--env", "shop", f"--environments={folder}", "--requested-by", "Ada"]
    told += ["--reason", "mitigated", "--because", "the old version still runs", "--until", "2020-01-01"]
    assert main([*told, "--approved-by", "Grace"]) == 4
    assert "is over" in capsys.readouterr().err
    assert main(["attest", "x", "--env", "shp", f"--environments={folder}", *ATTEST, "--valid-for", "1d"]) == 4
    assert "did you mean 'shop'?" in capsys.readouterr().err
    told[-1] = str(yaml.safe_load("2999-01-01"))
    assert main([*told, "--approved-by", "ADA"]) == 4
    assert "someone else approves a waiver" in capsys.readouterr().err
    assert not (folder / "shop.waivers.yaml").exists()


def test_waive_wants_somebody_who_may_approve(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = folder / "shop.yaml"
    approvers = "approvers: {Grace Hopper: grace@shop.internal, Bo Chen: bo}\nowners: {rollback: Bo Chen}\n"
    environment.write_text(environment.read_text("utf-8") + approvers, encoding="utf-8")
    told = ["waive", "rollback-reviewed", "--env", "shop", f"--environments={folder}", "--requested-by", "Ada Byron"]
    told += ["--reason", "mitigated", "--because", "the old version still runs"]
    told += ["--until", str(datetime.now(UTC).date()), "--approved-by"]
    assert main([*told, "Dee Fox"]) == 4
    assert "'Dee Fox' is not known" in capsys.readouterr().err
    assert main([*told, "Hopper, Grace"]) == 4
    assert "write 'Grace Hopper'" in capsys.readouterr().err
    assert main([*told, "Bo Chen"]) == 4
    assert "'Bo Chen' owns the line" in capsys.readouterr().err
    assert not (folder / "shop.waivers.yaml").exists()
    assert main([*told, "Grace Hopper"]) == 0


WAIVE = ["--requested-by", "Ada Byron", "--approved-by", "Grace Hopper", "--reason", "mitigated"]
WAIVE += ["--because", "the old version still runs", "--until", str(datetime.now(UTC).date())]
CRONS = """\
runbook: own
title: Own
lines:
  - {id: crons, ref: "1", says: crons run, phase: [preflight], gate: blocker,
     decided_by: {own.ran: {each: {job: [bill, mail]}}}}
  - {id: one, ref: "2", says: it is one, phase: [preflight], gate: blocker, decided_by: {own.one: {}}}
"""
SUBJECTS: list[tuple[list[str], int, list[str], str]] = [
    # What is typed; the exit; the entries that are written; what is told.
    (["crons"], 0, ["own/crons"], "own/crons with all that it names (bill, mail) is waived until"),
    (["crons", "--subject", "bill"], 0, ["own/crons:bill"], "own/crons:bill is waived until"),
    (["crons:mail"], 0, ["own/crons:mail"], "own/crons:mail is waived until"),
    (["crons", "--subject", "bill", "--subject", "mail"], 0, ["own/crons:bill", "own/crons:mail"], "own/crons:mail is"),
    (["crons", "--subject", "bill", "--subject", "bill"], 0, ["own/crons:bill"], "own/crons:bill is"),
    (["crons", "--subject", "bil"], 4, [], "--subject 'bil' is not known; did you mean 'bill'? (known: bill, mail)"),
    (["crons", "--subject", "bill", "--subject", "x"], 4, [], "--subject 'x' is not known"),
    (["crons:mail", "--subject", "bill"], 4, [], "own/crons:mail is one thing already"),
    (["one", "--subject", "bill"], 4, [], "own/one names no things of which one could be waived"),
    (["one"], 0, ["own/one"], "own/one is waived until"),
]


@pytest.mark.parametrize(("words", "code", "entries", "message"), SUBJECTS)
def test_a_waiver_is_about_the_things_that_are_named(
    words: list[str], code: int, entries: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "own.yaml").write_text(CRONS, "utf-8")
    (folder / "shop.yaml").write_text("environment: shop\nrunbooks: [own.yaml]\n", "utf-8")
    assert main(["waive", *words, "--env", "shop", f"--environments={folder}", *WAIVE]) == code
    printed = capsys.readouterr()
    assert message in printed.out + printed.err
    path = folder / "shop.waivers.yaml"
    assert (list(yaml.safe_load(path.read_text("utf-8"))["waivers"]) if path.exists() else []) == entries
