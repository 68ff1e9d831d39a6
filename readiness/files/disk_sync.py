"""Files that are synced to the disk beside their writer, who need not wait for it."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor


class DiskSync:
    """Syncs what was written to a file, in a thread of its own: one sync for all that was written meanwhile.

    A process that is killed loses nothing that it has written. A machine that loses its power loses at most what was
    written while the last sync was under way.
    """

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readiness-disk")
        self._lock = threading.Lock()
        self._is_behind = self._is_running = False
        self._failure: OSError | None = None

    def ask(self) -> None:
        """Have all that was written until now synced soon. Raise OSError where an earlier sync failed."""
        with self._lock:
            if self._failure:
                raise self._failure
            self._is_behind = True
            if not self._is_running:
                self._is_running = True
                self._thread.submit(self._catch_up)

    def finish(self) -> None:
        """Wait until all is synced that was asked for, and end the thread. Raise OSError where a sync failed."""
        self._thread.shutdown()
        if self._failure:
            raise self._failure

    def _catch_up(self) -> None:
        while self._take_request():
            try:
                os.fsync(self._handle)
            except OSError as error:  # the system tells it once: what is lost then is clean to a later sync
                self._failure = error
                return

    def _take_request(self) -> bool:
        """Return whether something was asked for since the last sync; otherwise the next request starts anew."""
        with self._lock:
            self._is_running = self._is_behind
            self._is_behind = False
            return self._is_running
