"""Launch templates, and flow logs of a network.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-launchtemplate.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-flowlog.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from localcloud.cloudformation.errors import ResourceFailure
from localcloud.cloudformation.resources.ec2 import Ec2Handler
from localcloud.cloudformation.resources.handler import (
    Creation,
    Deletion,
    Provisioned,
    Update,
    chosen,
    gone_is_fine,
)
from localcloud.cloudformation.resources.schema import (
    BOOLEAN,
    INTEGER,
    TAGS,
    TEXT,
    Schema,
)

_SPECIFICATIONS: Schema = [{"ResourceType*": TEXT, "Tags*": TAGS}]
_DATA: Schema = {
    "BlockDeviceMappings": [
        {
            "DeviceName": TEXT,
            "Ebs": {
                "DeleteOnTermination": BOOLEAN,
                "Encrypted": BOOLEAN,
                "Iops": INTEGER,
                "Throughput": INTEGER,
                "VolumeSize": INTEGER,
                "VolumeType": TEXT,
            },
        }
    ],
    "EbsOptimized": BOOLEAN,
    "MetadataOptions": {
        "HttpEndpoint": TEXT,
        "HttpPutResponseHopLimit": INTEGER,
        "HttpTokens": TEXT,
        "InstanceMetadataTags": TEXT,
    },
    "Monitoring": {"Enabled": BOOLEAN},
    "TagSpecifications": _SPECIFICATIONS,
    "UserData": TEXT,
}


class LaunchTemplate(Ec2Handler):
    """AWS::EC2::LaunchTemplate. Its tags stand in TagSpecifications, and replace it.

    An update makes a further version; the default one stays the first, as on AWS.
    """

    type_name = "AWS::EC2::LaunchTemplate"
    schema: ClassVar[Mapping[str, Schema]] = {
        "LaunchTemplateData*": _DATA,
        "LaunchTemplateName": TEXT,
        "TagSpecifications": _SPECIFICATIONS,
        "VersionDescription": TEXT,
    }
    replace_on = frozenset({"LaunchTemplateName", "TagSpecifications"})
    attributes = frozenset({"DefaultVersionNumber", "LatestVersionNumber", "LaunchTemplateId"})
    volatile_attributes = frozenset({"LatestVersionNumber"})
    name_property = "LaunchTemplateName"

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        made = self.ec2.create_launch_template(
            LaunchTemplateName=properties.get("LaunchTemplateName")
            or task.generated_name(max_length=128),
            **chosen(properties, "LaunchTemplateData", "TagSpecifications", "VersionDescription"),
        )["LaunchTemplate"]
        return _template(made)

    def update(self, task: Update) -> Provisioned:
        self.ec2.create_launch_template_version(
            LaunchTemplateId=task.physical_id,
            **chosen(task.new, "LaunchTemplateData", "VersionDescription"),
        )
        (now,) = self.ec2.describe_launch_templates(LaunchTemplateIds=[task.physical_id])[
            "LaunchTemplates"
        ]
        return _template(now)

    def delete(self, task: Deletion) -> None:
        with gone_is_fine(
            "InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException"
        ):
            self.ec2.delete_launch_template(LaunchTemplateId=task.physical_id)


def _template(told: Mapping[str, Any]) -> Provisioned:
    return Provisioned(
        told["LaunchTemplateId"],
        {
            "DefaultVersionNumber": str(told["DefaultVersionNumber"]),
            "LatestVersionNumber": str(told["LatestVersionNumber"]),
            "LaunchTemplateId": told["LaunchTemplateId"],
        },
    )


class FlowLog(Ec2Handler):
    """AWS::EC2::FlowLog into a log group; nothing flows here, so nothing is recorded."""

    type_name = "AWS::EC2::FlowLog"
    resource_type = "vpc-flow-log"
    schema: ClassVar[Mapping[str, Schema]] = {
        "DeliverLogsPermissionArn*": TEXT,
        "LogDestinationType": TEXT,
        "LogGroupName*": TEXT,
        "MaxAggregationInterval": INTEGER,
        "ResourceId*": TEXT,
        "ResourceType*": TEXT,
        "Tags": TAGS,
        "TrafficType*": TEXT,
    }
    replace_on = frozenset(name.removesuffix("*") for name in schema) - {"Tags"}
    attributes = frozenset({"Id"})

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        made = self.ec2.create_flow_logs(
            ResourceIds=[properties["ResourceId"]],
            **chosen(
                properties,
                "DeliverLogsPermissionArn",
                "LogDestinationType",
                "LogGroupName",
                "MaxAggregationInterval",
                "ResourceType",
                "TrafficType",
            ),
            **self.tagged(properties),
        )
        if made.get("Unsuccessful"):
            raise ResourceFailure(made["Unsuccessful"][0]["Error"]["Message"])
        (flow_log_id,) = made["FlowLogIds"]
        return Provisioned(flow_log_id, {"Id": flow_log_id})

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("InvalidFlowLogId.NotFound"):
            self.ec2.delete_flow_logs(FlowLogIds=[task.physical_id])


HANDLERS = (FlowLog, LaunchTemplate)
