"""A small service in a process of its own, which a benchmark stops, hangs, slows and breaks.

    python tests/benchmarks/small_service.py ADDRESS PORT [STATUS] [SECONDS]

It answers every path with the status (200), after so many seconds (0). It imports nothing of the suite.
"""

from __future__ import annotations

import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STATUS = int(sys.argv[3]) if len(sys.argv) > 3 else 200
SECONDS = float(sys.argv[4]) if len(sys.argv) > 4 else 0.0
BODY = b'{"status": "ok", "n": 1}'


class Answering(BaseHTTPRequestHandler):
    """Answers as it was told when it started."""

    def do_GET(self) -> None:
        """Answer, late if that was asked for."""
        time.sleep(SECONDS)
        self.send_response(STATUS)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Answering).serve_forever()
