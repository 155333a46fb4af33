"""Series of datapoints: of one metric, and of what metric queries make of several.

A query is AWS's MetricDataQuery, of an alarm or of GetMetricData. Refused, naming it: an expression
that is not modelled, an id that nobody has, periods that differ or are not whole minutes.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDataQuery.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from localcloud.monitoring.expressions import Expression, ExpressionError
from localcloud.monitoring.metrics import MINUTE_S, Metric, Metrics
from localcloud.monitoring.statistics import UnknownStatisticError, check_statistic


class QueryError(ValueError):
    """A query that cannot be answered; the text says why."""


@dataclass(frozen=True)
class Stat:
    """One statistic of one metric; `unit` leaves out values that have another."""

    metric: Metric
    statistic: str
    period_s: int
    unit: str | None = None

    def __post_init__(self) -> None:
        try:
            check_statistic(self.statistic)
        except UnknownStatisticError as error:
            raise QueryError(str(error)) from error
        if self.period_s < MINUTE_S or self.period_s % MINUTE_S:
            raise QueryError(
                f"Period {self.period_s} is not modelled; modelled: whole minutes, in seconds"
            )

    def series(self, metrics: Metrics, times: Sequence[int]) -> dict[int, float]:
        """The statistic of each period that begins at one of `times` and has values."""
        found = {}
        for time in times:
            values = metrics.between(self.metric, time, time + self.period_s)
            if values is None or (self.unit and values.unit != self.unit):
                continue
            value = values.statistic(self.statistic)
            if value is not None:
                found[time] = value
        return found


@dataclass(frozen=True)
class Query:
    """A statistic or an expression, by its id."""

    query_id: str
    what: Stat | Expression
    returned: bool
    label: str | None = None


@dataclass(frozen=True)
class Queries:
    """Queries that belong together: expressions may ask for the others by their ids."""

    all: tuple[Query, ...]

    def __post_init__(self) -> None:
        by_id = {query.query_id: query for query in self.all}
        if len(by_id) != len(self.all):
            raise QueryError("ids of metric queries must differ")
        for query in self.all:
            if isinstance(query.what, Expression):
                unknown = sorted(query.what.ids - set(by_id))
                if unknown:
                    raise QueryError(
                        f"expression {query.what.text!r} asks for {', '.join(unknown)}; "
                        f"there are: {', '.join(sorted(by_id))}"
                    )
                self._check_loops(by_id, query.query_id, ())

    def _check_loops(
        self, by_id: Mapping[str, Query], query_id: str, seen: tuple[str, ...]
    ) -> None:
        if query_id in seen:
            raise QueryError(f"expression of {query_id} asks for itself")
        what = by_id[query_id].what
        if isinstance(what, Expression):
            for wanted in what.ids:
                self._check_loops(by_id, wanted, (*seen, query_id))

    def one_period(self) -> int:
        """The period that all statistics have. Raises QueryError where they differ."""
        periods = {query.what.period_s for query in self.all if isinstance(query.what, Stat)}
        if len(periods) != 1:
            raise QueryError(f"metrics must have one period, not {sorted(periods)}")
        return periods.pop()

    def the_returned(self) -> str:
        """The id of the one query that is returned. Raises QueryError where it is not one."""
        returned = [query.query_id for query in self.all if query.returned]
        if len(returned) != 1:
            raise QueryError(f"exactly one query must return data, not {len(returned)}")
        return returned[0]

    def series(
        self, metrics: Metrics, times: Sequence[int], period_s: int
    ) -> dict[str, dict[int, float]]:
        """The series of every query. Raises QueryError."""
        found: dict[str, dict[int, float]] = {}
        waiting = list(self.all)
        while waiting:
            query = waiting.pop(0)
            if isinstance(query.what, Stat):
                found[query.query_id] = query.what.series(metrics, times)
            elif query.what.ids <= found.keys():
                try:
                    found[query.query_id] = query.what.value(found, times, period_s)
                except ExpressionError as error:
                    raise QueryError(str(error)) from error
            else:
                waiting.append(query)
        return found


def read_expression(text: str) -> Expression:
    """Raises QueryError."""
    try:
        return Expression.read(text)
    except ExpressionError as error:
        raise QueryError(str(error)) from error
