"""A function's image as an array job on virtual machines.

It decides: one container is what one vCPU of a function is, so that both can be compared; the image
is the function's own; its code may do what its job role says and the machine may fetch the image
and write its log by the execution role; the file system is read-only and the user is nobody, as for
a function; a lost Spot machine is another attempt, an error of the code is not.
"""

from __future__ import annotations

from collections.abc import Mapping

from aws_cdk import Aws
from aws_cdk import aws_batch as batch
from aws_cdk import aws_iam as iam
from aws_cdk.aws_ecr_assets import DockerImageAsset, Platform
from constructs import Construct

from settings.stage import Architecture
from stacks.checks.nag import acknowledge_unbounded
from stacks.checks.unbounded import REGISTRY_TOKEN
from stacks.components.function_image import image_source
from stacks.components.log_keeping import LogKeeping
from stacks.components.service_trust import service_here
from workloads.catalogue import Function

# A function gets one whole vCPU at this memory:
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
VCPUS, MEMORY_MB = 1, 1769
_ATTEMPTS = 3
_NOBODY = "65534:65534"
_PLATFORMS = {
    Architecture.X86_64: Platform.LINUX_AMD64,
    Architecture.ARM64: Platform.LINUX_ARM64,
}


class ArrayJob(Construct):
    """A job definition; `role` is what is granted permissions, `definition_arn` what is run."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        declared: Function,
        architecture: Architecture,
        environment: Mapping[str, str],
        timeout_s: int,
        logs: LogKeeping,
    ) -> None:
        """Give the image's entry for Batch `environment`, which is not what its handler reads."""
        super().__init__(scope, construct_id)
        group = logs.group(self, "Logs")
        image = DockerImageAsset(
            self, "Image", platform=_PLATFORMS[architecture], **image_source(declared)
        )
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
        self.role = iam.Role(self, "Role", assumed_by=service_here("ecs-tasks", source="ecs:*"))
        # Of the execution role AWS's page says no such thing:
        # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html
        execution_role = iam.Role(
            self, "ExecutionRole", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com")
        )
        image.repository.grant_pull(execution_role)
        group.grant_write(execution_role)
        acknowledge_unbounded(execution_role.node.find_child("DefaultPolicy"), REGISTRY_TOKEN)
        requirements = {"VCPU": VCPUS, "MEMORY": MEMORY_MB}
        definition = batch.CfnJobDefinition(
            self,
            "Definition",
            type="container",
            platform_capabilities=["EC2"],
            propagate_tags=True,
            container_properties=batch.CfnJobDefinition.ContainerPropertiesProperty(
                image=image.image_uri,
                job_role_arn=self.role.role_arn,
                execution_role_arn=execution_role.role_arn,
                user=_NOBODY,
                privileged=False,
                readonly_root_filesystem=True,
                resource_requirements=[
                    batch.CfnJobDefinition.ResourceRequirementProperty(type=kind, value=str(value))
                    for kind, value in requirements.items()
                ],
                # What Lambda tells a function by itself, and ECS on EC2 does not tell a container.
                environment=[
                    batch.CfnJobDefinition.EnvironmentProperty(name=name, value=value)
                    for name, value in {
                        **environment,
                        "AWS_REGION": Aws.REGION,
                        "MEMORY_MB": str(MEMORY_MB),
                    }.items()
                ],
                log_configuration=batch.CfnJobDefinition.LogConfigurationProperty(
                    log_driver="awslogs",
                    options={
                        "awslogs-group": group.log_group_name,
                        "awslogs-stream-prefix": declared.name,
                    },
                ),
            ),
            # https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html
            retry_strategy=batch.CfnJobDefinition.RetryStrategyProperty(
                attempts=_ATTEMPTS,
                evaluate_on_exit=[
                    batch.CfnJobDefinition.EvaluateOnExitProperty(
                        on_status_reason="Host EC2*", action="RETRY"
                    ),
                    batch.CfnJobDefinition.EvaluateOnExitProperty(on_reason="*", action="EXIT"),
                ],
            ),
            timeout=batch.CfnJobDefinition.TimeoutProperty(attempt_duration_seconds=timeout_s),
        )
        definition.node.add_dependency(self.role, execution_role)
        self.definition_arn = definition.ref
