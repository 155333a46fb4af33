"""What is told of asynchronous invocations, and to whom, with the queues and topics themselves.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.context import CloudContext
from localcloud.functions import FunctionService
from localcloud.services.lambda_destinations import destination_patches
from localcloud.services.lambda_versions import lambda_version_patches
from localcloud.services.patches import applied
from tests.localcloud.functions.invoking import ACCOUNT, REGION, Deploy, Serve

TELLING = """
import json, os, socket

def handler(event, context):
    with socket.create_connection(("127.0.0.1", int(os.environ["PORT"]))) as connection:
        connection.sendall(json.dumps(event).encode())
"""


class Queue:
    """A queue of this test; `arn` is also what a rule or a subscription sends to."""

    def __init__(self, aws: CloudContext) -> None:
        self._client = aws.client("sqs")
        self.url = self._client.create_queue(QueueName=f"queue-{uuid.uuid4().hex[:8]}")["QueueUrl"]
        self.arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.url.rpartition('/')[2]}"

    def message(self) -> dict[str, Any]:
        """Wait for the next message."""
        (message,) = self._client.receive_message(
            QueueUrl=self.url, WaitTimeSeconds=20, MessageAttributeNames=["All"]
        )["Messages"]
        self._client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return message

    def body(self) -> Any:
        return json.loads(self.message()["Body"])

    def delete(self) -> None:
        self._client.delete_queue(QueueUrl=self.url)


@pytest.fixture
def queue(aws: CloudContext) -> Iterator[Queue]:
    made = Queue(aws)
    yield made
    made.delete()


@pytest.fixture
def service(serve: Serve) -> FunctionService:
    return serve(retry_delays_s=(0.0, 0.0))


def applied_to_functions() -> AbstractContextManager[None]:
    """moto drops a function's DeadLetterConfig; a cloud keeps it."""
    return applied(lambda_version_patches())


def send(
    service: FunctionService, function: str, qualifier: str | None = None, **event: Any
) -> str:
    """Invoke without waiting; the id of the request."""
    payload = json.dumps(event).encode()
    return service.invoke(function, qualifier, payload, invocation_type="Event").request_id


def configure(aws: CloudContext, function: str, *, failed: str = "", done: str = "") -> None:
    chosen = {"OnFailure": failed, "OnSuccess": done}
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=function,
        DestinationConfig={side: {"Destination": arn} for side, arn in chosen.items() if arn},
    )


def test_failed_event_is_told_with_its_last_error(
    service: FunctionService, deploy: Deploy, aws: CloudContext, queue: Queue
) -> None:
    function = deploy()
    configure(aws, function, failed=queue.arn)
    request_id = send(service, function, do="raise", message="no such shard")
    record = queue.body()
    assert record.pop("timestamp").endswith("Z")
    assert record.pop("responsePayload")["errorMessage"] == "no such shard"
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"do": "raise", "message": "no such shard"},
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": "Unhandled",
        },
    }


def test_event_that_succeeds_is_told_to_the_other_destination(
    service: FunctionService, deploy: Deploy, aws: CloudContext, queue: Queue
) -> None:
    function = deploy()
    aws.client("lambda").create_alias(FunctionName=function, Name="live", FunctionVersion="$LATEST")
    configure(aws, function, done=queue.arn, failed=queue.arn.replace("queue-", "absent-"))
    send(service, function, "live", do="echo", shard=3)
    record = queue.body()
    assert record["requestContext"]["condition"] == "Success"
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert record["requestContext"]["functionArn"].endswith(f":{function}:live")
    assert record["responsePayload"] == {"do": "echo", "shard": 3}
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}


def test_dead_letter_is_the_event_with_its_error_in_attributes(
    service: FunctionService, deploy: Deploy, aws: CloudContext, queue: Queue
) -> None:
    with applied_to_functions():
        function = deploy(DeadLetterConfig={"TargetArn": queue.arn})
        request_id = send(service, function, do="raise", message="x" * 2000)
        message = queue.message()
    assert json.loads(message["Body"]) == {"do": "raise", "message": "x" * 2000}
    attributes = {
        name: (value["DataType"], value["StringValue"])
        for name, value in message["MessageAttributes"].items()
    }
    assert attributes == {
        "RequestID": ("String", request_id),
        "ErrorCode": ("Number", "200"),
        "ErrorMessage": ("String", "x" * 1024),
    }


