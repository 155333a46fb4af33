"""What Application Auto Scaling has done, and what it decided not to do, as it tells it.

https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-scaling-activities.html
"""

from __future__ import annotations

import threading
import uuid
from collections import deque
from typing import Any

_KEPT = 1000

MAXIMUM, MINIMUM = "AlreadyAtMaxCapacity", "AlreadyAtMinCapacity"
DESIRED = "AlreadyAtDesiredCapacity"


class Activities:
    """The latest activities of one account and region; the oldest go when there are too many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: deque[dict[str, Any]] = deque(maxlen=_KEPT)

    def scaled(self, target: Any, *, at: float, cause: str, capacity: int, error: str = "") -> None:
        """The capacity was set, or could not be."""
        what = f"provisioned concurrency to {capacity}"
        outcome = (
            {"StatusCode": "Failed", "StatusMessage": f"Failed to set {what}. Reason: {error}"}
            if error
            else {
                "StatusCode": "Successful",
                "StatusMessage": f"Successfully set {what}. Change successfully fulfilled by "
                "lambda.",
            }
        )
        self._add(target, at, cause, {"Description": f"Setting {what}.", "EndTime": at, **outcome})

    def not_scaled(self, target: Any, *, at: float, cause: str, code: str, capacity: int) -> None:
        """An alarm asked for it, and nothing was changed. Told only if it is asked for."""
        reason = {"Code": code, "CurrentCapacity": capacity}
        if code == MAXIMUM:
            reason["MaxCapacity"] = target.max_capacity
        if code == MINIMUM:
            reason["MinCapacity"] = target.min_capacity
        told = {
            "Description": "Attempting to scale due to alarm triggered",
            "StatusCode": "Failed",
            "NotScaledReasons": [reason],
        }
        self._add(target, at, cause, told)

    def of(
        self, namespace: str, resource: str | None, dimension: str | None, *, not_scaled: bool
    ) -> list[dict[str, Any]]:
        """Newest first."""
        with self._lock:
            activities = list(self._all)
        return [
            activity
            for activity in reversed(activities)
            if activity["ServiceNamespace"] == namespace
            and resource in (None, activity["ResourceId"])
            and dimension in (None, activity["ScalableDimension"])
            and (not_scaled or "NotScaledReasons" not in activity)
        ]

    def _add(self, target: Any, at: float, cause: str, told: dict[str, Any]) -> None:
        activity = {
            "ActivityId": str(uuid.uuid4()),
            "ServiceNamespace": target.service_namespace,
            "ResourceId": target.resource_id,
            "ScalableDimension": target.scalable_dimension,
            "Cause": cause,
            "StartTime": at,
            **told,
        }
        with self._lock:
            self._all.append(activity)
