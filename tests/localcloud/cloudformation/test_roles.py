"""With whose credentials CloudFormation calls the services (RoleARN).

"CloudFormation uses the role's credentials to make calls on your behalf. CloudFormation always uses
this role for all future operations on the stack."
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from moto.sts.models import sts_backends

from tests.localcloud.cloudformation.conftest import Application, CloudUnderTest
from tests.localcloud.cloudformation.resources import trust

P = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "1"}}
Q = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "2"}}


def template(**resources: Any) -> dict[str, Any]:
    return {"Resources": resources}


@dataclass
class Gate:
    """Stands before the services: knows who calls SSM, and refuses roles that are told to it."""

    services: Application
    account: str
    callers: list[str] = field(default_factory=list)
    refused: str = ""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        if "/ssm/" not in authorization:
            return self.services(environ, start_response)
        key = authorization.partition("Credential=")[2].partition("/")[0]
        session = sts_backends[self.account]["global"].get_assumed_role_from_access_key(key)
        role = "deployer" if session is None else session.role_arn.rpartition("/")[2]
        self.callers.append(role)
        if role != self.refused:
            return self.services(environ, start_response)
        operation = environ["HTTP_X_AMZ_TARGET"].partition(".")[2]
        message = f"{role} is not authorized to perform: ssm:{operation}"
        body = json.dumps({"__type": "AccessDeniedException", "message": message}).encode()
        start_response("400 Bad Request", [("Content-Type", "application/x-amz-json-1.1")])
        return [body]


@pytest.fixture
def gate(cloud: CloudUnderTest) -> Iterator[Gate]:
    services = cloud.routes.moto
    gate = Gate(services, cloud.context.account)
    cloud.routes.moto = gate
    yield gate
    cloud.routes.moto = services


def role(cloud: CloudUnderTest, name: str) -> str:
    document = json.dumps(trust("cloudformation.amazonaws.com"))
    made = cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)
    return str(made["Role"]["Arn"])


def test_services_are_called_as_the_role_of_the_stack_until_another_is_named(
    cloud: CloudUnderTest, gate: Gate
) -> None:
    first, second = role(cloud, "first"), role(cloud, "second")

    stack = cloud.create("one", template(P=P), RoleARN=first)
    assert stack["StackStatus"] == "CREATE_COMPLETE", cloud.reasons("one")
    assert stack["RoleARN"] == first
    cloud.update("one", template(P=Q))
    assert set(gate.callers) == {"first"}

    gate.callers.clear()
    cloud.delete("one", RoleARN=second)
    assert set(gate.callers) == {"second"}


def test_stack_without_a_role_is_made_by_who_deploys(cloud: CloudUnderTest, gate: Gate) -> None:
    stack = cloud.create("one", template(P=P))
    assert "RoleARN" not in stack
    assert set(gate.callers) == {"deployer"}


def test_change_set_is_executed_as_its_role(cloud: CloudUnderTest, gate: Gate) -> None:
    arn = role(cloud, "maker")
    cloud.change_set("one", template(P=P), "c", ChangeSetType="CREATE", RoleARN=arn)
    cloud.cloudformation.execute_change_set(StackName="one", ChangeSetName="c")
    assert cloud.finish("one")["StackStatus"] == "CREATE_COMPLETE"
    assert set(gate.callers) == {"maker"}


def test_permission_that_the_role_lacks_fails_the_deploy_and_is_named(
    cloud: CloudUnderTest, gate: Gate
) -> None:
    arn = role(cloud, "maker")
    gate.refused = "maker"

    stack = cloud.create("one", template(P=P), RoleARN=arn)

    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    denied = "maker is not authorized to perform: ssm:PutParameter"
    assert any(denied in reason for reason in cloud.reasons("one"))


def test_role_that_does_not_exist_is_refused(cloud: CloudUnderTest) -> None:
    error = cloud.refusal(
        cloud.cloudformation.create_stack,
        StackName="one",
        TemplateBody=json.dumps(template(P=P)),
        RoleARN="arn:aws:iam::123456789012:role/nobody",
    )
    assert error["Code"] == "ValidationError"
    assert error["Message"].endswith("role/nobody is invalid or cannot be assumed")
    assert cloud.service.live_stacks() == []
