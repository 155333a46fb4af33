"""Who may be redriven, and why not; idempotent requests for it.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
It decides nothing about what a redriven execution does: progress.py holds where it goes on.
"""

from __future__ import annotations

import datetime
from collections import OrderedDict
from typing import Any

from moto.stepfunctions.parser.api import ExecutionStatus

from localcloud.step_functions.history import REDRIVABLE_EVENTS

_REDRIVABLE_PERIOD = datetime.timedelta(days=14)
_MAX_OPEN_TIME = datetime.timedelta(days=365)
_TOKENS_KEPT = 10
_TOKEN_VALIDITY = datetime.timedelta(minutes=15)

# https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html
RUNNING = "Execution is RUNNING and cannot be redriven"
SUCCEEDED = "Execution is SUCCEEDED and cannot be redriven"
TOO_MANY_EVENTS = "Execution history event limit exceeded"
PERIOD_EXCEEDED = "Execution redrivable period exceeded"
OPEN_TOO_LONG = "Execution has exceeded the max execution time"
EXPRESS = "Executions of EXPRESS state machines cannot be redriven"


def now() -> datetime.datetime:
    """The time, in UTC."""
    return datetime.datetime.now(tz=datetime.UTC)


def why_not(
    status: ExecutionStatus,
    *,
    events: int,
    started: datetime.datetime,
    stopped: datetime.datetime | None,
) -> str | None:
    """AWS's reason for which a STANDARD execution is not redrivable; None if it is."""
    if status in (ExecutionStatus.RUNNING, ExecutionStatus.PENDING_REDRIVE):
        return RUNNING
    if status == ExecutionStatus.SUCCEEDED:
        return SUCCEEDED
    if events >= REDRIVABLE_EVENTS:
        return TOO_MANY_EVENTS
    if stopped is not None and now() - stopped > _REDRIVABLE_PERIOD:
        return PERIOD_EXCEEDED
    if now() - started > _MAX_OPEN_TIME:
        return OPEN_TOO_LONG
    return None


def told(count: int, date: datetime.datetime | None, reason: str | None) -> dict[str, Any]:
    """The redrive fields of DescribeExecution for an execution that no map run started."""
    fields = told_count(count, date)
    fields["redriveStatus"] = "NOT_REDRIVABLE" if reason else "REDRIVABLE"
    if reason:
        fields["redriveStatusReason"] = reason
    return fields


def told_count(count: int, date: datetime.datetime | None) -> dict[str, Any]:
    """The redrive fields of a listing."""
    fields: dict[str, Any] = {"redriveCount": count}
    if date is not None:
        fields["redriveDate"] = date
    return fields


class RecentTokens:
    """Client tokens of the last redrives: a repeated one gets the answer that it got before."""

    def __init__(self) -> None:
        self._dates: OrderedDict[str, datetime.datetime] = OrderedDict()

    def date_of(self, token: str | None) -> datetime.datetime | None:
        date = self._dates.get(token) if token is not None else None
        return date if date is not None and now() - date <= _TOKEN_VALIDITY else None

    def remember(self, token: str | None, date: datetime.datetime) -> None:
        if token is None:
            return
        self._dates[token] = date
        self._dates.move_to_end(token)
        while len(self._dates) > _TOKENS_KEPT:
            self._dates.popitem(last=False)
