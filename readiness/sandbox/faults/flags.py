"""What opens a feature to those it is not meant for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

CONFIGURED = "flags.configured[flag-configured]"
STAGE = "flags.fits_stage[flag-fits-stage]"
INTERNAL = ("flags.allowlist_internal_only[flag-internal-only]", "flags.allowlist_internal_only[flag-p0]")


@fault("preflight", turns={CONFIGURED: "fail"} | turning("unknown", *INTERNAL))
def flag_missing(target: SandboxTarget) -> Iterator[None]:
    """The flag does not exist under its name."""
    target.admin.rows("update feature_flags set name = 'ingestion_v3_enabled' where name = 'ingestion_v2_enabled'")
    yield
    target.admin.rows("update feature_flags set name = 'ingestion_v2_enabled' where name = 'ingestion_v3_enabled'")


@fault("preflight", "smoke", "postlaunch", turns=turning("fail", *INTERNAL, STAGE))
def flag_allowlist_leaks(target: SandboxTarget) -> Iterator[None]:
    """A customer stands on the allowlist."""
    target.admin.rows("update feature_flags set allowlist = '{ws_internal,ws_acme}'")
    yield
    target.admin.rows("update feature_flags set allowlist = '{ws_internal}'")


@fault("preflight", turns=turning("fail", *INTERNAL))
def flag_on_for_all(target: SandboxTarget) -> Iterator[None]:
    """The flag is on by default."""
    target.admin.rows("update feature_flags set enabled = true")
    yield
    target.admin.rows("update feature_flags set enabled = false")


@fault("preflight", turns=turning("fail", *INTERNAL))
def flag_share_raised(target: SandboxTarget) -> Iterator[None]:
    """The roll-out has begun: a tenth of all get the feature."""
    target.admin.rows("update feature_flags set rollout_share = 0.1")
    yield
    target.admin.rows("update feature_flags set rollout_share = 0")


@fault("postlaunch", turns={STAGE: "unknown"})
def flag_with_another_rule(target: SandboxTarget) -> Iterator[None]:
    """The roll-out says 140 where a share from 0 to 1 is wanted: nobody knows whom it lets in."""
    target.admin.rows("update feature_flags set rollout_share = 140")
    yield
    target.admin.rows("update feature_flags set rollout_share = 0")
