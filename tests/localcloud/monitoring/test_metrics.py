"""Metrics by the minute: statistics, percentiles within their stated error, an end of memory."""

from __future__ import annotations

import random

import pytest

from localcloud.monitoring.metrics import KEPT_S, Metric, Metrics
from localcloud.monitoring.sketch import RELATIVE_ERROR, Sketch
from localcloud.monitoring.statistics import UnknownStatisticError, Values

ERRORS = Metric.of("AWS/Lambda", "Errors", {"FunctionName": "f"})


class Clock:
    now = 1_000_000.0 // 60 * 60

    def __call__(self) -> float:
        return self.now


def test_statistics_of_minutes_together() -> None:
    clock = Clock()
    metrics = Metrics(clock)
    begun = clock.now
    for value in (1.0, 5.0):
        metrics.add(ERRORS, value)
    clock.now += 60
    metrics.add(ERRORS, 3.0, count=2)

    both = metrics.between(ERRORS, begun, begun + 120)

    assert both is not None
    names = ("Sum", "Average", "Minimum", "Maximum", "SampleCount", "p0", "p100")
    assert [both.statistic(name) for name in names] == [12, 3, 1, 5, 4, 1, 5]
    first = metrics.between(ERRORS, begun, begun + 60)
    assert first is not None
    assert first.statistic("Sum") == 6
    assert metrics.between(ERRORS, begun + 120, begun + 180) is None


def test_metrics_of_other_dimensions_are_others() -> None:
    metrics = Metrics(Clock())
    metrics.add(ERRORS, 1)
    other = Metric.of("AWS/Lambda", "Errors", {"FunctionName": "f", "Resource": "f:live"})
    assert metrics.between(other, 0, 2e6) is None
    assert Metric.of("N", "M", {"b": "2", "a": "1"}) == Metric.of("N", "M", {"a": "1", "b": "2"})


@pytest.mark.parametrize("percent", [1, 50, 90, 99, 99.9])
@pytest.mark.parametrize("spread", [1.0, 1000.0])
def test_percentiles_are_off_by_their_stated_error_at_most(percent: float, spread: float) -> None:
    draw = random.Random(percent)  # noqa: S311 - values to measure, no secrets
    values = sorted(draw.lognormvariate(3, 1.5) * spread for _ in range(10_000))
    sketch = Sketch()
    for value in values:
        sketch.add(value)
    exact = values[min(len(values) - 1, int(len(values) * percent / 100))]
    # The neighbours of a rank may differ a little, too.
    assert sketch.percentile(percent) == pytest.approx(exact, rel=RELATIVE_ERROR * 1.2)


def test_sketch_does_not_grow_with_the_number_of_values() -> None:
    sketch = Sketch()
    draw = random.Random(1)  # noqa: S311 - values to measure, no secrets
    for _ in range(100_000):
        sketch.add(10 ** draw.uniform(-3, 6))
    assert len(sketch.counts) < 1100


def test_percentiles_of_negative_values_and_zeros() -> None:
    values = Values()
    for value in (-10.0, 0.0, 10.0):
        values.add(value)
    assert values.statistic("p10") == pytest.approx(-10, rel=0.01)
    assert values.statistic("p50") == 0
    assert values.statistic("p99") == 10


def test_statistic_set_has_sums_and_no_percentile() -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html"""
    values = Values()
    values.add_set(count=4, total=10, smallest=1, largest=4)
    assert (values.statistic("Average"), values.statistic("p99")) == (2.5, None)


@pytest.mark.parametrize("name", ["tm90", "p101", "IQM", "average", "p99.99999999999"])
def test_other_statistics_are_refused_by_name(name: str) -> None:
    values = Values()
    values.add(1)
    with pytest.raises(UnknownStatisticError, match=name):
        values.statistic(name)


def test_memory_has_an_end_in_time_and_in_number() -> None:
    clock = Clock()
    metrics = Metrics(clock, at_most=50)
    begun = clock.now
    for _ in range(100):
        metrics.add(ERRORS, 1)
        clock.now += 60
    kept = metrics.between(ERRORS, begun, clock.now)
    assert kept is not None
    assert kept.count == 50
    clock.now += KEPT_S
    metrics.add(Metric("N", "other"), 1)
    assert metrics.all() == [Metric("N", "other")]
    assert metrics.between(ERRORS, 0, clock.now) is None
