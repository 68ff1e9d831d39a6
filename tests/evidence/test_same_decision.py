"""What a new run would decide alike takes no good word away: another writing, a host more, a role of another name.

A row is what is done to the files of a good run, the exit of `verify`, and what it says.
"""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from readiness.__main__ import main
from readiness.environment.normal_form import is_left_out, normal_form
from readiness.environment.schema import Environment
from readiness.environment.stated import stated_environment
from readiness.evidence.environment_changes import environment_changes
from readiness.evidence.journal import read_run
from readiness.evidence.reasons import Reason
from readiness.evidence.recorded_binding import RecordedFile
from tests.clients.servers import Asked, Server, whole
from tests.evidence.test_environment_changes import CHECKS, GONE, LOOKS
from tests.evidence.test_today import ATTESTED, LATER, TODAY, WAIVED
from tests.plugin.project import ENVIRONMENT, Project, line

WELL, NOT_TODAY, USAGE_ERROR = 0, Reason.NOT_TODAY.code, 4
IDLE, OTHER, SHOWN, REFUSED = (f"{name}.example.org" for name in ("idle", "other", "shown", "refused"))
HOSTS = ["127.0.0.1", "localhost", SHOWN, IDLE]
CALM: dict[str, Any] = {
    **ENVIRONMENT,
    "allowed_hosts": HOSTS,
    "allow": ["write", "notify"],
    "grafana": {"url": f"http://{SHOWN}"},
    "readings": {
        "orders": {"http": "${TINY_STATUS}", "pointer": "/orders"},
        "still": {"value": 3},
        "away": {"http": "${TINY_AWAY}"},
    },
}


def with_keys(**keys: Any) -> str:
    return yaml.safe_dump({name: value for name, value in {**CALM, **keys}.items() if value is not GONE})


def reading(name: str, **source: Any) -> dict[str, Any]:
    return {**CALM["readings"], name: {**CALM["readings"][name], **source}}


LAUNCH = "launch_at: '2100-01-01T09:00:00Z'"
ROWS: list[tuple[str, str, int, str]] = [
    # What is done to tiny.yaml; its text then; the exit of verify; what is said.
    ("nothing", with_keys(), WELL, ""),
    ("a host more", with_keys(allowed_hosts=[*HOSTS, OTHER]), WELL, f"does not rest on: allowed_hosts.{OTHER}"),
    ("a host more, refused then", with_keys(allowed_hosts=[*HOSTS, REFUSED]), NOT_TODAY, f"allowed_hosts.{REFUSED}"),
    ("a host more, of a like name", with_keys(allowed_hosts=[*HOSTS, "example.org"]), WELL, "hosts.example.org"),
    ("hosts in another order", with_keys(allowed_hosts=HOSTS[::-1]), WELL, "in comments, order or form alone"),
    ("a host twice", with_keys(allowed_hosts=[*HOSTS, IDLE]), WELL, "form alone"),
    ("a host in capitals", with_keys(allowed_hosts=[*HOSTS[:3], "Idle.Example.org."]), WELL, "form alone"),
    (
        "a host by a variable more",
        with_keys(allowed_hosts=[*HOSTS, "${TINY_HOST}"]),
        WELL,
        "allowed_hosts.${TINY_HOST}",
    ),
    ("the usual place of the sign-off", with_keys(sign_off="tiny.sign-off.yaml"), WELL, "form alone"),
    ("another place of the sign-off", with_keys(sign_off="../tiny.sign-off.yaml"), WELL, "does not rest on: sign_off"),
    ("a host less, never contacted", with_keys(allowed_hosts=HOSTS[:3]), WELL, f"rest on: allowed_hosts.{IDLE}"),
    (
        "a host less, contacted",
        with_keys(allowed_hosts=["127.0.0.1", SHOWN, IDLE]),
        NOT_TODAY,
        "allowed_hosts.localhost",
    ),
    (
        "another in its place",
        with_keys(allowed_hosts=["127.0.0.1", SHOWN, IDLE, OTHER]),
        NOT_TODAY,
        "allowed_hosts.localhost",
    ),
    ("the target's host", with_keys(allowed_hosts=HOSTS[1:]), NOT_TODAY, "see allowed_hosts"),
    ("the host of a system", with_keys(allowed_hosts=[*HOSTS[:2], IDLE]), NOT_TODAY, "see allowed_hosts"),
    ("a host less beside a variable", with_keys(allowed_hosts=[*HOSTS[:2], IDLE, "${TINY_HOST}"]), WELL, SHOWN),
    ("a default stated", with_keys(sandbox=False), WELL, "form alone"),
    ("a section of defaults", with_keys(http={}), WELL, "form alone"),
    ("defaults in a section", with_keys(http={"deadline_seconds": 10}), WELL, "form alone"),
    ("another value in it", with_keys(http={"deadline_seconds": 11}), NOT_TODAY, "http"),
    ("an empty section of a system", with_keys(sentry=None), WELL, "form alone"),
    ("a slash at the end", with_keys(target={"url": "http://127.0.0.1:9/"}), WELL, "form alone"),
    ("no headers", with_keys(target={"url": "http://127.0.0.1:9", "headers": {}}), WELL, "form alone"),
    ("another port", with_keys(target={"url": "http://127.0.0.1:8"}), NOT_TODAY, "target"),
    ("effects in another order", with_keys(allow=["notify", "write"]), WELL, "form alone"),
    ("an effect less", with_keys(allow=["write"]), NOT_TODAY, "allow"),
    ("a launch with a blank", with_keys().replace(LAUNCH, "launch_at: 2100-01-01 09:00:00Z"), WELL, "form alone"),
    ("a launch of another zone", with_keys(launch_at="2100-01-01T10:00:00+01:00"), WELL, "form alone"),
    ("a launch an hour later", with_keys(launch_at="2100-01-01T10:00:00Z"), NOT_TODAY, "launch_at"),
    ("a default of a reading", with_keys(readings=reading("still", headers={})), WELL, "form alone"),
    ("another value of it", with_keys(readings=reading("still", value=4)), NOT_TODAY, "readings.still"),
    ("another pointer", with_keys(readings=reading("orders", pointer="/other")), NOT_TODAY, "readings.orders"),
    ("a reading more that nothing asks for", with_keys(readings={**CALM["readings"], "q": {"value": 1}}), WELL, "q"),
]


