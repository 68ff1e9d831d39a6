"""What goes wrong in the pipeline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget
    from readiness.sandbox.workers import PromotionWorker

RATE = "ingestion.error_rate_last_hour[{}]"
HOURLY, PAUSE = RATE.format("hourly-error-rate"), RATE.format("pause-recommended")
ROLLBACK, INCIDENT = RATE.format("rollback-recommended"), RATE.format("incident-queries")
STATUS = "ingestion.uploads_by_status[uploads-by-status]"
BACKLOG = ("ingestion.staging_backlog[staging-backlog]", "ingestion.staging_backlog[incident-queries]")
SLOW = "ingestion.no_slow_uploads[slow-uploads]"
STUCK = ("ingestion.no_stuck_uploads[stuck-uploads]", "ingestion.no_stuck_uploads[incident-queries]")
INTEGRITY = "ingestion.data_integrity[rollback-recommended]"
ACCEPTED = "ingestion.synthetic_upload_completes[test-upload]"
VERIFIED = "ingestion.synthetic_upload_completes[test-upload-verified]"
PROMOTED = ("ingestion.synthetic_rows_promoted[rows-promoted]", "ingestion.synthetic_rows_promoted[production-updated]")
COUNTED = "metrics.incrementing[metrics-incrementing]"
PAUSED = "ingestion.no_workspace_paused[no-workspace-paused]"
PLANTED = "planted"
FAILURE = "status, error_code, error_text, started_at, completed_at"
FAILED = "'failed', 'parse_error', 'unexpected end of file', now() - interval '1 minute', now()"


def _uploads(target: SandboxTarget, columns: str, values: str, count: int = 1) -> None:
    """Insert uploads that only the clean-up of the fault will touch again."""
    target.admin.rows(
        f"insert into data_uploads (workspace_id, platform, source, object_path, {columns})"  # noqa: S608  own words
        f" select 'ws_acme', 'meta', '{PLANTED}', '{PLANTED}', {values} from generate_series(1, {count})"
    )


def _mend(target: SandboxTarget) -> None:
    target.admin.rows("delete from data_uploads where source = %s", PLANTED)


def _failures(target: SandboxTarget, share: float) -> None:
    """Insert so many failed uploads that they make up the share of the last hour's."""
    now = target.admin.one(
        "select count(*) as uploads, count(*) filter (where status = 'failed') as failed from data_uploads"
        " where created_at > now() - interval '1 hour'"
    )
    missing = round((share * now["uploads"] - now["failed"]) / (1 - share))
    _uploads(target, FAILURE, FAILED, missing)


@fault("postlaunch", turns=turning("fail", HOURLY, INCIDENT))
def error_rate_7(target: SandboxTarget) -> Iterator[None]:
    """7 % of the last hour's uploads failed: an alert."""
    _failures(target, 0.07)
    yield
    _mend(target)


@fault("postlaunch", turns=turning("fail", HOURLY, INCIDENT, PAUSE))
def error_rate_15(target: SandboxTarget) -> Iterator[None]:
    """15 % of the last hour's uploads failed: page, and pause."""
    _failures(target, 0.15)
    yield
    _mend(target)


@fault("postlaunch", turns=turning("fail", HOURLY, INCIDENT, PAUSE, ROLLBACK))
def error_rate_25(target: SandboxTarget) -> Iterator[None]:
    """25 % of the last hour's uploads failed: roll back."""
    _failures(target, 0.25)
    yield
    _mend(target)


@contextmanager
def _earlier(target: SandboxTarget) -> Iterator[None]:
    """Put what was uploaded in the last hour before it."""
    shifted = target.admin.rows(
        "update data_uploads set created_at = created_at - interval '2 hours', started_at = started_at"
        " - interval '2 hours', completed_at = completed_at - interval '2 hours'"
        " where created_at > now() - interval '2 hours' returning id"
    )
    yield
    target.admin.rows(
        "update data_uploads set created_at = created_at + interval '2 hours', started_at = started_at"
        " + interval '2 hours', completed_at = completed_at + interval '2 hours' where id = any(%s)",
        [row["id"] for row in shifted],
    )


@fault("postlaunch", turns=turning("unknown", HOURLY, INCIDENT, PAUSE, ROLLBACK, STATUS, SLOW))
def no_uploads(target: SandboxTarget) -> Iterator[None]:
    """Nobody has uploaded anything for an hour."""
    with _earlier(target):
        yield


def _only_failures(target: SandboxTarget, count: int) -> Iterator[None]:
    """Leave so many uploads in the last hour, all of which failed, as in a phase with few users."""
    with _earlier(target):
        _uploads(target, FAILURE, FAILED, count)
        yield
        _mend(target)


