"""What a Distributed Map's fields do, each as AWS documents it.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html (WRITER)
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html (READER)
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html (BATCHER)
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from localcloud.functions.errors import TooManyRequestsError
from localcloud.step_functions.map_items import batches
from localcloud.step_functions.map_settings import Batcher

INVOKE = "arn:aws:states:::lambda:invoke"


def run_map(
    *, execution_type: str = "STANDARD", child: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    task = {
        "Type": "Task",
        "Resource": INVOKE,
        "Parameters": {"FunctionName": "run", "Payload.$": "$"},
        "OutputPath": "$.Payload",
        "End": True,
        **(child or {}),
    }
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": execution_type},
        "StartAt": "Run",
        "States": {"Run": task},
    }
    state = {"Type": "Map", "Label": "Shards", "ItemProcessor": processor, "End": True, **fields}
    return {"StartAt": "Map", "States": {"Map": state}}


def writer(bucket: str, **config: str) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::s3:putObject",
        "Parameters": {"Bucket": bucket, "Prefix": "map"},
        **({"WriterConfig": config} if config else {}),
    }


def reader(bucket: str, input_type: str, **config: Any) -> dict[str, Any]:
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": input_type, **config},
        "Parameters": {"Bucket": bucket, "Key": "items"},
    }


def written(cloud: Any, ended: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Key and contents of each result file, by status."""
    s3 = cloud.context.client("s3")
    place = json.loads(ended["output"])["ResultWriterDetails"]
    manifest = json.loads(s3.get_object(**place)["Body"].read())
    files = {}
    for status, listed in manifest["ResultFiles"].items():
        for file in listed:
            body = s3.get_object(Bucket=place["Bucket"], Key=file["Key"])["Body"].read()
            assert len(body) == file["Size"]
            files[status] = (file["Key"], body.decode())
    return files


def fail_on_two(event: Any) -> Any:
    if event == 2:
        raise TooManyRequestsError("any")
    return [event, event]


@pytest.mark.parametrize(
    ("transformation", "succeeded"),
    [("COMPACT", [[1, 1], [3, 3]]), ("FLATTEN", [1, 1, 3, 3])],
)
def test_writer_transforms_outputs_and_leaves_failures_as_they_are(
    state_machines, handlers, cloud, bucket, transformation, succeeded
):
    """WRITER: COMPACT returns outputs, FLATTEN their items; a failure equals NONE."""
    handlers["run"] = fail_on_two
    config = writer(bucket, Transformation=transformation, OutputType="JSON")
    ended = state_machines.run(
        run_map(ResultWriter=config, ToleratedFailureCount=1, MaxConcurrency=1), [1, 2, 3]
    )
    files = written(cloud, ended)
    assert json.loads(files["SUCCEEDED"][1]) == succeeded
    (failure,) = json.loads(files["FAILED"][1])
    assert (failure["Input"], failure["Error"]) == ("2", "Lambda.TooManyRequestsException")


def test_writer_writes_one_line_a_result_as_jsonl(state_machines, handlers, cloud, bucket):
    """WRITER: JSONL formats the results as JSON Lines; Transformation is NONE by default."""
    handlers["run"] = fail_on_two
    ended = state_machines.run(
        run_map(ResultWriter=writer(bucket, OutputType="JSONL"), MaxConcurrency=1), [1, 3]
    )
    key, body = written(cloud, ended)["SUCCEEDED"]
    assert key.endswith("SUCCEEDED_0.jsonl")
    assert [json.loads(line)["Output"] for line in body.splitlines()] == ["[1,1]", "[3,3]"]


def test_writer_without_a_place_shapes_the_states_output(state_machines, handlers):
    """WRITER: WriterConfig alone previews the output."""
    handlers["run"] = fail_on_two
    definition = run_map(ResultWriter={"WriterConfig": {"Transformation": "FLATTEN"}})
    assert json.loads(state_machines.run(definition, [1, 3])["output"]) == [1, 1, 3, 3]


def test_output_without_a_writer_is_compact_and_tells_tolerated_failures(state_machines, handlers):
    """WRITER: COMPACT is the default where ResultWriter is not specified."""
    handlers["run"] = fail_on_two
    ended = state_machines.run(run_map(ToleratedFailureCount=1), [1, 2])
    first, failure = json.loads(ended["output"])
    assert first == [1, 1]
    assert (failure["Status"], failure["Error"]) == ("FAILED", "Lambda.TooManyRequestsException")