def test_function_that_is_switched_off_sends_its_events_on_without_a_retry(
    service: FunctionService, deploy: Deploy, aws: CloudContext, queue: Queue
) -> None:
    with applied_to_functions():
        function = deploy(DeadLetterConfig={"TargetArn": queue.arn})
        configure(aws, function, failed=queue.arn)
        aws.client("lambda").put_function_concurrency(
            FunctionName=function, ReservedConcurrentExecutions=0
        )
        send(service, function, do="echo")
        record, letter = queue.body(), queue.message()
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert "responseContext" not in record
    assert letter["MessageAttributes"]["ErrorCode"]["StringValue"] == "429"
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "Rate Exceeded."


def test_topic_is_told(
    service: FunctionService, deploy: Deploy, aws: CloudContext, queue: Queue
) -> None:
    sns = aws.client("sns")
    topic = sns.create_topic(Name=f"topic-{uuid.uuid4().hex[:8]}")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    function = deploy()
    configure(aws, function, failed=topic)
    request_id = send(service, function, do="raise", message="x")
    record = json.loads(queue.body()["Message"])
    sns.delete_topic(TopicArn=topic)
    assert record["requestContext"]["requestId"] == request_id


def test_event_bus_is_told(
    service: FunctionService, deploy: Deploy, aws: CloudContext, queue: Queue
) -> None:
    events = aws.client("events")
    rule = f"rule-{uuid.uuid4().hex[:8]}"
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["lambda"]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue.arn}])
    function = deploy()
    configure(aws, function, failed=f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default")
    request_id = send(service, function, do="raise", message="x")
    told = queue.body()
    events.remove_targets(Rule=rule, Ids=["queue"])
    events.delete_rule(Name=rule)
    assert told["detail-type"] == "Lambda Function Invocation Result - Failure"
    assert told["detail"]["requestContext"]["requestId"] == request_id


def test_function_is_told(service: FunctionService, deploy: Deploy, aws: CloudContext) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(20)
        port = str(listener.getsockname()[1])
        told = deploy(TELLING, Environment={"Variables": {"PORT": port}})
        function = deploy()
        configure(aws, function, failed=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{told}")
        request_id = send(service, function, do="raise", message="x")
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as file:
            record = json.loads(file.read())
    assert record["requestContext"]["requestId"] == request_id


@pytest.mark.parametrize("metric", ["DestinationDeliveryFailures", "DeadLetterErrors"])
def test_what_does_not_arrive_is_a_metric(
    service: FunctionService,
    deploy: Deploy,
    aws: CloudContext,
    queue: Queue,
    metric: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    absent = queue.arn.replace("queue-", "absent-")
    with applied_to_functions():
        if metric == "DeadLetterErrors":
            function = deploy(DeadLetterConfig={"TargetArn": absent})
        else:
            function = deploy()
            configure(aws, function, failed=absent)
        send(service, function, do="raise", message="x")
        while f"not delivered to {absent}" not in caplog.text:
            threading.Event().wait(0.01)
    service.stop()
    names = aws.client("cloudwatch").list_metrics(
        Namespace="AWS/Lambda", Dimensions=[{"Name": "FunctionName", "Value": function}]
    )["Metrics"]
    assert metric in {name["MetricName"] for name in names}


@pytest.mark.parametrize(
    "target",
    [
        "arn:aws:s3:::bucket",
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue.fifo",
        f"arn:aws:sns:{REGION}:{ACCOUNT}:topic.fifo",
        f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/any",
    ],
)
def test_destination_that_is_not_served_is_refused_where_it_is_deployed(
    deploy: Deploy, aws: CloudContext, target: str
) -> None:
    function = deploy()
    configure(aws, function, failed=target)
    with applied(destination_patches()):
        for side in ({"failed": target}, {"done": target}):
            with pytest.raises(ClientError, match="not served in the embedded cloud") as refused:
                configure(aws, function, **side)
            assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
            assert target in str(refused.value)


@pytest.mark.parametrize(
    "target",
    [
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:any",
        f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue.fifo",
    ],
)
def test_dead_letter_queue_that_is_not_served_is_refused_where_it_is_deployed(
    deploy: Deploy, aws: CloudContext, target: str
) -> None:
    function = deploy(DeadLetterConfig={"TargetArn": target})
    client = aws.client("lambda")
    letters = {"TargetArn": target}
    client.update_function_configuration(FunctionName=function, DeadLetterConfig=letters)
    with applied(destination_patches()):
        with pytest.raises(ClientError, match=r"DeadLetterConfig\.TargetArn"):
            deploy(DeadLetterConfig=letters)
        with pytest.raises(ClientError, match=r"DeadLetterConfig\.TargetArn"):
            client.update_function_configuration(FunctionName=function, DeadLetterConfig=letters)
        client.update_function_configuration(FunctionName=function, DeadLetterConfig={})
