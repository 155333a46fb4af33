from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError


def test_invocations_go_to_the_functions(cloud, handlers):
    handlers["double"] = lambda event: event * 2
    answer = cloud.context.client("lambda").invoke(FunctionName="double", Payload=b"21")
    assert json.loads(answer["Payload"].read()) == 42


def test_cloudformation_is_ours(cloud):
    template = {"Resources": {"Any": {"Type": "Not::A::Type"}}}
    with pytest.raises(ClientError) as refused:
        cloud.context.client("cloudformation").create_stack(
            StackName="any", TemplateBody=json.dumps(template)
        )
    assert "Not::A::Type" in refused.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("s3", "list_buckets"),
        ("iam", "list_roles"),
        ("sts", "get_caller_identity"),
        ("logs", "describe_log_groups"),
        ("ssm", "describe_parameters"),
        ("stepfunctions", "list_state_machines"),
        ("apigatewayv2", "get_apis"),
        ("cloudwatch", "describe_alarms"),
    ],
)
def test_other_services_are_motos_at_the_same_port(cloud, service, operation):
    answer = getattr(cloud.context.client(service), operation)()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_every_request_belongs_to_the_clouds_account_whoever_signed_it(cloud):
    identity = cloud.context.client("sts").get_caller_identity()
    assert identity["Account"] == cloud.context.account
    client = cloud.context.client("iam")
    user = f"user-{uuid.uuid4().hex[:8]}"
    client.create_user(UserName=user)
    arn = client.get_user(UserName=user)["User"]["Arn"]
    assert arn == f"arn:aws:iam::{cloud.context.account}:user/{user}"


def test_failure_inside_a_service_is_an_aws_error_that_names_its_cause(cloud, monkeypatch):
    from moto.ssm.models import SimpleSystemManagerBackend

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(SimpleSystemManagerBackend, "put_parameter", broken)
    with pytest.raises(ClientError) as failed:
        cloud.context.client("ssm").put_parameter(Name="a", Value="1", Type="String")
    error = failed.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert error["Error"]["Code"] == "InternalFailure"
    assert error["Error"]["Message"] == "ZeroDivisionError: planted"


def test_failure_inside_s3_is_xml_and_never_a_traceback(cloud, monkeypatch):
    from moto.s3.models import S3Backend

    def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("planted")

    monkeypatch.setattr(S3Backend, "list_buckets", broken)
    url = cloud.context.client("s3").generate_presigned_url("list_buckets")
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 500
    assert "<Code>InternalError</Code>" in answer.text
    assert "Traceback" not in answer.text
    assert "<html" not in answer.text.lower()


def test_identity_tells_this_cloud_from_another_program(cloud):
    import os

    answer = requests.get(f"{cloud.context.endpoint}/_localcloud/identity", timeout=10)
    assert answer.json() == {"endpoint": cloud.context.endpoint, "pid": os.getpid()}
