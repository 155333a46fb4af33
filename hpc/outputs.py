"""Finds a deployment by the outputs of its CloudFormation stacks.

This is all the client knows of the infrastructure. It refuses to guess: a missing stack or output
is an error that names it, and an address is read from the outputs, never composed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import ClientError

from hpc.errors import NotDeployedError

APP = "shpc"
_OUTPUTS = {
    "storage": ("InputBucketName", "ResultsBucketName"),
    "functions": ("ClassifyFunctionName",),
    "workflow": ("StateMachineArn",),
    "api": ("ApiUrl",),
}
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_USABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
_USABLE_WHILE_CLEANING = frozenset(
    {"UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"}
)
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One stage as deployed: where to put input, where to ask, and under which names."""

    stage: str
    region: str
    input_bucket: str
    results_bucket: str
    classify_function: str
    state_machine_arn: str
    api_url: str

    @property
    def is_on_this_machine(self) -> bool:
        """Whether the API is served from here, that is by the embedded cloud."""
        return urlsplit(self.api_url).hostname in _THIS_MACHINE

    @property
    def place(self) -> str:
        """Where jobs run, in words for a reader."""
        return "embedded cloud on this machine" if self.is_on_this_machine else f"AWS {self.region}"


def read_deployment(stage: str, *, session: boto3.Session | None = None) -> Deployment:
    """Read the outputs of the stacks `shpc-<stage>-*`.

    Uses the usual AWS environment (credentials, region, AWS_ENDPOINT_URL).
    Raises NotDeployedError that names the stack or the output that is missing.
    """
    session = session or boto3.Session()
    cloudformation = session.client("cloudformation")
    found = read_outputs(cloudformation, stage, _OUTPUTS, hint=_how_to_deploy(stage))
    return Deployment(
        stage=stage,
        region=cloudformation.meta.region_name,
        input_bucket=found["InputBucketName"],
        results_bucket=found["ResultsBucketName"],
        classify_function=found["ClassifyFunctionName"],
        state_machine_arn=found["StateMachineArn"],
        api_url=found["ApiUrl"].rstrip("/"),
    )


def read_outputs(
    cloudformation: Any, stage: str, wanted: Mapping[str, tuple[str, ...]], *, hint: str
) -> dict[str, str]:
    """The outputs that `wanted` names for each stack's role; `hint` says how they come to be.

    Raises NotDeployedError that names the stack or the output that is missing.
    """
    found: dict[str, str] = {}
    for role, keys in wanted.items():
        stack_name = f"{APP}-{stage}-{role}"
        outputs = _stack_outputs(cloudformation, stack_name, hint)
        for key in keys:
            if key not in outputs:
                raise NotDeployedError(
                    f"stack {stack_name} has no output {key}; it has "
                    f"{', '.join(sorted(outputs)) or 'none'}: {hint}"
                )
            found[key] = outputs[key]
    return found


def _stack_outputs(cloudformation: Any, stack_name: str, hint: str) -> dict[str, str]:
    try:
        stack = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"].get("Message", ""):
            raise NotDeployedError(
                f"stack {stack_name} is not deployed in {cloudformation.meta.region_name}: {hint}"
            ) from error
        raise
    status = stack["StackStatus"]
    if status not in _USABLE | _USABLE_WHILE_CLEANING:
        raise NotDeployedError(f"stack {stack_name} is {status}, which is not usable: {hint}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def _how_to_deploy(stage: str) -> str:
    return f"run `make deploy STAGE={stage}` first (with LOCAL=1 for the embedded cloud)"
