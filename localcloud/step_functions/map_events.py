"""What a Distributed Map tells the history of its execution, and how it fails.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
"""

from __future__ import annotations

from moto.stepfunctions.parser.api import (
    HistoryEventType,
    MapRunFailedEventDetails,
    MapRunRedrivenEventDetails,
    MapRunStartedEventDetails,
    MapStateStartedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from localcloud.step_functions.history import event_details


class MapEvents:
    """Events of the one map state that `env` evaluates."""

    def __init__(self, env: Environment) -> None:
        self._env = env

    def started(self, map_run_arn: str, item_count: int) -> None:
        """`item_count` is 0 where the items are read from S3, which comes after."""
        state = MapStateStartedEventDetails(length=item_count)
        self._tell(
            HistoryEventType.MapStateStarted, event_details(mapStateStartedEventDetails=state)
        )
        run = MapRunStartedEventDetails(mapRunArn=map_run_arn)
        self._tell(HistoryEventType.MapRunStarted, event_details(mapRunStartedEventDetails=run))

    def redriven(self, map_run_arn: str, redrive_count: int) -> None:
        details = MapRunRedrivenEventDetails(mapRunArn=map_run_arn, redriveCount=redrive_count)
        self._tell(
            HistoryEventType.MapRunRedriven, event_details(mapRunRedrivenEventDetails=details)
        )

    def failed(self, failure: FailureEventException) -> None:
        self._tell(HistoryEventType.MapRunFailed, failure.failure_event.event_details)

    def run_succeeded(self) -> None:
        self._tell(HistoryEventType.MapRunSucceeded)

    def state_succeeded(self) -> None:
        self._tell(HistoryEventType.MapStateSucceeded, follows=False)

    def failure(self, error: StatesErrorNameType, cause: str) -> FailureEventException:
        """To be raised where the map fails; the state's Retry and Catch see it."""
        details = MapRunFailedEventDetails(error=error.to_name(), cause=cause)
        return FailureEventException(
            FailureEvent(
                env=self._env,
                error_name=StatesErrorName(typ=error),
                event_type=HistoryEventType.MapRunFailed,
                event_details=event_details(mapRunFailedEventDetails=details),
            )
        )

    def _tell(
        self, event: HistoryEventType, details: EventDetails | None = None, *, follows: bool = True
    ) -> None:
        self._env.event_manager.add_event(
            context=self._env.event_history_context,
            event_type=event,
            event_details=details,
            update_source_event_id=follows,
        )
