"""What holds for every template, whatever is in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.stacks.synthesized import Synthesize, Synthesized

# The client and the tools find the stage by these; anything else is nobody's business.
OUTPUTS = {
    "Storage": {"InputBucketName", "ResultsBucketName"},
    "Functions": {"ClassifyFunctionName"},
    "Workflow": {"StateMachineArn"},
    "Api": {"ApiUrl"},
    "Monitoring": {"AlarmTopicArn"},
    "Baseline": {"JobDefinitionArn", "JobQueueArn"},
}


def test_stack_is_named_after_app_stage_and_role(every: Synthesized) -> None:
    for stack in every.stacks:
        manifest = every.manifest(stack)
        assert manifest["stackName"] == f"shpc-{every.stage}-{stack.lower()}"
        assert manifest["tags"] == {"app": "shpc", "stage": every.stage}


def test_no_template_asks_for_a_parameter(every: Synthesized) -> None:
    """BootstrapVersion is CDK's own check that the account was bootstrapped."""
    for stack in every.stacks:
        assert set(every.template(stack)["Parameters"]) == {"BootstrapVersion"}


def test_outputs_are_those_that_somebody_reads(every: Synthesized) -> None:
    outputs = {
        stack: {
            key for key in every.template(stack).get("Outputs", {}) if not key.startswith("Exports")
        }
        for stack in every.stacks
    }
    assert outputs == {stack: OUTPUTS[stack] for stack in every.stacks}


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


def test_two_syntheses_are_byte_equal(
    either: Synthesized, synthesize_into: Callable[..., Path]
) -> None:
    again = Synthesized(either.stage, synthesize_into(either.stage))
    assert again.folder != either.folder
    assert either.differing(again) == []
