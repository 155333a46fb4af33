"""An environment's stop, which nobody misses.

moto sets and clears one event: a state that is about to wait on it sleeps its whole time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from moto.stepfunctions.parser.asl.eval.environment import Environment


class _Stop(threading.Event):
    def __init__(self, tell: Callable[[], None] | None) -> None:
        super().__init__()
        self._tell = tell

    def set(self) -> None:
        super().set()
        if self._tell is not None:
            self._tell()

    def clear(self) -> None:
        """A program that has ended, in whatever way, does not run again."""


def keep_stop(env: Environment, tell: Callable[[], None] | None = None) -> None:
    """From now on `env` remembers that it was stopped, and calls `tell` when it is.

    Check `env.is_running()` afterwards: it may have been stopped before.
    """
    env.program_state_event = _Stop(tell)  # type: ignore[misc]
