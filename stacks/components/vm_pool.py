"""Virtual machines that exist while there are jobs for them, and the queue they work on.

It decides: a managed compute environment from zero machines up and back, of one instance type, so
that vCPUs and prices can be told; Amazon Linux 2023; metadata by session tokens only and out of the
containers' reach; encrypted volumes that go with their machine; and a queue that cancels what it
could never start, so that no job waits for ever.

The desired number of vCPUs is left to Batch: it starts at the minimum, 0, and a template that says
0 would be refused while machines run. Batch acts by its service-linked role; a role of our own
would turn every change of the environment into its replacement.
"""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_batch as batch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from settings.stage import VirtualMachineSettings
from stacks.checks.nag import acknowledge_wildcard
from stacks.checks.unbounded import POLL_ENDPOINT
from stacks.components.vm_network import VmNetwork

# A Spot fleet takes the pool with the most spare machines at the lowest price; on demand there is
# one type to choose from. https://docs.aws.amazon.com/batch/latest/userguide/allocation-strategies.html
_SPOT = ("SPOT", "SPOT_PRICE_CAPACITY_OPTIMIZED")
_ON_DEMAND = ("EC2", "BEST_FIT_PROGRESSIVE")

# What keeps a job in RUNNABLE, and after how long it is cancelled; 600 s is the least.
# https://docs.aws.amazon.com/batch/latest/userguide/job_stuck_in_runnable_time_limit_actions.html
_STUCK = {
    "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY": 3600,
    "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE": 600,
    "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT": 600,
}

# What the ECS agent calls on its cluster and on its own registration there. AWS's managed policy
# allows the same on every resource, and ECR and Logs besides, which the execution role has.
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AmazonEC2ContainerServiceforEC2Role.html
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerservice.html
_ON_CLUSTER = (
    "ecs:DeregisterContainerInstance",
    "ecs:RegisterContainerInstance",
    "ecs:SubmitAttachmentStateChanges",
    "ecs:SubmitContainerStateChange",
    "ecs:SubmitTaskStateChange",
)
_ON_INSTANCE = (
    "ecs:Poll",
    "ecs:StartTelemetrySession",
    "ecs:UpdateContainerInstancesState",
)
# A machine tags itself while it registers; whoever takes one over may tag nothing else.
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html
_WHILE_REGISTERING = {"StringEquals": {"ecs:CreateAction": "RegisterContainerInstance"}}
_ANYWHERE = tuple(POLL_ENDPOINT.actions)


class VmPool(Construct):
    """A compute environment and its queue; jobs are submitted to `queue_arn`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: VirtualMachineSettings,
        network: VmNetwork,
        tags: dict[str, str],
    ) -> None:
        """Put the machines into `network`; `tags` go on every one of them and on its volume."""
        super().__init__(scope, construct_id)
        role = self._machine_role()
        profile = iam.CfnInstanceProfile(self, "Profile", roles=[role.role_name])
        template = self._launch_template(tags)
        kind, strategy = _SPOT if settings.spot else _ON_DEMAND
        machines = batch.CfnComputeEnvironment(
            self,
            "Machines",
            type="MANAGED",
            state="ENABLED",
            replace_compute_environment=False,
            # A change waits for the jobs that run; then Batch ends them.
            update_policy=batch.CfnComputeEnvironment.UpdatePolicyProperty(
                terminate_jobs_on_update=False, job_execution_timeout_minutes=30
            ),
            compute_resources=batch.CfnComputeEnvironment.ComputeResourcesProperty(
                type=kind,
                allocation_strategy=strategy,
                minv_cpus=0,
                maxv_cpus=settings.max_vcpus,
                instance_types=[settings.instance_type],
                instance_role=profile.attr_arn,
                subnets=network.subnet_ids,
                security_group_ids=network.security_group_ids,
                launch_template=batch.CfnComputeEnvironment.LaunchTemplateSpecificationProperty(
                    launch_template_id=template.ref,
                    # Batch looks up `$Latest` once: a changed template would never be used.
                    version=template.attr_latest_version_number,
                ),
                ec2_configuration=[
                    batch.CfnComputeEnvironment.Ec2ConfigurationObjectProperty(
                        image_type="ECS_AL2023"
                    )
                ],
                update_to_latest_image_version=True,
                tags=tags,
            ),
        )
        # First the jobs' machines go, then what they need to say that they are gone.
        machines.node.add_dependency(network, role)
        self.queue_arn = batch.CfnJobQueue(
            self,
            "Queue",
            priority=1,
            state="ENABLED",
            compute_environment_order=[
                batch.CfnJobQueue.ComputeEnvironmentOrderProperty(
                    compute_environment=machines.ref, order=1
                )
            ],
            job_state_time_limit_actions=[
                batch.CfnJobQueue.JobStateTimeLimitActionProperty(
                    action="CANCEL", state="RUNNABLE", reason=reason, max_time_seconds=seconds
                )
                for reason, seconds in _STUCK.items()
            ],
        ).ref

    def _machine_role(self) -> iam.Role:
        """What the ECS agent of a machine may do; containers get the roles of their job."""
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        here = f"arn:{Aws.PARTITION}:ecs:{Aws.REGION}:{Aws.ACCOUNT_ID}"
        granted = (
            (_ON_CLUSTER, f"{here}:cluster/*", "Batch names its cluster when it makes it."),
            (_ON_INSTANCE, f"{here}:container-instance/*", "A machine's id is known once it runs."),
            (_ANYWHERE, "*", POLL_ENDPOINT.reason),
        )
        for actions, resource, reason in granted:
            iam.Grant.add_to_principal(
                grantee=role, actions=list(actions), resource_arns=[resource]
            )
            acknowledge_wildcard(role.node.find_child("DefaultPolicy"), resource, reason=reason)
        iam.Grant.add_to_principal(
            grantee=role,
            actions=["ecs:TagResource"],
            resource_arns=[f"{here}:container-instance/*"],
            conditions=_WHILE_REGISTERING,
        )
        return role

    def _launch_template(self, tags: dict[str, str]) -> ec2.CfnLaunchTemplate:
        launched = [{"key": key, "value": value} for key, value in tags.items()]
        return ec2.CfnLaunchTemplate(
            self,
            "Template",
            launch_template_data=ec2.CfnLaunchTemplate.LaunchTemplateDataProperty(
                # One hop ends at the machine: a container asks for its job's role, not for these.
                metadata_options=ec2.CfnLaunchTemplate.MetadataOptionsProperty(
                    http_tokens="required", http_put_response_hop_limit=1
                ),
                # The root volume of the image, its size as the image has it.
                block_device_mappings=[
                    ec2.CfnLaunchTemplate.BlockDeviceMappingProperty(
                        device_name="/dev/xvda",
                        ebs=ec2.CfnLaunchTemplate.EbsProperty(
                            encrypted=True, volume_type="gp3", delete_on_termination=True
                        ),
                    )
                ],
                tag_specifications=[
                    ec2.CfnLaunchTemplate.TagSpecificationProperty(
                        resource_type="volume", tags=launched
                    )
                ],
            ),
            tag_specifications=[
                ec2.CfnLaunchTemplate.LaunchTemplateTagSpecificationProperty(
                    resource_type="launch-template", tags=launched
                )
            ],
        )