@fault("postlaunch", turns=turning("unknown", HOURLY, INCIDENT, PAUSE, ROLLBACK))
def one_upload_and_it_failed(target: SandboxTarget) -> Iterator[None]:
    """The last hour's one upload failed: that is neither a rate nor a reason to roll back."""
    yield from _only_failures(target, 1)


@fault("postlaunch", turns=turning("fail", HOURLY, INCIDENT, PAUSE, ROLLBACK))
def five_uploads_and_all_failed(target: SandboxTarget) -> Iterator[None]:
    """The last hour's five uploads failed: had sixteen more succeeded, more than 20 % failed."""
    yield from _only_failures(target, 5)


@fault("postlaunch", turns={STATUS: "fail"})
def status_unknown(target: SandboxTarget) -> Iterator[None]:
    """An upload has a status that no worker knows."""
    _uploads(target, "status", "'quarantined'")
    yield
    _mend(target)


@fault("postlaunch", turns=turning("fail", *BACKLOG))
def staging_backlog_grown(target: SandboxTarget) -> Iterator[None]:
    """Staging holds ten thousand rows."""
    target.admin.rows(
        "insert into staging_rows (upload_id, workspace_id, row_number, payload, validation_status)"
        " select '00000000-0000-0000-0000-000000000000', 'ws_acme', n, '{}', 'invalid' from generate_series(1, 10000) n"
    )
    yield
    target.admin.rows("delete from staging_rows where upload_id = '00000000-0000-0000-0000-000000000000'")


@fault("postlaunch", turns={SLOW: "fail"})
def slow_upload(target: SandboxTarget) -> Iterator[None]:
    """An upload took six minutes."""
    _uploads(
        target, "status, row_count, started_at, completed_at", "'completed', 0, now() - interval '6 minutes', now()"
    )
    yield
    _mend(target)


@fault("postlaunch", turns=turning("fail", *STUCK, SLOW))
def stuck_upload(target: SandboxTarget) -> Iterator[None]:
    """An upload has been promoting for three quarters of an hour, and nothing says when it was taken up."""
    _uploads(target, "status, created_at", "'promoting', now() - interval '45 minutes'")
    yield
    _mend(target)


@fault("postlaunch", turns={INTEGRITY: "fail"})
def rows_lost(target: SandboxTarget) -> Iterator[None]:
    """A completed upload counts three rows, and production holds none of them."""
    values = "'completed', 3, now() - interval '1 minute', now()"
    _uploads(target, "status, row_count, started_at, completed_at", values)
    yield
    _mend(target)


@fault("postlaunch", turns={INTEGRITY: "fail"})
def rows_orphaned(target: SandboxTarget) -> Iterator[None]:
    """Production holds a row that belongs to no upload."""
    target.admin.rows(
        "insert into campaign_metrics (upload_id, workspace_id, platform, day, campaign, impressions, clicks, spend)"
        " values ('00000000-0000-0000-0000-000000000000', 'ws_acme', 'meta', '2026-01-01', 'orphan', 1, 1, 1)"
    )
    yield
    target.admin.rows("delete from campaign_metrics where upload_id = '00000000-0000-0000-0000-000000000000'")


@fault("smoke", "postlaunch", turns={PAUSED: "fail"})
def workspace_paused(target: SandboxTarget) -> Iterator[None]:
    """One customer's ingestion is paused."""
    target.admin.rows("update workspace_settings set ingestion_paused = true where workspace_id = 'ws_acme'")
    yield
    target.admin.rows("update workspace_settings set ingestion_paused = false where workspace_id = 'ws_acme'")


@fault("smoke", turns=turning("fail", ACCEPTED, VERIFIED, *PROMOTED, COUNTED))
def promotion_stalled(target: SandboxTarget) -> Iterator[None]:
    """PromotionWorker beats and does nothing: uploads never end."""
    worker = target.workers["PromotionWorker"]
    worker.works = False
    yield
    worker.works = True


@fault("smoke", turns=turning("fail", *PROMOTED))
def promotion_loses_a_row(target: SandboxTarget) -> Iterator[None]:
    """The promotion counts a row that it does not write."""
    worker = cast("PromotionWorker", target.workers["PromotionWorker"])
    worker.loses_a_row = True
    yield
    worker.loses_a_row = False


@fault("smoke", turns=turning("unknown", ACCEPTED, VERIFIED, *PROMOTED, COUNTED))
def upload_denied(target: SandboxTarget) -> Iterator[None]:
    """The token of the test workspace has been revoked."""
    tokens, target.service.tokens = target.service.tokens, {}
    yield
    target.service.tokens = tokens
