"""Invoke over HTTP by boto3: headers, error codes, reasons."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from localcloud.context import CloudContext
from localcloud.functions import FunctionService
from tests.localcloud.functions.invoking import Deploy


def invoke(aws: CloudContext, function: str, **arguments: Any) -> Any:
    return aws.client("lambda").invoke(FunctionName=function, **arguments)


def test_answer_has_version_and_request_id(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    answer = invoke(aws, deploy(), Payload=b'{"do": "describe"}', LogType="Tail")
    seen = json.loads(answer["Payload"].read())
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in answer
    assert seen["request_id"] == request_id
    assert f"START RequestId: {request_id}".encode() in base64.b64decode(answer["LogResult"])


def test_function_error_is_unhandled(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    answer = invoke(aws, deploy(), Payload=b'{"do": "raise", "message": "x"}')
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"].read())["errorType"] == "LookupError"


def test_qualified_arn_is_understood(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    client = aws.client("lambda")
    function = deploy()
    version = client.publish_version(FunctionName=function)
    by_arn = invoke(aws, version["FunctionArn"], Payload=b"{}")
    by_qualifier = invoke(aws, function, Qualifier=version["Version"], Payload=b"{}")
    assert by_arn["ExecutedVersion"] == by_qualifier["ExecutedVersion"] == "1"


def test_client_context_reaches_the_function(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    context = base64.b64encode(json.dumps({"custom": {"shard": 3}}).encode()).decode()
    answer = invoke(aws, deploy(), Payload=b'{"do": "describe"}', ClientContext=context)
    assert json.loads(answer["Payload"].read())["client_context"] == {"shard": 3}


def test_dry_run_runs_nothing(service: FunctionService, deploy: Deploy, aws: CloudContext) -> None:
    answer = invoke(aws, deploy(), InvocationType="DryRun", Payload=b"{}")
    assert answer["StatusCode"] == 204
    assert service.running_processes() == []


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        ({"Qualifier": "absent"}, 404, "ResourceNotFoundException"),
        ({"Payload": b"not json"}, 400, "InvalidRequestContentException"),
        ({"ClientContext": "not base64!"}, 400, "InvalidParameterValueException"),
        ({"Payload": b'"' + b"x" * 6 * 1024 * 1024 + b'"'}, 413, "RequestTooLargeException"),
    ],
)
def test_refusal_has_awss_code(
    service: FunctionService,
    deploy: Deploy,
    aws: CloudContext,
    arguments: dict[str, Any],
    status: int,
    code: str,
) -> None:
    client = aws.client("lambda")
    with pytest.raises(client.exceptions.ClientError) as refused:
        invoke(aws, deploy(), **arguments)
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert answer["Error"]["Code"] == code


def test_throttle_gives_its_reason(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    client = aws.client("lambda")
    function = deploy()
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException) as refused:
        invoke(aws, function, Payload=b"{}")
    assert refused.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
