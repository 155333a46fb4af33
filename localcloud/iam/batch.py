"""What Batch's operations ask for in IAM's terms.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from moto.iam.models import iam_backends

from localcloud.iam.call import Account, Call, NotModelledError
from localcloud.iam.operations import Operation

_ENVIRONMENT, _QUEUE, _DEFINITION, _JOB = (
    "compute-environment",
    "job-queue",
    "job-definition",
    "job",
)
# The parameters that name what an operation is about, and of which kind each is.
_ABOUT: Mapping[str, tuple[tuple[str, str], ...]] = {
    "CancelJob": ((_JOB, "jobId"),),
    "CreateComputeEnvironment": ((_ENVIRONMENT, "computeEnvironmentName"),),
    "CreateJobQueue": ((_QUEUE, "jobQueueName"),),
    "DeleteComputeEnvironment": ((_ENVIRONMENT, "computeEnvironment"),),
    "DeleteJobQueue": ((_QUEUE, "jobQueue"),),
    "DeregisterJobDefinition": ((_DEFINITION, "jobDefinition"),),
    "ListTagsForResource": (("", "resourceArn"),),
    "RegisterJobDefinition": ((_DEFINITION, "jobDefinitionName"),),
    "SubmitJob": ((_DEFINITION, "jobDefinition"), (_QUEUE, "jobQueue")),
    "TagResource": (("", "resourceArn"),),
    "TerminateJob": ((_JOB, "jobId"),),
    "UntagResource": (("", "resourceArn"),),
    "UpdateComputeEnvironment": ((_ENVIRONMENT, "computeEnvironment"),),
    "UpdateJobQueue": ((_QUEUE, "jobQueue"),),
}
_ABOUT_ALL = frozenset(
    (
        "DescribeComputeEnvironments",
        "DescribeJobDefinitions",
        "DescribeJobQueues",
        "DescribeJobs",
        "ListJobs",
    )
)
_TASKS, _MACHINES, _SERVICE = "ecs-tasks.amazonaws.com", "ec2.amazonaws.com", "batch.amazonaws.com"


def batch_calls(operation: Operation, account: Account) -> list[Call]:
    """All that must be allowed for one operation. Raises NotModelledError."""
    action = f"batch:{operation.name}"
    if operation.name in _ABOUT_ALL:
        return [Call(action, "*")]
    if operation.name not in _ABOUT:
        raise NotModelledError(action)
    about = [
        Call(action, _arn(account, kind, str(operation.parameters.get(name, ""))))
        for kind, name in _ABOUT[operation.name]
    ]
    if operation.name in ("CreateJobQueue", "UpdateJobQueue"):
        for entry in operation.parameters.get("computeEnvironmentOrder") or ():
            name = str(entry.get("computeEnvironment", ""))
            about.append(Call(action, _arn(account, _ENVIRONMENT, name)))
    return [*about, *_passed_roles(operation, account)]


def _arn(account: Account, kind: str, name: str) -> str:
    return name if name.startswith("arn:") or not kind else account.arn("batch", f"{kind}/{name}")


def _passed_roles(operation: Operation, account: Account) -> Iterator[Call]:
    """https://docs.aws.amazon.com/batch/latest/userguide/batch_user.html"""
    given = operation.parameters
    if operation.name == "RegisterJobDefinition":
        container = given.get("containerProperties") or {}
        for name in ("jobRoleArn", "executionRoleArn"):
            if container.get(name):
                yield _pass(container[name], _TASKS)
    elif operation.name in ("CreateComputeEnvironment", "UpdateComputeEnvironment"):
        if given.get("serviceRole"):
            yield _pass(given["serviceRole"], _SERVICE)
        profile = (given.get("computeResources") or {}).get("instanceRole")
        for role in _roles_of(profile, account) if profile else ():
            yield _pass(role, _MACHINES)


def _roles_of(profile: str, account: Account) -> list[str]:
    """The roles in an instance profile, given by its name or ARN."""
    backend: Any = iam_backends[account.number][account.partition]
    for known in list(backend.instance_profiles.values()):
        if profile in (known.name, known.arn):
            return [str(role.arn) for role in known.roles]
    return []


def _pass(role: str, principal: str) -> Call:
    return Call("iam:PassRole", role, {"iam:PassedToService": principal})
