"""A request that can be read in two ways is never decided in one and served in the other.

Which place names the operation: the header X-Amz-Target in the JSON protocol, the form in the query
protocol, method and path in REST, and nothing else.
https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html
The service that a request is for stands in its credential scope:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import requests
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError

from tests.localcloud.iam.policies import allow

MACHINE = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Pass", "End": True}}})
FORM = "application/x-www-form-urlencoded"
JSON = "application/x-amz-json-1.0"


@pytest.fixture
def sent(cloud, as_role) -> Callable[..., requests.Response]:
    """Sends one request as a new role with `statement`; `alter` may change what was signed."""

    def send(
        statement: dict[str, Any],
        service: str,
        *,
        body: str = "",
        path: str = "/",
        method: str = "POST",
        headers: dict[str, str] | None = None,
        alter: Callable[[str], str] = str,
    ) -> requests.Response:
        credentials = as_role(statement)("sts")._request_signer._credentials
        request = AWSRequest(
            method, cloud.context.endpoint + path, headers=headers or {}, data=body
        )
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(credentials, service, cloud.context.region).add_auth(request)
        signed = dict(request.headers.items())
        signed["Authorization"] = alter(signed["Authorization"])
        return requests.request(method, request.url, headers=signed, data=body, timeout=10)

    return send


@pytest.fixture
def machine(cloud, make_role) -> Callable[[str], str]:
    """`machine(name)`: the ARN of a new state machine."""
    role = make_role(
        trusting=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "states.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        )
    )
    states = cloud.context.client("stepfunctions")
    arns: list[str] = []

    def make(name: str) -> str:
        arn = states.create_state_machine(name=name, definition=MACHINE, roleArn=role)
        arns.append(arn["stateMachineArn"])
        return arns[-1]

    yield make
    for arn in arns:
        states.delete_state_machine(stateMachineArn=arn)


def users(cloud) -> list[str]:
    return [user["UserName"] for user in cloud.context.client("iam").list_users()["Users"]]


def executions(cloud, arn: str) -> list[Any]:
    listed = cloud.context.client("stepfunctions").list_executions(stateMachineArn=arn)
    return listed["executions"]


@pytest.mark.parametrize(
    "alter",
    [
        lambda right: right.replace(
            "Credential=", "x=/20260101/us-east-1/iam/aws4_request, Credential="
        ),
        lambda right: (
            right.replace("s3/aws4_request", "iam/aws4_request", 1)
            + ", "
            + right.partition(" ")[2].partition(",")[0]
        ),
    ],
    ids=["before the credential", "two credentials"],
)
def test_second_scope_leads_to_no_other_service(cloud, sent, alter):
    answer = sent(
        allow("s3:ListAllMyBuckets", "*"),
        "s3",
        body="Action=CreateUser&UserName=by-scope",
        headers={"Content-Type": FORM},
        alter=alter,
    )
    assert "by-scope" not in users(cloud), answer.text


def test_target_does_not_name_the_operation_of_a_form(cloud, sent):
    answer = sent(
        allow("iam:ListUsers", "*"),
        "iam",
        body="Action=CreateUser&UserName=by-form",
        headers={"Content-Type": FORM, "X-Amz-Target": "IAM.ListUsers"},
    )
    assert answer.status_code == 403
    assert "iam:CreateUser" in answer.text
    assert "by-form" not in users(cloud)


def test_target_does_not_name_the_operation_of_a_path(sent):
    answer = sent(
        allow("lambda:ListFunctions", "*"),
        "lambda",
        path="/2015-03-31/functions/anything/invocations",
        body="{}",
        headers={"X-Amz-Target": "Lambda.ListFunctions"},
    )
    assert answer.status_code == 403
    assert "lambda:InvokeFunction" in answer.text


@pytest.mark.parametrize("content_type", [FORM, "text/plain"])
def test_form_and_query_string_are_not_both_taken(cloud, sent, content_type):
    answer = sent(
        allow("iam:ListUsers", "*"),
        "iam",
        path="/?Action=CreateUser&UserName=by-query",
        body="Action=ListUsers",
        headers={"Content-Type": content_type},
    )
    assert answer.status_code == 403
    assert "by-query" not in users(cloud)


def start_request(machine_arn: str, text: str = "") -> dict[str, Any]:
    body = {"stateMachineArn": machine_arn, "name": "run", "input": json.dumps({"text": text})}
    headers = {"Content-Type": JSON, "X-Amz-Target": "AWSStepFunctions.StartExecution"}
    return {"body": json.dumps(body), "headers": headers}


@pytest.mark.parametrize(
    "hidden", ["&stateMachineArn={other}&", "&Action=CreateActivity&name=by-action&"]
)
def test_text_in_json_is_no_parameter(cloud, sent, machine, hidden):
    mine, other = machine("mine"), machine("other")
    request = start_request(mine, hidden.format(other=other))
    answer = sent(allow("states:StartExecution", mine), "states", **request)
    assert answer.status_code == 200, answer.text
    assert executions(cloud, other) == []
    assert [run["name"] for run in executions(cloud, mine)] == ["run"]
    assert cloud.context.client("stepfunctions").list_activities()["activities"] == []


def test_json_under_the_name_of_a_form_is_denied(cloud, sent, machine):
    mine, other = machine("mine"), machine("other")
    request = start_request(mine, f"&stateMachineArn={other}&")
    request["headers"]["Content-Type"] = FORM
    answer = sent(allow("states:StartExecution", mine), "states", **request)
    assert "AccessDenied" in answer.text
    assert executions(cloud, other) == []


@pytest.mark.parametrize("query", ["stateMachineArn={other}", "Action=CreateActivity&name=other"])
def test_json_and_query_string_are_not_both_taken(cloud, sent, machine, query):
    mine, other = machine("mine"), machine("other")
    path = f"/?{query.format(other=quote(other, safe=''))}"
    answer = sent(allow("states:StartExecution", mine), "states", path=path, **start_request(mine))
    assert answer.status_code == 400
    assert "AccessDeniedException" in answer.text
    assert executions(cloud, other) == []


@pytest.mark.parametrize("query", ["FunctionName=other", "Action=DeleteFunction"])
def test_query_string_of_a_path_has_only_what_the_operation_knows(sent, query):
    mine = allow("lambda:GetFunction", "arn:aws:lambda:*:*:function:mine")
    answer = sent(mine, "lambda", method="GET", path=f"/2015-03-31/functions/mine?{query}")
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "query", ["prefix=secret%2F&prefix=mine%2F", "list-type=2&prefix=secret%2F&prefix=mine%2F"]
)
def test_repeated_query_parameter_is_denied(cloud, sent, bucket, query):
    cloud.context.client("s3").put_object(Bucket=bucket, Key="secret/key")
    mine = allow("s3:ListBucket", "*", Condition={"StringEquals": {"s3:prefix": "mine/"}})
    answer = sent(mine, "s3", path=f"/{bucket}?{query}", method="GET")
    assert answer.status_code == 403
    assert "secret/key" not in answer.text


@pytest.mark.parametrize(
    "host", ["{bucket}.s3.amazonaws.com", "{bucket}.example.com", "{bucket}.x.localhost"]
)
def test_bucket_is_not_named_by_a_foreign_host(cloud, sent, bucket, host):
    cloud.context.client("s3").put_object(Bucket=bucket, Key="secret")
    answer = sent(
        allow("s3:ListAllMyBuckets", "*"),
        "s3",
        method="GET",
        headers={"Host": host.format(bucket=bucket)},
    )
    assert answer.status_code == 403
    assert "secret" not in answer.text


def test_publish_is_decided_on_the_topic_that_it_reaches(cloud, as_role):
    sns = cloud.context.client("sns")
    mine, other = (sns.create_topic(Name=name)["TopicArn"] for name in ("mine", "other"))
    as_publisher = as_role(allow("sns:Publish", mine))("sns")
    assert as_publisher.publish(TargetArn=mine, Message="any")["MessageId"]
    with pytest.raises(ClientError, match=f"sns:Publish on resource: {other}"):
        as_publisher.publish(TopicArn=mine, TargetArn=other, Message="any")
