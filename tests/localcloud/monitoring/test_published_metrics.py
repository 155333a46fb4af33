"""What is measured without being put: executions, HTTP APIs, lines in the embedded format.

https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from localcloud.monitoring.embedded_format import publish_embedded
from localcloud.monitoring.metrics import Metric, Metrics
from tests.localcloud.monitoring.telling import Told, put_alarm
from tests.localcloud.scaling.deployed import Deployed


def _value(deployed: Deployed, namespace: str, name: str, stat: str, **dimensions: str) -> Any:
    """One statistic of the last hours, None without values."""
    now = datetime.fromtimestamp(deployed.clock.now, UTC)
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": listed}
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 7200, "Stat": stat}}
    found = deployed.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
    )
    return next(iter(found["MetricDataResults"][0]["Values"]), None)


def _machine(deployed: Deployed, name: str, state: dict[str, Any]) -> str:
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "states.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = deployed.client("iam").create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    definition = {"StartAt": "Only", "States": {"Only": state}}
    machine = deployed.client("stepfunctions").create_state_machine(
        name=name, roleArn=role["Role"]["Arn"], definition=json.dumps(definition)
    )
    return str(machine["stateMachineArn"])


def _run(deployed: Deployed, machine: str) -> str:
    states = deployed.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    while states.describe_execution(executionArn=execution)["status"] == "RUNNING":
        pass
    return str(execution)


@pytest.mark.parametrize(
    ("name", "state", "ended"),
    [
        ("succeeds", {"Type": "Succeed"}, "ExecutionsSucceeded"),
        ("fails", {"Type": "Fail", "Error": "E"}, "ExecutionsFailed"),
    ],
)
def test_executions_are_counted_by_how_they_end(
    deployed: Deployed, name: str, state: dict[str, Any], ended: str
) -> None:
    machine = _machine(deployed, name, state)
    _run(deployed, machine)
    _run(deployed, machine)

    def value(metric: str, stat: str = "Sum") -> Any:
        return _value(deployed, "AWS/States", metric, stat, StateMachineArn=machine)

    assert value("ExecutionsStarted") == 2
    assert value(ended) == 2
    assert value("ExecutionTime", "SampleCount") == 2
    assert 0 < value("ExecutionTime", "p99") < 60_000
    others = {"ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsAborted", "ExecutionsTimedOut"}
    assert [value(other) for other in others - {ended}] == [None] * 3


def test_stopped_and_redriven_executions_are_counted(deployed: Deployed) -> None:
    machine = _machine(deployed, "waits", {"Type": "Wait", "Seconds": 600, "End": True})
    states = deployed.client("stepfunctions")
    execution = states.start_execution(stateMachineArn=machine)["executionArn"]
    states.stop_execution(executionArn=execution)
    states.redrive_execution(executionArn=execution)
    states.stop_execution(executionArn=execution)

    def value(metric: str) -> Any:
        return _value(deployed, "AWS/States", metric, "Sum", StateMachineArn=machine)

    assert value("ExecutionsAborted") == 2
    assert value("ExecutionsRedriven") == 1
    assert value("RedrivenExecutionsAborted") == 1


def _api(deployed: Deployed) -> str:
    client = deployed.client("apigatewayv2")
    where = f"us-east-1:{deployed.cloud.context.account}"
    arn = f"arn:aws:lambda:{where}:function:classify:live"
    api = client.create_api(Name="any", ProtocolType="HTTP", Target=arn)["ApiId"]
    deployed.client("lambda").add_permission(
        FunctionName="classify",
        Qualifier="live",
        StatementId=api,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{where}:{api}/*",
    )
    integration = client.create_integration(
        ApiId=api,
        IntegrationType="AWS_PROXY",
        IntegrationUri=arn,
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    client.create_route(ApiId=api, RouteKey="GET /ok", Target=f"integrations/{integration}")
    client.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    return str(api)


def test_http_api_is_measured_and_its_p99_sets_off_an_alarm(deployed: Deployed) -> None:
    api = _api(deployed)
    url = deployed.cloud.context.http_api_url(api)
    told = Told(deployed)
    dimensions = [{"Name": "ApiId", "Value": api}, {"Name": "Stage", "Value": "$default"}]
    name = put_alarm(
        deployed,
        told,
        "slow",
        Namespace="AWS/ApiGateway",
        MetricName="Latency",
        Dimensions=dimensions,
        Statistic=None,
        ExtendedStatistic="p99",
        Threshold=0.001,
        OKActions=[],
    )
    assert requests.get(f"{url}/ok", timeout=30).status_code == 200
    assert requests.get(f"{url}/missing", timeout=30).status_code == 404
    deployed.minutes(1)
    assert told.states() == [(name, "ALARM")]

    def value(metric: str, stat: str = "Sum") -> Any:
        return _value(deployed, "AWS/ApiGateway", metric, stat, ApiId=api, Stage="$default")

    assert [value(metric) for metric in ("Count", "4xx", "5xx")] == [2, 1, 0]
    assert value("IntegrationLatency", "SampleCount") == 1
    assert value("IntegrationLatency", "Maximum") <= value("Latency", "Maximum")
    assert _value(deployed, "AWS/ApiGateway", "Count", "Sum", ApiId=api) == 2


def _line(now: float, **changes: Any) -> dict[str, Any]:
    directive = {
        "Namespace": "Jobs",
        "Dimensions": [["service"], []],
        "Metrics": [{"Name": "Pictures", "Unit": "Count"}],
        **changes.pop("directive", {}),
    }
    told = {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]}
    return {"_aws": told, "service": "classify", "Pictures": [3, 4], **changes}


def test_line_that_a_function_prints_sets_off_an_alarm(deployed: Deployed) -> None:
    told = Told(deployed)
    name = put_alarm(
        deployed,
        told,
        "pictures",
        Namespace="Jobs",
        MetricName="Pictures",
        Dimensions=[{"Name": "service", "Value": "classify"}],
        Threshold=7,
        OKActions=[],
    )
    deployed.invoke(print=_line(deployed.clock.now))
    deployed.minutes(1)
    assert told.states() == [(name, "ALARM")]
    assert _value(deployed, "Jobs", "Pictures", "Sum") == 7


@pytest.mark.parametrize(
    "changes",
    [
        {"Pictures": "many"},
        {"Pictures": [1] * 101},
        {"Pictures": True},
        {"service": 5},
        {"directive": {"Dimensions": [["unknown"]]}},
        {"directive": {"Dimensions": [["service"] * 31]}},
        {"directive": {"Metrics": [{"Name": "Pictures"}] * 101}},
        {"_aws": {"CloudWatchMetrics": "none"}},
    ],
)
def test_broken_line_publishes_nothing(changes: dict[str, Any]) -> None:
    metrics = Metrics(lambda: 6e8)
    publish_embedded(metrics, json.dumps(_line(6e8, **changes)))
    assert metrics.all() == []


def test_line_of_another_time_is_put_into_its_minute_within_limits() -> None:
    metrics = Metrics(lambda: 6e8)
    publish_embedded(metrics, json.dumps(_line(6e8 - 600)))
    for late in (6e8 - 25 * 3600, 6e8 + 3 * 3600):
        publish_embedded(metrics, json.dumps(_line(late)))
    plain = Metric("Jobs", "Pictures")
    found = metrics.between(plain, 0, 1e9)
    assert found is not None
    assert (found.count, found.total) == (2, 7)
    assert metrics.has(plain, (6e8 - 600) // 60 * 60)
    publish_embedded(metrics, '{"CloudWatchMetrics": ')
