"""What the state of an alarm is, by its latest datapoints: M out of N, with some missing.

It decides on one look only; who looks, and what follows from a change, is alarms.py's business.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

OK = "OK"
ALARM = "ALARM"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"

# How many datapoints are looked at beyond the evaluation periods, so that some may be missing: the
# page above looks at five for three.
FURTHER_DATAPOINTS = 2

COMPARISONS: dict[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
}
MISSING, IGNORE, BREACHING, NOT_BREACHING = "missing", "ignore", "breaching", "notBreaching"
TREATMENTS = (MISSING, IGNORE, BREACHING, NOT_BREACHING)


@dataclass(frozen=True)
class Condition:
    """When an alarm is in ALARM: `datapoints_to_alarm` of `evaluation_periods` breach."""

    comparison: str
    threshold: float
    evaluation_periods: int
    datapoints_to_alarm: int
    treatment: str

    def breaches(self, value: float) -> bool:
        """Whether one value is on the wrong side of the threshold."""
        return COMPARISONS[self.comparison][0](value, self.threshold)

    def state(self, datapoints: Sequence[float | None], former: str) -> str:
        """The state by `datapoints`, oldest first and None for a missing one.

        They are as many as the evaluation periods and FURTHER_DATAPOINTS together.
        """
        real = [value for value in datapoints if value is not None]
        latest = real[-self.evaluation_periods :]
        breaching = sum(self.breaches(value) for value in latest)
        missing = self.evaluation_periods - len(latest)
        if missing <= 0 or self.treatment == NOT_BREACHING:
            return self._of(breaching)
        if self.treatment == BREACHING:
            return self._of(breaching + missing)
        if breaching < len(latest) or breaching >= self.datapoints_to_alarm:
            # Some are within the threshold, or there are enough without those that are missing.
            return self._of(breaching)
        if self.treatment == IGNORE:
            return former
        return ALARM if self._long_breaching(datapoints) else INSUFFICIENT_DATA

    def _of(self, breaching: int) -> str:
        return ALARM if breaching >= self.datapoints_to_alarm else OK

    def _long_breaching(self, datapoints: Sequence[float | None]) -> bool:
        """Whether the oldest of breaching datapoints, among missing ones, is old enough."""
        ages = [age for age, value in enumerate(reversed(datapoints), 1) if value is not None]
        return bool(ages) and max(ages) >= self.datapoints_to_alarm

    def reason(self, datapoints: Sequence[tuple[str, float | None]], state: str) -> str:
        """Why an alarm is in its state, in CloudWatch's words; each datapoint with its time."""
        latest = [point for point in datapoints if point[1] is not None][-self.evaluation_periods :]
        if not latest:
            if self.treatment in (BREACHING, NOT_BREACHING):
                return (
                    f"Threshold Crossed: no datapoints were received for {self.evaluation_periods} "
                    f"periods and {self.evaluation_periods} missing datapoints were treated as "
                    f"[{'Breaching' if self.treatment == BREACHING else 'NonBreaching'}]."
                )
            return "Insufficient Data: no datapoints were received."
        crossed = [point for point in latest if self.breaches(float(point[1] or 0.0))]
        told = crossed if state == ALARM and crossed else latest
        listed = ", ".join(f"{value} ({time})" for time, value in told)
        verb = ("was" if len(told) == 1 else "were") + ("" if told is crossed else " not")
        words = COMPARISONS[self.comparison][1]
        count = len(told)
        return (
            f"Threshold Crossed: {count} out of the last {self.evaluation_periods} datapoints "
            f"[{listed}] {verb} {words} the threshold ({float(self.threshold)}) (minimum "
            f"{self.datapoints_to_alarm} datapoint{'s'[: self.datapoints_to_alarm != 1]} for "
            f"{'OK -> ALARM' if state == ALARM else 'ALARM -> OK'} transition)."
        )
