"""Whether what a compute environment names exists: subnets, groups, template, instance profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends

from localcloud.batch.errors import client_exception
from localcloud.context import CloudContext


def check_network(context: CloudContext, resources: Mapping[str, Any]) -> None:
    """Raises Refused naming the first part of `resources` that does not exist."""
    ec2: Any = ec2_backends[context.account][context.region]
    subnets = {name for zone in ec2.subnets.values() for name in zone}
    groups = {name for groups in ec2.groups.values() for name in groups}
    for subnet in resources["subnets"]:
        if subnet not in subnets:
            raise client_exception(f"The subnet ID '{subnet}' does not exist")
    template = resources.get("launchTemplate") or {}
    if not resources.get("securityGroupIds") and not template:
        raise client_exception("computeResources.securityGroupIds or launchTemplate is required")
    for group in resources.get("securityGroupIds", ()):
        if group not in groups:
            raise client_exception(f"The security group '{group}' does not exist")
    _check_template(ec2, template)
    _check_profile(context, resources["instanceRole"])


def _check_template(ec2: Any, template: Mapping[str, Any]) -> None:
    known = {*ec2.launch_templates, *ec2.launch_template_name_to_ids}
    for name in ("launchTemplateId", "launchTemplateName"):
        if name in template and template[name] not in known:
            raise client_exception(f"The launch template '{template[name]}' does not exist")


def _check_profile(context: CloudContext, name_or_arn: str) -> None:
    """`instanceRole` is an instance profile's name or ARN."""
    iam: Any = iam_backends[context.account]["aws"]
    for profile in iam.instance_profiles.values():
        if name_or_arn in (profile.name, profile.arn):
            return
    raise client_exception(f"The instance profile '{name_or_arn}' does not exist")
