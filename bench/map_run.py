"""One Distributed Map of no-op functions, run here as a process of its own.

On "cloud" it is an embedded cloud whose functions are calls in this process; on "stock" it is
moto's own interpreter, unpatched, whose Lambda answers in this process too (`use_docker: False`).
Either way the state machine is the same and nothing is run but the orchestration. Prints one JSON
object: wall and processor seconds of the execution, and this process's memory before and at peak.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from bench.warm_invoke import create_function
from localcloud.cloud import Cloud
from localcloud.context import CloudContext
from localcloud.functions import FunctionService, InvokeResult

REGION = "us-east-1"
# Frequent enough for the wall time, rare enough not to be measured: a poll is some milliseconds.
_POLL_S = 0.2
BUCKET = "bench-items"
ITEMS_KEY = "items.json"
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunction", "s3:GetObject", "states:*"],
            "Resource": "*",
        }
    ],
}
_TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "states.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
DEFINITION = {
    "StartAt": "Fan",
    "States": {
        "Fan": {
            "Type": "Map",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSON"},
                "Parameters": {"Bucket": BUCKET, "Key": ITEMS_KEY},
            },
            "MaxConcurrency": 100,
            "ItemSelector": {"job_id.$": "$.job_id", "shard.$": "$$.Map.Item.Value"},
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                "StartAt": "Run",
                "States": {
                    "Run": {
                        "Type": "Task",
                        "Resource": "arn:aws:states:::lambda:invoke",
                        "Parameters": {
                            "FunctionName": "noop:live",
                            "Payload": {
                                "job_id.$": "$.job_id",
                                "shard.$": "$.shard",
                                "attempt.$": "$$.State.RetryCount",
                            },
                        },
                        "Retry": [{"ErrorEquals": ["Lambda.TooManyRequestsException"]}],
                        "ResultSelector": {"status.$": "$.StatusCode"},
                        "OutputPath": "$.status",
                        "End": True,
                    }
                },
            },
            "End": True,
        }
    },
}


class InProcessFunctions(FunctionService):
    """Lambda's data plane with one function, which is a call that does nothing."""

    def __init__(self, context: CloudContext) -> None:
        super().__init__(context)
        self._request_id = str(uuid.uuid4())

    def invoke(
        self, function: str, qualifier: str | None, payload: bytes, **options: Any
    ) -> InvokeResult:
        return InvokeResult(200, b"null", None, "1", None, self._request_id)


@contextmanager
def _cloud() -> Iterator[Callable[[str], Any]]:
    with Cloud(make_functions=InProcessFunctions) as cloud:
        yield cloud.context.client


@contextmanager
def _stock() -> Iterator[Callable[[str], Any]]:
    from moto import mock_aws

    config: Any = {
        "stepfunctions": {"execute_state_machine": True},
        "lambda": {"use_docker": False},
    }
    with mock_aws(config=config):
        yield lambda service: boto3.client(service, region_name=REGION)


PLATFORMS = {"cloud": _cloud, "stock": _stock}


def run_map(client: Callable[[str], Any], items: int) -> dict[str, float]:
    """The execution's figures. Raises RuntimeError when it does not succeed with every child."""
    iam, step_functions = client("iam"), client("stepfunctions")
    role = iam.create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps(_TRUST))
    iam.put_role_policy(RoleName="machine", PolicyName="all", PolicyDocument=json.dumps(_POLICY))
    create_function(client("lambda"), iam)
    s3 = client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=ITEMS_KEY, Body=json.dumps(list(range(items))))
    machine = step_functions.create_state_machine(
        name="fan", definition=json.dumps(DEFINITION), roleArn=role["Role"]["Arn"]
    )
    resident_before_mb = _resident_mb()
    cpu_before_s, began = time.process_time(), time.perf_counter()
    execution = step_functions.start_execution(
        stateMachineArn=machine["stateMachineArn"],
        input=json.dumps({"job_id": "bench"}),
        name="bench",
    )["executionArn"]
    while (ended := step_functions.describe_execution(executionArn=execution))[
        "status"
    ] == "RUNNING":
        time.sleep(_POLL_S)
    measured = {
        "items": items,
        "wall_s": time.perf_counter() - began,
        "cpu_s": time.process_time() - cpu_before_s,
        "resident_before_mb": resident_before_mb,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    if ended["status"] != "SUCCEEDED" or len(json.loads(ended["output"])) != items:
        raise RuntimeError(f"{ended['status']}: {ended.get('error')} {ended.get('cause')}")
    return measured


def _resident_mb() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss) / 2**20


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("platform", choices=PLATFORMS)
    parser.add_argument("items", type=int)
    options = parser.parse_args()
    with PLATFORMS[options.platform]() as client:
        answer = run_map(client, options.items)
    sys.stdout.write(json.dumps(answer) + "\n")
