"""What keeps parts of a network from being deleted, beyond what moto looks for.

https://docs.aws.amazon.com/vpc/latest/userguide/delete-vpc.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError
from moto.ec2.models.security_groups import SecurityGroupBackend
from moto.ec2.models.subnets import SubnetBackend
from moto.ec2.models.vpcs import VPCBackend

from localcloud.services.patches import Patch

# A VPC takes its default security group along, which nobody else may delete.
_with_vpc: ContextVar[bool] = ContextVar("with_vpc", default=False)


def vpc_dependency_patches() -> list[Patch]:
    """What to apply while a cloud is up."""
    return [
        Patch(
            VPCBackend,
            "delete_vpc",
            _delete_vpc(VPCBackend.delete_vpc),
            "a VPC goes although it has gateways, endpoints or security groups",
        ),
        Patch(
            SubnetBackend,
            "delete_subnet",
            _delete_subnet(SubnetBackend.delete_subnet),
            "a subnet goes although instances run in it",
        ),
        Patch(
            SecurityGroupBackend,
            "delete_security_group",
            _delete_group(SecurityGroupBackend.delete_security_group),
            "a group goes although instances have it, and the default one as well",
        ),
    ]


def _delete_vpc(stock: Callable[..., Any]) -> Callable[..., Any]:
    def delete_vpc(backend: Any, vpc_id: str) -> Any:
        if next(_holding(backend, vpc_id), None) is not None:
            raise DependencyViolationError(
                f"The vpc '{vpc_id}' has dependencies and cannot be deleted."
            )
        token = _with_vpc.set(True)
        try:
            return stock(backend, vpc_id)
        finally:
            _with_vpc.reset(token)

    return delete_vpc


def _holding(backend: Any, vpc_id: str) -> Iterator[Any]:
    for gateway in backend.internet_gateways.values():
        if gateway.vpc is not None and gateway.vpc.id == vpc_id:
            yield gateway
    for endpoint in backend.vpc_end_points.values():
        if endpoint.vpc_id == vpc_id and endpoint.state != "deleted":
            yield endpoint
    for group in backend.groups.get(vpc_id, {}).values():
        if not group.is_default:
            yield group


def _delete_subnet(stock: Callable[..., Any]) -> Callable[..., Any]:
    def delete_subnet(backend: Any, subnet_id: str) -> Any:
        if any(instance.subnet_id == subnet_id for instance in _running(backend)):
            raise DependencyViolationError(
                f"The subnet '{subnet_id}' has dependencies and cannot be deleted."
            )
        return stock(backend, subnet_id)

    return delete_subnet


def _delete_group(stock: Callable[..., Any]) -> Callable[..., Any]:
    def delete_security_group(
        backend: Any, name: str | None = None, group_id: str | None = None
    ) -> Any:
        group = backend.get_security_group_by_name_or_id(group_id or name)
        if group is not None and not _with_vpc.get():
            if group.is_default:
                raise EC2ClientError(
                    "CannotDelete",
                    f'the specified group: "{group.id}" name: "{group.name}" cannot be deleted '
                    "by a user",
                )
            if any(group in instance.security_groups for instance in _running(backend)):
                raise DependencyViolationError(f"resource {group.id} has a dependent object")
        return stock(backend, name=name, group_id=group_id)

    return delete_security_group


def _running(backend: Any) -> Iterator[Any]:
    for reservation in backend.reservations.values():
        for instance in reservation.instances:
            if instance.state != "terminated":
                yield instance