def answer(server: Server, connection: socket.socket, asked: Asked) -> None:
    """Answer with orders; one page leads to a host that is not listed."""
    away = whole(302, "", {"Location": f"http://{REFUSED}/"})
    (away if asked.path == "/away" else whole(200, '{"orders": 3}'))(server, connection, asked)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project whose GO rests on an answer of localhost, by an address that stands in a variable."""
    made = Project(tmp_path_factory.mktemp("judged"))
    made.write("conftest.py", (made.folder / "conftest.py").read_text("utf-8") + LOOKS)
    made.write("checks/test_orders.py", CHECKS)
    gates = {"orders": "blocker", "still": "blocker", "away": "warning"}
    made.runbook(*(line(name, {"orders.come": {"reading": name}}, gate=gate) for name, gate in gates.items()))
    made.write("environments/tiny.yaml", with_keys())
    with Server(answer) as server, pytest.MonkeyPatch.context() as patch:
        url = server.url.replace("127.0.0.1", "localhost")
        patch.setenv("TINY_STATUS", f"{url}/status")
        patch.setenv("TINY_AWAY", f"{url}/away")
        ran = made.preflight()
    assert ran.exit == 0, ran.out
    return made


@pytest.mark.parametrize("is_set", [True, False], ids=["variables set", "no variables"])
@pytest.mark.parametrize(("text", "code", "says"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_says_the_same_takes_nothing(
    text: str,
    code: int,
    says: str,
    is_set: bool,
    judged: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(judged.folder)
    if is_set:
        monkeypatch.setenv("TINY_STATUS", "http://localhost:1")
        monkeypatch.setenv("TINY_AWAY", "http://localhost:1")
    judged.write("environments/tiny.yaml", text)
    assert main(["verify", "tiny", "preflight"]) == code
    assert says in " ".join(capsys.readouterr().out.split())


def test_each_default_of_the_schema_may_be_stated_or_left_out() -> None:
    for key, field in Environment.model_fields.items():
        assert field.is_required() or is_left_out(key, normal_form(key, field.get_default())), key
        assert not is_left_out(key, "${TINY_VALUE}"), key


CY = {"Cy Diaz": "cy@shop.internal"}
AND_OTHERS = {**CY, "Di Fox": "di@shop.internal"}
WHO_MAY: list[tuple[str, dict[str, Any], int, int]] = [
    # What the environment says of who may approve the waiver of Cy Diaz; the exit of verify; that of a new run.
    ("nobody is listed", {}, WELL, 0),
    ("who approved is listed", {"approvers": CY}, WELL, 0),
    ("others beside", {"approvers": AND_OTHERS}, WELL, 0),
    ("another owner", {"approvers": AND_OTHERS, "owners": {"book/one": "Di Fox"}}, WELL, 0),
    ("who approved owns the line where everybody may", {"owners": {"book/one": "Cy Diaz"}}, NOT_TODAY, USAGE_ERROR),
    ("who asked owns the line", {"owners": {"book/one": "Bo Chen"}}, WELL, 0),
    ("others alone", {"approvers": {"Di Fox": "di@shop.internal"}}, NOT_TODAY, USAGE_ERROR),
    ("who approved owns the line", {"approvers": CY, "owners": {"book/one": "Cy Diaz"}}, NOT_TODAY, USAGE_ERROR),
    ("by what they are known", {"approvers": CY, "owners": {"one": "x"}}, WELL, 0),
    ("nobody knows from here", {"approvers": {"Cy Diaz": "${TINY_CY}"}}, NOT_TODAY, USAGE_ERROR),
]


@pytest.mark.parametrize(("keys", "code", "of_new_run"), [row[1:] for row in WHO_MAY], ids=[row[0] for row in WHO_MAY])
def test_who_may_approve_decides_as_a_new_run_does(
    keys: dict[str, Any], code: int, of_new_run: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Project(tmp_path)
    monkeypatch.chdir(tmp_path)
    project.runbook(line("one", {"demo.figure": {"share_below": 0.4}}), line("two", "demo.quick"))
    project.write("environments/tiny.waivers.yaml", yaml.safe_dump({"waivers": {"book/one": WAIVED}}))
    assert project.preflight().exit == 0
    project.environment(**keys)
    assert main(["verify", "tiny", "preflight"]) == code
    assert project.preflight().exit == of_new_run


PHASES = ["preflight", "postlaunch"]
LADDERS: list[tuple[str, str, dict[str, Any], int]] = [
    # The phase that was judged; what is done to its line; the exit of verify.
    ("preflight", "another step", {"ladder": {"page": 0.99}}, WELL),
    ("preflight", "no ladder", {"ladder": {}}, WELL),
    ("preflight", "more failures in a row", {"ladder": {"page": 0.9}, "consecutive": 3}, WELL),
    ("preflight", "another limit", {"ladder": {"page": 0.9}, "limits": {"share_below": 0.9}}, NOT_TODAY),
    ("postlaunch", "another step", {"ladder": {"page": 0.99}}, NOT_TODAY),
    ("postlaunch", "no ladder", {"ladder": {}}, NOT_TODAY),
    ("postlaunch", "more failures in a row", {"ladder": {"page": 0.9}, "consecutive": 3}, NOT_TODAY),
]


@pytest.mark.parametrize(("phase", "changes", "code"), [(row[0], *row[2:]) for row in LADDERS], ids=str)
def test_a_ladder_decides_after_the_launch_alone(
    phase: str, changes: dict[str, Any], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stated(limits: dict[str, Any] | None = None, **more: Any) -> None:
        project.runbook(line("one", {"demo.figure": limits or {}}, phase=PHASES, **more))

    project = Project(tmp_path)
    monkeypatch.chdir(tmp_path)
    stated(ladder={"page": 0.9})
    assert project.run("-m", phase).exit == 0
    stated(**changes)
    assert main(["verify", "tiny", phase]) == code
    assert project.run("-m", phase).exit == 0
    assert main(["verify", "--all", "--env", "tiny"]) == (Reason.LOOSENED.code if code else WELL)


CTO, LEAD = {"role": "CTO", "name": "Cy Diaz"}, {"role": "SRE Lead", "name": "Bo Chen"}
CHIEF = {"role": "Chief Technology Officer", "name": "Cy Diaz"}
BEFORE = {"approved_on": str(TODAY - timedelta(days=3))}
ROLES: list[tuple[str, list[dict[str, str]], int, str]] = [
    # What is done; who approves then; the exit of verify; what it says.
    ("nothing", [CTO, LEAD], WELL, ""),
    ("another order", [LEAD, CTO], WELL, ""),
    ("a role by its whole name", [CHIEF, LEAD], WELL, "calls the role of Cy Diaz Chief Technology Officer today"),
    ("a role by its whole name, of an earlier day", [CHIEF | BEFORE, LEAD], NOT_TODAY, "it was given on"),
    ("a role less, another by its whole name", [CHIEF], NOT_TODAY, "the approval of Bo Chen as SRE Lead, which"),
    ("a role of another person", [{**CHIEF, "name": "Di Fox"}, LEAD], NOT_TODAY, "approval of Cy Diaz as CTO, which"),
    ("a role less", [LEAD], NOT_TODAY, "the approval of Cy Diaz as CTO, which"),
    ("roles exchanged", [{**CTO, "name": "Bo Chen"}, {**LEAD, "name": "Cy Diaz"}], NOT_TODAY, "as CTO, which"),
    ("a name with a comma", [{**CTO, "name": "Diaz, Cy"}, LEAD], WELL, ""),
    ("a role that a line demands", [CTO, {**LEAD, "role": "Head of SRE"}], NOT_TODAY, "Bo Chen as SRE Lead, which"),
]
APPROVED = {"decision": "approved", "reason": "the week was calm enough"}
LAST = '''\
"""The roles approved."""
import pytest

from readiness import Limits, Measure


class Roles(Limits):
    roles: tuple[str, ...]


@pytest.mark.ga
def test_roles(figure: float, limits: Roles, measure: Measure) -> None:
    """The figure is low.

    Remedy: lower it.
    """
    measure(figure, "share").below(len(limits.roles))
'''


@pytest.fixture(scope="module")
def approved(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project that two people approved; a line demands the role of one of them by its name."""
    project = Project(tmp_path_factory.mktemp("approved"))
    project.write("checks/test_last.py", LAST)
    project.environment(launch_at="2020-01-01T00:00:00Z", allow=[])
    project.runbook(line("roles", {"last.roles": {"roles": ["SRE Lead"]}}, phase=["ga"]))
    sign_off(project, [CTO, LEAD])
    ran = project.run("-m", "ga")
    assert ran.exit == 0, ran.out
    return project


