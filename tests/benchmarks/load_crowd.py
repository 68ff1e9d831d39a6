"""20,000 users who think 5 to 10 s between two requests, from two processes: is the p95 that of the server?

    python tests/benchmarks/load_crowd.py [USERS]

One line, as `load_truth` has them. Needs two free processors, 20,000 free ports and as many open files; three minutes.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from loadtests.truth import Law
from tests.benchmarks.load_truth import BARS_MISSED, missed, rehearse, tell

USERS = 20_000
FILES_BESIDE = 200
"""What a process has open besides the connections of the users."""
LACKS_A_TOOL = 77
STAGE = {
    "hold_minutes": 0.5,
    "think_seconds": [5, 10],
    "users_per_second": 400,
    "settle_seconds": 15,
    "drain_seconds": 30,
}


def may_open(files: int) -> bool:
    """Raise how many files this process, and all that it starts, may have open; return whether that was allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= files:
        return True
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, max(hard, files)))
    except (ValueError, OSError):  # only who has the power for it may go beyond the limit of this machine
        return False
    return True


def main() -> int:
    """Rehearse once, and print the line."""
    users = int(sys.argv[1]) if len(sys.argv) > 1 else USERS
    # The server has them all in one process.
    if not may_open(users + FILES_BESIDE):
        print(f"this machine lets no process open {users + FILES_BESIDE} files: not tried")
        return LACKS_A_TOOL
    finding = rehearse(Law(0.2, 0.8), {"users": users, **STAGE}, "--processes", "2")
    near = abs(finding.error(finding.evidence.kernel)) <= 0.01
    everybody = finding.evidence.connections.opened >= users
    tell(f"{users} users", finding, ok=near and everybody)
    return BARS_MISSED if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
