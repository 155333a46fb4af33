"""When a scheduled action is due: cron(), rate() and at(), in a time zone.

Asks of a minute whether it is one, so that nothing has to be computed ahead. The cron fields are
Quartz's, as AWS takes them: minutes, hours, day of month, month, day of week (SUN is 1), year, with
`* ? , - /`, L, W and #. In the hour that a zone has twice, the first one counts.
https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_EXPRESSION = re.compile(r"(cron|rate|at)\((.+)\)")
_RATE = re.compile(r"(\d+) (minute|hour|day)s?")
_UNITS_S = {"minute": 60, "hour": 3600, "day": 86_400}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {
    name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)
}


class InvalidScheduleError(ValueError):
    """No schedule expression, or no time zone; the text names the part that is wrong."""


@dataclass(frozen=True)
class Schedule:
    """`due` says of a minute (when it begins, in UTC) whether the action is to be done in it."""

    expression: str
    due: Callable[[datetime], bool]


def read_schedule(expression: str, timezone: str | None, made: datetime) -> Schedule:
    """A rate counts from `made`, or from the action's start. Raises InvalidScheduleError."""
    zone = _zone(timezone or "UTC")
    found = _EXPRESSION.fullmatch(expression)
    if found is None:
        raise InvalidScheduleError(f"Schedule {expression!r}; allowed: cron(), rate(), at()")
    kind, text = found.groups()
    if kind == "at":
        return Schedule(expression, _at(text, zone))
    if kind == "rate":
        return Schedule(expression, _rate(text, made))
    return Schedule(expression, _cron(text, zone))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InvalidScheduleError(f"Timezone {name!r} is not known") from error


def _at(text: str, zone: ZoneInfo) -> Callable[[datetime], bool]:
    try:
        when = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=zone).astimezone(UTC)
    except ValueError as error:
        raise InvalidScheduleError(f"at({text}); allowed: at(yyyy-mm-ddThh:mm:ss)") from error
    minute = when.replace(second=0)
    return lambda asked: asked == minute


def _rate(text: str, made: datetime) -> Callable[[datetime], bool]:
    found = _RATE.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise InvalidScheduleError(f"rate({text}); allowed: rate(<number> minutes|hours|days)")
    every_s = int(found[1]) * _UNITS_S[found[2]]
    first = made.replace(second=0, microsecond=0)

    def due(asked: datetime) -> bool:
        passed_s = int((asked - first).total_seconds())
        return passed_s > 0 and passed_s % every_s == 0

    return due


def _cron(text: str, zone: ZoneInfo) -> Callable[[datetime], bool]:
    fields = text.split()
    if len(fields) != 6:
        raise InvalidScheduleError(f"cron({text}); allowed: six fields")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise InvalidScheduleError(f"cron({text}): one of the two days must be ?, and only one")
    minutes = _values(fields[0], 0, 59, {})
    hours = _values(fields[1], 0, 23, {})
    months = _values(fields[3], 1, 12, _MONTHS)
    years = _values(fields[5], 1970, 2199, {})
    day = _day_of_month(fields[2]) if fields[4] == "?" else _day_of_week(fields[4])

    def due(asked: datetime) -> bool:
        there = asked.astimezone(zone)
        return (
            not there.fold
            and there.minute in minutes
            and there.hour in hours
            and there.month in months
            and there.year in years
            and day(there.date())
        )

    return due


def _values(field: str, lowest: int, highest: int, names: dict[str, int]) -> frozenset[int]:
    values: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span == "*":
            begin, end = lowest, highest
        else:
            begin = _number(first, names, field)
            end = _number(last, names, field) if last else highest if step else begin
        every = _number(step, {}, field) if step else 1
        if not (lowest <= begin <= highest and lowest <= end <= highest and every):
            raise InvalidScheduleError(f"cron field {field!r}; allowed: {lowest} to {highest}")
        # A span may go over the end: FRI-MON.
        size = highest - lowest + 1
        length = (end - begin) % size
        values |= {
            lowest + (begin - lowest + offset) % size for offset in range(0, length + 1, every)
        }
    return frozenset(values)


def _number(text: str, names: dict[str, int], field: str) -> int:
    if text.upper() in names:
        return names[text.upper()]
    if not text.isdecimal():
        raise InvalidScheduleError(f"cron field {field!r}: {text!r} is no number or name")
    return int(text)


def _day_of_month(field: str) -> Callable[[date], bool]:
    if field == "L":
        return lambda day: day.day == _last(day)
    if field == "LW":
        return lambda day: day.day == _nearest_weekday(day, _last(day))
    if field.endswith("W"):
        wanted = _number(field[:-1], {}, field)
        if not 1 <= wanted <= 31:
            raise InvalidScheduleError(f"cron field {field!r}; allowed: 1W to 31W")
        return lambda day: wanted <= _last(day) and day.day == _nearest_weekday(day, wanted)
    days = _values(field, 1, 31, {})
    return lambda day: day.day in days


def _day_of_week(field: str) -> Callable[[date], bool]:
    if field == "L":
        return lambda day: _weekday(day) == _DAYS["SAT"]
    if field.endswith("L"):
        last = _number(field[:-1], _DAYS, field)
        return lambda day: _weekday(day) == last and day.day > _last(day) - 7
    if "#" in field:
        name, _, order = field.partition("#")
        wanted, nth = _number(name, _DAYS, field), _number(order, {}, field)
        if not 1 <= nth <= 5:
            raise InvalidScheduleError(f"cron field {field!r}; allowed: #1 to #5")
        return lambda day: _weekday(day) == wanted and (day.day - 1) // 7 + 1 == nth
    days = _values(field, 1, 7, _DAYS)
    return lambda day: _weekday(day) in days


def _weekday(day: date) -> int:
    return day.isoweekday() % 7 + 1


def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _nearest_weekday(day: date, wanted: int) -> int:
    """The weekday next to a day, within its month."""
    at = day.replace(day=wanted)
    if at.isoweekday() == 6:
        at += timedelta(days=-1 if wanted > 1 else 2)
    elif at.isoweekday() == 7:
        at += timedelta(days=1 if wanted < _last(day) else -2)
    return at.day
