"""Details of history events, of which each event has one."""

from __future__ import annotations

from typing import Any, cast

from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails


def event_details(**details: Any) -> EventDetails:
    """moto's type requires every kind of detail at once; an event carries the one it is about."""
    return cast("EventDetails", details)
