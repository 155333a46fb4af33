"""Schedule expressions: which minutes they mean.

https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from localcloud.scaling.schedules import InvalidScheduleError, read_schedule

# A Thursday.
START = datetime(2026, 1, 1, tzinfo=UTC)


def _due(
    expression: str, *, days: int = 1, zone: str = "UTC", start: datetime = START
) -> list[str]:
    schedule = read_schedule(expression, zone, start)
    minutes = (start + timedelta(minutes=passed) for passed in range(days * 24 * 60))
    return [f"{minute:%m-%d %H:%M}" for minute in minutes if schedule.due(minute)]


@pytest.mark.parametrize(
    ("expression", "days", "due"),
    [
        ("cron(15 12 * * ? *)", 2, ["01-01 12:15", "01-02 12:15"]),
        ("cron(0/20 8 1 * ? *)", 2, ["01-01 08:00", "01-01 08:20", "01-01 08:40"]),
        ("cron(0 18 ? * MON-FRI *)", 5, ["01-01 18:00", "01-02 18:00", "01-05 18:00"]),
        ("cron(0 6 ? * 2 *)", 7, ["01-05 06:00"]),
        ("cron(0 6 ? * SAT-MON *)", 7, ["01-03 06:00", "01-04 06:00", "01-05 06:00"]),
        ("cron(5,10 0 1 1 ? 2026)", 1, ["01-01 00:05", "01-01 00:10"]),
        ("cron(0 0 L * ? *)", 60, ["01-31 00:00", "02-28 00:00"]),
        ("cron(0 0 LW * ? *)", 60, ["01-30 00:00", "02-27 00:00"]),
        ("cron(0 0 1W * ? *)", 60, ["01-01 00:00", "02-02 00:00"]),
        ("cron(0 0 ? * 6L *)", 60, ["01-30 00:00", "02-27 00:00"]),
        ("cron(0 0 ? * TUE#2 *)", 60, ["01-13 00:00", "02-10 00:00"]),
        ("cron(0 0 1 FEB ? *)", 60, ["02-01 00:00"]),
        ("cron(0 0 1 1 ? 2027)", 30, []),
        ("at(2026-01-01T10:30:45)", 1, ["01-01 10:30"]),
        ("rate(8 hours)", 1, ["01-01 08:00", "01-01 16:00"]),
        ("rate(1 day)", 3, ["01-02 00:00", "01-03 00:00"]),
    ],
)
def test_minutes_that_are_due(expression: str, days: int, due: list[str]) -> None:
    assert _due(expression, days=days) == due


def test_time_zone_moves_the_minute_and_follows_summer_time() -> None:
    assert _due("cron(0 8 * * ? *)", zone="Europe/Berlin") == ["01-01 07:00"]
    summer = datetime(2026, 7, 1, tzinfo=UTC)
    assert _due("cron(0 8 * * ? *)", zone="Europe/Berlin", start=summer) == ["07-01 06:00"]
    assert _due("at(2026-07-01T08:00:00)", zone="Europe/Berlin", start=summer) == ["07-01 06:00"]


def test_hour_that_comes_twice_counts_once() -> None:
    autumn = datetime(2026, 10, 25, tzinfo=UTC)
    assert _due("cron(30 2 * * ? *)", zone="Europe/Berlin", start=autumn) == ["10-25 00:30"]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "cron(0 8 * * *)",
        "cron(0 8 * * * *)",
        "cron(0 8 ? * ? *)",
        "cron(60 8 * * ? *)",
        "cron(0 8 32 * ? *)",
        "cron(0 8 ? * 8 *)",
        "cron(0 8 ? * MON#6 *)",
        "cron(0 8 0W * ? *)",
        "cron(x 8 * * ? *)",
        "cron(0/0 8 * * ? *)",
        "at(2026-01-01)",
        "at(tomorrow)",
        "rate(0 minutes)",
        "rate(1 week)",
        "every(5)",
    ],
)
def test_what_is_no_schedule_is_refused(expression: str) -> None:
    with pytest.raises(InvalidScheduleError):
        read_schedule(expression, None, START)


def test_unknown_time_zone_is_refused_by_name() -> None:
    with pytest.raises(InvalidScheduleError, match="Mars/Olympus"):
        read_schedule("rate(1 day)", "Mars/Olympus", START)
