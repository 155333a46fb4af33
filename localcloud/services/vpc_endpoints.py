"""Gateway endpoints whose route tables change: their routes come and go with them.

https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.models.vpcs import VPCBackend

from localcloud.services.patches import Patch


def vpc_endpoint_patches() -> list[Patch]:
    """What to apply while a cloud is up."""
    return [
        Patch(
            VPCBackend,
            "modify_vpc_endpoint",
            _modify(VPCBackend.modify_vpc_endpoint),
            "routes stay where they were, and the endpoint can then not be deleted",
        )
    ]


def _modify(stock: Callable[..., Any]) -> Callable[..., Any]:
    def modify_vpc_endpoint(backend: Any, vpc_id: str, *args: Any, **given: Any) -> Any:
        # moto calls the endpoint's id `vpc_id`.
        (endpoint,) = backend.describe_vpc_endpoints(vpc_end_point_ids=[vpc_id])
        prefix_list = endpoint.destination_prefix_list_id
        if prefix_list:
            for table in given.get("remove_route_tables") or ():
                backend.delete_route(table, None, destination_prefix_list_id=prefix_list)
            for table in given.get("add_route_tables") or ():
                backend.create_route(
                    table, None, gateway_id=vpc_id, destination_prefix_list_id=prefix_list
                )
        return stock(backend, vpc_id, *args, **given)

    return modify_vpc_endpoint
