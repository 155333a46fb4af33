from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from localcloud.functions.errors import TooManyRequestsError

RUN_CHILD = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "classify:live", "Payload.$": "$"},
    "OutputPath": "$.Payload",
    "End": True,
}


def distributed(child: dict[str, Any] = RUN_CHILD, **fields: Any) -> dict[str, Any]:
    """A state machine that is one Distributed Map with one state per child."""
    state = {
        "Type": "Map",
        "Label": "ClassifyShards",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Run",
            "States": {"Run": child},
        },
        "End": True,
        **fields,
    }
    return {"StartAt": "ClassifyShards", "States": {"ClassifyShards": state}}


def put_json(cloud: Any, bucket: str, key: str, value: Any) -> None:
    cloud.context.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(value))


def read_json(cloud: Any, bucket: str, key: str) -> Any:
    return json.loads(cloud.context.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def reader(bucket: str) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": bucket, "Key.$": "$.shards.key"},
    }


def test_map_runs_every_item_of_the_s3_object_in_order(state_machines, handlers, cloud, bucket):
    put_json(cloud, bucket, "shards.json", [{"shard": number} for number in range(50)])
    handlers["classify"] = lambda event: event["shard"]
    ended = state_machines.run(
        distributed(MaxConcurrency=7, ItemReader=reader(bucket)), {"shards": {"key": "shards.json"}}
    )
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == list(range(50))


def test_item_selector_sees_the_maps_input_and_the_item_and_the_child_its_retries(
    state_machines, handlers, cloud, bucket
):
    put_json(cloud, bucket, "shards.json", [{"shard": 4}])

    def classify(event: Any) -> Any:
        if event["attempt"] < 1:
            raise TooManyRequestsError("ReservedFunctionConcurrentInvocationLimitExceeded")
        return event

    handlers["classify"] = classify
    payload = {
        "job_id.$": "$.job_id",
        "shard.$": "$.shard",
        "attempt.$": "$$.State.RetryCount",
        "machine.$": "$$.StateMachine.Name",
    }
    retry = [
        {
            "ErrorEquals": ["Lambda.TooManyRequestsException"],
            "IntervalSeconds": 1,
            "MaxAttempts": 3,
            "MaxDelaySeconds": 1,
            "JitterStrategy": "FULL",
        }
    ]
    parameters = {"FunctionName": "classify:live", "Payload": payload}
    ended = state_machines.run(
        distributed(
            {**RUN_CHILD, "Parameters": parameters, "Retry": retry},
            ItemReader=reader(bucket),
            ItemSelector={"job_id.$": "$.job_id", "shard.$": "$$.Map.Item.Value"},
        ),
        {"job_id": "job-1", "shards": {"key": "shards.json"}},
    )
    (answer,) = json.loads(ended["output"])
    assert answer.pop("machine").startswith("machine-")
    assert answer == {"job_id": "job-1", "shard": {"shard": 4}, "attempt": 1}


def test_failed_child_fails_the_map_with_awss_error_and_the_child_tells_why(
    state_machines, handlers
):
    def classify(event: Any) -> Any:
        if event == 3:
            raise TooManyRequestsError("ConcurrentInvocationLimitExceeded")
        return event

    handlers["classify"] = classify
    execution = state_machines.start(distributed(), [1, 2, 3, 4])
    ended = state_machines.end_of(execution)
    assert ended["status"] == "FAILED"
    assert ended["error"] == "States.ExceedToleratedFailureThreshold"
    assert ended["cause"] == "The specified tolerated failure threshold was exceeded"
    child = state_machines.failed_child(execution)
    assert child["error"] == "Lambda.TooManyRequestsException"
    assert "Rate Exceeded." in child["cause"]
    run = state_machines.map_run(execution)
    assert run["status"] == "FAILED"
    assert run["itemCounts"]["failed"] == 1


