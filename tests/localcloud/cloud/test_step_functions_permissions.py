"""A state machine may do what its role may.

https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:plan"
INVOKE = "arn:aws:states:::lambda:invoke"


@pytest.fixture
def run_as(state_machines, cloud):
    """`run_as(statements, definition)`: how it ends where the role has these statements."""

    def run(statements: list[dict[str, Any]], definition: dict[str, Any], given: Any = None) -> Any:
        iam = cloud.context.client("iam")
        name = f"machine-{uuid.uuid4().hex[:8]}"
        principal = {"Service": "states.amazonaws.com"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy([trust]))["Role"]
        if statements:
            document = policy([{"Effect": "Allow", **statement} for statement in statements])
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)
        client = state_machines.client
        machine = client.create_state_machine(
            name=name, definition=json.dumps(definition), roleArn=role["Arn"]
        )
        started = client.start_execution(
            stateMachineArn=machine["stateMachineArn"], input=json.dumps(given)
        )
        return state_machines.end_of(started["executionArn"])

    return run


def policy(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def invoking(qualifier: str) -> dict[str, str]:
    return {"Action": "lambda:InvokeFunction", "Resource": f"{FUNCTION}:{qualifier}"}


def task(**fields: Any) -> dict[str, Any]:
    parameters = {"FunctionName": f"{FUNCTION}:live", "Payload.$": "$"}
    state = {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": parameters,
        "ResultSelector": {"answer.$": "$.Payload"},
        "End": True,
        **fields,
    }
    return {"StartAt": "Task", "States": {"Task": state}}


def distributed(bucket: str) -> dict[str, Any]:
    child = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    state = {
        "Type": "Map",
        "ItemProcessor": {**child, "ProcessorConfig": config},
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket": bucket, "Key": "items.json"},
        },
        "ResultWriter": {
            "Resource": "arn:aws:states:::s3:putObject",
            "Parameters": {"Bucket": bucket, "Prefix": "out"},
        },
        "End": True,
    }
    return {"StartAt": "Map", "States": {"Map": state}}


def test_task_calls_the_function_that_its_role_may_invoke(run_as, handlers):
    handlers["plan"] = lambda event: event
    ended = run_as([invoking("live")], task(), 7)
    assert json.loads(ended["output"]) == {"answer": 7}


@pytest.mark.parametrize("statements", [[], [invoking("2")], [invoking("liv")]])
def test_task_without_the_permission_fails_as_on_aws(run_as, handlers, statements):
    """As seen at https://github.com/awslabs/aws-deployment-framework/issues/460."""
    handlers["plan"] = lambda event: event
    ended = run_as(statements, task())
    assert (ended["status"], ended["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert ended["cause"].startswith("User: arn:aws:sts::123456789012:assumed-role/machine-")
    assert (
        f"is not authorized to perform: lambda:InvokeFunction on resource: {FUNCTION}:live because "
        "no identity-based policy allows the lambda:InvokeFunction action (Service: Lambda, "
        "Status Code: 403"
    ) in ended["cause"]


def test_denied_invocation_can_be_caught_by_its_name(run_as, handlers):
    handlers["plan"] = lambda event: event
    caught = {"ErrorEquals": ["Lambda.AWSLambdaException"], "Next": "Caught"}
    definition = task(Catch=[caught])
    definition["States"]["Caught"] = {"Type": "Succeed"}
    assert run_as([], definition)["status"] == "SUCCEEDED"


STARTING = {"Action": "states:StartExecution", "Resource": "*"}
READING = {"Action": "s3:GetObject", "Resource": "*"}
WRITING = {"Action": "s3:PutObject", "Resource": "*"}


@pytest.mark.parametrize(
    ("statements", "error"),
    [
        ([STARTING, READING, WRITING], None),
        ([READING, WRITING], "States.Permissions"),
        ([STARTING, WRITING], "States.ItemReaderFailed"),
        ([STARTING, READING], "States.ResultWriterFailed"),
    ],
)
def test_map_takes_starting_executions_reading_items_and_writing_results(
    run_as, cloud, bucket, statements, error
):
    """https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html"""
    cloud.context.client("s3").put_object(Bucket=bucket, Key="items.json", Body=b"[1, 2]")
    ended = run_as(statements, distributed(bucket))
    assert ended.get("error") == error
    if error:
        assert "is not authorized to perform: " in ended["cause"]


def test_state_with_a_timeout_acts_for_the_same_role(run_as, cloud):
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets",
        "TimeoutSeconds": 60,
        "ResultSelector": {"owner.$": "$.Owner"},
        "End": True,
    }
    definition = {"StartAt": "List", "States": {"List": state}}
    granted = {"Action": "s3:ListAllMyBuckets", "Resource": "*"}
    assert run_as([granted], definition)["status"] == "SUCCEEDED"
    assert run_as([], definition)["status"] == "FAILED"
