"""The baseline on virtual machines: nothing while idle, nobody let in, the functions' own image."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from settings.stages import STAGES
from tests.stacks.synthesized import Synthesize, Synthesized, as_text

INPUTS = "<OutputFnGetAttInputBucket3BF8630AArnB4CC1184>/inputs/*"
RESULTS = "<OutputFnGetAttResultsBucketA95A2103ArnC89E3319>"
CLUSTERS = "arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>"
ROOT = Path(__file__).parents[2]

# What is paid for by the hour, whether anything runs or not.
PAID_WHILE_IDLE = {
    "AWS::EC2::EIP",
    "AWS::EC2::Instance",
    "AWS::EC2::NatGateway",
    "AWS::EC2::TransitGatewayAttachment",
    "AWS::EC2::Volume",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::AutoScaling::AutoScalingGroup",
}

Variants = Callable[[str], Synthesized]


@pytest.fixture(params=["dev-baseline", "prod-baseline"])
def either_baseline(request: pytest.FixtureRequest, variants: Variants) -> Synthesized:
    return variants(request.param)


def baseline(stage: Synthesized, kind: str | None = None) -> dict[str, dict[str, Any]]:
    """Logical ID -> resource of the baseline's stack, of one type or of all."""
    return {
        name.partition("/")[2]: resource
        for name, resource in stage.resources(kind).items()
        if name.startswith("Baseline/")
    }


def only(stage: Synthesized, kind: str) -> dict[str, Any]:
    (resource,) = baseline(stage, kind).values()
    return resource["Properties"]


def machines(stage: Synthesized) -> dict[str, Any]:
    return only(stage, "AWS::Batch::ComputeEnvironment")["ComputeResources"]


def container(stage: Synthesized) -> dict[str, Any]:
    return only(stage, "AWS::Batch::JobDefinition")["ContainerProperties"]


def template_data(stage: Synthesized) -> dict[str, Any]:
    return only(stage, "AWS::EC2::LaunchTemplate")["LaunchTemplateData"]


def test_stage_has_no_baseline_unless_it_is_asked_for(either: Synthesized) -> None:
    assert "Baseline" not in either.stacks
    assert not [name for name in either.resources() if name.startswith("Baseline/")]