def sign_off(project: Project, approvals: list[dict[str, str]]) -> None:
    dated = [{"approved_on": TODAY, **approval} for approval in approvals]
    project.write("environments/tiny.sign-off.yaml", yaml.safe_dump({**APPROVED, "approvals": dated}))


@pytest.mark.parametrize(("approvals", "code", "says"), [row[1:] for row in ROLES], ids=[row[0] for row in ROLES])
def test_an_approval_is_a_person_on_a_day_whatever_the_role_is_called(
    approvals: list[dict[str, str]],
    code: int,
    says: str,
    approved: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(approved.folder)
    sign_off(approved, approvals)
    assert main(["verify", "tiny", "ga"]) == code
    assert says in " ".join(capsys.readouterr().out.split())


NAMES: list[tuple[str, int]] = [
    # How the one who attested is written today, and the exit of verify.
    ("Ada Byron", WELL),
    ("Byron, Ada", WELL),
    ("ada byron", WELL),
    ("\u00c1da Byron", WELL),
    ("Ada B.", NOT_TODAY),
    ("Ada", NOT_TODAY),
    ("Ada Baron", NOT_TODAY),
    ("Bo Chen", NOT_TODAY),
]


@pytest.fixture(scope="module")
def attested(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give a project whose GO rests on the word of Ada Byron."""
    project = Project(tmp_path_factory.mktemp("attested"))
    conftest = (project.folder / "conftest.py").read_text("utf-8")
    not_configured = conftest.replace("    raise Unknown(", "    raise NotConfigured(")
    project.write("conftest.py", not_configured.replace("import Effect, Unknown", "import Effect, NotConfigured"))
    project.runbook(line("three", "demo.hidden"), line("two", "demo.quick"))
    attest(project, "Ada Byron")
    ran = project.preflight()
    assert ran.exit == 0, ran.out
    return project


def attest(project: Project, who: str) -> None:
    entry = {**ATTESTED, "who": who, "valid_until": LATER}
    project.write("environments/tiny.attestations.yaml", yaml.safe_dump({"attestations": {"book/three": entry}}))


@pytest.mark.parametrize(("who", "code"), NAMES)
def test_one_person_in_another_spelling_takes_nothing_back(
    who: str, code: int, attested: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(attested.folder)
    attest(attested, who)
    assert main(["verify", "tiny", "preflight"]) == code


OLDER: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = [
    # What is done since an earlier version kept the file as it was written; its text; what decides, what is told.
    ("nothing", with_keys(), (), ()),
    ("a default stated", with_keys(sandbox=False), (), ()),
    ("another order", with_keys(allow=["notify", "write"]), ("allow",), ()),
    ("a host more", with_keys(allowed_hosts=[*HOSTS, OTHER]), ("allowed_hosts",), ()),
    ("a host less", with_keys(allowed_hosts=HOSTS[:3]), ("allowed_hosts",), ()),
    ("an owner", with_keys(owners={"book/orders": "Bo Chen"}), (), ("owners",)),
]


@pytest.mark.parametrize(("text", "deciding", "others"), [row[1:] for row in OLDER], ids=[row[0] for row in OLDER])
def test_what_an_earlier_version_kept_is_held_as_it_was_written(
    text: str, deciding: tuple[str, ...], others: tuple[str, ...], judged: Project
) -> None:
    file = judged.folder / "environments/tiny.yaml"
    file.write_text(with_keys(), "utf-8")
    then = stated_environment(file)
    kept = RecordedFile(digest=then.digest, keys=tuple(then.keys), paths=dict(then.as_written))
    (run,) = (judged.folder / "reports/tiny").glob("2*-preflight")
    file.write_text(text, "utf-8")
    changes = environment_changes(read_run(run), kept, stated_environment(file))
    assert (changes.deciding, changes.others) == (deciding, others)
