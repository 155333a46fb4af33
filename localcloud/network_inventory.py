"""What an account has in EC2 beyond what every account has.

Left out: the default VPC with all that is in it, what a VPC brings along (its main route table,
network ACL and default security group), and what is gone but still told for a while (terminated
instances, deleted endpoints).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_GONE = frozenset(("deleted", "terminated"))
# Collections of moto by name, each a mapping by id, of which nothing exists by itself.
_PLAIN = (
    "enis",
    "flow_logs",
    "key_pairs",
    "launch_templates",
    "nat_gateways",
    "volumes",
)


def network_items(backend: Any) -> Iterator[tuple[str, str]]:
    """Collection and id of each."""
    own = {vpc.id for vpc in backend.vpcs.values() if not vpc.is_default}
    yield from (("vpcs", vpc_id) for vpc_id in own)
    for zone in backend.subnets.values():
        yield from (("subnets", subnet.id) for subnet in zone.values() if subnet.vpc_id in own)
    for vpc_id, groups in backend.groups.items():
        for group in groups.values():
            if not group.is_default and vpc_id is not None:
                yield "security groups", group.id
    for gateway in backend.internet_gateways.values():
        if gateway.vpc is None or gateway.vpc.id in own:
            yield "internet gateways", gateway.id
    for table in backend.route_tables.values():
        if table.vpc_id in own and not table.main_association_id:
            yield "route tables", table.id
    for endpoint in backend.vpc_end_points.values():
        if endpoint.state not in _GONE:
            yield "vpc endpoints", endpoint.id
    for reservation in backend.reservations.values():
        for instance in reservation.instances:
            if instance.state not in _GONE:
                yield "instances", instance.id
    yield from (("addresses", address.public_ip) for address in backend.addresses)
    for name in _PLAIN:
        for key, item in getattr(backend, name).items():
            if getattr(item, "state", "") not in _GONE:
                yield name.replace("_", " "), str(key)
