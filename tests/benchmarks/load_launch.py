"""The launch stage at full length, 2,000 users for 15 minutes, against a local server; plain, or with `tls`.

python tests/benchmarks/load_launch.py [tls]
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from loadtests.truth import Law
from readiness.rehearsal.stages import STAGES
from readiness.rehearsal.verdict import Conclusion
from tests.benchmarks.load_truth import missed, rehearse, tell

if __name__ == "__main__":
    stage = STAGES["launch"].model_dump(mode="json")
    finding = rehearse(Law(0.2, 0.8), stage, tls="tls" in sys.argv)
    near = abs(finding.error(finding.evidence.kernel)) <= 0.01
    tell("launch", finding, ok=near and finding.judgement.word is Conclusion.PASS)
    sys.exit(bool(missed))
