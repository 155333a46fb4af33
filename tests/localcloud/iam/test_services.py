"""Which permission each service asks for, and how it says that it is missing."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.iam.callers import session_of as caller_of
from localcloud.iam.decisions import Decision
from localcloud.iam.errors import AccessDenied
from tests.localcloud.iam.asking import refusal
from tests.localcloud.iam.policies import allow, document

EVENTS = {
    "logGroupName": "/g",
    "logStreamName": "s",
    "logEvents": [{"timestamp": 1, "message": "m"}],
}
LIVE = {"FunctionName": "f", "Qualifier": "live"}
M = "arn:aws:states:us-east-1:123456789012:stateMachine:M"
T = "arn:aws:sns:us-east-1:123456789012:t"
F = "arn:aws:lambda:us-east-1:123456789012:function:f"


@pytest.mark.parametrize(
    ("service", "call", "parameters", "code", "status"),
    [
        ("lambda", "list_functions", {}, "AccessDeniedException", 403),
        ("stepfunctions", "list_state_machines", {}, "AccessDeniedException", 400),
        ("ssm", "get_parameter", {"Name": "/a/b"}, "AccessDeniedException", 400),
        ("iam", "list_roles", {}, "AccessDenied", 403),
        ("cloudformation", "list_stacks", {}, "AccessDenied", 403),
        ("sns", "list_topics", {}, "AccessDenied", 403),
        ("apigatewayv2", "get_apis", {}, "AccessDeniedException", 403),
        ("logs", "describe_log_groups", {}, "AccessDeniedException", 400),
        ("ecr", "describe_repositories", {}, "AccessDeniedException", 400),
        ("kms", "list_keys", {}, "AccessDeniedException", 400),
        ("cloudwatch", "list_metrics", {}, "AccessDeniedException", 400),
    ],
)
def test_denial_comes_in_the_protocol_of_its_service(
    as_role, service, call, parameters, code, status
):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/CommonErrors.html"""
    refused = refusal(getattr(as_role()(service), call), **parameters)
    assert refused[0] == code
    assert refused[2] == status
    assert "is not authorized to perform: " in refused[1]


@pytest.mark.parametrize(
    ("service", "call", "parameters", "action", "resource"),
    [
        ("ssm", "get_parameter", {"Name": "/a/b"}, "GetParameter", "parameter/a/b"),
        ("logs", "put_log_events", EVENTS, "PutLogEvents", "log-group:/g:log-stream:s"),
        ("states", "start_execution", {"stateMachineArn": M}, "StartExecution", "stateMachine:M"),
        ("lambda", "invoke", LIVE, "InvokeFunction", "function:f:live"),
        ("lambda", "get_function", {"FunctionName": "f"}, "GetFunction", "function:f"),
        ("ecr", "describe_images", {"repositoryName": "rr"}, "DescribeImages", "repository/rr"),
        ("cloudformation", "describe_stacks", {"StackName": "s"}, "DescribeStacks", "stack/s/*"),
        ("iam", "get_role", {"RoleName": "r"}, "GetRole", "role/r"),
        ("sns", "publish", {"TopicArn": T, "Message": "m"}, "Publish", "t"),
        ("apigateway", "get_api", {"ApiId": "a"}, "GET", "/apis/a"),
    ],
)
def test_operation_asks_for_its_action_on_its_resource(
    cloud, as_role, service, call, parameters, action, resource
):
    """https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html"""
    context = cloud.context
    region = "" if service == "iam" else context.region
    account = "" if service == "apigateway" else context.account
    arn = f"arn:aws:{service}:{region}:{account}:{resource}"
    client = {"states": "stepfunctions", "apigateway": "apigatewayv2"}.get(service, service)
    message = refusal(getattr(as_role()(client), call), **parameters)[1]
    assert f"to perform: {service}:{action} on resource: {arn} because" in message
    granted = as_role(allow(f"{service}:{action}", arn))
    with pytest.raises(ClientError) as raised:
        getattr(granted(client), call)(**parameters)
    # There is nothing of that name: the service itself says so.
    assert "AccessDenied" not in raised.value.response["Error"]["Code"]


def test_operation_that_is_not_modelled_is_denied_to_roles_and_says_so(as_role):
    admin = as_role(allow("*", "*"))
    message = refusal(admin("sqs").list_queues)[1]
    assert "does not model" in message
    message = refusal(admin("ssm").list_documents)[1]
    assert "ssm:ListDocuments" in message


def test_gate_is_asked_within_this_process_as_well(cloud, make_role):
    role = make_role(allow("lambda:InvokeFunction", f"{F}:live"))
    caller = caller_of(role, "now")
    cloud.gate.allows(caller, "lambda:InvokeFunction", f"{F}:live", {})
    with pytest.raises(AccessDenied) as raised:
        cloud.gate.allows(caller, "lambda:InvokeFunction", f"{F}:2", {})
    assert raised.value.code == "AccessDeniedException"
    decided = [each for each in cloud.gate.decisions() if each.principal == role]
    assert decided == [
        Decision(role, "lambda:InvokeFunction", f"{F}:live", allowed=True),
        Decision(role, "lambda:InvokeFunction", f"{F}:2", allowed=False),
    ]


def test_condition_on_the_context_is_met_unmet_or_its_key_missing(cloud, make_role):
    def role(operator: str) -> Any:
        condition = {operator: {"aws:SourceAccount": "123456789012"}}
        return caller_of(make_role(allow("sns:Publish", "*", Condition=condition)), "now")

    topic = "arn:aws:sns:us-east-1:123456789012:t"
    met, unmet = {"aws:SourceAccount": "123456789012"}, {"aws:SourceAccount": "1"}
    strict = role("StringEquals")
    cloud.gate.allows(strict, "sns:Publish", topic, met)
    for keys in (unmet, {}):
        with pytest.raises(AccessDenied):
            cloud.gate.allows(strict, "sns:Publish", topic, keys)
    cloud.gate.allows(role("StringEqualsIfExists"), "sns:Publish", topic, {})


def test_denial_is_logged_for_the_developer(bucket, as_role, caplog):
    with caplog.at_level(logging.WARNING, "localcloud.iam.gate"):
        refusal(as_role()("s3").list_objects_v2, Bucket=bucket)
    assert "is not authorized to perform: s3:ListBucket" in caplog.text


def test_key_policy_must_take_part(cloud, as_role):
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html"""
    kms = cloud.context.client("kms")
    elsewhere = allow("kms:*", "*", Principal={"AWS": "210987654321"})
    own = allow("kms:*", "*", Principal={"AWS": "123456789012"})
    role = as_role(allow("kms:*", "*"))("kms")
    for statement, permitted in ((elsewhere, False), (own, True)):
        key = kms.create_key(Policy=document(statement))["KeyMetadata"]["KeyId"]
        if permitted:
            role.describe_key(KeyId=key)
        else:
            assert refusal(role.describe_key, KeyId=key)[0] == "AccessDeniedException"


def test_caller_identity_needs_no_permission(as_role):
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html"""
    assert ":assumed-role/" in as_role()("sts").get_caller_identity()["Arn"]
