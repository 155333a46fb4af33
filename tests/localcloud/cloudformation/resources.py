"""What the tests of resource types share: one stack with one resource under test."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tests.localcloud.cloudformation.conftest import CloudUnderTest

POLICY = {"Version": "2012-10-17", "Statement": []}


def trust(service: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        ],
    }


def allow(action: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}],
    }


ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": trust("states.amazonaws.com")},
}


class OneResource:
    """A stack `one` with the resource `R` under test (and others that stay the same)."""

    def __init__(self, cloud: CloudUnderTest, type_name: str, **others: Any) -> None:
        self.cloud = cloud
        self.others = others
        self.type = type_name

    def _template(self, properties: dict[str, Any]) -> dict[str, Any]:
        resource = {"Type": self.type, "Properties": properties}
        return {"Resources": {**self.others, "R": resource}}

    def create(self, **properties: Any) -> str:
        stack = self.cloud.create("one", self._template(properties))
        assert stack["StackStatus"] == "CREATE_COMPLETE", self.cloud.reasons("one")
        return self.cloud.physical_id("one", "R")

    def update(self, **properties: Any) -> None:
        before = self.cloud.physical_id("one", "R")
        stack = self.cloud.update("one", self._template(properties))
        assert stack["StackStatus"] == "UPDATE_COMPLETE", self.cloud.reasons("one")
        assert self.cloud.physical_id("one", "R") == before

    def delete(self) -> None:
        stack = self.cloud.delete("one")
        assert stack["StackStatus"] == "DELETE_COMPLETE", self.cloud.reasons(stack["StackId"])[-3:]


def is_gone(call: Callable[..., Any], **arguments: Any) -> bool:
    try:
        call(**arguments)
    except ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] < 500)
    return False


def tags(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in pairs]


SYSTEM_TAGS = {f"aws:cloudformation:{name}" for name in ("logical-id", "stack-id", "stack-name")}


def own_tags(listed: Any) -> dict[str, str]:
    """A resource's tags without those that CloudFormation adds, which must all be there.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
    """
    if isinstance(listed, list):
        listed = dict(tuple(tag.values()) for tag in listed)
    assert listed.keys() >= SYSTEM_TAGS
    return {key: value for key, value in listed.items() if key not in SYSTEM_TAGS}
