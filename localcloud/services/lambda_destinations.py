"""Refuses, where a function is deployed, targets of asynchronous invocations that nobody serves.

moto takes any ARN. What would get no record here, or none on AWS either, must not deploy as if it
would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.awslambda.models import LambdaBackend

from localcloud.functions.destinations import (
    DestinationRefusedError,
    check_dead_letters,
    check_destination,
)
from localcloud.services.patches import Patch, method

_REASON = "moto takes any ARN for a destination or a dead-letter queue"


def destination_patches() -> list[Patch]:
    """What to apply while a cloud is up."""
    checks: dict[str, Callable[[Mapping[str, Any]], None]] = {
        "put_function_event_invoke_config": _check_event_invoke_config,
        "create_function": _check_function,
        "update_function_configuration": _check_function,
    }
    return [
        Patch(LambdaBackend, name, _checked(name, check), _REASON) for name, check in checks.items()
    ]


def _checked(name: str, check: Callable[[Mapping[str, Any]], None]) -> Callable[..., Any]:
    """The operation `name`, whose last argument is what it is asked for, behind `check`."""
    stock = vars(LambdaBackend)[name]

    def operation(backend: LambdaBackend, *args: Any, **kwargs: Any) -> Any:
        asked = (*args, *kwargs.values())[-1]
        try:
            check(asked)
        except DestinationRefusedError as refused:
            raise InvalidParameterValueException(str(refused)) from refused
        return stock(backend, *args, **kwargs)

    return method(operation)


def _check_event_invoke_config(asked: Mapping[str, Any]) -> None:
    for side in (asked.get("DestinationConfig") or {}).values():
        if side.get("Destination"):
            check_destination(side["Destination"])


def _check_function(asked: Mapping[str, Any]) -> None:
    if target := (asked.get("DeadLetterConfig") or {}).get("TargetArn"):
        check_dead_letters(target)
