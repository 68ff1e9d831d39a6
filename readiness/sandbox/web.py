"""A web server in a thread, which can be taken away and brought back on the same port."""

from __future__ import annotations

import socket
import threading
import time

import uvicorn
from starlette.applications import Starlette

START_SECONDS = 20.0


class Web:
    """Serves one application on a loopback port of its own."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._socket = _listen(0)
        self.port = int(self._socket.getsockname()[1])
        self._start()

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self.port}"

    def _start(self) -> None:
        config = uvicorn.Config(
            self._app, log_level="critical", lifespan="off", access_log=False, timeout_keep_alive=30
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        end = time.monotonic() + START_SECONDS
        while not self._server.started and time.monotonic() < end:
            time.sleep(0.005)

    def leave(self) -> None:
        """Ask the server to end, and do not wait for it."""
        self._server.should_exit = True
        self._server.force_exit = True

    def stop(self) -> None:
        """Take the server away: its port refuses."""
        self.leave()
        self._thread.join(START_SECONDS)
        self._socket.close()

    def restart(self) -> None:
        """Bring it back on the same port."""
        self._socket = _listen(self.port)
        self._start()


def _listen(port: int) -> socket.socket:
    # Named as TCP: asyncio sends small answers at once (TCP_NODELAY) only where it sees that; else each costs 40 ms.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(512)
    return listener
