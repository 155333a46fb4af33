"""Where asynchronous invocations end up: destinations get a record of one, dead letters its event.

Queues, topics, functions and event buses are served; a queue or topic that keeps an order is
refused, as on AWS, and so is a bucket, which AWS would take. What cannot be delivered is a metric
and a line in this process's log, never an error of the invocation.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.functions.events import Attempt, Condition, Event

log = logging.getLogger(__name__)

# A boto3 client of a service, with the credentials of the function's role.
Client = Callable[[str], Any]

_TARGET = re.compile(
    r"arn:aws[\w-]*:(?P<service>[a-z0-9]+):[a-z0-9-]*:(?P<account>\d*):(?P<name>.+)"
)
_DESTINATIONS = ("sqs", "sns", "lambda", "events")
_DEAD_LETTERS = ("sqs", "sns")
_ERROR_MESSAGE_BYTES = 1024


class DestinationRefusedError(ValueError):
    """A target that nothing is delivered to; the message names it and what is allowed."""


def check_destination(arn: str) -> None:
    """Raises DestinationRefusedError unless records can be sent there."""
    _check(arn, _DESTINATIONS, "Destination", "queue, topic, function or event bus")


def check_dead_letters(arn: str) -> None:
    """Raises DestinationRefusedError unless dead letters can be sent there."""
    _check(arn, _DEAD_LETTERS, "DeadLetterConfig.TargetArn", "queue or topic")


def _check(arn: str, services: tuple[str, ...], field: str, allowed: str) -> None:
    found = _TARGET.fullmatch(arn)
    if found is None or found["service"] not in services or arn.endswith(".fifo"):
        raise DestinationRefusedError(
            f"{field}: {arn!r} is not served in the embedded cloud; allowed: the ARN of a "
            f"standard {allowed}"
        )


def invocation_record(
    event: Event, function_arn: str, condition: Condition, attempt: Attempt | None
) -> dict[str, Any]:
    """What a destination is told; without the response where no code ran."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": now,
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": function_arn,
            "condition": condition.value,
            "approximateInvokeCount": event.invocations,
        },
        "requestPayload": json.loads(event.payload or b"{}"),
    }
    if attempt is not None and attempt.refusal is None:
        record["responseContext"] = {
            "statusCode": 200,
            "executedVersion": attempt.executed_version,
        }
        if condition is not Condition.SUCCESS:
            record["responseContext"]["functionError"] = "Unhandled"
        record["responsePayload"] = json.loads(attempt.payload or b"null")
    return record


def send_record(client: Client, target: str, record: dict[str, Any]) -> bool:
    """Send a record to a destination; False if it could not be delivered."""
    outcome = "Success" if record["requestContext"]["condition"] == "Success" else "Failure"
    body = json.dumps(record)
    service = target.split(":")[2]

    def deliver() -> None:
        if service == "lambda":
            client(service).invoke(
                FunctionName=target, InvocationType="Event", Payload=body.encode()
            )
        elif service == "events":
            client(service).put_events(
                Entries=[
                    {
                        "Source": "lambda",
                        "DetailType": f"Lambda Function Invocation Result - {outcome}",
                        "Resources": [target, record["requestContext"]["functionArn"]],
                        "Detail": body,
                        "EventBusName": target,
                    }
                ]
            )
        else:
            _send_message(client(service), target, body, {})

    return _delivered(deliver, target)


def send_dead_letter(client: Client, target: str, event: Event, attempt: Attempt | None) -> bool:
    """Send an event, with what went wrong in attributes; False if it could not be delivered."""
    status, words = 200, ""
    if attempt is not None and attempt.refusal is not None:
        status, words = attempt.refusal.status, str(attempt.refusal)
    elif attempt is not None:
        words = str(json.loads(attempt.payload).get("errorMessage", ""))
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": event.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": str(status)},
    }
    if shortened := words.encode()[:_ERROR_MESSAGE_BYTES].decode(errors="ignore"):
        attributes["ErrorMessage"] = {"DataType": "String", "StringValue": shortened}
    service = target.split(":")[2]
    body = (event.payload or b"{}").decode()
    return _delivered(lambda: _send_message(client(service), target, body, attributes), target)


def _send_message(client: Any, target: str, body: str, attributes: dict[str, Any]) -> None:
    if ":sns:" in target:
        client.publish(TopicArn=target, Message=body, MessageAttributes=attributes)
        return
    *_, account, name = target.split(":")
    url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)


def _delivered(deliver: Callable[[], None], target: str) -> bool:
    try:
        deliver()
    except (BotoCoreError, ClientError) as error:
        log.warning("not delivered to %s: %s", target, error)
        return False
    return True
