"""The history of an execution: one list of events, to which each redrive appends.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

import threading
from typing import Any, cast

from moto.stepfunctions.parser.api import HistoryEventType, Timestamp
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import (
    EventHistoryContext,
    EventManager,
)

# ExecutionRedriven and one more event must fit below 25,000.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
REDRIVABLE_EVENTS = 24_999


def event_details(**details: Any) -> EventDetails:
    """moto's type requires every kind of detail at once; an event carries the one it is about."""
    return cast("EventDetails", details)


class History(EventManager):
    """Events of one attempt, after those of the attempts before it.

    Once closed it takes no more: a task that outlives its attempt has nothing to tell the next.
    """

    def __init__(
        self, cloud_watch_logging_session: Any = None, *, continues: History | None = None
    ) -> None:
        super().__init__(cloud_watch_logging_session=cloud_watch_logging_session)
        self._gate = threading.Lock()
        self._closed = False
        self._reentering: set[int] = set()
        if continues is not None:
            self._history_event_list = continues._history_event_list  # type: ignore[misc]
            self._event_id_gen = continues._event_id_gen

    def __len__(self) -> int:
        return len(self._history_event_list)

    def events(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self._history_event_list)

    def expect_reentry(self, context: EventHistoryContext) -> None:
        """The next state of `context` was entered in a former attempt, and is so once only."""
        self._reentering.add(id(context))

    def close(self) -> None:
        with self._gate:
            self._closed = True

    def add_event(
        self,
        context: EventHistoryContext,
        event_type: HistoryEventType,
        event_details: EventDetails | None = None,
        timestamp: Timestamp | None = None,
        update_source_event_id: bool = True,
    ) -> int:
        with self._gate:
            if self._closed:
                return context.last_published_event_id
            if id(context) in self._reentering and event_type.value.endswith("StateEntered"):
                self._reentering.discard(id(context))
                return context.last_published_event_id
            return super().add_event(
                context=context,
                event_type=event_type,
                event_details=event_details,
                timestamp=timestamp,  # type: ignore[arg-type]
                update_source_event_id=update_source_event_id,
            )
