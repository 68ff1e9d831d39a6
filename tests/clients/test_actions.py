"""What a drill does: a command, a request, Vercel's rollback, a push; and what it says when it was not done."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from readiness.environment.drills import Action, GitRollback, RollbackDrill, VercelRollback
from readiness.outcomes import Effect, Unknown
from readiness.redaction.secret import Secret
from readiness.transport.guard import Guard
from tests.clients.conftest import Make
from tests.clients.servers import Server, document, whole

KILOBYTES_MORE = 32_000
LEAVES_A_CHILD = "import subprocess, time; subprocess.Popen(['sleep', '40']); time.sleep(60)"
"""And the child keeps the other end of what its parent complains through."""


def python(code: str, **other: float) -> Action:
    return Action(command=(sys.executable, "-c", code), seconds_at_most=other.get("seconds", 20.0))


def test_a_command_is_run_without_a_shell(make: Make, tmp_path: Path, guard: Guard) -> None:
    path = tmp_path / "$(done)"
    action = Action(command=(sys.executable, "-c", "import sys; open(sys.argv[1], 'w')", str(path)))
    assert make().operator.do(action) == "exit 0"
    assert path.is_file()
    (request,) = guard.requests
    assert (request.client, request.status, request.effect) == ("command", "exit 0", Effect.WRITE)


@pytest.mark.parametrize(
    ("action", "says"),
    [
        (python("import sys; sys.exit('first\\nERROR: the switch jams\\nlast')"), "status 1: ERROR: the switch jams"),
        (python("raise SystemExit(3)"), "ended with status 3: it said nothing"),
        (Action(command=("no-such-program-here",)), "no-such-program-here cannot be run: No such file"),
        (python("import time; time.sleep(60)", seconds=0.5), "did not end within 0.5 s"),
        (python(LEAVES_A_CHILD, seconds=0.5), "did not end within 0.5 s"),
    ],
)
def test_a_command_that_fails_was_not_done(action: Action, says: str, make: Make) -> None:
    began = time.monotonic()
    with pytest.raises(Unknown, match=says):
        make().operator.do(action)
    assert time.monotonic() - began < 55  # the command would end by itself after 60


COMPLAINS = """
import sys
sys.stderr.write("ERROR: the first\\n" if {first} else "")
for _ in range(100):
    sys.stderr.write("x" * 999_999 + "\\n")
sys.exit("the last")
"""


@pytest.mark.parametrize(("first", "says"), [(True, "ERROR: the first"), (False, "the last")])
def test_complaints_without_an_end_are_read_and_not_kept(first: bool, says: str, make: Make) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Unknown, match=f"status 1: {says}"):
        make().operator.do(python(COMPLAINS.format(first=first), seconds=300.0))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < KILOBYTES_MORE


def test_what_goes_on_behind_a_command_does_not_hold_it(make: Make) -> None:
    leaves = "import subprocess; subprocess.Popen(['sleep', '20'])"
    began = time.monotonic()
    assert make().operator.do(python(leaves, seconds=300.0)) == "exit 0"
    assert time.monotonic() - began < 300


def test_nothing_is_done_where_writing_is_not_allowed(make: Make, guard: Guard, tmp_path: Path) -> None:
    guard.allowed = frozenset({Effect.READ})
    with Server(whole(200)) as server:
        actions = make(server.url).operator
        for action in (Action(http="/switch"), Action(command=("touch", str(tmp_path / "done")))):
            with pytest.raises(Unknown, match="--allow write"):
                actions.do(action)
        assert not server.asked
    assert not list(tmp_path.iterdir())


def test_a_request_carries_what_the_environment_says(make: Make) -> None:
    action = Action(http="/switch", method="PUT", body={"on": False}, token=Secret("switch-token-of-a-test"))
    with Server(whole(204)) as server:
        assert make(server.url).operator.do(action) == "status 204"
    (asked,) = server.asked
    assert (asked.method, asked.path, json.loads(asked.body)) == ("PUT", "/switch", {"on": False})
    assert asked.headers["authorization"] == "Bearer switch-token-of-a-test"


@pytest.mark.parametrize("status", [302, 400, 401, 404, 409, 500])
def test_another_answer_is_not_done(status: int, make: Make) -> None:
    with Server(whole(status)) as server, pytest.raises(Unknown):
        make(server.url).operator.do(Action(http="/switch"))


def test_vercel_is_asked_to_roll_back_and_to_promote(make: Make) -> None:
    with Server(document({})) as server:
        vercel = VercelRollback(
            url=server.url,
            project="prj_1",
            team="team_1",
            token=Secret("vercel-token-of-a-test"),
            deployment="dpl_before",
            forward="dpl_now",
        )
        for action in RollbackDrill(to="r1", vercel=vercel).ways():
            make(server.url).operator.do(action)
    assert [(asked.method, asked.path) for asked in server.asked] == [
        ("POST", "/v1/projects/prj_1/rollback/dpl_before?teamId=team_1"),
        ("POST", "/v10/projects/prj_1/promote/dpl_now?teamId=team_1"),
    ]
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer vercel-token-of-a-test"}


def git(*words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    return subprocess.run(["git", *identity, *words], check=True, capture_output=True, text=True).stdout.strip()


def test_a_branch_is_pushed_back_to_its_tag_and_forward(make: Make, tmp_path: Path) -> None:
    origin, work = tmp_path / "origin", tmp_path / "work"
    git("init", "-q", "--bare", str(origin))
    git("clone", "-q", str(origin), str(work))
    commits = []
    for version in ("v1", "v2"):
        git("-C", str(work), "commit", "-q", "--allow-empty", "-m", version)
        git("-C", str(work), "tag", "-a", version, "-m", version)
        commits.append(git("-C", str(work), "rev-parse", "HEAD"))
    git("-C", str(work), "push", "-q", "origin", "HEAD:refs/heads/live")
    settings = GitRollback(repository=work, tag="v1", forward="v2", branch="live")
    for action, commit in zip(RollbackDrill(to="r1", git=settings).ways(), commits, strict=True):
        make().operator.do(action)
        assert git("-C", str(origin), "rev-parse", "refs/heads/live") == commit
