"""What lands in CloudWatch Logs, as a client reads it."""

from __future__ import annotations

import json
import re
from typing import Any

from moto.awslambda.models import lambda_backends

from localcloud.context import CloudContext
from localcloud.functions import FunctionService
from tests.localcloud.functions.invoking import ACCOUNT, REGION, Deploy, answer, call


def messages(service: FunctionService, aws: CloudContext, group: str) -> list[str]:
    service.flush()
    events = aws.client("logs").filter_log_events(logGroupName=group)["events"]
    return [event["message"] for event in events]


def test_lines_arrive_between_start_and_report(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    result = call(service, function, "print", lines=["one", "two"], unfinished="three")
    lines = messages(service, aws, f"/aws/lambda/{function}")
    request_id = result.request_id
    assert lines[0].startswith("INIT_START Runtime Version: python:3.")
    assert lines[1:6] == [
        f"START RequestId: {request_id} Version: $LATEST",
        "one",
        "two",
        "three",
        f"END RequestId: {request_id}",
    ]
    assert re.fullmatch(
        rf"REPORT RequestId: {request_id}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\t"
        r"Memory Size: 256 MB\tMax Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t",
        lines[6],
    )


def test_warm_invocation_reports_no_init(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    call(service, function, "echo")
    call(service, function, "echo")
    cold, warm = [
        line for line in messages(service, aws, f"/aws/lambda/{function}") if "REPORT" in line
    ]
    assert "Init Duration" in cold
    assert "Init Duration" not in warm


def test_log_stream_is_the_environments(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    name = answer(call(service, function, "describe"))["variables"]["AWS_LAMBDA_LOG_STREAM_NAME"]
    service.flush()
    streams = aws.client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{function}")
    assert [stream["logStreamName"] for stream in streams["logStreams"]] == [name]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", name)


def test_exception_is_one_event_with_its_trace(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    call(service, function, "raise", message="no such shard")
    errors = [
        line for line in messages(service, aws, f"/aws/lambda/{function}") if "[ERROR]" in line
    ]
    assert len(errors) == 1
    assert errors[0].startswith("[ERROR] LookupError: no such shard\nTraceback")


def test_timeout_and_crash_have_lambdas_own_lines(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy(Timeout=1)
    late = call(service, function, "hang").request_id
    crashed = call(service, function, "exit", status=4).request_id
    text = "\n".join(messages(service, aws, f"/aws/lambda/{function}"))
    assert f"Z {late} Task timed out after 1.00 seconds" in text
    assert f"RequestId: {crashed} Error: Runtime exited with error: exit status 4" in text
    assert re.search(rf"REPORT RequestId: {late}.*\tStatus: timeout\t", text)
    assert re.search(rf"REPORT RequestId: {crashed}.*Error Type: Runtime.ExitError", text)


def test_tail_is_the_last_four_kilobytes_of_this_invocation(
    service: FunctionService, deploy: Deploy
) -> None:
    function = deploy()
    call(service, function, "print", lines=["of another invocation"], unfinished="")
    event = {"do": "print", "lines": [f"line {n}" for n in range(2000)], "unfinished": ""}
    tail = service.invoke(function, None, json.dumps(event).encode(), log_tail=True).log_result
    assert tail is not None
    assert len(tail) == 4096
    assert b"line 1999\nEND RequestId" in tail
    short = service.invoke(function, None, b"{}", log_tail=True).log_result
    assert short is not None
    assert short.startswith(b"START RequestId")


def test_logging_config_chooses_group_and_json(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    group = f"/shpc/{function}"
    source: Any = lambda_backends[ACCOUNT][REGION].get_function(function)
    source.logging_config = {"LogGroup": group, "LogFormat": "JSON"}
    variables = answer(call(service, function, "describe"))["variables"]
    assert variables["AWS_LAMBDA_LOG_GROUP_NAME"] == group
    assert variables["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
    records = [json.loads(message) for message in messages(service, aws, group)]
    assert [record["type"] for record in records] == [
        "platform.initStart",
        "platform.start",
        "platform.report",
    ]
    assert records[-1]["record"]["metrics"]["memorySizeMB"] == 256


def test_lines_for_a_deleted_group_do_not_bring_it_back(
    service: FunctionService, deploy: Deploy, aws: CloudContext
) -> None:
    function = deploy()
    client = aws.client("logs")
    call(service, function, "echo")
    client.delete_log_group(logGroupName=f"/aws/lambda/{function}")
    call(service, function, "echo")
    service.flush()
    found = client.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{function}")
    assert found["logGroups"] == []
