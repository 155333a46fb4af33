"""Campaigns: times for which more environments are kept warm.

It decides which schedule expressions a campaign may have, that it ends at another time than it
starts, when it is over, and that it lies between the least and the most that is kept warm without
it. It knows no clock: whether an `at(...)` has passed by the time of the deployment is not checked.

https://docs.aws.amazon.com/autoscaling/application/userguide/scheduled-scaling-using-cron-expressions.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from settings.errors import Violation
from settings.stage import Campaign, ProvisionedConcurrency

_GUIDE = "https://docs.aws.amazon.com/autoscaling/application/userguide"
_CRON = f"{_GUIDE}/scheduled-scaling-using-cron-expressions.html"
_SCHEDULED = f"{_GUIDE}/application-auto-scaling-scheduled-scaling.html"
_ALLOWED = (
    "cron(minutes hours day-of-month month day-of-week year) with ? for one of the two days, such "
    f"as cron(0 7 ? * MON-FRI *), or at(yyyy-mm-ddThh:mm:ss) ({_CRON})"
)
# How long after its end a campaign is over: time to take away what it kept warm.
AFTERMATH = timedelta(minutes=5)
_LAST_MINUTE = 59 - AFTERMATH // timedelta(minutes=1)

_EXPRESSION = re.compile(r"(cron|at)\(([^()]*)\)")


@dataclass(frozen=True, kw_only=True)
class _Field:
    """One of the six fields of a cron expression: its numbers, names for them, and what else.

    `alone` is what the field may be as a whole, as a regular expression.
    """

    low: int
    high: int
    names: tuple[str, ...] = ()
    alone: str = r"\*"

    def takes(self, text: str) -> bool:
        """Whether `text` is a list of this field's numbers, ranges and steps, or stands alone."""
        if re.fullmatch(self.alone, text, re.IGNORECASE | re.ASCII):
            return True
        return all(self._takes_part(part) for part in text.split(","))

    def _takes_part(self, part: str) -> bool:
        span, slash, step = part.partition("/")
        if slash and not 1 <= _number(step) <= self.high:
            return False
        if slash and span == "*":
            return True
        ends = [self._value(end) for end in span.split("-", 1)]
        return all(self.low <= end <= self.high for end in ends) and ends == sorted(ends)

    def _value(self, text: str) -> int:
        name = text.upper()
        return self.names.index(name) + 1 if name in self.names else _number(text)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else -1


# fmt: off
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# fmt: on
_FIELDS = (
    _Field(low=0, high=59),
    _Field(low=0, high=23),
    _Field(low=1, high=31, alone=r"\*|\?|L|([1-9]|[12]\d|3[01])W"),
    _Field(low=1, high=12, names=_MONTHS),
    _Field(low=1, high=7, names=_DAYS, alone=rf"\*|\?|[1-7]?L|([1-7]|{'|'.join(_DAYS)})#[1-5]"),
    _Field(low=1970, high=2199),
)


def campaign_rules(name: str, warm: ProvisionedConcurrency) -> Iterator[Violation]:
    """Every way in which the campaign of `name`'s warm environments cannot be."""
    campaign = warm.campaign
    if campaign is None:
        return
    prefix = f"{name}.provisioned.campaign"
    expressions = {"start": campaign.start, "end": campaign.end}
    wrong = [which for which, text in expressions.items() if not is_schedule(text)]
    for which in wrong:
        yield Violation(f"{prefix}.{which}", expressions[which], _ALLOWED)
    if not wrong:
        yield from _end_after_start(prefix, campaign)
        yield from _over_in_the_same_hour(prefix, campaign)
    if not _is_time_zone(campaign.timezone):
        allowed = f"the name of an IANA time zone, such as Europe/Berlin or UTC ({_CRON})"
        yield Violation(f"{prefix}.timezone", campaign.timezone, allowed)
    if not warm.minimum <= campaign.minimum <= warm.maximum:
        allowed = (
            f"{warm.minimum} to {warm.maximum}: from {name}.provisioned.minimum to "
            f"{name}.provisioned.maximum ({_SCHEDULED})"
        )
        yield Violation(f"{prefix}.minimum", campaign.minimum, allowed)


def is_schedule(expression: str) -> bool:
    """Whether Application Auto Scaling takes `expression` as the time of one action."""
    found = _EXPRESSION.fullmatch(expression)
    if found is None:
        return False
    kind, inside = found.groups()
    return _is_moment(inside) if kind == "at" else _is_cron(inside)


def over(end: str) -> str:
    """The schedule five minutes after `end`, which is one that the rules accept."""
    kind, inside = end.split("(", 1)
    inside = inside.removesuffix(")")
    if kind == "at":
        moment = datetime.fromisoformat(inside) + AFTERMATH
        return f"at({moment.isoformat(timespec='seconds')})"
    minutes, *others = inside.split()
    return f"cron({int(minutes) + AFTERMATH // timedelta(minutes=1)} {' '.join(others)})"


def _over_in_the_same_hour(prefix: str, campaign: Campaign) -> Iterator[Violation]:
    if not campaign.end.startswith("cron("):
        return
    minutes = campaign.end.removeprefix("cron(").split()[0]
    if not 0 <= _number(minutes) <= _LAST_MINUTE:
        allowed = (
            f"cron with one number from 0 to {_LAST_MINUTE} for the minutes: the maximum that "
            "the end takes away is given back five minutes later"
        )
        yield Violation(f"{prefix}.end", campaign.end, allowed)


def _is_moment(text: str) -> bool:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return False
    return moment.tzinfo is None and moment.isoformat(timespec="seconds") == text


def _is_cron(text: str) -> bool:
    fields = text.split()
    if len(fields) != len(_FIELDS):
        return False
    days = (fields[2], fields[4])
    return days.count("?") == 1 and all(
        field.takes(given) for field, given in zip(_FIELDS, fields, strict=True)
    )


def _end_after_start(prefix: str, campaign: Campaign) -> Iterator[Violation]:
    start, end = (" ".join(text.upper().split()) for text in (campaign.start, campaign.end))
    if start == end:
        allowed = f"another time than {prefix}.start, or it is never warm"
        yield Violation(f"{prefix}.end", campaign.end, allowed)
    elif start.startswith("AT(") and end.startswith("AT(") and end < start:
        allowed = f"a later time than {prefix}.start, {campaign.start}"
        yield Violation(f"{prefix}.end", campaign.end, allowed)


def _is_time_zone(name: str) -> bool:
    # A machine without time zone data still knows this one.
    if name == "UTC":
        return True
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError; a path; a folder
        return False
    return True
