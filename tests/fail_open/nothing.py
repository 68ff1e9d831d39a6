"""Answers that hold nothing: empty, skipped, awaited, dropped from the count, or of a host that is gone."""

from __future__ import annotations

from tests.clients.servers import document, whole
from tests.fail_open.situation import (
    ALL_SKIPPED,
    ATTESTED,
    AVAILABILITY,
    AWAITED,
    CI,
    COMPLAINTS,
    DOWN,
    DRILL,
    DROPPED,
    EMPTY,
    ERROR_RATE,
    GITHUB,
    HEALTHY,
    HERE,
    LEVELS,
    LOG,
    NO_NUMBERS,
    NOTHING,
    NOTHING_TO_SCAN,
    PAGES_PUBLISHED,
    REHEARSAL,
    SKIPPED_HOST,
    STATUSES,
    VENDORS,
    Row,
    checks,
    rows_at,
    vector,
)

NOTHING_SEEN = [
    # Nothing found, or nothing looked at.
    Row(
        NOTHING,
        "nothing is selected",
        {"healthy": HEALTHY},
        "not run",
        {"/health": document({})},
        words=("-k", "nothing"),
    ),
    Row(
        NOTHING_TO_SCAN,
        "nothing applies",
        {"healthy": HEALTHY},
        "not applicable",
        environment={"not_applicable": {"book/healthy": "this service has no health of its own"}},
    ),
    Row(
        NOTHING,
        "a number of nothing",
        {
            f"n{place}": {"readings.number_at_most": {"reading": f"n{place}", "at_most": 5}}
            for place in range(len(NO_NUMBERS))
        },
        ", ".join(["unknown"] * len(NO_NUMBERS)),
        {f"/n{place}": whole(200, text) for place, text in enumerate(NO_NUMBERS)},
        {"readings": {f"n{place}": {"http": f"{HERE}/n{place}"} for place in range(len(NO_NUMBERS))}},
    ),
    *[
        Row(
            NOTHING,
            f"a list of complaints that is {text}",
            {"complaints": COMPLAINTS},
            "unknown",
            {"/complaints": whole(200, text)},
            rows_at(),
            phase="postlaunch",
        )
        for text in ("{}", "null", "", '{"error": "no such tenant"}', "[null]")
    ],
    Row(
        NOTHING,
        "a status page that is {}",
        {"vendors": VENDORS},
        "unknown",
        {"/one": document({})},
        {"status_pages": {"one": {"url": f"{HERE}/one"}}},
    ),
    Row(
        NOTHING,
        "a log without a line",
        {"log": LOG},
        "unknown",
        {"/log": document([])},
        {"readings": {"log_lines": {"http": f"{HERE}/log"}}},
        phase="postlaunch",
    ),
    Row(
        NOTHING,
        "CI without a job",
        {"ci": CI},
        "unknown",
        {"check-runs": checks(), "/status": STATUSES},
        {"github": GITHUB},
    ),
    # Who does not answer is not left out.
    Row(
        SKIPPED_HOST,
        "one page of two is on a host that is down",
        {"pages": PAGES_PUBLISHED},
        "unknown",
        {"/one": whole(200, "<title>One</title>One", {"Content-Type": "text/html"})},
        {"documentation": {"One": f"{HERE}/one", "Two": f"{DOWN}/two"}},
        phase="ga",
    ),
    Row(SKIPPED_HOST, "the target itself is down", {"healthy": HEALTHY}, "fail", environment={"target": {"url": DOWN}}),
    # What is still awaited has not happened.
    Row(
        AWAITED,
        "a job of CI is queued",
        {"ci": CI},
        "unknown",
        {"check-runs": checks(("test", "queued", None), ("lint", "completed", "success")), "/status": STATUSES},
        {"github": GITHUB},
        message="still running",
    ),
    Row(
        AWAITED,
        "a status is pending",
        {"ci": CI},
        "unknown",
        {
            "check-runs": checks(("test", "completed", "success")),
            "/status": document(
                {"sha": "a" * 40, "total_count": 1, "statuses": [{"context": "scan", "state": "pending"}]}
            ),
        },
        {"github": GITHUB},
    ),
    Row(AWAITED, "no drill and no rehearsal was made", {"drill": DRILL, "load": REHEARSAL}, "unknown, unknown"),
    # Evidence that says nothing.
    Row(
        EMPTY,
        "evidence that is {}",
        {"drill": DRILL, "load": REHEARSAL},
        "unknown, unknown",
        files={
            "reports/small/drills/20260101T000000Z-restore/evidence.json": "{}",
            "reports/small/rehearsals/20260101T000000Z-launch/evidence.json": "{}",
        },
    ),
    Row(
        EMPTY,
        "a file of attestations without one",
        {"attested": ATTESTED},
        "unknown",
        phase="ga",
        files={"small.attestations.yaml": "attestations: {}\n"},
    ),
    # What was skipped was not tested.
    Row(
        ALL_SKIPPED,
        "every job was skipped",
        {"ci": CI},
        "unknown",
        {
            "check-runs": checks(("test", "completed", "skipped"), ("lint", "completed", "neutral")),
            "/status": STATUSES,
        },
        {"github": GITHUB},
        message="skipped everything: lint, test",
    ),
    Row(
        ALL_SKIPPED,
        "the required job was skipped",
        {"ci": CI},
        "fail",
        {
            "check-runs": checks(("test", "completed", "skipped"), ("lint", "completed", "success")),
            "/status": STATUSES,
        },
        {"github": GITHUB},
        message="required jobs that have not run",
    ),
    Row(
        ALL_SKIPPED,
        "a job that is not required was skipped",
        {"ci": CI},
        "pass",
        {
            "check-runs": checks(("test", "completed", "success"), ("docs", "completed", "skipped")),
            "/status": STATUSES,
        },
        {"github": GITHUB},
    ),
    # A level that is missing is not one that is kept.
    Row(
        DROPPED,
        "one service level of two has no sample",
        {"rate": ERROR_RATE, "up": AVAILABILITY},
        "unknown, pass",
        {"query=failed": vector(), "query=count": vector(1000), "query=up": vector(1)},
        {"prometheus": {"url": HERE}, "service_levels": LEVELS},
        phase="ga",
    ),
    Row(
        DROPPED,
        "a share of nothing",
        {"rate": ERROR_RATE},
        "unknown",
        {"query=failed": vector(0), "query=count": vector(0)},
        {"prometheus": {"url": HERE}, "service_levels": LEVELS},
        phase="postlaunch",
    ),
    Row(
        DROPPED,
        "more failed than were counted",
        {"rate": ERROR_RATE},
        "unknown",
        {"query=failed": vector(5), "query=count": vector(1)},
        {"prometheus": {"url": HERE}, "service_levels": LEVELS},
        phase="postlaunch",
    ),
]
