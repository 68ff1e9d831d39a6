"""The four workers: intake, parse, promotion and the scheduled cleanup. Each beats, and echoes when it is asked."""

from __future__ import annotations

import json
import queue
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx
import psycopg

from readiness.sandbox.breakers import Breakers
from readiness.sandbox.configuration import Configuration
from readiness.sandbox.database import Database, Row
from readiness.sandbox.log import Log
from readiness.sandbox.rows import fault_of, read_rows
from readiness.sandbox.storage import BUCKET, ObjectStore
from readiness.sandbox.telemetry import Telemetry

TICK_SECONDS = 0.05
TURN_SECONDS = 0.1
"""Each turn asks the database: more often costs more than all the rest of a sandbox that nobody uses."""
BEAT_SECONDS = 1.0
REST_SECONDS = 0.5
STAGING_KEPT = timedelta(hours=6)


class BadFile(Exception):
    """An upload that cannot be ingested; code and message go onto it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Plant:
    """What the workers share."""

    database: Database
    configuration: Configuration
    breakers: Breakers
    telemetry: Telemetry
    log: Log
    store: ObjectStore
    http: httpx.Client

    def object_url(self, path: str) -> str:
        """Return the address of a stored object."""
        return f"{self.configuration.get('STORAGE_URL')}/object/{BUCKET}/{path}"

    def headers(self) -> dict[str, str]:
        """Return the service's own credential."""
        return {"Authorization": f"Bearer {self.configuration.get('STORAGE_KEY')}"}

    def end(self, upload: Row, status: str, **fields: Any) -> None:
        """Bring an upload to its end: in the table, in the metrics and in the log."""
        ended = self.database.rows(
            "update data_uploads set status = %s, completed_at = now(), row_count = %s, error_code = %s,"
            " error_text = %s where id = %s"
            " returning extract(epoch from completed_at - created_at)::float as seconds",
            *(status, fields.get("rows"), fields.get("code"), fields.get("message"), upload["id"]),
        )
        level = "info" if status == "completed" else "error"
        for done in ended:  # none, when the upload was deleted meanwhile
            self.telemetry.ended(status, done["seconds"], fields.get("code"))
            milliseconds = round(done["seconds"] * 1000)
            self.log.write(f"ingestion.{status}", level, upload=upload["id"], duration_ms=milliseconds, **fields)


class Worker(threading.Thread, ABC):
    """A thread that takes turns: answer, beat, work."""

    turn_seconds: ClassVar[float] = TURN_SECONDS

    def __init__(self, plant: Plant) -> None:
        super().__init__(name=type(self).__name__, daemon=True)
        self.plant = plant
        self.awake = threading.Event()
        """Cleared: it hangs, and answers nobody."""
        self.beats = True
        self.works = True
        self._held: Row | None = None
        """The upload that it has taken; an outage in between does not lose it."""
        self._stop_wanted = threading.Event()
        self._asked: queue.SimpleQueue[threading.Event] = queue.SimpleQueue()
        self.awake.set()

    def responds(self, seconds: float) -> bool:
        """Ask the worker to echo."""
        echo = threading.Event()
        self._asked.put(echo)
        return echo.wait(seconds)

    def end(self) -> None:
        """Ask the worker to stop."""
        self._stop_wanted.set()
        self.awake.set()

    def run(self) -> None:
        """Take turns until told to stop; an outage of the database only costs turns."""
        beaten = worked = rests_until = 0.0
        while not self._stop_wanted.wait(TICK_SECONDS):
            self.awake.wait()
            while not self._asked.empty():
                self._asked.get().set()
            if time.monotonic() < rests_until:
                continue
            try:
                if self.beats and time.monotonic() - beaten > BEAT_SECONDS:
                    self.beat()
                    beaten = time.monotonic()
                if self.works and time.monotonic() - worked > self.turn_seconds:
                    self.turn()
                    worked = time.monotonic()
            except psycopg.Error as error:
                self.plant.log.write("database.unreachable", "warning", worker=self.name, reason=type(error).__name__)
                rests_until = time.monotonic() + REST_SECONDS

    def beat(self) -> None:
        """Record a heartbeat."""
        self.plant.database.rows(
            "insert into worker_heartbeats values (%s, 'running', now())"
            " on conflict (worker) do update set status = 'running', beat_at = now()",
            self.name,
        )

    @abstractmethod
    def turn(self) -> None:
        """Do one piece of work, if there is any."""


class IntakeWorker(Worker):
    """Fetches the file of a new upload and stages its rows."""

    def turn(self) -> None:
        """Take one pending upload."""
        if self._held is None and self.plant.configuration.enabled and self.plant.breakers.allows("storage"):
            self._held = self._take()
        if self._held is None:
            return
        try:
            self._stage(self._held, self._fetch(self._held))
        except BadFile as error:
            self.plant.end(self._held, "failed", code=error.code, message=str(error))
        self._held = None

    def _take(self) -> Row | None:
        taken = self.plant.database.rows(
            "update data_uploads set status = 'processing', started_at = now() where id = ("
            " select u.id from data_uploads u left join workspace_settings s using (workspace_id)"
            " where u.status = 'pending' and not coalesce(s.ingestion_paused, false)"
            " order by u.created_at limit 1 for update of u skip locked) returning *"
        )
        for upload in taken:
            self.plant.log.write("state_change", upload=upload["id"], to_state="processing")
        return taken[0] if taken else None

    def _fetch(self, upload: Row) -> bytes:
        try:
            answer = self.plant.http.get(self.plant.object_url(upload["object_path"]), headers=self.plant.headers())
            answer.raise_for_status()
        except httpx.HTTPError as error:
            self.plant.breakers.failed("storage")
            raise BadFile("storage_unavailable", f"the file cannot be fetched: {type(error).__name__}") from None
        self.plant.breakers.succeeded("storage")
        return answer.content

    def _stage(self, upload: Row, content: bytes) -> None:
        try:
            rows = [json.dumps(row) for row in read_rows(content)]
        except ValueError as error:
            raise BadFile("invalid_csv", str(error)) from None
        if not rows:
            raise BadFile("empty_file", "the file has no rows")
        self.plant.database.rows(  # joined, so that an upload deleted meanwhile leaves no row behind
            "insert into staging_rows (upload_id, workspace_id, row_number, payload)"
            " select u.id, u.workspace_id, n, payload::jsonb"
            " from data_uploads u, unnest(%s::text[]) with ordinality as rows (payload, n) where u.id = %s",
            *(rows, upload["id"]),
        )


