"""Each patch of monitoring and scaling: what it is for holds with it, and does not without it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.monitoring.service import Monitoring
from localcloud.services.patches import Patch
from tests.localcloud.scaling.deployed import MINUTE_S, WHERE

BUDGET = {
    "BudgetName": "b",
    "BudgetLimit": {"Amount": "1", "Unit": "USD"},
    "BudgetType": "COST",
    "TimeUnit": "MONTHLY",
}
NOW = datetime.now(UTC).timestamp() // MINUTE_S * MINUTE_S
ALARM: dict[str, Any] = {
    "AlarmName": "a",
    "ComparisonOperator": "GreaterThanThreshold",
    "EvaluationPeriods": 1,
    "MetricName": "m",
    "Namespace": "n",
    "Period": 60,
    "Statistic": "Sum",
    "Threshold": 1,
}
WINDOW = {
    "StartTime": datetime.fromtimestamp(NOW, UTC),
    "EndTime": datetime.fromtimestamp(NOW, UTC) + timedelta(minutes=1),
}


def _refused(call: Callable[..., Any], **asked: Any) -> bool:
    try:
        call(**asked)
    except ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] < 500)
    return False


def _answered(call: Callable[..., Any], **asked: Any) -> bool:
    try:
        call(**asked)
    except ClientError:
        return False
    return True


def budget_changes(cloud: Cloud) -> bool:
    client, account = cloud.context.client("budgets"), cloud.context.account
    client.create_budget(AccountId=account, Budget=BUDGET)
    return _answered(client.update_budget, AccountId=account, NewBudget=BUDGET)


def budget_tells_its_subscribers(cloud: Cloud) -> bool:
    client, account = cloud.context.client("budgets"), cloud.context.account
    notification = {
        "ComparisonOperator": "GREATER_THAN",
        "NotificationType": "ACTUAL",
        "Threshold": 80,
    }
    told = {
        "Notification": notification,
        "Subscribers": [{"Address": "a@example.com", "SubscriptionType": "EMAIL"}],
    }
    client.create_budget(AccountId=account, Budget=BUDGET, NotificationsWithSubscribers=[told])
    return _answered(
        client.describe_subscribers_for_notification,
        AccountId=account,
        BudgetName="b",
        Notification=notification,
    )


def _put(cloud: Cloud, *values: float, **dimensions: str) -> None:
    listed = [{"Name": name, "Value": value} for name, value in dimensions.items()]
    cloud.context.client("cloudwatch").put_metric_data(
        Namespace="n",
        MetricData=[{"MetricName": "m", "Values": list(values), "Dimensions": listed}],
    )


def put_values_are_measured(cloud: Cloud) -> bool:
    _put(cloud, 1, 2)
    return len(cloud.context.metrics.all()) == 1


def percentiles_are_answered(cloud: Cloud) -> bool:
    _put(cloud, *range(100))
    found = cloud.context.client("cloudwatch").get_metric_statistics(
        Namespace="n", MetricName="m", Period=60, ExtendedStatistics=["p90"], **WINDOW
    )["Datapoints"]
    return bool(found and found[0].get("ExtendedStatistics", {}).get("p90", 0) > 80)


def math_is_answered(cloud: Cloud) -> bool:
    _put(cloud, 1, 2)
    metric = {"Namespace": "n", "MetricName": "m"}
    found = cloud.context.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}},
            {"Id": "e", "Expression": "m * 2"},
        ],
        **WINDOW,
    )["MetricDataResults"]
    return [6.0] in [result["Values"] for result in found]


def metrics_are_listed_once(cloud: Cloud) -> bool:
    _put(cloud, 1, 2, d="v")
    _put(cloud, 3, d="v")
    (listed, *more) = cloud.context.client("cloudwatch").list_metrics(Namespace="n")["Metrics"] or [
        None
    ]
    return not more and listed == {
        "Namespace": "n",
        "MetricName": "m",
        "Dimensions": [{"Name": "d", "Value": "v"}],
    }


def silent_alarm_is_refused(cloud: Cloud) -> bool:
    put = cloud.context.client("cloudwatch").put_metric_alarm
    return _refused(put, **{**ALARM, "Statistic": "tm90"})


def state_by_hand_is_in_the_history(cloud: Cloud) -> bool:
    client = cloud.context.client("cloudwatch")
    client.put_metric_alarm(**ALARM)
    client.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="r")
    try:
        found = client.describe_alarm_history(AlarmName="a", HistoryItemType="StateUpdate")
    except ClientError:
        return False
    return len(found["AlarmHistoryItems"]) == 1


def history_is_answered(cloud: Cloud) -> bool:
    return _answered(cloud.context.client("cloudwatch").describe_alarm_history)


def composites_come_when_asked_for(cloud: Cloud) -> bool:
    client = cloud.context.client("cloudwatch")
    client.put_composite_alarm(AlarmName="c", AlarmRule="TRUE")
    return not client.describe_alarms().get("CompositeAlarms")


def composite_is_put(cloud: Cloud) -> bool:
    put = cloud.context.client("cloudwatch").put_composite_alarm
    return _answered(put, AlarmName="c", AlarmRule="TRUE")


def _dashboard(cloud: Cloud) -> tuple[Any, str]:
    client = cloud.context.client("cloudwatch")
    client.put_dashboard(DashboardName="d", DashboardBody="{}")
    return client, client.get_dashboard(DashboardName="d")["DashboardArn"]


def dashboard_is_tagged(cloud: Cloud) -> bool:
    client, arn = _dashboard(cloud)
    return _answered(client.tag_resource, ResourceARN=arn, Tags=[{"Key": "k", "Value": "v"}])


def deleted_dashboard_takes_its_tags(cloud: Cloud) -> bool:
    client, arn = _dashboard(cloud)
    client.tag_resource(ResourceARN=arn, Tags=[{"Key": "k", "Value": "v"}])
    client.delete_dashboards(DashboardNames=["d"])
    return bool(client.list_tags_for_resource(ResourceARN=arn)["Tags"] == [])


def target_must_be_there(cloud: Cloud) -> bool:
    register = cloud.context.client("application-autoscaling").register_scalable_target
    return _refused(register, **WHERE, MinCapacity=1, MaxCapacity=2)


def _backend_target(cloud: Cloud) -> Any:
    """A target that nothing is behind: enough for what only concerns the records."""
    from moto.applicationautoscaling.models import FakeScalableTarget as Target
    from moto.applicationautoscaling.models import applicationautoscaling_backends as backends

    backend = backends[cloud.context.account][cloud.context.region]
    where = (WHERE["ServiceNamespace"], WHERE["ResourceId"], WHERE["ScalableDimension"])
    backend._add_scalable_target(Target(backend, *where, 1, 2, "role", None))
    return cloud.context.client("application-autoscaling")


TRACKING = {
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"
    },
    "TargetValue": 0.5,
}


def policy_has_alarms(cloud: Cloud) -> bool:
    client = _backend_target(cloud)
    made = client.put_scaling_policy(
        **WHERE,
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING,
    )
    return len(made["Alarms"]) == 2


def deregistered_target_takes_its_schedule(cloud: Cloud) -> bool:
    client = _backend_target(cloud)
    limits = {"MinCapacity": 1}
    client.put_scheduled_action(
        **WHERE,
        ScheduledActionName="s",
        Schedule="rate(1 day)",
        ScalableTargetAction=limits,
    )
    client.deregister_scalable_target(**WHERE)
    return bool(client.describe_scheduled_actions(**WHERE)["ScheduledActions"] == [])


def wrong_schedule_is_refused(cloud: Cloud) -> bool:
    client = _backend_target(cloud)
    return _refused(
        client.put_scheduled_action,
        **WHERE,
        ScheduledActionName="s",
        Schedule="often",
        ScalableTargetAction={"MinCapacity": 1},
    )


def activities_are_answered(cloud: Cloud) -> bool:
    client = cloud.context.client("application-autoscaling")
    return _answered(client.describe_scaling_activities, ServiceNamespace="lambda")


PROBES: dict[str, Callable[[Cloud], bool]] = {
    "BudgetsResponse.update_budget": budget_changes,
    "BudgetsResponse.describe_subscribers_for_notification": budget_tells_its_subscribers,
    "CloudWatchBackend.put_metric_data": put_values_are_measured,
    "CloudWatchResponse.get_metric_statistics": percentiles_are_answered,
    "CloudWatchResponse.get_metric_data": math_is_answered,
    "CloudWatchBackend.list_metrics": metrics_are_listed_once,
    "CloudWatchBackend.put_metric_alarm": silent_alarm_is_refused,
    "CloudWatchBackend.set_alarm_state": state_by_hand_is_in_the_history,
    "CloudWatchBackend.tag_resource": dashboard_is_tagged,
    "CloudWatchBackend.delete_dashboards": deleted_dashboard_takes_its_tags,
    "CloudWatchResponse.describe_alarms": composites_come_when_asked_for,
    "CloudWatchResponse.put_composite_alarm": composite_is_put,
    "CloudWatchResponse.describe_alarm_history": history_is_answered,
    "ApplicationAutoscalingBackend.register_scalable_target": target_must_be_there,
    "ApplicationAutoscalingBackend.deregister_scalable_target": (
        deregistered_target_takes_its_schedule
    ),
    "ApplicationAutoscalingBackend.put_scaling_policy": policy_has_alarms,
    "ApplicationAutoscalingBackend.put_scheduled_action": wrong_schedule_is_refused,
    "ApplicationAutoScalingResponse.describe_scaling_activities": activities_are_answered,
}


def _name(patch: Patch) -> str:
    return f"{patch.target.__name__}.{patch.attribute}"


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    stock = Monitoring.patches
    seen: list[str] = []

    @contextmanager
    def started(without: str = "") -> Iterator[tuple[Cloud, list[str]]]:
        def patches(monitoring: Monitoring) -> list[Patch]:
            seen.extend(_name(patch) for patch in stock(monitoring))
            return [patch for patch in stock(monitoring) if _name(patch) != without]

        monkeypatch.setattr(Monitoring, "patches", patches)
        with Cloud(clock=lambda: NOW) as cloud:
            yield cloud, seen

    return started


@pytest.mark.parametrize("name", PROBES)
def test_probe_holds_with_its_patch_and_not_without_it(
    start: Callable[..., Any], name: str
) -> None:
    with start() as (cloud, _):
        assert PROBES[name](cloud)
    with start(without=name) as (cloud, _):
        assert not PROBES[name](cloud)


def test_every_patch_has_a_probe(start: Callable[..., Any]) -> None:
    with start() as (_, seen):
        assert set(seen) == set(PROBES)
