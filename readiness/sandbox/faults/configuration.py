"""What people get wrong when they configure the deployment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

BEFORE = "configuration.kill_switch_position[ingestion-off-before-launch]"
AFTER = "configuration.kill_switch_position[ingestion-enabled]"
DATABASE_URL = "configuration.required_variables[urls-set:DATABASE_URL]"
STORAGE_URL = "configuration.required_variables[urls-set:STORAGE_URL]"
PLACEHOLDER = "configuration.no_placeholder_secrets[no-placeholder-secrets]"
VARIABLES_OF_THE_ENVIRONMENT = [
    f"configuration.required_variables[launch400k/environment-variables:{name}]"
    for name in ("DATABASE_URL", "STORAGE_URL")
]
"""What the environment states for a line that leaves it to the product."""
SSO_SECRET = "configuration.required_variables[playbook/sso-secrets]"  # noqa: S105  the name of a line
VENDOR_SECRETS = (
    *(
        f"configuration.required_variables[agency/webhook-secret:{name}_WEBHOOK_SECRET]"
        for name in ("STRIPE", "CALCOM")
    ),
    "configuration.required_variables[playbook/billing-secrets:STRIPE_WEBHOOK_SECRET]",
    "configuration.required_variables[playbook/zero-trust-secret:ZERO_TRUST_API_KEY]",
    "configuration.required_variables[umbrella/clerk-variables:CLERK_WEBHOOK_SECRET]",
)
CORE_SECRETS = (
    "configuration.required_variables[playbook/core-secrets:INTEGRATION_ENCRYPTION_KEY]",
    "configuration.no_placeholder_secrets[playbook/core-secrets]",
)
OF_OTHER_PRODUCTS = (
    *(*VENDOR_SECRETS, *CORE_SECRETS, *VARIABLES_OF_THE_ENVIRONMENT, SSO_SECRET),
    *(f"configuration.required_variables[playbook/core-secrets:{name}]" for name in ("SECRET_KEY", "DATABASE_URL")),
    "configuration.required_variables[playbook/billing-secrets:STRIPE_SECRET_KEY]",
    *(
        f"configuration.required_variables[umbrella/clerk-variables:CLERK_{name}]"
        for name in ("PUBLISHABLE_KEY", "SECRET_KEY")
    ),
)
"""What the other documents name, which cannot be read either."""
SYNTHETIC = (
    "ingestion.synthetic_upload_completes[test-upload]",
    "ingestion.synthetic_upload_completes[test-upload-verified]",
    "ingestion.synthetic_rows_promoted[rows-promoted]",
    "ingestion.synthetic_rows_promoted[production-updated]",
    "metrics.incrementing[metrics-incrementing]",
)


@fault("preflight", turns={BEFORE: "fail"})
def enabled_too_early(target: SandboxTarget) -> Iterator[None]:
    """INGESTION_ENABLED is true before the launch."""
    target.configuration.change(INGESTION_ENABLED="true")
    yield
    target.configuration.change(INGESTION_ENABLED="false")


@fault("smoke", turns={AFTER: "fail"} | turning("fail", *SYNTHETIC))
def still_disabled(target: SandboxTarget) -> Iterator[None]:
    """INGESTION_ENABLED is still false after the launch."""
    target.configuration.change(INGESTION_ENABLED="false")
    yield
    target.configuration.change(INGESTION_ENABLED="true")


@fault("preflight", turns=turning("fail", STORAGE_URL, VARIABLES_OF_THE_ENVIRONMENT[1]))
def storage_url_unset(target: SandboxTarget) -> Iterator[None]:
    """STORAGE_URL is missing from the deployed variables."""
    stored = target.configuration.stored()
    target.configuration.change(STORAGE_URL=None)
    yield
    target.configuration.write(stored)


@fault("preflight", turns={SSO_SECRET: "fail"})
def sso_secret_unset(target: SandboxTarget) -> Iterator[None]:
    """The secret of single sign-on is missing from the deployed variables."""
    stored = target.configuration.stored()
    target.configuration.change(SSO_CLIENT_SECRET=None)
    yield
    target.configuration.write(stored)


@fault("preflight", turns={PLACEHOLDER: "fail"})
def placeholder_secret(target: SandboxTarget) -> Iterator[None]:
    """Nobody has filled in the webhook's secret."""
    secret = target.configuration.stored()["WEBHOOK_SECRET"]
    target.configuration.change(WEBHOOK_SECRET="changeme")  # noqa: S106  that is the fault
    yield
    target.configuration.change(WEBHOOK_SECRET=secret)


@fault("preflight", turns=turning("fail", *VENDOR_SECRETS))
def vendor_secrets_unset(target: SandboxTarget) -> Iterator[None]:
    """The secrets that vendors gave for production were never entered there."""
    stored = target.configuration.stored()
    names = ("STRIPE_WEBHOOK_SECRET", "CALCOM_WEBHOOK_SECRET", "CLERK_WEBHOOK_SECRET", "ZERO_TRUST_API_KEY")
    target.configuration.change(**dict.fromkeys(names))
    yield
    target.configuration.write(stored)


@fault("preflight", turns=turning("fail", *CORE_SECRETS))
def encryption_key_unset(target: SandboxTarget) -> Iterator[None]:
    """The key that integrations are encrypted with was never set, so there is nothing to examine either."""
    stored = target.configuration.stored()
    target.configuration.change(INTEGRATION_ENCRYPTION_KEY=None)
    yield
    target.configuration.write(stored)


@fault("preflight", turns=turning("fail", CORE_SECRETS[1], PLACEHOLDER))
def secret_key_still_the_example(target: SandboxTarget) -> Iterator[None]:
    """SECRET_KEY still says CHANGE_ME, as the example does."""
    stored = target.configuration.stored()
    target.configuration.change(SECRET_KEY="CHANGE_ME")  # noqa: S106  that is the fault
    yield
    target.configuration.write(stored)


@fault(
    *("preflight", "smoke"),
    turns=turning("unknown", BEFORE, AFTER, DATABASE_URL, STORAGE_URL, PLACEHOLDER, *OF_OTHER_PRODUCTS),
)
def configuration_unreadable(target: SandboxTarget) -> Iterator[None]:
    """The deployed configuration cannot be read any more; the service goes on with what it has loaded."""
    target.configuration.enabled  # noqa: B018  loads it, should nothing have asked yet
    aside = target.configuration.path.rename(target.configuration.path.with_suffix(".aside"))
    yield
    aside.rename(target.configuration.path)
