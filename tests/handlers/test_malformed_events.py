"""Events that no state machine and no API sends: refused by name, and the next one is served."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any, Protocol

import pytest

from shpc_core.errors import InvalidInput


class LoadHandler(Protocol):
    def __call__(self, function: str) -> ModuleType: ...


EVENTS: list[Any] = [[], "text", None, 5, {}, {"level": "other"}, {"requestContext": None}]
INPUT = {"images": "inputs/x/images.idx", "labels": None}
GOOD: dict[str, dict[str, Any]] = {
    "plan": {"job_id": "good", "input": INPUT},
    "classify": {
        "job_id": "good",
        "input": INPUT,
        "shard": {"shard": 0, "start": 0, "stop": 5},
    },
}


@pytest.mark.parametrize("function", ["plan", "classify", "reduce"])
def test_step_refuses_what_is_no_request_of_its_own(
    load_handler: LoadHandler, context: Any, function: str
) -> None:
    handler = load_handler(function)
    for event in EVENTS:
        with pytest.raises(InvalidInput) as caught:
            handler.handler(event, context)
        assert caught.value.field in ("request", "job_id", "level", "requestContext")
    if function in GOOD:
        assert handler.handler(GOOD[function], context)


@pytest.mark.parametrize(
    "event",
    [
        *EVENTS,
        {"routeKey": 5},
        {"routeKey": "POST /jobs", "headers": []},
        {"routeKey": "POST /jobs", "headers": {}, "body": 5},
    ],
)
@pytest.mark.parametrize("function", ["jobs", "predict"])
def test_event_that_is_no_request_is_a_400(
    load_handler: LoadHandler,
    context: Any,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    event: Any,
) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:classify"
    monkeypatch.setenv("STATE_MACHINE_ARN", arn)
    response = load_handler(function).handler(event, context)
    assert response["statusCode"] == 400
    assert json.loads(response["body"])["error"]["field"] == "event"


def test_body_that_is_not_the_base64_it_claims_to_be_is_a_400(
    load_handler: LoadHandler, context: Any
) -> None:
    event = {
        "routeKey": "POST /classify",
        "headers": {"content-type": "image/png"},
        "body": "not base64!",
        "isBase64Encoded": True,
    }
    response = load_handler("predict").handler(event, context)
    assert response["statusCode"] == 400
    assert json.loads(response["body"])["error"]["field"] == "body"
