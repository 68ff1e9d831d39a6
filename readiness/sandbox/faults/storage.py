"""What breaks the object store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.faults.health import OTHERS_READY, READY

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

ACCESSIBLE = "storage.bucket_accessible[bucket-accessible]"
OF_400K = "storage.bucket_accessible[launch400k/r2-storage]"
PERMITTED = "storage.upload_permitted[upload-permission]"
RETENTION = "storage.retention_policy[retention-policy]"


@fault("preflight", turns={ACCESSIBLE: "fail", OF_400K: "fail", PERMITTED: "unknown"})
def bucket_missing(target: SandboxTarget) -> Iterator[None]:
    """The bucket does not exist."""
    bucket = target.store.folder / "uploads"
    aside = bucket.rename(bucket.with_name("aside"))
    yield
    aside.rename(bucket)


@fault("preflight", turns={PERMITTED: "fail"})
def upload_forbidden(target: SandboxTarget) -> Iterator[None]:
    """The service's credential may read, and not upload."""
    target.store.may_upload = False
    yield
    target.store.may_upload = True


@fault("preflight", turns={RETENTION: "fail"})
def retention_unset(target: SandboxTarget) -> Iterator[None]:
    """No rule says how long objects are kept."""
    target.admin.rows("delete from storage_retention")
    yield
    target.admin.rows("insert into storage_retention values ('uploads', 30)")


@fault("preflight", turns={RETENTION: "unknown"})
def retention_hidden(target: SandboxTarget) -> Iterator[None]:
    """The table of the rules has another name than the environment says."""
    target.admin.rows("alter table storage_retention rename to retention_rules")
    yield
    target.admin.rows("alter table retention_rules rename to storage_retention")


@fault(
    "preflight",
    turns=turning("unknown", ACCESSIBLE, OF_400K, PERMITTED) | turning("fail", READY, *OTHERS_READY),
)
def storage_gone(target: SandboxTarget) -> Iterator[None]:
    """The object store refuses connections; the service says that it is not ready."""
    target.storage_web.stop()
    yield
    target.storage_web.restart()