class ParseWorker(Worker):
    """Validates the staged rows, one by one."""

    def turn(self) -> None:
        """Validate a batch."""
        batch = self.plant.database.rows(
            "select id, payload from staging_rows where validation_status = 'pending' order by id limit 500"
        )
        if not batch:
            return
        faults = [fault_of(row["payload"]) for row in batch]
        self.plant.database.rows(
            "update staging_rows s set validation_error = nullif(found.fault, ''),"
            " validation_status = case found.fault when '' then 'valid' else 'invalid' end"
            " from unnest(%s::bigint[], %s::text[]) as found (id, fault) where s.id = found.id",
            *([row["id"] for row in batch], faults),
        )


class PromotionWorker(Worker):
    """Moves the valid rows of a fully validated upload into production, in one transaction."""

    loses_a_row = False

    def turn(self) -> None:
        """Promote one upload."""
        if self._held is None and self.plant.breakers.allows("promotion"):
            self._held = self._take()
        if self._held is None:
            return
        try:
            promoted = self._promote(self._held)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            self.plant.breakers.failed("promotion")
            self.plant.end(self._held, "failed", code="promotion_refused", message=str(error).partition("\n")[0])
        else:
            self.plant.breakers.succeeded("promotion")
            self._end(self._held, promoted)
        self._held = None

    def _take(self) -> Row | None:
        taken = self.plant.database.rows(
            "update data_uploads set status = 'promoting' where id = ("
            " select u.id from data_uploads u where u.status = 'processing'"
            " and exists (select from staging_rows s where s.upload_id = u.id)"
            " and not exists (select from staging_rows s where s.upload_id = u.id and s.validation_status = 'pending')"
            " order by u.started_at limit 1 for update of u skip locked) returning *"
        )
        for upload in taken:
            self.plant.log.write("state_change", upload=upload["id"], to_state="promoting")
        return taken[0] if taken else None

    def _end(self, upload: Row, promoted: int) -> None:
        if promoted:
            self.plant.end(upload, "completed", rows=promoted)
        else:
            self.plant.end(upload, "failed", code="no_valid_rows", message="no row of the file is valid")

    def _promote(self, upload: Row) -> int:
        with self.plant.database.connection().transaction():
            # Locked, so that a deletion comes before or after the promotion, and never leaves rows of no upload.
            self.plant.database.rows("select 1 from data_uploads where id = %s for update", upload["id"])
            self.plant.database.rows(
                "insert into campaign_metrics"
                " (upload_id, workspace_id, platform, day, campaign, impressions, clicks, spend)"
                " select upload_id, workspace_id, %s, (payload->>'day')::date, payload->>'campaign',"
                " (payload->>'impressions')::int, (payload->>'clicks')::int, (payload->>'spend')::numeric"
                " from staging_rows where upload_id = %s and validation_status = 'valid' order by row_number offset %s",
                *(upload["platform"], upload["id"], int(self.loses_a_row)),
            )
            promoted = self.plant.database.rows(
                "update staging_rows set promoted_at = now() where upload_id = %s and validation_status = 'valid'"
                " returning id",
                upload["id"],
            )
        return len(promoted)


class CleanupWorker(Worker):
    """Runs when its cron job is due: prunes what was promoted, and what the retention no longer keeps."""

    turn_seconds: ClassVar[float] = 1.0  # a cron job is due once a minute at most

    def turn(self) -> None:
        """Run the job, if it is active and its minute has come."""
        jobs = self.plant.database.rows(
            "select j.jobid from cron.job j where j.jobname = %s and j.active and not exists"
            " (select from cron.job_run_details d where d.jobid = j.jobid and d.start_time > %s)",
            *(self.name, datetime.now(UTC).replace(second=0, microsecond=0)),
        )
        for job in jobs:
            self.plant.database.rows(
                "insert into cron.job_run_details (jobid, status, start_time) values (%s, 'running', now())",
                job["jobid"],
            )
            self._clean()
            self.plant.database.rows(
                "update cron.job_run_details set status = 'succeeded', end_time = now()"
                " where jobid = %s and status = 'running'",
                job["jobid"],
            )

    def _clean(self) -> None:
        self.plant.database.rows("delete from staging_rows where promoted_at < now() - %s::interval", STAGING_KEPT)
        for rule in self.plant.database.rows("select bucket, days from storage_retention"):
            self.plant.store.expire(rule["bucket"], rule["days"])


WORKERS: tuple[type[Worker], ...] = (IntakeWorker, ParseWorker, PromotionWorker, CleanupWorker)
