"""Uploads go in, come out complete, and do not pile up."""

import pytest

from readiness import Limits, Measure, Share
from readiness.observations.ingestion import Minimum, SlowestUpload, UploadOutcomes, UploadTrace


class NoWorkspacePaused(Limits):
    rows_at_most: int


class ErrorRateLastHour(Limits):
    share_below: Share
    uploads_at_least: Minimum


class StagingBacklog(Limits):
    rows_below: int


class NoSlowUploads(Limits):
    seconds_below: float


class NoStuckUploads(Limits):
    minutes_below: float


@pytest.mark.smoke
@pytest.mark.postlaunch
def test_no_workspace_paused(paused_workspaces: list[str], limits: NoWorkspacePaused, measure: Measure) -> None:
    """No workspace has ingestion paused.

    Remedy: ask who paused it and why; then set ingestion_paused to false.
    """
    names = ", ".join(paused_workspaces)
    measure(len(paused_workspaces), f"paused workspaces {names}").at_most(limits.rows_at_most)


@pytest.mark.smoke
@pytest.mark.effect("write")
def test_synthetic_upload_completes(synthetic_upload: UploadTrace, measure: Measure) -> None:
    """A synthetic file is accepted, and completed with rows.

    Remedy: look at the upload in data_uploads: its status names the worker that holds it.
    """
    measure(synthetic_upload.answered, "status of the upload request").below(300)
    measure(synthetic_upload.status, "status of the upload").is_("completed")
    measure(synthetic_upload.row_count, "rows of the upload").at_least(1)


@pytest.mark.smoke
@pytest.mark.effect("write")
def test_synthetic_rows_promoted(synthetic_upload: UploadTrace, production_rows_query: str, measure: Measure) -> None:
    """The file's rows were staged, and production holds as many as the upload counted.

    Remedy: compare staging_rows with the production table for the newest upload of the test workspace.
    """
    measure(synthetic_upload.staged_rows, "rows staged").at_least(1)
    measure(synthetic_upload.row_count, "rows promoted").at_least(1)
    counted = f"rows in production, by {production_rows_query}"
    measure(synthetic_upload.production_rows, counted).is_(synthetic_upload.row_count)


@pytest.mark.postlaunch
def test_error_rate_last_hour(upload_outcomes: UploadOutcomes, limits: ErrorRateLastHour, measure: Measure) -> None:
    """The share of the last hour's uploads that failed is low.

    Of a few uploads a share says little: one failure of one is no roll-back. What decides is how many have failed of
    `uploads_at_least`, had all that are missing succeeded: no more than a lower bound, which can break the limit and a
    step, and keeps neither. Where that breaks nothing, it is unknown.

    Remedy: read the recent failures and the distribution of errors that are attached.
    """
    uploads = upload_outcomes.counted
    share = uploads.share(limits.share_below, limits.uploads_at_least)
    name = f"share failed of {uploads.basis(limits.share_below, limits.uploads_at_least)}"
    measure(share, name).below(limits.share_below)


@pytest.mark.postlaunch
def test_uploads_by_status(upload_outcomes: UploadOutcomes, measure: Measure) -> None:
    """The last hour's uploads are on record, each with a status that the service knows.

    Remedy: look for the code that wrote the status; the workers do not pick it up.
    """
    measure(upload_outcomes.unknown_statuses, "unknown statuses").is_none_of_them()
    measure(upload_outcomes.total, "uploads on record").at_least(1)


@pytest.mark.postlaunch
def test_staging_backlog(staged_rows: float, limits: StagingBacklog, measure: Measure) -> None:
    """Staging does not pile up.

    Remedy: is PromotionWorker alive? Then is CleanupWorker scheduled?
    """
    measure(staged_rows, "rows in staging").below(limits.rows_below)


@pytest.mark.postlaunch
def test_no_slow_uploads(slowest_upload: SlowestUpload, limits: NoSlowUploads, measure: Measure) -> None:
    """No upload took long.

    Remedy: look at the slowest uploads' row counts, and at the database's slow queries of that time.
    """
    measure(slowest_upload.seconds, "slowest upload of the last hour", "s").below(limits.seconds_below)


@pytest.mark.postlaunch
def test_no_stuck_uploads(longest_in_flight_minutes: float, limits: NoStuckUploads, measure: Measure) -> None:
    """No upload is stuck on its way.

    Remedy: restart the worker that holds the stuck uploads; they are attached.
    """
    measure(longest_in_flight_minutes, "longest upload in flight", "min").below(limits.minutes_below)


@pytest.mark.postlaunch
def test_data_integrity(uploads_that_lost_rows: float, orphaned_rows: float, measure: Measure) -> None:
    """Production holds exactly the rows that the uploads counted.

    Remedy: stop ingestion first; then roll back and promote the affected uploads again.
    """
    measure(uploads_that_lost_rows, "uploads whose rows do not add up").at_most(0)
    measure(orphaned_rows, "rows that belong to no upload").at_most(0)
