"""A cloud on a clock that tests drive, with a function that is deployed by a template.

The function calls a port of the test and stays until the test lets it go, so that a test knows how
many invocations run at once. Nothing here waits for real minutes; a cloud that runs does.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from localcloud.cloud import Cloud
from localcloud.functions import InvokeResult, ServiceLimits
from tests.localcloud.functions.invoking import Meeting

MINUTE_S = 60
RESOURCE = "function:classify:live"
DIMENSION = "lambda:function:ProvisionedConcurrency"
WHERE = {"ServiceNamespace": "lambda", "ResourceId": RESOURCE, "ScalableDimension": DIMENSION}

_CODE = """
import json, os, socket

def handler(event, context):
    if "fail" in event:
        raise LookupError("asked to fail")
    if "print" in event:
        print(json.dumps(event["print"]))
    if "port" in event:
        with socket.create_connection(("127.0.0.1", event["port"])) as connection:
            connection.sendall(json.dumps({"pid": os.getpid()}).encode())
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1)
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
"""


class Clock:
    """Seconds since 1970, which go on only when a test says so; begins with a whole minute."""

    def __init__(self) -> None:
        self.now = time.time() // MINUTE_S * MINUTE_S

    def __call__(self) -> float:
        return self.now


def _assumed_by(service: str) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


FUNCTION: dict[str, Any] = {
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": _assumed_by("lambda.amazonaws.com")},
    },
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "classify",
            "Code": {"ZipFile": _CODE},
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Runtime": "python3.13",
            "Timeout": 60,
        },
    },
    "Version": {
        "Type": "AWS::Lambda::Version",
        "Properties": {"FunctionName": {"Ref": "Function"}},
    },
    "Alias": {
        "Type": "AWS::Lambda::Alias",
        "Properties": {
            "FunctionName": {"Ref": "Function"},
            "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
            "Name": "live",
            "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 2},
        },
    },
}


def target(lowest: int, highest: int, **more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "DependsOn": "Alias",
        "Properties": {
            **WHERE,
            "MinCapacity": lowest,
            "MaxCapacity": highest,
            "RoleARN": "arn:aws:iam::123456789012:role/aws-service-role/scaling",
            **more,
        },
    }


def policy(target_value: float, **more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            "PolicyName": "utilization",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": "Target"},
            "TargetTrackingScalingPolicyConfiguration": {
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"
                },
                "TargetValue": target_value,
                **more,
            },
        },
    }


@dataclass
class Deployed:
    """The cloud, its clock, and what is done with them."""

    cloud: Cloud
    clock: Clock
    meeting: Meeting
    executor: ThreadPoolExecutor

    def client(self, name: str) -> Any:
        return self.cloud.context.client(name)

    def deploy(self, **resources: Any) -> None:
        """Create or update the stack with the function and these resources."""
        template = json.dumps({"Resources": {**FUNCTION, **resources}})
        cloudformation = self.client("cloudformation")
        exists = "one" in self.cloud.cloudformation.live_stacks()
        act = cloudformation.update_stack if exists else cloudformation.create_stack
        act(StackName="one", TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
        self.cloud.cloudformation.join()
        (stack,) = cloudformation.describe_stacks(StackName="one")["Stacks"]
        events = cloudformation.describe_stack_events(StackName="one")["StackEvents"]
        reasons = [event.get("ResourceStatusReason") for event in events[:6]]
        assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), reasons

    def destroy(self) -> None:
        self.client("cloudformation").delete_stack(StackName="one")
        self.cloud.cloudformation.join()

    def invoke(self, **event: Any) -> InvokeResult:
        payload = json.dumps(event).encode()
        return self.cloud.functions.invoke("classify", "live", payload, log_tail=True)

    def at_once(self, count: int) -> list[InvokeResult]:
        """Invocations of the alias that all run at once."""
        futures: list[Future[InvokeResult]] = []
        for _ in range(count):
            futures.append(self.executor.submit(self.invoke, port=self.meeting.port))
            self.meeting.arrival()
        self.meeting.let_go()
        return [future.result() for future in futures]

    def minutes(self, count: int = 1, *, load: int = 0) -> None:
        """So many minutes pass, in each of which as many invocations run at once as `load`."""
        for _ in range(count):
            if load:
                self.at_once(load)
            self.clock.now += MINUTE_S
            self.cloud.tick()

    @property
    def capacity(self) -> int:
        """The provisioned concurrency that is asked for."""
        client = self.client("lambda")
        config = client.get_provisioned_concurrency_config(
            FunctionName="classify", Qualifier="live"
        )
        return int(config["RequestedProvisionedConcurrentExecutions"])

    def alarm(self, name_part: str) -> dict[str, Any]:
        """The metric alarm whose name has this part."""
        alarms = self.client("cloudwatch").describe_alarms()["MetricAlarms"]
        (alarm,) = [alarm for alarm in alarms if name_part in alarm["AlarmName"]]
        return dict(alarm)

    def activities(self, **more: Any) -> list[dict[str, Any]]:
        """Newest first."""
        client = self.client("application-autoscaling")
        return list(client.describe_scaling_activities(**WHERE, **more)["ScalingActivities"])


@contextmanager
def deployed_cloud() -> Iterator[Deployed]:
    clock = Clock()
    with (
        ThreadPoolExecutor(16) as executor,
        closing(Meeting(executor)) as meeting,
        Cloud(limits=ServiceLimits(width=16), clock=clock) as cloud,
    ):
        yield Deployed(cloud, clock, meeting, executor)


def cold(result: InvokeResult) -> bool:
    """Whether the invocation waited for INIT, as its log tells."""
    assert result.log_result is not None
    return b"Init Duration" in result.log_result
