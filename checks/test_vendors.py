"""The services that ours is built on work."""

import pytest

from readiness import Limits, Measure
from readiness.observations.vendors import VendorOutages


class OfVendor(Limits):
    vendor: str = ""  # as the environment calls it under status_pages; none: all of them


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_status_page_operational(vendor_outages: VendorOutages, limits: OfVendor, measure: Measure) -> None:
    """The vendor's status page shows no outage of what the service depends on.

    Remedy: follow the vendor's page; before the launch wait, after it switch to the fallback.
    """
    elsewhere = f", {len(vendor_outages.elsewhere)} elsewhere" if vendor_outages.elsewhere else ""
    whom = limits.vendor or f"{vendor_outages.vendors} vendors"
    measure(vendor_outages.outages, f"outages of {whom}{elsewhere}").is_none_of_them()
