"""What holds for every template, whatever is in it."""

from __future__ import annotations

import json

from settings.stages import STAGES
from tests.stacks.synthesized import Synthesize, Synthesized, as_text

# Properties by which a resource would get a name of our choosing.
NAMES = (
    "BucketName",
    "FunctionName",
    "RoleName",
    "ManagedPolicyName",
    "LogGroupName",
    "StateMachineName",
    "TopicName",
    "QueueName",
    "TableName",
)
# These have no tags of their own, or CDK renders them without: they carry those of the stack.
UNTAGGED = {
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::IAM::Policy",
    "AWS::Lambda::Alias",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "Custom::S3AutoDeleteObjects",
}


def test_stack_is_named_after_app_stage_and_role(every: Synthesized) -> None:
    for stack in every.stacks:
        manifest = every.manifest(stack)
        assert manifest["stackName"] == f"shpc-{every.stage}-{stack.lower()}"
        assert manifest["tags"] == {"app": "shpc", "stage": every.stage}


def test_every_resource_that_can_be_tagged_is(every: Synthesized) -> None:
    for name, resource in every.resources().items():
        if resource["Type"] in UNTAGGED or "CustomS3AutoDelete" in name:
            continue
        properties = resource["Properties"]
        # Budgets call them so.
        tags = properties.get("Tags", properties.get("ResourceTags", []))
        found = tags if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}
        assert {"app": "shpc", "stage": every.stage}.items() <= found.items(), name


def test_no_resource_is_named_by_us(every: Synthesized) -> None:
    for name, resource in every.resources().items():
        properties = resource.get("Properties", {})
        named = {key: properties[key] for key in NAMES if isinstance(properties.get(key), str)}
        assert named == {}, name


def test_no_template_asks_for_a_parameter(every: Synthesized) -> None:
    """BootstrapVersion is CDK's own check that the account was bootstrapped."""
    for stack in every.stacks:
        assert set(every.template(stack)["Parameters"]) == {"BootstrapVersion"}


def test_outputs_are_those_that_the_client_reads(every: Synthesized) -> None:
    outputs = {
        stack: {key for key in every.template(stack)["Outputs"] if not key.startswith("Exports")}
        for stack in every.stacks
    }
    # Whoever carries the pager subscribes to this one.
    monitoring = {"Monitoring": {"AlarmTopicArn"}} if "Monitoring" in every.stacks else {}
    assert outputs == {
        **monitoring,
        "Storage": {"InputBucketName", "ResultsBucketName"},
        "Functions": {"ClassifyFunctionName"},
        "Workflow": {"StateMachineArn"},
        "Api": {"ApiUrl"},
    }


def test_stacks_refer_one_way_only(every: Synthesized) -> None:
    """Storage <- Functions <- Workflow <- Api: destroying goes the other way round."""
    for number, stack in enumerate(every.stacks):
        text = json.dumps(every.template(stack))
        later = [
            other
            for other in every.stacks[number + 1 :]
            if f'"Fn::ImportValue": "shpc-{every.stage}-{other.lower()}:' in text
        ]
        assert later == [], stack


def test_references_between_stacks_are_imports(every: Synthesized) -> None:
    """`Fn::GetStackOutput` would let a stack go while another still needs it."""
    for stack in every.stacks:
        assert "Fn::GetStackOutput" not in json.dumps(every.template(stack))


def test_every_log_group_ends_and_shares_the_fate_of_its_stage(every: Synthesized) -> None:
    stage = STAGES[every.stage]
    fate = "Retain" if stage.retain_data else "Delete"
    groups = every.resources("AWS::Logs::LogGroup")
    assert groups
    for name, group in groups.items():
        assert group["Properties"]["RetentionInDays"] == stage.log_retention_days, name
        assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == (fate, fate), name


def test_every_function_has_a_declared_log_group(every: Synthesized) -> None:
    for name, function in every.resources("AWS::Lambda::Function").items():
        group = as_text(function["Properties"]["LoggingConfig"]["LogGroup"]).strip("<>")
        assert f"{name.partition('/')[0]}/{group}" in every.resources("AWS::Logs::LogGroup")


def test_no_usage_is_reported_to_anybody(every: Synthesized) -> None:
    assert not every.resources("AWS::CDK::Metadata")


def test_stage_is_deployable_anywhere_unless_told_otherwise(
    either: Synthesized, synthesize: Synthesize
) -> None:
    def environments(stage: Synthesized) -> set[str]:
        return {stage.environment(stack) for stack in stage.stacks}

    assert environments(either) == {"aws://unknown-account/unknown-region"}
    placed = synthesize(either.stage, region="eu-west-1", account="123456789012")
    assert environments(placed) == {"aws://123456789012/eu-west-1"}


def test_two_syntheses_are_byte_equal(either: Synthesized, synthesize: Synthesize) -> None:
    assert either.differing(synthesize(either.stage)) == []