def test_results_written_are_counted(state_machines, handlers, bucket):
    """https://docs.aws.amazon.com/step-functions/latest/apireference/API_MapRunExecutionCounts.html"""
    handlers["run"] = fail_on_two
    execution = state_machines.start(run_map(ResultWriter=writer(bucket)), [1, 3])
    state_machines.end_of(execution)
    assert state_machines.map_run(execution)["executionCounts"]["resultsWritten"] == 2


@pytest.mark.parametrize(
    ("input_type", "body", "config", "items"),
    [
        ("JSON", "[1, 2, 3]", {}, [1, 2, 3]),
        ("JSON", "[1, 2, 3]", {"MaxItems": 2}, [1, 2]),
        ("JSONL", '{"a": 1}\n\n{"a": 2}\n', {}, [{"a": 1}, {"a": 2}]),
        ("JSONL", "1\n2\n3\n", {"MaxItems": 2}, [1, 2]),
        ("CSV", "a,b\n1,2\n", {"CSVHeaderLocation": "FIRST_ROW"}, [{"a": "1", "b": "2"}]),
        (
            "CSV",
            "1,2\n3,4\n",
            {"CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a", "b"], "MaxItems": 1},
            [{"a": "1", "b": "2"}],
        ),
    ],
)
def test_reader_takes_items_of_each_type(
    state_machines, handlers, cloud, bucket, input_type, body, config, items
):
    """READER: JSON, JSONL and CSV objects, MaxItems of them."""
    handlers["run"] = lambda event: event
    cloud.context.client("s3").put_object(Bucket=bucket, Key="items", Body=body)
    ended = state_machines.run(run_map(ItemReader=reader(bucket, input_type, **config)))
    assert json.loads(ended["output"]) == items


def test_reader_fails_on_a_broken_line(state_machines, cloud, bucket):
    """READER; the error's name: concepts-error-handling.html, States.ItemReaderFailed."""
    cloud.context.client("s3").put_object(Bucket=bucket, Key="items", Body="1\n{\n")
    ended = state_machines.run(run_map(ItemReader=reader(bucket, "JSONL")))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ItemReaderFailed")


@pytest.mark.parametrize(("objects", "config"), [(0, None), (3, None), (3, {"MaxItems": 2})])
def test_reader_lists_objects(state_machines, handlers, cloud, bucket, objects, config):
    """READER: listObjectsV2 passes what S3 tells of each object below a prefix."""
    handlers["run"] = lambda event: event["Key"]
    for number in range(objects):
        cloud.context.client("s3").put_object(Bucket=bucket, Key=f"in/{number}", Body=b"x")
    listed = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": bucket, "Prefix": "in/"},
        **({"ReaderConfig": config} if config else {}),
    }
    ended = state_machines.run(run_map(ItemReader=listed))
    keys = [f"in/{number}" for number in range(objects)][: (config or {}).get("MaxItems")]
    assert json.loads(ended["output"]) == keys


def test_batches_have_several_items_and_the_common_input(state_machines, handlers):
    """BATCHER: each child gets Items and BatchInput; ItemSelector shapes the items."""
    handlers["run"] = lambda event: event
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"job.$": "$.job", "fixed": 1}}
    definition = run_map(
        ItemBatcher=batcher, ItemsPath="$.items", ItemSelector={"item.$": "$$.Map.Item.Value"}
    )
    execution = state_machines.start(definition, {"job": "j", "items": [1, 2, 3]})
    ended = state_machines.end_of(execution)
    common = {"job": "j", "fixed": 1}
    assert json.loads(ended["output"]) == [
        {"BatchInput": common, "Items": [{"item": 1}, {"item": 2}]},
        {"BatchInput": common, "Items": [{"item": 3}]},
    ]
    run = state_machines.map_run(execution)
    assert (run["itemCounts"]["succeeded"], run["executionCounts"]["succeeded"]) == (3, 2)


def test_tolerated_failures_count_items_and_not_children(state_machines, handlers):
    """https://docs.aws.amazon.com/step-functions/latest/dg/maprun-fail-threshold.html"""

    def run(event: Any) -> Any:
        raise TooManyRequestsError("any")

    handlers["run"] = run
    fields = {"ItemBatcher": {"MaxItemsPerBatch": 2}, "ToleratedFailureCount": 1}
    assert state_machines.run(run_map(**fields), [1, 2])["status"] == "FAILED"
    fields["ToleratedFailureCount"] = 2
    assert state_machines.run(run_map(**fields), [1, 2])["status"] == "SUCCEEDED"


