"""The links that people need in a hurry are on record, and lead somewhere."""

import pytest

from readiness import Limits, Measure
from readiness.observations.links import KeyLink


class Named(Limits):
    link: str  # as the environment calls it under links


@pytest.mark.preflight
@pytest.mark.postlaunch
def test_answers(key_link: KeyLink, limits: Named, measure: Measure) -> None:
    """The link is on record, and answers where it may be asked.

    Remedy: correct its address under links in the environment file.
    """
    measure(key_link.broken, f"{limits.link} is broken: {key_link.address}, {key_link.state}").is_(False)
