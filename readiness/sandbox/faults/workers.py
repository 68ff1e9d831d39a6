"""What stops the workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.faults.health import EMITTING
from readiness.sandbox.faults.release import OF_THIS_REVISION

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

RESPONSIVE = "workers.responsive[workers-responsive:{}]"
ALL_RESPONSIVE = [RESPONSIVE.format(name) for name in ("IntakeWorker", "ParseWorker", "PromotionWorker")]
HEARTBEATS = "workers.heartbeats_fresh[heartbeats]"
CRON = "workers.cron_scheduled[cleanup-scheduled:CleanupWorker]"
NIGHTLY = "workers.cron_scheduled[umbrella/cron-configured]"


def _silence(target: SandboxTarget, worker: str) -> None:
    target.admin.rows("update worker_heartbeats set beat_at = now() - interval '10 minutes' where worker = %s", worker)


@fault("preflight", turns={RESPONSIVE.format("ParseWorker"): "fail", HEARTBEATS: "fail"})
def worker_hung(target: SandboxTarget) -> Iterator[None]:
    """ParseWorker hangs: it answers nobody and no longer beats."""
    worker = target.workers["ParseWorker"]
    worker.awake.clear()
    worker.responds(1.0)  # until it hangs for certain
    _silence(target, "ParseWorker")
    yield
    worker.awake.set()
    worker.responds(1.0)
    worker.beat()


@fault("preflight", "postlaunch", turns={HEARTBEATS: "fail"})
def heartbeat_stale(target: SandboxTarget) -> Iterator[None]:
    """CleanupWorker answers, and its heartbeat is not written any more."""
    worker = target.workers["CleanupWorker"]
    worker.beats = False
    worker.responds(1.0)
    _silence(target, "CleanupWorker")
    yield
    worker.beat()
    worker.beats = True


@fault("preflight", turns={CRON: "fail"})
def cron_inactive(target: SandboxTarget) -> Iterator[None]:
    """The cron job of CleanupWorker is switched off."""
    target.admin.rows("update cron.job set active = false where jobname = 'CleanupWorker'")
    yield
    target.admin.rows("update cron.job set active = true where jobname = 'CleanupWorker'")


@fault("preflight", turns={NIGHTLY: "fail"})
def nightly_job_unscheduled(target: SandboxTarget) -> Iterator[None]:
    """Somebody unscheduled the job of midnight, and nothing else has its time."""
    job = target.admin.one("delete from cron.job where schedule = '0 0 * * *' returning *")
    yield
    target.admin.rows(
        "insert into cron.job (jobid, schedule, command, jobname, active) overriding system value"
        " values (%s, %s, %s, %s, %s)",
        *(job[column] for column in ("jobid", "schedule", "command", "jobname", "active")),
    )


@fault(
    *("preflight", "smoke", "postlaunch"),
    turns=turning("fail", "health.live[health-200]", "health.ready[ready-200]")
    | turning("unknown", *ALL_RESPONSIVE, *EMITTING)
    | turning("fail", "ingestion.synthetic_upload_completes[test-upload]")
    | turning("fail", "ingestion.synthetic_upload_completes[test-upload-verified]")
    | turning("fail", "ingestion.synthetic_rows_promoted[rows-promoted]")
    | turning("fail", "ingestion.synthetic_rows_promoted[production-updated]")
    | turning("unknown", "metrics.incrementing[metrics-incrementing]", *OF_THIS_REVISION),
)
def service_refuses(target: SandboxTarget) -> Iterator[None]:
    """The service's port refuses connections; its workers go on."""
    target.service_web.stop()
    yield
    target.service_web.restart()


BACKLOG = "workers.backlog_normal[playbook/job-health:{}]"
BACKLOGS = [BACKLOG.format(job) for job in ("geo_enrichment", "aggregation", "exports")]
CRON_RAN = "workers.cron_ran[umbrella/cron-ran]"


@fault("postlaunch", turns={BACKLOG.format("aggregation"): "fail"})
def backlog_spike(target: SandboxTarget) -> Iterator[None]:
    """In one queue 900 jobs wait; 12 are usual."""
    usual = target.front.backlog["aggregation"]
    target.front.backlog["aggregation"] = 900.0
    target.monitoring.settle()
    yield
    target.front.backlog["aggregation"] = usual
    target.monitoring.settle()


@fault("postlaunch", turns=turning("unknown", *BACKLOGS))
def backlog_not_a_number(target: SandboxTarget) -> Iterator[None]:
    """The depth of the queues is NaN."""
    target.front.not_a_number.add("jobs_waiting")
    target.monitoring.settle()
    yield
    target.front.not_a_number.discard("jobs_waiting")
    target.monitoring.settle()


@fault("postlaunch", turns={CRON_RAN: "fail"})
def cron_missed(target: SandboxTarget) -> Iterator[None]:
    """The nightly job last succeeded thirty hours ago."""
    target.front.cron_age = 30 * 3600.0
    target.monitoring.settle()
    yield
    target.front.cron_age = None
    target.monitoring.settle()


@fault("postlaunch", turns={CRON_RAN: "unknown"})
def cron_never_heard_of(target: SandboxTarget) -> Iterator[None]:
    """Nothing tells when the nightly job succeeded."""
    target.front.hidden.add("cron_last_success_timestamp_seconds")
    target.monitoring.settle()
    yield
    target.front.hidden.discard("cron_last_success_timestamp_seconds")
    target.monitoring.settle()
