"""Invocations nobody waits for: accepted with the function's settings, run, and told of at the end.

It decides how an outcome reads to the queue and to whom the end is told; the queue decides when
an event is tried again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.functions.configuration import DeployedFunctions, Target
from localcloud.functions.destinations import (
    Client,
    invocation_record,
    send_dead_letter,
    send_record,
)
from localcloud.functions.errors import (
    ResourceNotFoundError,
    ServiceError,
    ServiceFailureError,
)
from localcloud.functions.events import (
    MAXIMUM_AGE_S,
    RETRY_DELAYS_S,
    Attempt,
    Condition,
    Event,
    EventQueue,
    Verdict,
)
from localcloud.functions.invocation import Outcome
from localcloud.functions.metrics import LambdaMetrics

log = logging.getLogger(__name__)

_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


class AsynchronousInvocations:
    """Runs events by `run`; `client_for` gives clients with the role of a target's function."""

    def __init__(
        self,
        *,
        deployed: DeployedFunctions,
        metrics: LambdaMetrics,
        run: Callable[[Target, bytes, str], Outcome],
        client_for: Callable[[Target], Client],
        retry_delays_s: tuple[float, ...],
    ) -> None:
        self._deployed = deployed
        self._metrics = metrics
        self._run = run
        self._client_for = client_for
        self._events = EventQueue(self._attempt, self._conclude, retry_delays_s=retry_delays_s)

    def accept(self, target: Target, payload: bytes, request_id: str) -> None:
        """Queue an event with the settings that its function has now."""
        name = target.configuration.name
        settings = self._deployed.event_invoke_config(name)
        self._events.put(
            Event(
                function=name,
                qualifier=target.qualifier,
                payload=payload,
                request_id=request_id,
                queued_at=time.monotonic(),
                maximum_retries=settings.get("MaximumRetryAttempts", len(RETRY_DELAYS_S)),
                maximum_age_s=settings.get("MaximumEventAgeInSeconds", MAXIMUM_AGE_S),
            )
        )

    def stop(self) -> None:
        """Drop what waits, and wait for the attempts in progress."""
        self._events.stop()

    def _attempt(self, event: Event) -> Attempt:
        reserved = None
        try:
            target = self._deployed.resolve(event.function, event.qualifier)
            reserved = target.reserved_concurrency
            outcome = self._run(target, event.payload, event.request_id)
        except ServiceError as refusal:
            # A function switched off by a reservation of 0 gets no further attempt:
            # https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
            returned = refusal.status == _TOO_MANY_REQUESTS or refusal.status >= _SERVER_ERROR
            verdict = Verdict.RETURNED if returned and reserved != 0 else Verdict.REFUSED
            return Attempt(verdict, refusal=refusal)
        except Exception as error:
            # Nobody waits for this one: without a trace the event would be gone.
            log.exception("event %s of %s", event.request_id, event.function)
            failure = ServiceFailureError(f"{type(error).__name__}: {error}")
            return Attempt(Verdict.RETURNED, refusal=failure)
        return Attempt(
            Verdict.FAILED if outcome.failure else Verdict.DONE,
            outcome.payload,
            target.configuration.version,
        )

    def _conclude(self, event: Event, condition: Condition, attempt: Attempt | None) -> None:
        try:
            target = self._deployed.resolve(event.function, event.qualifier)
        except ResourceNotFoundError:
            # Its settings went with it.
            return
        configured: Mapping[str, Any] = self._deployed.event_invoke_config(event.function).get(
            "DestinationConfig", {}
        )
        side = "OnSuccess" if condition is Condition.SUCCESS else "OnFailure"
        destination = configured.get(side, {}).get("Destination")
        dead_letters = target.configuration.dead_letters
        resource = f"{event.function}:{event.qualifier}" if event.qualifier else event.function
        if destination:
            arn = f"{target.invoked_arn}{'' if event.qualifier else ':$LATEST'}"
            record = invocation_record(event, arn, condition, attempt)
            if not send_record(self._client_for(target), destination, record):
                self._metrics.undelivered(event.function, resource, "DestinationDeliveryFailures")
        if (
            dead_letters
            and condition is not Condition.SUCCESS
            and not send_dead_letter(self._client_for(target), dead_letters, event, attempt)
        ):
            self._metrics.undelivered(event.function, resource, "DeadLetterErrors")
