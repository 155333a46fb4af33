"""The execution environments of one function version: who gets which.

An idle environment is used again, a provisioned one before others and the most recently used
first, so that the others grow old and end. If none is idle a new one starts, up to `width`: how
many this machine is let run at once, which is no limit of AWS's. Beyond it an invocation waits in
line and is not refused. Provisioned environments end when fewer are asked for, as soon as they are
idle.
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
        # Those of them that were initialised ahead.
        self._ahead: set[Environment] = set()
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
        """Keep `count` environments initialised ahead, within the pool's width.

        Idle ones on demand make room for them. Raises ServiceFailureError if this machine could
        not start one.
        """
        with self._changed:
            self._asked_for = count
            self._provisioned = min(count, self._width)
            missing = max(self._provisioned - len(self._ahead), 0)
            surplus = max(len(self._ahead) - self._provisioned, 0)
            too_many = max(len(self._all) + missing - self._width, 0)
            ended = [one for one in self._idle if one in self._ahead][:surplus]
            ended += [one for one in self._idle if one not in self._ahead][:too_many]
            self._idle = [one for one in self._idle if one not in ended]
            self._ahead.difference_update(ended)
        for environment in ended:
            self._forget(environment)
        for _ in range(missing):
            environment = self._make(PROVISIONED)
            with self._changed:
                if self._retired:
                    return
                self._all.add(environment)
                self._ahead.add(environment)
                self._running += 1
            try:
                environment.initialise()
            finally:
                self._give_back(environment)

    def end_idle(self, idle_s: float) -> None:
        """End environments unused for `idle_s` seconds, but for provisioned ones, and dead ones."""
        before = time.monotonic() - idle_s
        with self._changed:
            ended = [
                one
                for one in self._idle
                if not one.running or (one.idle_since <= before and one not in self._ahead)
            ]
            self._idle = [one for one in self._idle if one not in ended]
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
                # The latest of those initialised ahead, or the latest of all.
                latest = max(enumerate(self._idle), key=lambda at: (at[1] in self._ahead, at[0]))
                return self._idle.pop(latest[0])
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
        if environment is not None and (
            self._retired or not environment.usable or self._was_surplus(environment)
        ):
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

    def _was_surplus(self, environment: Environment) -> bool:
        """Whether it was one more than are provisioned; counts it out if so."""
        with self._changed:
            surplus = environment in self._ahead and len(self._ahead) > self._provisioned
            if surplus:
                self._ahead.discard(environment)
            return surplus

    def _forget(self, environment: Environment) -> None:
        environment.end()
        with self._changed:
            self._all.discard(environment)
            self._ahead.discard(environment)
            self._changed.notify_all()