@pytest.mark.parametrize(
    ("limits", "failures", "status"),
    [
        ({"ToleratedFailureCount": 2}, 2, "SUCCEEDED"),
        ({"ToleratedFailureCount": 2}, 3, "FAILED"),
        ({"ToleratedFailurePercentage": 30}, 3, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 30}, 4, "FAILED"),
        ({"ToleratedFailureCount": 1, "ToleratedFailurePercentage": 90}, 2, "FAILED"),
        ({}, 1, "FAILED"),
    ],
)
def test_map_fails_beyond_either_tolerated_failure_and_not_before(
    state_machines, handlers, limits, failures, status
):
    def classify(event: Any) -> Any:
        if event < failures:
            raise TooManyRequestsError("any")
        return event

    handlers["classify"] = classify
    ended = state_machines.run(distributed(**limits), list(range(10)))
    assert ended["status"] == status


def test_catch_of_a_map_receives_the_exceeded_threshold(state_machines, handlers):
    def classify(event: Any) -> Any:
        raise TooManyRequestsError("any")

    handlers["classify"] = classify
    definition = distributed(
        Catch=[{"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "Next": "Caught"}]
    )
    definition["States"]["Caught"] = {"Type": "Pass", "OutputPath": "$.Error", "End": True}
    ended = state_machines.run(definition, [1])
    assert json.loads(ended["output"]) == "States.ExceedToleratedFailureThreshold"


def test_max_concurrency_bounds_the_children_that_run_at_once(state_machines, handlers):
    three_run = threading.Barrier(3, timeout=10)
    lock = threading.Lock()
    running = peak = 0

    def classify(event: Any) -> Any:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        three_run.wait()
        with lock:
            running -= 1
        return event

    handlers["classify"] = classify
    ended = state_machines.run(distributed(MaxConcurrency=3), list(range(12)))
    assert ended["status"] == "SUCCEEDED"
    assert peak == 3


def test_item_counts_are_live_and_the_arn_names_the_label(state_machines, handlers):
    two_run = threading.Barrier(3, timeout=10)
    go_on = threading.Event()

    def classify(event: Any) -> Any:
        if event < 2:
            two_run.wait()
            assert go_on.wait(10)
        return event

    handlers["classify"] = classify
    execution = state_machines.start(distributed(MaxConcurrency=2), list(range(5)))
    two_run.wait()
    run = state_machines.map_run(execution)
    counts = {name: count for name, count in run["itemCounts"].items() if count}
    go_on.set()
    assert counts == {"running": 2, "pending": 3, "total": 5}
    assert run["status"] == "RUNNING"
    assert run["maxConcurrency"] == 2
    assert "/ClassifyShards:" in run["mapRunArn"]
    assert state_machines.end_of(execution)["status"] == "SUCCEEDED"
    run = state_machines.map_run(execution)
    counts = {name: count for name, count in run["itemCounts"].items() if count}
    assert counts == {"succeeded": 5, "total": 5}
    assert run["status"] == "SUCCEEDED"


def test_hanging_child_does_not_hold_a_map_that_has_failed(state_machines, handlers):
    hanging = threading.Event()
    hangs = threading.Event()

    def classify(event: Any) -> Any:
        if event == "hang":
            hangs.set()
            hanging.wait(30)
            return event
        assert hangs.wait(10)
        raise TooManyRequestsError("any")

    handlers["classify"] = classify
    execution = state_machines.start(distributed(), ["hang", "fail"])
    ended = state_machines.end_of(execution, within_s=10)
    assert not hanging.is_set()
    hanging.set()
    assert ended["status"] == "FAILED"
    counts = state_machines.map_run(execution)["itemCounts"]
    assert (counts["failed"], counts["aborted"], counts["running"]) == (1, 1, 0)


def test_result_writer_writes_children_by_status_and_a_manifest(
    state_machines, handlers, cloud, bucket
):
    def classify(event: Any) -> Any:
        if event == 2:
            raise TooManyRequestsError("any")
        return {"shard": event}

    handlers["classify"] = classify
    writer = {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": bucket, "Prefix.$": "$.map_prefix"},
    }
    ended = state_machines.run(
        distributed(ItemsPath="$.items", ResultWriter=writer, ToleratedFailureCount=1),
        {"items": [1, 2, 3], "map_prefix": "jobs/j/map"},
    )
    output = json.loads(ended["output"])
    assert set(output) == {"MapRunArn", "ResultWriterDetails"}
    details = output["ResultWriterDetails"]
    assert details["Bucket"] == bucket
    assert details["Key"].startswith("jobs/j/map/")
    manifest = read_json(cloud, bucket, details["Key"])
    assert manifest["DestinationBucket"] == bucket
    assert manifest["ResultFiles"]["PENDING"] == []
    (succeeded,) = manifest["ResultFiles"]["SUCCEEDED"]
    children = read_json(cloud, bucket, succeeded["Key"])
    assert sorted(json.loads(child["Output"])["shard"] for child in children) == [1, 3]
    (failed,) = manifest["ResultFiles"]["FAILED"]
    (child,) = read_json(cloud, bucket, failed["Key"])
    assert (child["Input"], child["Error"]) == ("2", "Lambda.TooManyRequestsException")


def test_missing_item_source_fails_the_map_and_names_the_object(state_machines, cloud, bucket):
    ended = state_machines.run(
        distributed(ItemReader=reader(bucket)), {"shards": {"key": "gone.json"}}
    )
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ItemReaderFailed")
    assert "gone.json" in ended["cause"]


@pytest.mark.parametrize("body", ['{"not": "a list"}', "[1, 2", b"\xff\xfe"])
def test_item_source_that_is_no_json_list_fails_the_map(state_machines, cloud, bucket, body):
    cloud.context.client("s3").put_object(Bucket=bucket, Key="bad.json", Body=body)
    ended = state_machines.run(
        distributed(ItemReader=reader(bucket)), {"shards": {"key": "bad.json"}}
    )
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ItemReaderFailed")


def test_missing_destination_bucket_fails_the_map_as_result_writer(state_machines, handlers):
    handlers["classify"] = lambda event: event
    writer = {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": "gone", "Prefix": "x"},
    }
    ended = state_machines.run(distributed(ResultWriter=writer), [1])
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ResultWriterFailed")
    assert "gone" in ended["cause"]


@pytest.mark.parametrize("place", [{}, {"Prefix": "x"}, {"Bucket.$": "$.nowhere"}])
def test_destination_without_a_bucket_fails_the_map_run_too(state_machines, handlers, place):
    handlers["classify"] = lambda event: event
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": place}
    execution = state_machines.start(distributed(ResultWriter=writer), [1])
    assert state_machines.end_of(execution)["status"] == "FAILED"
    runs = state_machines.client.list_map_runs(executionArn=execution)["mapRuns"]
    described = state_machines.client.describe_map_run(mapRunArn=runs[0]["mapRunArn"])
    assert described["status"] == "FAILED"


def test_results_beyond_256_kb_fail_without_a_result_writer(state_machines, handlers):
    handlers["classify"] = lambda event: "x" * 1000
    ended = state_machines.run(distributed(ResultPath=None), list(range(300)))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_empty_item_source_succeeds_with_no_child(state_machines, handlers):
    ended = state_machines.run(distributed(), [])
    assert (ended["status"], ended["output"]) == ("SUCCEEDED", "[]")


def test_map_item_is_not_in_a_childs_own_context(state_machines, handlers):
    handlers["classify"] = lambda event: event
    parameters = {"FunctionName": "classify", "Payload": {"item.$": "$$.Map.Item.Value"}}
    execution = state_machines.start(distributed({**RUN_CHILD, "Parameters": parameters}), [1])
    assert state_machines.end_of(execution)["status"] == "FAILED"
    assert "Map.Item.Value" in state_machines.failed_child(execution)["cause"]


def test_3000_children_end_though_stock_stops_at_a_recursion_limit(state_machines, handlers):
    handlers["classify"] = lambda event: event
    ended = state_machines.run(distributed(MaxConcurrency=4, ResultPath=None), list(range(3000)))
    assert ended["status"] == "SUCCEEDED"


def test_stop_aborts_at_once_and_children_in_flight_are_not_waited_for(state_machines, handlers):
    release = threading.Event()
    runs = threading.Event()

    def classify(event: Any) -> Any:
        runs.set()
        release.wait(30)
        return event

    handlers["classify"] = classify
    execution = state_machines.start(distributed(MaxConcurrency=1), list(range(5)))
    assert runs.wait(10)
    state_machines.client.stop_execution(executionArn=execution)
    ended = state_machines.client.describe_execution(executionArn=execution)
    release.set()
    assert ended["status"] == "ABORTED"
    assert ended["stopDate"] is not None
