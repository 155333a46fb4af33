"""Many stacks at once, through boto3: each is as if it had been alone, and so are their exports."""

from __future__ import annotations

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from tests.localcloud.cloudformation.conftest import CloudUnderTest

FINAL = ("_COMPLETE", "_FAILED")


def exporter(name: str, value: str) -> dict[str, Any]:
    return {
        "Resources": {
            "P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
        },
        "Outputs": {"O": {"Value": value, "Export": {"Name": name}}},
    }


def importer(name: str, *, failing: bool) -> dict[str, Any]:
    properties = {"Type": "String", "Value": {"Fn::ImportValue": name}}
    resources: dict[str, Any] = {"P": {"Type": "AWS::SSM::Parameter", "Properties": properties}}
    if failing:
        refused = {"Name": "aws-refused", "Type": "String", "Value": "x"}
        resources["Bad"] = {
            "Type": "AWS::SSM::Parameter",
            "Properties": refused,
            "DependsOn": "P",
        }
    return {"Resources": resources}


class Client:
    """One thread's user of the API."""

    def __init__(self, cloud: CloudUnderTest) -> None:
        self._cloud = cloud
        self._cloudformation = cloud.cloudformation

    def _end(self, stack_id: str) -> str:
        return str(self._cloud.finish(stack_id)["StackStatus"])

    def create(self, name: str, body: dict[str, Any]) -> str:
        made = self._cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(body))
        return self._end(made["StackId"])

    def update(self, name: str, body: dict[str, Any]) -> str:
        made = self._cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(body))
        return self._end(made["StackId"])

    def delete(self, name: str) -> str:
        (stack,) = self._cloudformation.describe_stacks(StackName=name)["Stacks"]
        self._cloudformation.delete_stack(StackName=name)
        return self._end(stack["StackId"])


def test_families_of_stacks_live_side_by_side(cloud: CloudUnderTest) -> None:
    """Each thread has a pair of stacks, of which one uses the other's export."""

    def live(number: int) -> list[str]:
        client, out, user = Client(cloud), f"out{number}", f"user{number}"
        return [
            client.create(out, exporter(out, "1")),
            client.create(user, importer(out, failing=number % 2 == 1)),
            client.update(out, exporter(out, "2")),
            client.delete(out),
            client.delete(user),
            client.delete(out) if number % 2 == 0 else "",
        ]

    with ThreadPoolExecutor(8) as pool:
        lives = list(pool.map(live, range(8)))

    # The export is in use where the importer was made, and free where that was rolled back.
    used = ["CREATE_COMPLETE"] * 2
    assert (
        lives[0::2]
        == [
            [
                *used,
                "UPDATE_ROLLBACK_COMPLETE",
                "UPDATE_ROLLBACK_COMPLETE",
                *["DELETE_COMPLETE"] * 2,
            ]
        ]
        * 4
    )
    free = ["CREATE_COMPLETE", "ROLLBACK_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"]
    assert lives[1::2] == [[*free, "DELETE_COMPLETE", ""]] * 4
    assert cloud.service.live_stacks() == []
    assert cloud.cloudformation.list_exports()["Exports"] == []
    assert cloud.client("ssm").describe_parameters()["Parameters"] == []


def test_one_stack_pulled_at_by_many_is_never_in_two_operations(cloud: CloudUnderTest) -> None:
    refusals: list[str] = []
    start = threading.Barrier(6)

    def pull(seed: int) -> None:
        client, choose = Client(cloud), random.Random(seed)  # noqa: S311
        start.wait(30)
        for turn in range(6):
            value = f"{seed}-{turn}"
            action = choose.choice(["create", "update", "delete"])
            try:
                if action == "delete":
                    client.delete("s")
                else:
                    getattr(client, action)("s", exporter("shared", value))
            except ClientError as error:
                refusals.append(error.response["Error"]["Code"])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(pull, range(6)))
    cloud.service.join()

    assert set(refusals) <= {"AlreadyExistsException", "ValidationError"}
    for stack in cloud.cloudformation.list_stacks()["StackSummaries"]:
        _check_operations_follow_each_other(cloud, stack["StackId"])
    parameters = cloud.client("ssm").describe_parameters()["Parameters"]
    assert len(parameters) == len(cloud.service.live_stacks())


def _check_operations_follow_each_other(cloud: CloudUnderTest, stack_id: str) -> None:
    events = cloud.cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"][::-1]
    order = [event["OperationId"] for event in events]
    assert order == sorted(order, key=order.index)
    ends = [e["ResourceStatus"] for e in events if e.get("PhysicalResourceId") == stack_id]
    assert ends[-1].endswith(FINAL)
