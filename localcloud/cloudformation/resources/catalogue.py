"""The resource types this cloud models; everything else is refused."""

from __future__ import annotations

from localcloud.cloudformation.resources import (
    api_gateway,
    auto_scaling,
    batch,
    budgets,
    cloudwatch,
    custom,
    ec2_launching,
    ec2_routes,
    ec2_security_group,
    ec2_vpc,
    ecr,
    iam,
    instance_profile,
    kms,
    lambda_alias,
    lambda_function,
    lambda_grants,
    logs,
    s3,
    sns,
    ssm,
    step_functions,
)
from localcloud.cloudformation.resources.handler import ResourceHandler
from localcloud.context import CloudContext

_MODULES = (
    api_gateway,
    auto_scaling,
    batch,
    budgets,
    cloudwatch,
    custom,
    ec2_launching,
    ec2_routes,
    ec2_security_group,
    ec2_vpc,
    ecr,
    iam,
    instance_profile,
    kms,
    lambda_alias,
    lambda_function,
    lambda_grants,
    logs,
    s3,
    sns,
    ssm,
    step_functions,
)


def handlers_for(context: CloudContext) -> dict[str, ResourceHandler]:
    """A handler for every modelled type, by type name."""
    handlers = (handler(context) for module in _MODULES for handler in module.HANDLERS)
    return {handler.type_name: handler for handler in handlers}