@given(
    items=st.lists(st.text(max_size=30), max_size=40),
    max_items=st.integers(0, 5),
    max_bytes=st.integers(250, 400),
)
def test_batches_hold_every_item_once_within_both_limits(items, max_items, max_bytes):
    """BATCHER: at most MaxItemsPerBatch items and MaxInputBytesPerBatch bytes."""
    made = list(batches(iter(items), Batcher(max_items, max_bytes, None), {"a": 1}))
    assert [item for batch in made for item in batch["Items"]] == items
    for batch in made:
        assert batch["BatchInput"] == {"a": 1}
        assert not max_items or len(batch["Items"]) <= max_items
        assert len(json.dumps(batch, separators=(",", ":")).encode()) <= max_bytes


def test_batches_are_as_full_as_the_limit_of_bytes_allows():
    item = "x" * 8
    (batch,) = batches(iter([item, item]), Batcher(0, 33, None), None)
    assert len(json.dumps(batch, separators=(",", ":"))) == 33
    assert len(list(batches(iter([item, item]), Batcher(0, 32, None), None))) == 2


def test_an_item_larger_than_a_batch_fails_the_map(state_machines):
    definition = run_map(ItemBatcher={"MaxInputBytesPerBatch": 20})
    ended = state_machines.run(definition, ["x" * 100])
    assert (ended["status"], ended["error"]) == ("FAILED", "States.ItemReaderFailed")
    assert "102 bytes" in ended["cause"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"ResultWriter": {}}, "ResultWriter"),
        ({"ResultWriter": {"WriterConfig": {"Transformation": "ZIP"}}}, "'ZIP'"),
        ({"ResultWriter": {"WriterConfig": {"OutputType": "CSV"}}}, "'CSV'"),
        ({"ResultWriter": {"WriterConfig": {"OutputType": "JSONL"}}}, "JSONL without Resource"),
        ({"ResultWriter": {"WriterConfig": {"Compression": "GZIP"}}}, "Compression"),
        ({"ItemBatcher": {}}, "ItemBatcher"),
        ({"ItemBatcher": {"MaxItemsPerBatch": -1}}, "MaxItemsPerBatch"),
        ({"ItemBatcher": {"MaxItemsPerBatchPath": "$.n"}}, "MaxItemsPerBatchPath"),
        ({"ItemReader": reader("any", "MANIFEST")}, "'MANIFEST'"),
        ({"ItemReader": reader("any", "PARQUET")}, "'PARQUET'"),
        ({"ItemReader": reader("any", "CSV", CSVDelimiter="TAB")}, "CSVDelimiter"),
        ({"execution_type": "FAST"}, "'FAST'"),
        (
            {"execution_type": "EXPRESS", "child": {"Resource": f"{INVOKE}.waitForTaskToken"}},
            "waitForTaskToken",
        ),
    ],
)
def test_fields_that_are_not_modelled_are_refused_by_name(state_machines, fields, named):
    definition = json.dumps(run_map(**fields))
    with pytest.raises(ClientError) as refused:
        state_machines.client.create_state_machine(
            name=f"machine-{uuid.uuid4().hex[:8]}",
            definition=definition,
            roleArn="arn:aws:iam::123456789012:role/any",
        )
    assert refused.value.response["Error"]["Code"] == "InvalidDefinition"
    assert named in refused.value.response["Error"]["Message"].partition("in definition")[0]


def test_settings_reach_maps_inside_branches_and_other_maps(state_machines, handlers):
    handlers["run"] = lambda event: [event]
    flatten = {"ResultWriter": {"WriterConfig": {"Transformation": "FLATTEN"}}}
    inner = run_map(**flatten)["States"]["Map"]
    outer = run_map(**flatten)
    outer["States"]["Map"]["ItemProcessor"].update({"StartAt": "Map", "States": {"Map": inner}})
    both = {"Type": "Parallel", "Branches": [outer], "End": True}
    ended = state_machines.run({"StartAt": "Both", "States": {"Both": both}}, [[1, 2], [3]])
    assert json.loads(ended["output"]) == [[1, 2, 3]]
