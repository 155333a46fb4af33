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


def invocations(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every task state that calls a function."""
    for name, state in tasks(machine):
        if state["Resource"] == "arn:<AWS::Partition>:states:::lambda:invoke":
            yield name, state


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


def test_every_invocation_calls_an_alias_and_answers_with_its_payload(
    machine: dict[str, Any],
) -> None:
    called = {}
    for name, task in invocations(machine):
        assert task["OutputPath"] == "$.Payload"
        called[name] = task["Parameters"]["FunctionName"]
    classify = "<OutputRefClassifyLive722603F3F7C60882>"
    reduce = "<OutputRefReduceLiveFA9762E00D589374>"
    assert called == {
        "Plan": "<OutputRefPlanLiveDEA251D54D0E9BBC>",
        "ClassifyShard": classify,
        "ClassifyShardAgain": classify,
        "ReduceGroup": reduce,
        "ReduceGroupAgain": reduce,
        "Report": reduce,
    }


def test_every_invocation_sends_what_its_function_expects(machine: dict[str, Any]) -> None:
    sent = {
        name: task["Parameters"].get("Payload", task["Parameters"].get("Payload.$"))
        for name, task in invocations(machine)
    }
    job = {"job_id.$": "$.job_id", "input.$": "$.input"}
    attempt = {"attempt.$": "$$.State.RetryCount"}
    later = {"attempt.$": "States.MathAdd($$.State.RetryCount, 1)"}
    shard = {**job, "shard.$": "$.shard"}
    tolerated = {"tolerated_failure_percentage": 0}
    group = {"level": "group", **job, "group.$": "$.group", **tolerated}
    assert sent == {
        "Plan": "$",
        "ClassifyShard": {**shard, **attempt},
        "ClassifyShardAgain": {**shard, **later},
        "ReduceGroup": {**group, **attempt},
        "ReduceGroupAgain": {**group, **later},
        "Report": {
            "level": "job",
            **job,
            "images.$": "$.images",
            "shards.$": "$.shards",
            "groups.$": "$.groups",
            **tolerated,
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


@pytest.mark.parametrize("name", CHILDREN)
def test_map_tolerates_no_failure(machine: dict[str, Any], name: str) -> None:
    assert not [key for key in machine["States"][name] if key.startswith("Tolerated")]


def test_stage_that_tolerates_failures_tells_the_map_and_the_reduction(
    synthesize: Synthesize,
) -> None:
    machine = synthesize("dev", tolerated_failure_percentage="2.5").state_machine()
    states = machine["States"]
    assert states["ClassifyShards"]["ToleratedFailurePercentage"] == 2.5
    # A lost group is up to a hundred lost shards: none is tolerated.
    assert not [key for key in states["ReduceGroups"] if key.startswith("Tolerated")]
    sent = dict(invocations(machine))
    for name in ("ReduceGroup", "ReduceGroupAgain", "Report"):
        assert sent[name]["Parameters"]["Payload"]["tolerated_failure_percentage"] == 2.5, name


@pytest.mark.parametrize(("name", "item"), [("ClassifyShards", "shard"), ("ReduceGroups", "group")])
def test_child_records_its_failure_and_is_tried_once_more(
    machine: dict[str, Any], name: str, item: str
) -> None:
    child, step = machine["States"][name]["ItemProcessor"], CHILDREN[name]
    record, again = f"Record{step}Failure", f"{step}Again"
    assert (child["StartAt"], set(child["States"])) == (step, {step, record, again})
    everything = {"ErrorEquals": ["States.ALL"], "Next": record, "ResultPath": "$.failure"}
    assert child["States"][step]["Catch"] == [everything]
    written = child["States"][record]
    assert written["Resource"] == "arn:<AWS::Partition>:states:::aws-sdk:s3:putObject"
    assert written["Parameters"] == {
        "Bucket": "<OutputRefResultsBucketA95A21039E45ECDD>",
        "Key.$": f"States.Format('jobs/{{}}/failures/{item}-{{}}.json', $.job_id, $.{item}.{item})",
        "ContentType": "application/json",
        "Body": {
            "job_id.$": "$.job_id",
            "step": step,
            f"{item}.$": f"$.{item}",
            "failure.$": "$.failure",
            "recorded_at.$": "$$.State.EnteredTime",
            "execution.$": "$$.Execution.Id",
        },
    }
    assert (written["ResultPath"], written["Next"]) == (None, again)
    unwritten = {"ErrorEquals": ["States.ALL"], "Next": again, "ResultPath": None}
    assert written["Catch"] == [unwritten]


@pytest.mark.parametrize("name", CHILDREN)
def test_child_fails_in_a_state_that_a_redrive_can_do_again(
    machine: dict[str, Any], name: str
) -> None:
    """A Fail state would fail again: a redrive goes on at the state that did not exit.

    https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
    """
    states = machine["States"][name]["ItemProcessor"]["States"]
    assert {state["Type"] for state in states.values()} == {"Task"}
    uncaught = {step: state for step, state in states.items() if "Catch" not in state}
    ((last, state),) = uncaught.items()
    assert last == f"{CHILDREN[name]}Again"
    assert state["Resource"] == "arn:<AWS::Partition>:states:::lambda:invoke"
    assert state["End"] is True


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
