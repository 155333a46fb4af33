"""CloudWatch alarms, composite alarms and dashboards."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from localcloud.cloudformation.errors import ResourceFailure
from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    ResourceHandler,
    Update,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    TAGS,
    TEXT,
    Schema,
)
from localcloud.cloudformation.resources.tagging import tag_list, update_tags

_DIMENSIONS: Schema = [{"Name*": TEXT, "Value*": TEXT}]
_METRICS: Schema = [
    {
        "Expression": TEXT,
        "Id": TEXT,
        "Label": TEXT,
        "MetricStat": {
            "Metric": {"Dimensions": _DIMENSIONS, "MetricName": TEXT, "Namespace": TEXT},
            "Period": INTEGER,
            "Stat": TEXT,
            "Unit": TEXT,
        },
        "Period": INTEGER,
        "ReturnData": BOOLEAN,
    }
]


class _AnyAlarm(ResourceHandler):
    """What alarms have in common: names, ARNs, tags, deletion."""

    replace_on = frozenset({"AlarmName"})
    attributes = frozenset({"Arn"})
    name_property = "AlarmName"

    @abstractmethod
    def _put(self, name: str, properties: Mapping[str, Any]) -> None:
        """Make or overwrite it; the service ignores the tags of one that exists."""

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("cloudwatch")
        name = task.properties.get("AlarmName") or task.generated_name(max_length=255)
        found = client.describe_alarms(
            AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        if found["MetricAlarms"] or found["CompositeAlarms"]:
            raise ResourceFailure(f"{name} already exists")
        self._put(name, task.properties)
        where = f"{self.context.region}:{self.context.account}"
        return Provisioned(name, {"Arn": f"arn:aws:cloudwatch:{where}:alarm:{name}"})

    def update(self, task: Update) -> Provisioned:
        self._put(task.physical_id, task.new)
        client = self.context.client("cloudwatch")
        arn = task.attributes["Arn"]
        update_tags(
            task,
            tag=lambda tags: client.tag_resource(ResourceARN=arn, Tags=tag_list(tags)),
            untag=lambda keys: client.untag_resource(ResourceARN=arn, TagKeys=keys),
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("ResourceNotFound"):
            self.context.client("cloudwatch").delete_alarms(AlarmNames=[task.physical_id])


class Alarm(_AnyAlarm):
    """AWS::CloudWatch::Alarm."""

    type_name = "AWS::CloudWatch::Alarm"
    schema: ClassVar[Mapping[str, Schema]] = {
        "ActionsEnabled": BOOLEAN,
        "AlarmActions": [TEXT],
        "AlarmDescription": TEXT,
        "AlarmName": TEXT,
        "ComparisonOperator*": TEXT,
        "DatapointsToAlarm": INTEGER,
        "Dimensions": _DIMENSIONS,
        "EvaluateLowSampleCountPercentile": TEXT,
        "EvaluationPeriods*": INTEGER,
        "ExtendedStatistic": TEXT,
        "InsufficientDataActions": [TEXT],
        "MetricName": TEXT,
        "Metrics": _METRICS,
        "Namespace": TEXT,
        "OKActions": [TEXT],
        "Period": INTEGER,
        "Statistic": TEXT,
        "Tags": TAGS,
        "Threshold": NUMBER,
        "ThresholdMetricId": TEXT,
        "TreatMissingData": TEXT,
        "Unit": TEXT,
    }

    def _put(self, name: str, properties: Mapping[str, Any]) -> None:
        arguments = {k: v for k, v in properties.items() if k != "AlarmName"}
        self.context.client("cloudwatch").put_metric_alarm(AlarmName=name, **arguments)


class CompositeAlarm(_AnyAlarm):
    """AWS::CloudWatch::CompositeAlarm, without a suppressor of its actions."""

    type_name = "AWS::CloudWatch::CompositeAlarm"
    schema: ClassVar[Mapping[str, Schema]] = {
        "ActionsEnabled": BOOLEAN,
        "AlarmActions": [TEXT],
        "AlarmDescription": TEXT,
        "AlarmName": TEXT,
        "AlarmRule*": TEXT,
        "InsufficientDataActions": [TEXT],
        "OKActions": [TEXT],
        "Tags": TAGS,
    }

    def _put(self, name: str, properties: Mapping[str, Any]) -> None:
        arguments = {k: v for k, v in properties.items() if k != "AlarmName"}
        self.context.client("cloudwatch").put_composite_alarm(AlarmName=name, **arguments)


class Dashboard(ResourceHandler):
    """AWS::CloudWatch::Dashboard."""

    type_name = "AWS::CloudWatch::Dashboard"
    schema: ClassVar[Mapping[str, Schema]] = {
        "DashboardBody*": TEXT,
        "DashboardName": TEXT,
        "Tags": TAGS,
    }
    replace_on = frozenset({"DashboardName"})
    name_property = "DashboardName"

    def create(self, task: Creation) -> Provisioned:
        client = self.context.client("cloudwatch")
        name = task.properties.get("DashboardName") or task.generated_name(max_length=255)
        try:
            client.get_dashboard(DashboardName=name)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
        else:
            raise ResourceFailure(f"{name} already exists")
        self._put(name, task.properties)
        task.started(name)
        if tags := task.properties.get("Tags"):
            client.tag_resource(ResourceARN=self._arn(name), Tags=tags)
        return Provisioned(name)

    def _arn(self, name: str) -> str:
        return f"arn:aws:cloudwatch::{self.context.account}:dashboard/{name}"

    def _put(self, name: str, properties: Mapping[str, Any]) -> None:
        self.context.client("cloudwatch").put_dashboard(
            DashboardName=name, DashboardBody=properties["DashboardBody"]
        )

    def update(self, task: Update) -> Provisioned:
        self._put(task.physical_id, task.new)
        client = self.context.client("cloudwatch")
        arn = self._arn(task.physical_id)
        update_tags(
            task,
            tag=lambda tags: client.tag_resource(ResourceARN=arn, Tags=tag_list(tags)),
            untag=lambda keys: client.untag_resource(ResourceARN=arn, TagKeys=keys),
        )
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("ResourceNotFound", "DashboardNotFoundError"):
            self.context.client("cloudwatch").delete_dashboards(DashboardNames=[task.physical_id])


HANDLERS = (Alarm, CompositeAlarm, Dashboard)
