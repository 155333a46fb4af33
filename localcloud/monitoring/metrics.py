"""All metrics of one cloud: values by namespace, name, dimensions and minute.

Whatever publishes a metric adds to the minute that the clock shows; nothing is sampled. One day is
kept, and at most a given number of minutes in all, of which the oldest go first: AWS keeps minutes
for 15 days. Metrics of high resolution are kept by the minute.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
"""

from __future__ import annotations

import functools
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from localcloud.monitoring.statistics import Values

MINUTE_S = 60
KEPT_S = 24 * 3600
# Each about a kilobyte with the distribution of its values.
MINUTES_AT_MOST = 100_000

COUNT = "Count"
MILLISECONDS = "Milliseconds"

Clock = Callable[[], float]
Dimensions = tuple[tuple[str, str], ...]
# Name, value, unit.
Told = Sequence[tuple[str, float, str]]


@dataclass(frozen=True)
class Metric:
    """Which metric; the same name with other dimensions is another one."""

    namespace: str
    name: str
    dimensions: Dimensions = ()
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.namespace, self.name, self.dimensions)))

    def __hash__(self) -> int:
        return self._hash

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> Metric:
        """With its dimensions in any order."""
        return cls(namespace, name, tuple(sorted(dimensions.items())))


# Making one and its hash costs more than all else of a measure; callers choose the names.
_metric = functools.lru_cache(maxsize=4096)(Metric)


class Metrics:
    """Thread-safe. `clock` gives seconds since 1970."""

    def __init__(self, clock: Clock = time.time, *, at_most: int = MINUTES_AT_MOST) -> None:
        self.clock = clock
        self._at_most = at_most
        self._lock = threading.Lock()
        self._minutes: dict[Metric, dict[int, Values]] = {}
        self._by_minute: defaultdict[int, set[Metric]] = defaultdict(set)
        self._kept = 0

    def add(
        self,
        metric: Metric,
        value: float,
        *,
        unit: str | None = COUNT,
        at: float | None = None,
        count: float = 1,
    ) -> None:
        """`value`, `count` times, now or at a time given."""
        with self._lock:
            self._values(metric, self.clock() if at is None else at, unit).add(value, count)

    def add_all(self, namespace: str, dimensions: Sequence[Dimensions], values: Told) -> None:
        """Values by name and unit, each for all of these dimensions, in the minute that is now."""
        now = self.clock()
        with self._lock:
            for one in dimensions:
                for name, value, unit in values:
                    self._values(_metric(namespace, name, one), now, unit).add(value)

    def add_set(
        self,
        metric: Metric,
        *,
        count: float,
        total: float,
        smallest: float,
        largest: float,
        unit: str | None,
        at: float | None = None,
    ) -> None:
        """A statistic set."""
        with self._lock:
            self._values(metric, self.clock() if at is None else at, unit).add_set(
                count=count, total=total, smallest=smallest, largest=largest
            )

    def between(self, metric: Metric, start: float, end: float) -> Values | None:
        """The values of the minutes that begin from `start` up to `end`, None without any."""
        first = math.ceil(start / MINUTE_S) * MINUTE_S
        with self._lock:
            minutes = self._minutes.get(metric, {})
            wanted = range(first, math.ceil(end), MINUTE_S)
            found = [minutes[minute] for minute in wanted if minute in minutes]
            if not found:
                return None
            together = found[0].copy()
            for values in found[1:]:
                together.update(values)
            return together

    def has(self, metric: Metric, minute: float) -> bool:
        """Whether there is a value in the minute that begins then."""
        with self._lock:
            return int(minute) in self._minutes.get(metric, ())

    def all(self) -> list[Metric]:
        """Every metric of which values are kept."""
        with self._lock:
            return list(self._minutes)

    def _values(self, metric: Metric, at: float, unit: str | None) -> Values:
        minute = int(at // MINUTE_S) * MINUTE_S
        minutes = self._minutes.setdefault(metric, {})
        values = minutes.get(minute)
        if values is None:
            values = minutes[minute] = Values(unit)
            self._by_minute[minute].add(metric)
            self._kept += 1
            self._forget(self.clock())
        return values

    def _forget(self, now: float) -> None:
        while len(self._by_minute) > 1:
            oldest = min(self._by_minute)
            if oldest >= now - KEPT_S and self._kept <= self._at_most:
                return
            for metric in self._by_minute.pop(oldest):
                minutes = self._minutes[metric]
                del minutes[oldest]
                self._kept -= 1
                if not minutes:
                    del self._minutes[metric]
