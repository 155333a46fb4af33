"""Tasks that call an operation of a service through the SDK integration, as the machine's role.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.step_functions import clients

PUT = "arn:aws:states:::aws-sdk:s3:putObject"


@pytest.fixture
def bucket(cloud, request) -> str:
    name = f"sdk-{abs(hash(request.node.name)) % 10**9}"
    cloud.context.client("s3").create_bucket(Bucket=name)
    return name


def putting(bucket: str, **fields: Any) -> dict[str, Any]:
    state = {
        "Type": "Task",
        "Resource": PUT,
        "Parameters": {
            "Bucket": bucket,
            "Key.$": "States.Format('records/{}-{}.json', $.kind, $.number)",
            "ContentType": "application/json",
            "Body": {"number.$": "$.number", "at.$": "$$.State.EnteredTime", "text": "é"},
        },
        "ResultPath": None,
        "End": True,
        **fields,
    }
    return {"StartAt": "Put", "States": {"Put": state}}


def test_body_that_is_json_is_written_as_json(cloud, state_machines, bucket):
    given = {"kind": "shard", "number": 7}
    ended = state_machines.run(putting(bucket), given)
    assert json.loads(ended["output"]) == given
    stored = cloud.context.client("s3").get_object(Bucket=bucket, Key="records/shard-7.json")
    body = json.loads(stored["Body"].read())
    assert (body["number"], body["text"]) == (7, "é")
    assert stored["ContentType"] == "application/json"


def test_error_of_s3_has_the_name_that_aws_gives_it(state_machines):
    ended = state_machines.run(putting("nobody-s-bucket"), {"kind": "shard", "number": 7})
    assert (ended["status"], ended["error"]) == ("FAILED", "S3.NoSuchBucketException")
    assert "Service: S3, Status Code: 404" in ended["cause"]


def test_error_of_s3_without_a_class_of_its_own_is_the_general_one(state_machines, bucket):
    ended = state_machines.run(putting(bucket), {"kind": "x" * 1100, "number": 7})
    assert ended["error"] == "S3.S3Exception"
    assert "Status Code: 400" in ended["cause"]


def test_lost_connection_is_the_sdks_own_error_and_can_be_retried(
    state_machines, bucket, monkeypatch
):
    """https://docs.aws.amazon.com/sdk-for-java/latest/developer-guide/handling-exceptions.html"""
    from botocore.exceptions import ConnectionClosedError

    original = clients.ServiceClients.client
    left = [2]

    def client(self, *, service_name, **defaults):
        if service_name == "s3" and left[0]:
            left[0] -= 1
            raise ConnectionClosedError(endpoint_url="http://localhost")
        return original(self, service_name=service_name, **defaults)

    monkeypatch.setattr(clients.ServiceClients, "client", client)
    again = {"ErrorEquals": ["S3.SdkClientException"], "IntervalSeconds": 1, "MaxAttempts": 1}
    given = {"kind": "shard", "number": 7}
    assert state_machines.run(putting(bucket), given)["error"] == "S3.SdkClientException"
    assert state_machines.run(putting(bucket, Retry=[again]), given)["status"] == "SUCCEEDED"
    assert left == [0]


def test_cause_of_a_function_is_cut_where_aws_cuts_it(state_machines, handlers, function_error):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskFailedEventDetails.html"""

    def talkative(event: Any) -> Any:
        raise function_error({"errorType": "Long", "errorMessage": "x" * 400_000})

    handlers["run"] = talkative
    caught = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": "Kept"}
    definition = {
        "StartAt": "Run",
        "States": {
            "Run": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "run", "Payload": {}},
                "Catch": [caught],
                "End": True,
            },
            "Kept": {"Type": "Pass", "End": True},
        },
    }
    ended = state_machines.run(definition)
    assert ended["status"] == "SUCCEEDED"
    failure = json.loads(ended["output"])["failure"]
    assert failure["Error"] == "Long"
    assert len(failure["Cause"]) == 32_768
