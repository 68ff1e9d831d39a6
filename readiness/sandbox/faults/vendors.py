"""What goes wrong at the vendors, as their status pages tell it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.sandbox.faults import fault, turning
from readiness.sandbox.vendors.status_pages import VENDORS

if TYPE_CHECKING:
    from readiness.sandbox.target import SandboxTarget

WORKS = "vendors.status_page_operational[{}]"
SUPABASE, CLERK = WORKS.format("agency/supabase-status:supabase"), WORKS.format("agency/clerk-status:clerk")
BEFORE_LAUNCH = {
    name: WORKS.format(f"launch400k/no-go-vendors:{name}")
    for name in ("supabase", "vercel", "openai", "stripe", "twilio", "sendgrid", "cloudflare")
}
EDGE = {name: WORKS.format(f"umbrella/vendor-status:{name}") for name in ("cloudflare", "clerk")}
AFTER_LAUNCH = WORKS.format("launch400k/vendor-outage")


@fault("preflight", "postlaunch", turns=turning("fail", SUPABASE, BEFORE_LAUNCH["supabase"], AFTER_LAUNCH))
def vendor_degraded_in_one_region(target: SandboxTarget) -> Iterator[None]:
    """The database vendor is degraded in one of its regions, which stand on its page under the same name."""
    site = target.channels.pages.sites["supabase"]
    site.turn("Database", "degraded_performance")
    yield
    site.turn("Database", "operational")


INCIDENTS = {
    "vercel": "Functions",
    "openai": "Chat Completions",
    "stripe": "API",
    "clerk": "Sign in",
    "twilio": "SMS",
    "sendgrid": "Mail Sending",
    "cloudflare": "D1",
}
OTHERS = tuple(BEFORE_LAUNCH[name] for name in INCIDENTS if name in BEFORE_LAUNCH)


@fault("preflight", turns=turning("fail", CLERK, *EDGE.values(), *OTHERS))
def vendors_have_incidents(target: SandboxTarget) -> Iterator[None]:
    """Seven vendors are looking into an incident; their components still say operational."""
    sites = target.channels.pages.sites
    for name, component in INCIDENTS.items():
        sites[name].incident("Elevated errors", 5.0, body=f"Requests to {component} fail.")
    yield
    for name in INCIDENTS:
        sites[name].incidents.clear()


@fault(
    "preflight",
    "postlaunch",
    turns=turning("unknown", SUPABASE, CLERK, *EDGE.values(), *BEFORE_LAUNCH.values(), AFTER_LAUNCH),
)
def vendors_status_pages_away(target: SandboxTarget) -> Iterator[None]:
    """The vendors' status pages answer 503: nobody knows how the vendors are."""
    target.channels.pages.away |= {*VENDORS}
    yield
    target.channels.pages.away.clear()