def test_stage_without_alarms_or_a_baseline_loads_no_class_of_theirs() -> None:
    probe = (
        "import sys, app\n"
        "print([name for name in sys.modules"
        " if name.startswith(('stacks.baseline', 'stacks.monitoring', 'aws_cdk.aws_batch',"
        " 'aws_cdk.aws_budgets'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


def test_baseline_needs_the_storage_and_nothing_else(either_baseline: Synthesized) -> None:
    text = json.dumps(either_baseline.template("Baseline"))
    imported = {
        stack
        for stack in either_baseline.stacks
        if f'"Fn::ImportValue": "shpc-{either_baseline.stage}-{stack.lower()}:' in text
    }
    assert imported == {"Storage"}
    manifest = json.loads((either_baseline.folder / "manifest.json").read_text())
    needed = set(manifest["artifacts"]["Baseline"]["dependencies"])
    assert needed & set(either_baseline.stacks) == {"Storage"}


def test_nothing_else_changes_with_a_baseline(
    either_baseline: Synthesized, dev: Synthesized, prod: Synthesized
) -> None:
    without = {"dev": dev, "prod": prod}[either_baseline.stage]
    for stack in without.stacks:
        assert either_baseline.template(stack) == without.template(stack), stack


def test_nothing_costs_by_the_hour_while_no_job_runs(either_baseline: Synthesized) -> None:
    kinds = {resource["Type"] for resource in baseline(either_baseline).values()}
    assert kinds.isdisjoint(PAID_WHILE_IDLE)
    assert machines(either_baseline)["MinvCpus"] == 0
    # A gateway endpoint is free, an interface endpoint is not.
    endpoint = only(either_baseline, "AWS::EC2::VPCEndpoint")
    assert endpoint["VpcEndpointType"] == "Gateway"
    assert as_text(endpoint["ServiceName"]) == "com.amazonaws.<AWS::Region>.s3"


def test_batch_decides_how_many_vcpus_there_are_between_none_and_the_most(
    either_baseline: Synthesized,
) -> None:
    found = machines(either_baseline)
    settings = STAGES[either_baseline.stage].vms
    assert found["MaxvCpus"] == settings.max_vcpus
    assert found["InstanceTypes"] == [settings.instance_type]
    assert "DesiredvCpus" not in found


def test_stage_chooses_between_spot_and_on_demand(synthesize: Synthesize) -> None:
    spot = machines(synthesize("dev", baseline=True, **{"vms.spot": True}))
    assert (spot["Type"], spot["AllocationStrategy"]) == ("SPOT", "SPOT_PRICE_CAPACITY_OPTIMIZED")
    here = machines(synthesize("dev", baseline=True, **{"vms.spot": False}))
    assert (here["Type"], here["AllocationStrategy"]) == ("EC2", "BEST_FIT_PROGRESSIVE")


def test_environment_is_changed_in_place_and_by_batchs_own_role(
    either_baseline: Synthesized,
) -> None:
    environment = only(either_baseline, "AWS::Batch::ComputeEnvironment")
    assert environment["ReplaceComputeEnvironment"] is False
    # https://docs.aws.amazon.com/batch/latest/userguide/updating-compute-environments.html
    assert "ServiceRole" not in environment
    assert environment["UpdatePolicy"] == {
        "TerminateJobsOnUpdate": False,
        "JobExecutionTimeoutMinutes": 30,
    }
    assert environment["ComputeResources"]["UpdateToLatestImageVersion"] is True
    version = environment["ComputeResources"]["LaunchTemplate"]["Version"]
    assert as_text(version).endswith(".LatestVersionNumber>")


def test_machines_need_session_tokens_and_encrypt_their_volume(
    either_baseline: Synthesized,
) -> None:
    data = template_data(either_baseline)
    assert data["MetadataOptions"] == {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}
    (volume,) = data["BlockDeviceMappings"]
    assert volume["DeviceName"] == "/dev/xvda"
    assert volume["Ebs"]["Encrypted"] is True
    assert volume["Ebs"]["DeleteOnTermination"] is True
    assert machines(either_baseline)["Ec2Configuration"] == [{"ImageType": "ECS_AL2023"}]


def test_nobody_is_let_in(either_baseline: Synthesized) -> None:
    group = only(either_baseline, "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in group
    (egress,) = group["SecurityGroupEgress"]
    assert (egress["IpProtocol"], egress["FromPort"], egress["ToPort"]) == ("tcp", 443, 443)
    assert not baseline(either_baseline, "AWS::EC2::SecurityGroupIngress")


def test_network_spans_two_zones_that_cloudformation_names(either_baseline: Synthesized) -> None:
    subnets = baseline(either_baseline, "AWS::EC2::Subnet")
    zones = [subnet["Properties"]["AvailabilityZone"] for subnet in subnets.values()]
    assert zones == [{"Fn::Select": [number, {"Fn::GetAZs": ""}]} for number in (0, 1)]
    routed = {
        association["Properties"]["SubnetId"]["Ref"]
        for association in baseline(
            either_baseline, "AWS::EC2::SubnetRouteTableAssociation"
        ).values()
    }
    assert routed == set(subnets)
    assert {subnet["Ref"] for subnet in machines(either_baseline)["Subnets"]} == set(subnets)


def test_baseline_in_a_named_account_asks_the_account_nothing(synthesize: Synthesize) -> None:
    stage = synthesize("dev", baseline=True, region="eu-west-1", account="123456789012")
    manifest = json.loads((stage.folder / "manifest.json").read_text())
    assert "missing" not in manifest


def test_flows_are_recorded_where_the_stage_keeps_an_audit(variants: Variants) -> None:
    assert not baseline(variants("dev-baseline"), "AWS::EC2::FlowLog")
    prod = variants("prod-baseline")
    flow = only(prod, "AWS::EC2::FlowLog")
    assert (flow["ResourceType"], flow["TrafficType"]) == ("VPC", "ALL")
    assert flow["LogGroupName"]["Ref"] in baseline(prod, "AWS::Logs::LogGroup")
    group = f"<{flow['LogGroupName']['Ref']}.Arn>"
    assert prod.statements_of("Baseline/NetworkFlowsRole") == {
        "logs:CreateLogStream": [group],
        "logs:DescribeLogStreams": [group],
        "logs:PutLogEvents": [group],
    }


def test_image_is_the_one_that_the_function_runs(either_baseline: Synthesized) -> None:
    (function,) = (
        resource["Properties"]
        for name, resource in either_baseline.resources("AWS::Lambda::Function").items()
        if name.startswith("Functions/ClassifyFunction")
    )
    assert container(either_baseline)["Image"] == function["Code"]["ImageUri"]
    mine, functions = (
        json.loads((either_baseline.folder / f"{stack}.assets.json").read_text())["dockerImages"]
        for stack in ("Baseline", "Functions")
    )
    ((key, image),) = mine.items()
    assert image["source"] == functions[key]["source"]


def test_image_is_built_for_the_machines_processor(synthesize: Synthesize) -> None:
    arm = synthesize(
        "dev", baseline=True, architecture="arm64", **{"vms.instance_type": "c7g.2xlarge"}
    )
    (image,) = json.loads((arm.folder / "Baseline.assets.json").read_text())[
        "dockerImages"
    ].values()
    assert image["source"]["platform"] == "linux/arm64"


def test_container_is_what_one_vcpu_of_a_function_is(either_baseline: Synthesized) -> None:
    needs = container(either_baseline)["ResourceRequirements"]
    assert {need["Type"]: need["Value"] for need in needs} == {"VCPU": "1", "MEMORY": "1769"}
    variables = {
        variable["Name"]: as_text(variable["Value"])
        for variable in container(either_baseline)["Environment"]
    }
    assert variables == {
        "INPUT_BUCKET": "<OutputRefInputBucket3BF8630A70BB6653>",
        "RESULTS_BUCKET": "<OutputRefResultsBucketA95A21039E45ECDD>",
        "AWS_REGION": "<AWS::Region>",
        "MEMORY_MB": "1769",
    }


def test_container_runs_as_nobody_and_writes_nowhere(either_baseline: Synthesized) -> None:
    found = container(either_baseline)
    assert found["User"] == "65534:65534"
    assert found["Privileged"] is False
    assert found["ReadonlyRootFilesystem"] is True


def test_lost_machine_is_another_attempt_and_an_error_is_not(
    either_baseline: Synthesized,
) -> None:
    definition = only(either_baseline, "AWS::Batch::JobDefinition")
    assert definition["RetryStrategy"] == {
        "Attempts": 3,
        "EvaluateOnExit": [
            {"OnStatusReason": "Host EC2*", "Action": "RETRY"},
            {"OnReason": "*", "Action": "EXIT"},
        ],
    }
    settings = STAGES[either_baseline.stage]
    assert definition["Timeout"] == {"AttemptDurationSeconds": settings.job_timeout_s}
    assert definition["PlatformCapabilities"] == ["EC2"]


def test_job_that_can_never_start_is_cancelled(either_baseline: Synthesized) -> None:
    actions = only(either_baseline, "AWS::Batch::JobQueue")["JobStateTimeLimitActions"]
    assert {action["Reason"] for action in actions} == {
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY",
        "MISCONFIGURATION:COMPUTE_ENVIRONMENT_MAX_RESOURCE",
        "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT",
    }
    for action in actions:
        assert (action["Action"], action["State"]) == ("CANCEL", "RUNNABLE")
        # https://docs.aws.amazon.com/batch/latest/APIReference/API_JobStateTimeLimitAction.html
        assert 600 <= action["MaxTimeSeconds"] <= 86_400


def test_work_may_read_inputs_and_its_shards_and_write_their_results(
    either_baseline: Synthesized,
) -> None:
    assert either_baseline.statements_of("Baseline/ClassifyRole") == {
        "s3:GetObject": [INPUTS, f"{RESULTS}/jobs/*/shards.json"],
        "s3:PutObject": [f"{RESULTS}/jobs/*/shards/*"],
    }


def test_container_is_started_with_its_image_and_its_log_alone(
    either_baseline: Synthesized,
) -> None:
    granted = either_baseline.statements_of("Baseline/ClassifyExecutionRole")
    group = container(either_baseline)["LogConfiguration"]["Options"]["awslogs-group"]["Ref"]
    assert granted.pop("ecr:GetAuthorizationToken") == ["*"]
    assert granted.pop("logs:CreateLogStream") == granted.pop("logs:PutLogEvents")
    assert group in baseline(either_baseline, "AWS::Logs::LogGroup")
    assert set(granted) == {
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    }
    for (repository,) in granted.values():
        assert repository.startswith("arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:")
        assert "container-assets" in repository


def test_machine_may_be_a_member_of_its_cluster_and_no_more(
    either_baseline: Synthesized,
) -> None:
    cluster, instance = [f"{CLUSTERS}:cluster/*"], [f"{CLUSTERS}:container-instance/*"]
    assert either_baseline.statements_of("Baseline/PoolRole") == {
        "ecs:DeregisterContainerInstance": cluster,
        "ecs:RegisterContainerInstance": cluster,
        "ecs:SubmitAttachmentStateChanges": cluster,
        "ecs:SubmitContainerStateChange": cluster,
        "ecs:SubmitTaskStateChange": cluster,
        "ecs:Poll": instance,
        "ecs:StartTelemetrySession": instance,
        "ecs:TagResource": instance,
        "ecs:UpdateContainerInstancesState": instance,
        "ecs:DiscoverPollEndpoint": ["*"],
    }
    roles = baseline(either_baseline, "AWS::IAM::Role").values()
    assert not [role for role in roles if role["Properties"].get("ManagedPolicyArns")]


def test_machines_and_jobs_carry_the_stages_tags(either_baseline: Synthesized) -> None:
    tags = {"app": "shpc", "stage": either_baseline.stage}
    assert machines(either_baseline)["Tags"] == tags
    assert only(either_baseline, "AWS::Batch::JobDefinition")["PropagateTags"] is True
    for specifications in (
        template_data(either_baseline)["TagSpecifications"],
        only(either_baseline, "AWS::EC2::LaunchTemplate")["TagSpecifications"],
    ):
        for specification in specifications:
            assert {tag["Key"]: tag["Value"] for tag in specification["Tags"]} == tags


def test_machines_are_gone_before_what_they_need_to_go(either_baseline: Synthesized) -> None:
    """A machine says good-bye through the network, with its role: both outlive the environment."""
    (environment,) = baseline(either_baseline, "AWS::Batch::ComputeEnvironment").values()
    needed = set(environment["DependsOn"])
    for kind in ("AWS::EC2::Route", "AWS::EC2::VPCGatewayAttachment", "AWS::EC2::VPCEndpoint"):
        assert set(baseline(either_baseline, kind)) <= needed, kind
    assert {name for name in needed if name.startswith("PoolRoleDefaultPolicy")}


def test_nothing_of_a_dev_baseline_stays(variants: Variants) -> None:
    for name, resource in baseline(variants("dev-baseline")).items():
        assert resource.get("DeletionPolicy", "Delete") == "Delete", name
