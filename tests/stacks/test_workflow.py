from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from settings.stages import STAGES
from tests.stacks.synthesized import Synthesize, Synthesized

CHILDREN = {"ClassifyShards": "ClassifyShard", "ReduceGroups": "ReduceGroup"}


def tasks(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every task state, those inside the maps included."""
    for name, state in machine["States"].items():
        if state["Type"] == "Task":
            yield name, state
        if state["Type"] == "Map":
            yield from tasks(state["ItemProcessor"])


@pytest.fixture
def machine(either: Synthesized) -> dict[str, Any]:
    return either.state_machine()


def test_job_is_planned_mapped_reduced_and_reported(machine: dict[str, Any]) -> None:
    order, state = [machine["StartAt"]], machine["States"][machine["StartAt"]]
    while "Next" in state:
        order.append(state["Next"])
        state = machine["States"][state["Next"]]
    assert order == ["Plan", "ClassifyShards", "ReduceGroups", "Report"]
    assert set(machine["States"]) == set(order)


def test_every_task_calls_an_alias_and_answers_with_its_payload(machine: dict[str, Any]) -> None:
    called = {}
    for name, task in tasks(machine):
        assert task["Resource"] == "arn:<AWS::Partition>:states:::lambda:invoke"
        assert task["OutputPath"] == "$.Payload"
        called[name] = task["Parameters"]["FunctionName"]
    assert called == {
        "Plan": "<OutputRefPlanLiveDEA251D54D0E9BBC>",
        "ClassifyShard": "<OutputRefClassifyLive722603F3F7C60882>",
        "ReduceGroup": "<OutputRefReduceLiveFA9762E00D589374>",
        "Report": "<OutputRefReduceLiveFA9762E00D589374>",
    }


def test_every_task_sends_what_its_function_expects(machine: dict[str, Any]) -> None:
    sent = {
        name: task["Parameters"].get("Payload", task["Parameters"].get("Payload.$"))
        for name, task in tasks(machine)
    }
    job = {"job_id.$": "$.job_id", "input.$": "$.input"}
    attempt = {"attempt.$": "$$.State.RetryCount"}
    assert sent == {
        "Plan": "$",
        "ClassifyShard": {**job, "shard.$": "$.shard", **attempt},
        "ReduceGroup": {"level": "group", **job, "group.$": "$.group", **attempt},
        "Report": {
            "level": "job",
            **job,
            "images.$": "$.images",
            "shards.$": "$.shards",
            "groups.$": "$.groups",
        },
    }


@pytest.mark.parametrize(
    ("name", "items", "item"),
    [("ClassifyShards", "shards", "shard"), ("ReduceGroups", "groups", "group")],
)
def test_map_reads_its_list_from_the_results_bucket(
    machine: dict[str, Any], name: str, items: str, item: str
) -> None:
    state = machine["States"][name]
    bucket = "<OutputRefResultsBucketA95A21039E45ECDD>"
    assert state["ItemReader"] == {
        "Resource": "arn:<AWS::Partition>:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": bucket, "Key.$": f"$.{items}.key"},
    }
    assert state["ItemSelector"] == {
        "job_id.$": "$.job_id",
        "input.$": "$.input",
        f"{item}.$": "$$.Map.Item.Value",
    }
    assert state["ResultWriter"] == {
        "Resource": "arn:<AWS::Partition>:states:::s3:putObject",
        "Parameters": {"Bucket": bucket, "Prefix.$": "$.map_prefix"},
    }


@pytest.mark.parametrize("name", CHILDREN)
def test_map_is_distributed_bounded_and_carries_no_results(
    either: Synthesized, machine: dict[str, Any], name: str
) -> None:
    state = machine["States"][name]
    assert state["ItemProcessor"]["ProcessorConfig"] == {
        "Mode": "DISTRIBUTED",
        "ExecutionType": "STANDARD",
    }
    stage = STAGES[either.stage]
    widths = {"ClassifyShards": stage.map_concurrency, "ReduceGroups": stage.reduce_concurrency}
    assert state["MaxConcurrency"] == widths[name]
    assert state["Label"] == name
    assert state["ResultPath"] is None
    assert set(state["ItemProcessor"]["States"]) == {CHILDREN[name]}


@pytest.mark.parametrize("name", CHILDREN)
def test_map_tolerates_no_failure(machine: dict[str, Any], name: str) -> None:
    assert not [key for key in machine["States"][name] if key.startswith("Tolerated")]


def test_every_task_retries_what_is_transient_with_jitter(machine: dict[str, Any]) -> None:
    for name, task in tasks(machine):
        retried = [error for retry in task["Retry"] for error in retry["ErrorEquals"]]
        assert len(retried) == len(set(retried)), name
        assert "Lambda.TooManyRequestsException" in retried
        for retry in task["Retry"]:
            assert retry["JitterStrategy"] == "FULL"
            assert retry["BackoffRate"] > 1
            assert retry["MaxDelaySeconds"] <= 30
            assert retry["MaxAttempts"] <= 8


def test_no_task_retries_an_error_of_the_handler(machine: dict[str, Any]) -> None:
    """A handler's exception is reported by its class name; these are all that is retried."""
    for _, task in tasks(machine):
        for retry in task["Retry"]:
            for error in retry["ErrorEquals"]:
                assert error.startswith(("Lambda.", "Runtime.", "Sandbox.")), error


def test_machine_logs_every_transition_without_its_data(either: Synthesized) -> None:
    machine = either.only("AWS::StepFunctions::StateMachine")["Properties"]
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert not machine["LoggingConfiguration"].get("IncludeExecutionData")
    (destination,) = machine["LoggingConfiguration"]["Destinations"]
    group, _ = destination["CloudWatchLogsLogGroup"]["LogGroupArn"]["Fn::GetAtt"]
    assert f"Workflow/{group}" in either.resources("AWS::Logs::LogGroup")


def test_machine_is_traced_in_prod_alone(either: Synthesized) -> None:
    machine = either.only("AWS::StepFunctions::StateMachine")["Properties"]
    assert machine["TracingConfiguration"] == {"Enabled": either.stage == "prod"}


def test_job_ends_in_the_time_its_stage_allows(
    either: Synthesized, machine: dict[str, Any]
) -> None:
    assert machine["TimeoutSeconds"] == STAGES[either.stage].job_timeout_s


def test_children_are_express_by_one_setting(synthesize: Synthesize) -> None:
    machine = synthesize("dev", map_children="EXPRESS").state_machine()
    for name in CHILDREN:
        config = machine["States"][name]["ItemProcessor"]["ProcessorConfig"]
        assert config["ExecutionType"] == "EXPRESS"
