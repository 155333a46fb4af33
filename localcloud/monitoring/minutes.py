"""What happens once a minute: measures that nobody caused, schedules, alarms and their actions.

A cloud that runs does it by one thread at the turn of every minute of real time, as AWS does; there
is no faster clock to run it by. Who gives a cloud a clock of his own (tests) says himself when a
minute is over, by `tick`.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from localcloud.monitoring.metrics import MINUTE_S, Clock

log = logging.getLogger(__name__)

# What is told within it belongs to the minute before.
_GRACE_S = 1.0


class Minutes:
    """Does `steps` in their order, each with the time (seconds since 1970)."""

    def __init__(self, clock: Clock, steps: Sequence[Callable[[float], None]]) -> None:
        self._clock = clock
        self._steps = steps
        self._ticking = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Tick at every minute of real time until `stop`."""
        self._thread = threading.Thread(target=self._run, name="minutes", daemon=True)
        self._thread.start()

    def tick(self) -> None:
        """A minute is over: what follows from it is done when this returns."""
        now = self._clock()
        with self._ticking:
            for step in self._steps:
                try:
                    step(now)
                except Exception:
                    # The next minute comes; a resource that is being deleted may be half there.
                    log.exception("a step of the minute failed")

    def stop(self) -> None:
        """End the thread; a tick in progress is waited for."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(MINUTE_S - time.time() % MINUTE_S + _GRACE_S):
            self.tick()
