"""The checks that can have nothing but what people wrote down, each with why no machine can see it.

In production a line of such a check is ticked only where somebody answers for the key (`declared`) or attests the line.
"""

from __future__ import annotations

from collections.abc import Mapping

_TELEPHONE = "that somebody can be reached by a way is known once somebody has tried it, and no machine may call them"
DECLARED_ALONE: Mapping[str, str] = {
    "team.vendor_contacts": f"a vendor's emergency contact stands in a contract: {_TELEPHONE}",
    "team.executive_contacts": f"executives are on no on-call schedule: {_TELEPHONE}",
    "team.role_contact": f"who has a role, such as the product manager, is the team's to say: {_TELEPHONE}",
    "team.database_specialist": f"who knows the database best is the team's to say: {_TELEPHONE}",
    "team.status_page_admin": f"status pages do not tell by an API who administers them: {_TELEPHONE}",
    "team.security_contact": f"who answers for security is the team's to say: {_TELEPHONE}",
    "team.runbook_reviewed": "that a person has read a document is known to that person alone",
    "team.credentials_verified": "whether a person can sign in is seen with their own secrets, which no machine has",
}
"""Check → the reason. Kept small by a test: what a machine can see does not stand here."""
