"""A web server in a thread, which can be taken away and brought back on the same port."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import suppress

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
        self._server = _Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        self._thread.start()
        end = time.monotonic() + START_SECONDS
        while not self._server.started and time.monotonic() < end:
            time.sleep(0.005)

    def leave(self) -> None:
        """Ask the server to end, and do not wait for it."""
        self._server.end()

    def stop(self) -> None:
        """Take the server away: its port refuses."""
        self.leave()
        self._thread.join(START_SECONDS)
        self._socket.close()

    def restart(self) -> None:
        """Bring it back on the same port."""
        self._socket = _listen(self.port)
        self._start()


class _Server(uvicorn.Server):
    """Sleeps until there is something to do: uvicorn's own looks ten times a second, and the sandbox has twenty."""

    _loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Have the server end at once, with whatever is under way; from any thread."""
        self.should_exit = self.force_exit = True
        if self._loop:
            with suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._woken.set)

    async def main_loop(self) -> None:
        """Write the date of the answers anew each second, until told to end."""
        self._woken = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        ticks_a_second = 10  # as `on_tick` counts them
        counter = 0
        while not await self.on_tick(counter):
            counter += ticks_a_second
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), 1.0)


def _listen(port: int) -> socket.socket:
    # Named as TCP: asyncio sends small answers at once (TCP_NODELAY) only where it sees that; else each costs 40 ms.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(512)
    return listener
