"""AWS Batch: compute environments, job queues and job definitions.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_Batch.html
Environments are updated in place (`ReplaceComputeEnvironment: false`, as CDK writes it), tags
replace. A changed job definition is a new one under a new name, and the old one is deregistered; on
AWS it is a further revision of the same name. Its ARN changes either way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from localcloud.cloudformation.errors import ResourceFailure
from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    ResourceHandler,
    Update,
)
from localcloud.cloudformation.resources.schema import (
    BOOLEAN,
    INTEGER,
    TEXT,
    MapOf,
    Schema,
)

# Objects whose keys are the user's own.
_FREE = frozenset(("Tags", "Options", "Parameters"))


class ComputeEnvironment(ResourceHandler):
    """AWS::Batch::ComputeEnvironment on EC2; Ref is its ARN."""

    type_name = "AWS::Batch::ComputeEnvironment"
    schema: ClassVar[Mapping[str, Schema]] = {
        "ComputeEnvironmentName": TEXT,
        "ComputeResources*": {
            "AllocationStrategy": TEXT,
            "BidPercentage": INTEGER,
            "DesiredvCpus": INTEGER,
            "Ec2Configuration": [{"ImageType*": TEXT}],
            "InstanceRole": TEXT,
            "InstanceTypes": [TEXT],
            "LaunchTemplate": {
                "LaunchTemplateId": TEXT,
                "LaunchTemplateName": TEXT,
                "Version": TEXT,
            },
            "MaxvCpus*": INTEGER,
            "MinvCpus": INTEGER,
            "SecurityGroupIds": [TEXT],
            "SpotIamFleetRole": TEXT,
            "Subnets*": [TEXT],
            "Tags": MapOf(TEXT),
            "Type*": TEXT,
            "UpdateToLatestImageVersion": BOOLEAN,
        },
        "ReplaceComputeEnvironment*": BOOLEAN,
        "ServiceRole": TEXT,
        "State": TEXT,
        "Tags": MapOf(TEXT),
        "Type*": TEXT,
        "UpdatePolicy": {"JobExecutionTimeoutMinutes": INTEGER, "TerminateJobsOnUpdate": BOOLEAN},
    }
    replace_on = frozenset({"ComputeEnvironmentName", "Tags", "Type"})
    attributes = frozenset({"ComputeEnvironmentArn"})
    name_property = "ComputeEnvironmentName"

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        if properties["ReplaceComputeEnvironment"]:
            raise ResourceFailure(
                "property ReplaceComputeEnvironment must be false: environments that are replaced "
                "by an update are not modelled"
            )
        client = self.context.client("batch")
        resources = _api(properties["ComputeResources"])
        # Means something in an update only; CreateComputeEnvironment does not take it.
        resources.pop("updateToLatestImageVersion", None)
        made = client.create_compute_environment(
            computeEnvironmentName=properties.get("ComputeEnvironmentName")
            or task.generated_name(max_length=128),
            type=properties["Type"].upper(),
            computeResources=resources,
            **_chosen(properties, "ServiceRole", "State", "Tags"),
        )
        arn = made["computeEnvironmentArn"]
        task.started(arn)
        if "UpdatePolicy" in properties:
            # Not taken by CreateComputeEnvironment either.
            client.update_compute_environment(
                computeEnvironment=arn, **_chosen(properties, "UpdatePolicy")
            )
        return Provisioned(arn, {"ComputeEnvironmentArn": arn})

    def update(self, task: Update) -> Provisioned:
        resources = _api(task.new["ComputeResources"])
        # Given when an environment is made, and never again.
        resources.pop("spotIamFleetRole", None)
        self.context.client("batch").update_compute_environment(
            computeEnvironment=task.physical_id,
            computeResources=resources,
            **_chosen(task.new, "ServiceRole", "UpdatePolicy"),
            state=task.new.get("State", "ENABLED"),
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        client = self.context.client("batch")
        arn = task.physical_id
        if client.describe_compute_environments(computeEnvironments=[arn])["computeEnvironments"]:
            client.update_compute_environment(computeEnvironment=arn, state="DISABLED")
            client.delete_compute_environment(computeEnvironment=arn)


class JobQueue(ResourceHandler):
    """AWS::Batch::JobQueue; Ref is its ARN."""

    type_name = "AWS::Batch::JobQueue"
    schema: ClassVar[Mapping[str, Schema]] = {
        "ComputeEnvironmentOrder*": [{"ComputeEnvironment*": TEXT, "Order*": INTEGER}],
        "JobQueueName": TEXT,
        "JobStateTimeLimitActions": [
            {"Action*": TEXT, "MaxTimeSeconds*": INTEGER, "Reason*": TEXT, "State*": TEXT}
        ],
        "Priority*": INTEGER,
        "State": TEXT,
        "Tags": MapOf(TEXT),
    }
    replace_on = frozenset({"JobQueueName", "Tags"})
    attributes = frozenset({"JobQueueArn"})
    name_property = "JobQueueName"

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        arn = self.context.client("batch").create_job_queue(
            jobQueueName=properties.get("JobQueueName") or task.generated_name(max_length=128),
            **self._settings(properties),
            **_chosen(properties, "Tags"),
        )["jobQueueArn"]
        return Provisioned(arn, {"JobQueueArn": arn})

    @staticmethod
    def _settings(properties: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "state": properties.get("State", "ENABLED"),
            "jobStateTimeLimitActions": [],
            **_chosen(
                properties, "ComputeEnvironmentOrder", "JobStateTimeLimitActions", "Priority"
            ),
        }

    def update(self, task: Update) -> Provisioned:
        self.context.client("batch").update_job_queue(
            jobQueue=task.physical_id, **self._settings(task.new)
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        client = self.context.client("batch")
        arn = task.physical_id
        if client.describe_job_queues(jobQueues=[arn])["jobQueues"]:
            client.update_job_queue(jobQueue=arn, state="DISABLED")
            client.delete_job_queue(jobQueue=arn)


class JobDefinition(ResourceHandler):
    """AWS::Batch::JobDefinition of one container; Ref is the ARN of the revision."""

    type_name = "AWS::Batch::JobDefinition"
    schema: ClassVar[Mapping[str, Schema]] = {
        "ContainerProperties*": {
            "Command": [TEXT],
            "Environment": [{"Name*": TEXT, "Value": TEXT}],
            "ExecutionRoleArn": TEXT,
            "Image*": TEXT,
            "JobRoleArn": TEXT,
            "LinuxParameters": {"InitProcessEnabled": BOOLEAN, "SharedMemorySize": INTEGER},
            "LogConfiguration": {"LogDriver*": TEXT, "Options": MapOf(TEXT)},
            "Memory": INTEGER,
            "Privileged": BOOLEAN,
            "ReadonlyRootFilesystem": BOOLEAN,
            "ResourceRequirements": [{"Type*": TEXT, "Value*": TEXT}],
            "User": TEXT,
            "Vcpus": INTEGER,
        },
        "JobDefinitionName": TEXT,
        "Parameters": MapOf(TEXT),
        "PlatformCapabilities": [TEXT],
        "PropagateTags": BOOLEAN,
        "RetryStrategy": {
            "Attempts": INTEGER,
            "EvaluateOnExit": [
                {
                    "Action*": TEXT,
                    "OnExitCode": TEXT,
                    "OnReason": TEXT,
                    "OnStatusReason": TEXT,
                }
            ],
        },
        "Tags": MapOf(TEXT),
        "Timeout": {"AttemptDurationSeconds": INTEGER},
        "Type*": TEXT,
    }
    replace_on = frozenset(name.removesuffix("*") for name in schema)
    attributes = frozenset({"JobDefinitionArn"})

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        arn = self.context.client("batch").register_job_definition(
            jobDefinitionName=properties.get("JobDefinitionName")
            or task.generated_name(max_length=128),
            type=properties["Type"].lower(),
            **_chosen(
                properties,
                "ContainerProperties",
                "Parameters",
                "PlatformCapabilities",
                "PropagateTags",
                "RetryStrategy",
                "Tags",
                "Timeout",
            ),
        )["jobDefinitionArn"]
        return Provisioned(arn, {"JobDefinitionArn": arn})

    def update(self, task: Update) -> Provisioned:
        """Every property makes another definition, so nothing is ever left to update."""
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        self.context.client("batch").deregister_job_definition(jobDefinition=task.physical_id)


def _chosen(properties: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The named properties that are set, as the API spells them."""
    return _api({name: properties[name] for name in names if name in properties})


def _api(value: Any) -> Any:
    """Keys with a lower-case first letter, but for those of the user's own objects."""
    if isinstance(value, list):
        return [_api(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key[:1].lower() + key[1:]: item if key in _FREE else _api(item)
        for key, item in value.items()
    }


HANDLERS = (ComputeEnvironment, JobDefinition, JobQueue)
