"""Route tables, their routes, and which subnets they are for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

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
from localcloud.cloudformation.resources.schema import TAGS, TEXT, Schema


class RouteTable(Ec2Handler):
    """AWS::EC2::RouteTable."""

    type_name = "AWS::EC2::RouteTable"
    resource_type = "route-table"
    schema: ClassVar[Mapping[str, Schema]] = {"Tags": TAGS, "VpcId*": TEXT}
    replace_on = frozenset({"VpcId"})
    attributes = frozenset({"RouteTableId"})

    def create(self, task: Creation) -> Provisioned:
        made = self.ec2.create_route_table(
            **chosen(task.properties, "VpcId"), **self.tagged(task.properties)
        )["RouteTable"]
        return Provisioned(made["RouteTableId"], {"RouteTableId": made["RouteTableId"]})

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("InvalidRouteTableID.NotFound"):
            self.ec2.delete_route_table(RouteTableId=task.physical_id)


class Route(Ec2Handler):
    """AWS::EC2::Route to a gateway."""

    type_name = "AWS::EC2::Route"
    schema: ClassVar[Mapping[str, Schema]] = {
        "DestinationCidrBlock*": TEXT,
        "GatewayId*": TEXT,
        "RouteTableId*": TEXT,
    }
    replace_on = frozenset({"DestinationCidrBlock", "RouteTableId"})
    attributes = frozenset({"CidrBlock"})

    def create(self, task: Creation) -> Provisioned:
        properties = task.properties
        destination, table_id = properties["DestinationCidrBlock"], properties["RouteTableId"]
        (table,) = self.ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
        physical_id = f"{table_id}|{destination}"
        if any(route.get("DestinationCidrBlock") == destination for route in table["Routes"]):
            raise ResourceFailure(f"{physical_id} already exists")
        self.ec2.create_route(**properties)
        return Provisioned(physical_id, {"CidrBlock": destination})

    def update(self, task: Update) -> Provisioned:
        self.ec2.replace_route(**task.new)
        return task.unchanged()

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("InvalidRoute.NotFound", "InvalidRouteTableID.NotFound"):
            self.ec2.delete_route(**chosen(task.properties, "DestinationCidrBlock", "RouteTableId"))


class SubnetRouteTable(Ec2Handler):
    """AWS::EC2::SubnetRouteTableAssociation."""

    type_name = "AWS::EC2::SubnetRouteTableAssociation"
    schema: ClassVar[Mapping[str, Schema]] = {"RouteTableId*": TEXT, "SubnetId*": TEXT}
    # On AWS another table takes the place of the first in one call, under a new id.
    replace_on = frozenset({"RouteTableId", "SubnetId"})
    attributes = frozenset({"Id"})

    def create(self, task: Creation) -> Provisioned:
        association_id = self.ec2.associate_route_table(**task.properties)["AssociationId"]
        return Provisioned(association_id, {"Id": association_id})

    def delete(self, task: Deletion) -> None:
        with gone_is_fine("InvalidAssociationID.NotFound"):
            self.ec2.disassociate_route_table(AssociationId=task.physical_id)


HANDLERS = (Route, RouteTable, SubnetRouteTable)
