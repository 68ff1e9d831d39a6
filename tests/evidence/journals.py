"""Journals of a launch that never was: what a sign-off is made from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from readiness.evidence.journal import FILE, FIRST, Journal
from readiness.evidence.ledger import Ledger
from readiness.evidence.rejudge import limits_digest
from readiness.outcomes import DecisionKey, Outcome, Phase
from readiness.redaction.redactor import Redactor
from readiness.rendering.run_summary import read_summary
from readiness.runbook.sign_off import SignOff
from readiness.verdict import DecisionOutcome, Expected, decide

LAUNCH = datetime(2026, 12, 1, 9, tzinfo=UTC)
URL = "https://shop.example.com"
PHASES: dict[str, tuple[Phase, ...]] = {
    "pool": (Phase.PREFLIGHT,),
    "pages": (Phase.PREFLIGHT, Phase.SMOKE, Phase.POSTLAUNCH),
    "errors": (Phase.POSTLAUNCH, Phase.GA),
    "weekly": (Phase.GA,),
}
Line = dict[str, Any]
APPROVED: dict[str, Any] = {
    "decision": "approved",
    "approvals": [{"role": "SRE Lead", "name": "Cy Diaz", "approved_on": "2026-12-08"}],
}
ATTESTED: Line = {"statement": "the week was calm", "holds": True, "who": "Ada Byron", "at": "2026-12-07"}
ATTESTED |= {"valid_until": "2026-12-20", "evidence": "https://wiki.shop.internal/week"}
WAIVED: Line = {"requested_by": "Bo Chen", "approved_by": "Cy Diaz", "reason": "risk-accepted", "phases": []}
WAIVED |= {"because": "two clients know of it", "at": "2026-12-07", "until": "2026-12-20"}


def book(names: Sequence[str] = tuple(PHASES), **more: Line) -> list[Line]:
    """Give the lines of a runbook, each in its phases; `more` changes one of them."""
    return [
        {"id": f"book/{name}", "ref": f"{1 + index // 2}", "says": f"{name} are well", "gate": "blocker", "due": None}
        | {"phase": list(PHASES.get(name, (Phase.PREFLIGHT,))), "checks": [f"demo.{name}"], "rendered_as": None}
        | more.get(name, {})
        for index, name in enumerate(names)
    ]


def result(line: Line, value: float = 1.0, outcome: str | None = None, **more: Any) -> Line:
    """Give what a run found: a share that must stay below 2."""
    measured = {"name": "share", "value": value, "comparator": "below", "limit": 2, "unit": "s", "ok": value < 2}
    found = outcome or ("pass" if value < 2 else "fail")
    told: Line = {"line": line["id"], "check": line["checks"][0], "subject": None, "nodeid": line["id"]}
    told |= {"outcome": found, "measurements": [measured] if found in {"pass", "fail"} else [], "seconds": 0.1}
    told |= {"reason": "" if found == "pass" else f"{line['id']} was {found}", "remedy": "mend it", "step": None}
    return {**told, "gate": line["gate"], "says": line["says"], "ref": line["ref"], **more}


def keep(
    reports: Path,
    phase: Phase,
    at: datetime,
    results: Sequence[Line] | None = None,
    *,
    lines: Sequence[Line] | None = None,
    ended: bool = True,
    **start: Any,
) -> Path:
    """Write the journal of one run; without `results` everything passes, and without `sign_off` ga is approved."""
    if phase is Phase.GA:
        start.setdefault("sign_off", APPROVED)
    whole = list(lines or book())
    own = [one for one in whole if phase in one["phase"] and one["checks"]]
    found = [result(one) for one in own] if results is None else list(results)
    folder = reports / "shop" / f"{at:%Y%m%dT%H%M%SZ}-{phase}"
    folder.mkdir(parents=True)
    plan = [
        {**{key: one[key] for key in ("id", "ref", "says", "phase", "gate", "due", "checks")}, "runbook": "book"}
        | {"limits": {one["checks"][0]: one.get("limits", {})}, "ladder": {}, "diagnostics": []}
        for one in own
    ]
    items = [{"line": one["id"], "check": one["checks"][0], "subject": None, "due": True} for one in own]
    told: Line = {"schema": "readiness/journal/1", "run": folder.name, "env": "shop", "phase": phase, "suite": "s"}
    told |= {"as_of": at.isoformat(), "started_at": at.isoformat(), "launch_at": LAUNCH.isoformat()}
    told |= {"target": {"url": URL, "revision": "r1"}, "limits_digest": limits_digest(plan), **start}
    journal = Journal(folder, Redactor(frozenset))
    journal.write("start", told)
    journal.write("plan", {"lines": plan, "items": items, "books": [_outline(whole)]})
    for one in found:
        journal.write("result", one)
    if ended:
        journal.write("finish", _finish(phase, own, found, at, told))
    journal.close()
    enter(folder)
    return folder


def enter(folder: Path) -> None:
    """Enter a run into the ledger beside it, as it stands in its journal."""
    run = read_summary(folder)
    start, finish = run.start, run.finish
    facts: Line = {"phase": start.phase, "target": start.target.url, "started_at": start.started_at.isoformat()}
    facts |= {"limits_digest": start.limits_digest}
    book_of_all = Ledger(folder.parent, None)
    book_of_all.open(folder, **facts)
    if finish:
        book_of_all.seal(folder, **facts, verdict=finish.verdict, exit=finish.exit, head=run.head)


def _outline(lines: Sequence[Line]) -> Line:
    told = [{key: value for key, value in one.items() if key != "limits"} for one in lines]
    return {"runbook": "book", "title": "The launch of the shop", "lines": told}


def _finish(phase: Phase, own: Sequence[Line], found: Sequence[Line], at: datetime, start: Line) -> Line:
    expected = [Expected(DecisionKey(one["id"], one["checks"][0], None), one["gate"]) for one in own]
    results = [
        DecisionOutcome(DecisionKey(one["line"], one["check"], one["subject"]), Outcome(one["outcome"]))
        for one in found
    ]
    form = SignOff.model_validate(start["sign_off"]) if start.get("sign_off") else None
    waived = {DecisionKey(one["id"], one["checks"][0], None) for one in own if one["id"] in start.get("waivers", {})}
    verdict = decide(phase, expected, results, sign_off=form, waived=waived)
    told = {"verdict": verdict.word, "exit": verdict.exit, "action": verdict.action, "counts": verdict.counts}
    return {**told, "finished_at": (at + timedelta(seconds=9)).isoformat()}


def whole_launch(reports: Path, **ga: Any) -> Path:
    """Write a launch in which all went well: every phase, hourly looks for a week, and the sign-off."""
    keep(reports, Phase.PREFLIGHT, LAUNCH - timedelta(hours=1))
    keep(reports, Phase.SMOKE, LAUNCH + timedelta(minutes=2))
    for hours in (1, 24, 48, 96, 144, 167):
        one, other = book(("pages", "errors"))
        values = [result(one, 0.5 + hours / 400), result(other, 0.4)]
        keep(reports, Phase.POSTLAUNCH, LAUNCH + timedelta(hours=hours), values)
    return keep(reports, Phase.GA, LAUNCH + timedelta(days=7), **ga)


def again(folder: Path, was: datetime, at: datetime) -> Path:
    """Write the same run at another time, without the patience that a real journal needs."""
    told = (folder / FILE).read_text("utf-8").replace(was.isoformat(), at.isoformat())
    phase = folder.name.partition("-")[2]
    copied = folder.with_name(f"{at:%Y%m%dT%H%M%SZ}-{phase}")
    copied.mkdir()
    prev, lines = FIRST, []
    for line in told.replace(folder.name, copied.name).splitlines():
        lines.append(re.sub('"prev":"[0-9a-f]{64}"', f'"prev":"{prev}"', line, count=1))
        prev = hashlib.sha256(f"{lines[-1]}\n".encode()).hexdigest()
    (copied / FILE).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    enter(copied)
    return copied
