"""What may become of a run that was GO, and what is left of it: a row each, for whoever says how a phase stands."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from readiness.evidence import ledger
from tests import warm
from tests.evidence.overlaps import begin_first, end_last, is_about, write_anew
from tests.plugin.project import Project

NOW = timedelta(0)
FILES = Path("environments")
GOOD = {"GO", "OK", "APPROVED"}
RED = "\n\n@pytest.mark.preflight\ndef test_own_of_the_team():\n    assert 1 == 2\n"


@dataclass(frozen=True)
class Situation:
    """What has become of a good run."""

    name: str
    exit: int
    says: str
    does: Callable[[Project], Any] = lambda project: project
    later: timedelta = NOW
    """So much later it is looked at."""
    is_signed: bool = False


def home(project: Project) -> Path:
    return project.folder / "reports/tiny"


def newest(project: Project) -> Path:
    return max(home(project).glob("2*-preflight*"))


def run_again(project: Project, *words: str, **variables: str) -> None:
    given = {**os.environ, "PYTHONPATH": str(warm.ROOT), "NO_COLOR": "1", **variables}
    warm.run("pytest", "--env=tiny", "-m", "preflight", *words, folder=project.folder, variables=given)


def red_beside(project: Project) -> None:
    project.write("elsewhere/test_team.py", f"import pytest\n{RED}")
    run_again(project, "checks", "elsewhere")


def fails_now(project: Project) -> None:
    project.write("figure.txt", "0.95")
    run_again(project)


def left_out(project: Project) -> None:
    run_again(project, "-k", "nothing")


def change(path: Path) -> None:
    path.write_text(path.read_text("utf-8").replace('"outcome":"pass"', '"outcome":"warn"'), "utf-8")


def clear(path: Path) -> None:
    path.write_bytes(b"")


def writer(project: Project) -> ledger.Ledger:
    return ledger.Ledger(home(project), None)


def anew(project: Project) -> None:
    (home(project) / ledger.FILE).unlink()
    run_again(project)
    run_again(project)


def cut(project: Project) -> None:
    kept = (home(project) / ledger.FILE).read_bytes()
    run_again(project)
    (home(project) / ledger.FILE).write_bytes(kept)


def cut_without_a_pointer(project: Project) -> None:
    cut(project)
    (home(project) / "latest-preflight").unlink()


def cut_and_run_anew(project: Project) -> None:
    cut_without_a_pointer(project)
    run_again(project)


def copied_as(name: str) -> Callable[[Project], Any]:
    return lambda project: shutil.copytree(newest(project), home(project) / name)


def older_one_copied_in(project: Project) -> None:
    older = newest(project)
    run_again(project)
    lines = (home(project) / ledger.FILE).read_bytes().splitlines(keepends=True)
    write_anew(home(project), [line for line in lines if not is_about(line, older.name)])


def pruned(project: Project) -> None:
    older = newest(project)
    run_again(project)
    writer(project).prune(older, phase="preflight")
    shutil.rmtree(older)


def dies_at_once(project: Project) -> None:
    writer(project).open(home(project) / "20990101T000000Z-preflight", phase="preflight", target="http://127.0.0.1:9")


def never_ends(project: Project) -> None:
    project.write("conftest.py", (project.folder / "conftest.py").read_text("utf-8") + DIES)
    run_again(project)


def overtaken(then: Callable[[Project], Any]) -> Callable[[Project], Any]:
    """Have a run begin before the good one and end after it."""

    def does(project: Project) -> None:
        then(project)
        begin_first(home(project), newest(project).name)

    return does


def overtaken_and_missing(project: Project) -> None:
    overtaken(fails_now)(project)
    shutil.rmtree(newest(project))


def overtaken_and_altered(project: Project) -> None:
    overtaken(run_again)(project)
    change(newest(project) / "journal.jsonl")


def overtaken_and_mended(project: Project) -> None:
    overtaken(fails_now)(project)
    project.write("figure.txt", "0.5")
    run_again(project)


def overtaken_elsewhere(project: Project) -> None:
    stated = (project.folder / "environments/tiny.yaml").read_text("utf-8")
    project.environment(target={"url": "http://127.0.0.1:10"})
    overtaken(fails_now)(project)
    project.write("environments/tiny.yaml", stated)


def beside_a_longer_one(project: Project) -> None:
    """A bad run began after the good one and ended before it."""
    good = newest(project).name
    fails_now(project)
    end_last(home(project), good)


def misspelt(project: Project) -> None:
    project.environment(lanch_at="2100-01-01T09:00:00Z")


def unsigned_now(project: Project) -> None:
    shutil.rmtree(project.folder / "environments/keys")
    run_again(project)


DIES = "\n\ndef pytest_runtest_teardown():\n    import os\n    os._exit(0)\n"
DEMANDED = {"evidence": {"signed": True}}
SITUATIONS = [
    Situation("well", 0, ""),
    Situation("well-signed", 0, "", is_signed=True),
    Situation("old", 13, "too old to decide now", later=timedelta(hours=83)),
    Situation("of-the-future", 13, "one of the clocks is wrong", later=timedelta(hours=-55)),
    Situation("nearly-of-the-future", 0, "", later=timedelta(seconds=-30)),
    Situation(
        "another-target", 15, "another target", lambda made: made.environment(target={"url": "http://127.0.0.1:10"})
    ),
    Situation("environment-refused", 15, "'lanch_at' is not known; did you mean 'launch_at'?", misspelt),
    Situation("red-beside", 1, "red beside the verdict", red_beside),
    Situation("journal-altered", 11, "changed", lambda made: change(newest(made) / "journal.jsonl")),
    Situation("journal-emptied", 11, "", lambda made: clear(newest(made) / "journal.jsonl")),
    Situation(
        "journal-gone", 11, "there is no journal to read", lambda made: (newest(made) / "journal.jsonl").unlink()
    ),
    Situation("folder-gone", 11, "its folder is missing", lambda made: shutil.rmtree(newest(made))),
    Situation("report-altered", 11, "report.html", lambda made: clear(newest(made) / "report.html")),
    Situation("refused", 12, "was refused", lambda made: run_again(made, "--nosuch")),
    Situation("refused-of-no-phase", 12, "no phase is known", lambda made: run_again(made, "-m", "preflght")),
    Situation(
        "asked-and-never-came", 12, "no run appeared", lambda made: writer(made).ask("0" * 32, phase="preflight")
    ),
    Situation("died-at-once", 12, "died before it wrote anything", dies_at_once),
    Situation("never-ended", 10, "never sealed", never_ends),
    Situation("fails-now", 1, "", fails_now),
    Situation("left-something-out", 10, "", left_out),
    Situation("demanded-signed", 14, "tiny.yaml: evidence.signed", lambda made: made.environment(**DEMANDED)),
    Situation("ledger-gone", 17, "history not here", lambda made: (home(made) / ledger.FILE).unlink()),
    Situation("ledger-gone-and-begun-anew", 10, "history not here", anew),
    Situation("pointer-names-a-run-that-the-ledger-lost", 17, "its end was cut", cut),
    Situation("cut-and-no-pointer", 17, "history not here: ", cut_without_a_pointer),
    Situation("cut-and-run-anew", 10, "history not here", cut_and_run_anew),
    Situation("copied-under-another-name", 0, "", copied_as("20990101T000000Z-preflight")),
    Situation("an-older-one-was-copied-in", 0, "", older_one_copied_in),
    Situation("an-older-one-was-pruned", 0, "", pruned),
    Situation("overtaken-by-a-bad-one", 1, "", overtaken(fails_now)),
    Situation("overtaken-by-one-that-is-red-beside", 1, "red beside", overtaken(red_beside)),
    Situation("overtaken-by-an-incomplete-one", 10, "", overtaken(left_out)),
    Situation("overtaken-by-a-good-one", 0, "", overtaken(run_again)),
    Situation("overtaken-by-a-bad-one-that-is-missing", 11, "its folder is missing", overtaken_and_missing),
    Situation("overtaken-by-a-good-one-that-was-altered", 11, "changed", overtaken_and_altered),
    Situation("overtaken-by-a-bad-one-and-mended", 0, "", overtaken_and_mended),
    Situation("overtaken-by-one-of-another-target", 0, "", overtaken_elsewhere),
    Situation("beside-a-longer-good-one-is-a-bad-one", 1, "", beside_a_longer_one),
    Situation("demanded-and-signed", 0, "", lambda made: made.environment(**DEMANDED), is_signed=True),
    Situation(
        "key-gone", 14, "no trusted key", lambda made: shutil.rmtree(made.folder / "environments/keys"), is_signed=True
    ),
    Situation("key-gone-unsigned-now", 14, "the key went missing", unsigned_now, is_signed=True),
    Situation("unsigned-now", 14, "nobody signed it", run_again, is_signed=True),
]
