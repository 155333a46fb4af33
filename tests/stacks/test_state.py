"""What holds state keeps its logical ID, its fate is its stage's, and prod protects it."""

from __future__ import annotations

from review.retention import HOLDS_STATE
from settings.stages import STAGES
from tests.stacks.synthesized import Synthesized

# A new logical ID is a new resource: the old one goes, in dev with its data, or stays behind in
# prod without a stack. A line here changes only together with a plan for what is in it. The log
# groups of dev are not here: what goes with its stack may come back under another ID.
_BUCKETS = {
    "Storage/InputBucket3BF8630A": "AWS::S3::Bucket",
    "Storage/ResultsBucketA95A2103": "AWS::S3::Bucket",
}
LOCKED = {
    "dev": _BUCKETS,
    "prod": {
        **_BUCKETS,
        "Storage/AccessLogs8B620ECA": "AWS::S3::Bucket",
        "Functions/PlanLogsB7DC6D3E": "AWS::Logs::LogGroup",
        "Functions/ClassifyLogs88DC4EE9": "AWS::Logs::LogGroup",
        "Functions/ReduceLogs0787A676": "AWS::Logs::LogGroup",
        "Functions/PredictLogsBEA51BD8": "AWS::Logs::LogGroup",
        "Workflow/ClassifyLogs38813EB7": "AWS::Logs::LogGroup",
        "Api/JobsLogs6D40247A": "AWS::Logs::LogGroup",
        "Api/ApiAccessLogs50B185DB": "AWS::Logs::LogGroup",
        "Monitoring/AlarmTopicKeyBA1A4AA7": "AWS::KMS::Key",
        "Baseline/ClassifyLogs88DC4EE9": "AWS::Logs::LogGroup",
        "Baseline/NetworkFlowsF5DB04FD": "AWS::Logs::LogGroup",
    },
}
# What prod keeps; anything else goes with its stack. The policies stay because a bucket without its
# own would lose the rule that calls must use TLS. The topic's key goes: it encrypts announcements
# on their way, which nobody reads later.
KEPT_IN_PROD = {"AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::S3::BucketPolicy"}


def test_what_holds_state_keeps_its_logical_id(every: Synthesized) -> None:
    found = {
        name: resource["Type"]
        for name, resource in every.resources().items()
        if resource["Type"] in HOLDS_STATE
        and (every.stage == "prod" or resource["Type"] != "AWS::Logs::LogGroup")
    }
    locked = {
        name: kind
        for name, kind in LOCKED[every.stage].items()
        if name.partition("/")[0] in every.stacks
    }
    assert found == locked


def test_fate_of_every_resource_is_its_stage_s(every: Synthesized) -> None:
    retain = STAGES[every.stage].retain_data
    for name, resource in every.resources().items():
        fate = "Retain" if retain and resource["Type"] in KEPT_IN_PROD else "Delete"
        for when in ("DeletionPolicy", "UpdateReplacePolicy"):
            # CloudFormation's defaults differ by type: what holds state says it.
            default = None if resource["Type"] in HOLDS_STATE else "Delete"
            assert resource.get(when, default) == fate, f"{name}: {when}"


def test_every_log_group_ends_as_its_stage_says(every: Synthesized) -> None:
    groups = every.resources("AWS::Logs::LogGroup")
    assert groups
    for name, group in groups.items():
        days = STAGES[every.stage].log_retention_days
        assert group["Properties"]["RetentionInDays"] == days, name


def test_stack_is_protected_where_its_data_cannot_be_made_again(every: Synthesized) -> None:
    holding = {name.partition("/")[0] for name in every.resources("AWS::S3::Bucket")}
    protected = {
        stack for stack in every.stacks if every.manifest(stack).get("terminationProtection")
    }
    assert protected == (holding if STAGES[every.stage].termination_protection else set())


def test_every_writer_of_logs_has_a_declared_group(every: Synthesized) -> None:
    """One that a service makes by itself keeps everything for ever and survives its stack."""
    groups = every.resources("AWS::Logs::LogGroup")
    for name, resource in every.resources().items():
        stack = name.partition("/")[0]
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::Lambda::Function":
                group = properties["LoggingConfig"]["LogGroup"]
            case "AWS::StepFunctions::StateMachine":
                (destination,) = properties["LoggingConfiguration"]["Destinations"]
                group = destination["CloudWatchLogsLogGroup"]["LogGroupArn"]
            case "AWS::ApiGatewayV2::Stage":
                group = properties["AccessLogSettings"]["DestinationArn"]
            case "AWS::EC2::FlowLog":
                group = properties["LogGroupName"]
            case "AWS::Batch::JobDefinition":
                group = properties["ContainerProperties"]["LogConfiguration"]["Options"][
                    "awslogs-group"
                ]
            case _:
                continue
        assert every.names.target(stack, group) in groups, name


def test_nothing_of_a_custom_resource_survives_it(every: Synthesized) -> None:
    """CDK's provider sets no log group of its own; a role that may create one brings it back."""
    customs = {
        name: resource
        for name, resource in every.resources().items()
        if resource["Type"].startswith("Custom::")
    }
    assert bool(customs) is not STAGES[every.stage].retain_data
    for name, custom in customs.items():
        stack = name.partition("/")[0]
        provider = every.names.target(stack, custom["Properties"]["ServiceToken"])
        assert provider is not None
        function = every.resources("AWS::Lambda::Function")[provider]
        role = every.names.target(stack, function["Properties"]["Role"])
        group = every.names.target(stack, function["Properties"]["LoggingConfig"]["LogGroup"])
        assert role is not None
        assert group is not None
        assert every.resources()[group]["DeletionPolicy"] == "Delete"
        assert "ManagedPolicyArns" not in every.resources()[role]["Properties"]
        actions = set(every.statements_of(role))
        assert actions == {"logs:CreateLogStream", "logs:PutLogEvents"}
