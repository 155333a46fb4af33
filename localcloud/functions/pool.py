"""The execution environments of one function version: who gets which.

An idle environment is used again, the most recently used first, so that the others grow old and
end. If none is idle a new one starts, up to `width`: how many this machine is let run at once,
which is no limit of AWS's. Beyond it an invocation waits in line and is not refused.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from localcloud.functions.environment import Environment, EnvironmentGoneError
from localcloud.functions.errors import ResourceNotReadyError
from localcloud.functions.invocation import Invocation, Outcome

ON_DEMAND = "on-demand"
PROVISIONED = "provisioned-concurrency"


class _Place:
    """A turn in line: filled with an idle environment, or with leave to start one."""

    def __init__(self) -> None:
        self.filled = threading.Event()
        self.environment: Environment | None = None


class Pool:
    """Environments made by `make(initialization_type)`; `before_start` may refuse a cold start."""

    def __init__(
        self,
        make: Callable[[str], Environment],
        *,
        width: int,
        before_start: Callable[[], None],
    ) -> None:
        self._make = make
        self._width = width
        self._before_start = before_start
        self._changed = threading.Condition()
        self._idle: list[Environment] = []
        self._all: set[Environment] = set()
        self._running = 0
        self._in_flight = 0
        self._line: deque[_Place] = deque()
        self._retired = False
        self._stopped = False
        # What is asked for, and how much of it this machine is let keep.
        self._asked_for = 0
        self._provisioned = 0

    @contextmanager
    def entered(self) -> Iterator[int]:
        """Counts an invocation in, whether it runs or waits; gives their number with this one."""
        with self._changed:
            self._in_flight += 1
            in_flight = self._in_flight
        try:
            yield in_flight
        finally:
            with self._changed:
                self._in_flight -= 1

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run one invocation in an environment of its own, waiting for a place if need be.

        Raises what `before_start` raises.
        """
        environment = self._take()
        try:
            while True:
                if environment is None:
                    environment = self._start()
                try:
                    return environment.invoke(invocation)
                except EnvironmentGoneError:
                    self._forget(environment)
                    environment = None
                except BaseException:
                    # Where its exchange stands is unknown: it may misunderstand the next event.
                    environment.usable = False
                    raise
        finally:
            self._give_back(environment)

    def provision(self, count: int) -> None:
        """Keep at least `count` environments initialised, within the pool's width.

        Raises ServiceFailureError if this machine could not start one.
        """
        with self._changed:
            self._asked_for = count
            self._provisioned = min(count, self._width)
            missing = self._provisioned - len(self._all)
        for _ in range(missing):
            environment = self._make(PROVISIONED)
            with self._changed:
                if self._retired:
                    return
                self._all.add(environment)
                self._running += 1
            try:
                environment.initialise()
            finally:
                self._give_back(environment)

    def end_idle(self, idle_s: float) -> None:
        """End environments unused for `idle_s` seconds, but for provisioned ones, and dead ones."""
        before = time.monotonic() - idle_s
        with self._changed:
            spare = len(self._all) - self._provisioned
            old = [environment for environment in self._idle if environment.idle_since <= before]
            ended = [environment for environment in self._idle if not environment.running]
            ended += [environment for environment in old[: max(spare, 0)] if environment.running]
            self._idle = [environment for environment in self._idle if environment not in ended]
        for environment in ended:
            self._forget(environment)

    def retire(self) -> None:
        """End the idle environments now and the others after their invocation."""
        with self._changed:
            self._retired = True
            idle, self._idle = self._idle, []
        for environment in idle:
            self._forget(environment)

    def stop(self) -> None:
        """Kill every environment and wait until the invocations in flight have seen it."""
        with self._changed:
            self._stopped = True
        self.retire()
        with self._changed:
            while self._all or self._running:
                for environment in self._all:
                    environment.kill()
                self._changed.wait(timeout=0.05)

    def environments(self) -> list[Environment]:
        """All environments there are."""
        with self._changed:
            return list(self._all)

    @property
    def provisioned(self) -> int:
        """The provisioned concurrency that was asked for; kept initialised within the width."""
        return self._asked_for

    @property
    def in_flight(self) -> int:
        """How many invocations run or wait."""
        return self._in_flight

    def _take(self) -> Environment | None:
        """A turn to run: with an idle environment, or with None to start one."""
        with self._changed:
            if self._idle:
                self._running += 1
                return self._idle.pop()
            if self._running < self._width:
                self._running += 1
                return None
            place = _Place()
            self._line.append(place)
        place.filled.wait()
        return place.environment

    def _start(self) -> Environment:
        if self._stopped:
            raise ResourceNotReadyError("The embedded cloud is stopping.")
        self._before_start()
        environment = self._make(ON_DEMAND)
        with self._changed:
            self._all.add(environment)
        return environment

    def _give_back(self, environment: Environment | None) -> None:
        """End a turn: the next in line gets it, with the environment if it can be used again."""
        if environment is not None and (self._retired or not environment.usable):
            self._forget(environment)
            environment = None
        with self._changed:
            if environment is not None:
                environment.idle_since = time.monotonic()
            if self._line:
                place = self._line.popleft()
                place.environment = environment
                place.filled.set()
                return
            self._running -= 1
            if environment is not None:
                self._idle.append(environment)
            self._changed.notify_all()

    def _forget(self, environment: Environment) -> None:
        environment.end()
        with self._changed:
            self._all.discard(environment)
            self._changed.notify_all()
