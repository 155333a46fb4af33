"""A network for virtual machines that nobody calls and that costs nothing while none is there.

It decides: two zones, public subnets and an Internet gateway, because a NAT gateway is paid for by
the hour and these machines only call out; no inbound rule at all, outbound HTTPS alone; objects and
image layers by way of the S3 gateway endpoint, which is free. The zones are asked of CloudFormation
(`Fn::GetAZs`) and not of the account during synthesis, which stays pure.

It refuses to take over the VPC's default security group: nothing here is in it, and CDK's way of
emptying it is a custom resource whose log group would survive the stack.
"""

from __future__ import annotations

from aws_cdk import Fn, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.checks.nag import acknowledge
from stacks.components.log_keeping import LogKeeping
from stacks.components.service_trust import service_here

_CIDR = "10.0.0.0/16"
_SUBNETS = ("10.0.0.0/17", "10.0.128.0/17")
_ANYWHERE = "0.0.0.0/0"
_HTTPS = 443


class VmNetwork(Construct):
    """One VPC; machines go into `subnet_ids` with `security_group_ids`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, logs: LogKeeping, record_flows: bool
    ) -> None:
        """Record who talked to whom where `record_flows`, for as long as the stage keeps logs."""
        super().__init__(scope, construct_id)
        self._vpc = ec2.CfnVPC(
            self, "Vpc", cidr_block=_CIDR, enable_dns_support=True, enable_dns_hostnames=True
        )
        routes = self._routes()
        self.subnet_ids = [
            self._subnet(number, cidr, routes) for number, cidr in enumerate(_SUBNETS)
        ]
        self.security_group_ids = [self._security_group().attr_group_id]
        if record_flows:
            self._record_flows(logs)
        else:
            reason = "Machines without an inbound rule, for minutes; its stage keeps no audit."
            acknowledge(self._vpc, "AwsSolutions-VPC7", reason=reason)

    def _routes(self) -> ec2.CfnRouteTable:
        table = ec2.CfnRouteTable(self, "Routes", vpc_id=self._vpc.ref)
        gateway = ec2.CfnInternetGateway(self, "InternetGateway")
        attachment = ec2.CfnVPCGatewayAttachment(
            self, "Attachment", vpc_id=self._vpc.ref, internet_gateway_id=gateway.ref
        )
        # ECR, ECS and CloudWatch Logs; an interface endpoint for each would cost by the hour.
        ec2.CfnRoute(
            self,
            "ToInternet",
            route_table_id=table.ref,
            destination_cidr_block=_ANYWHERE,
            gateway_id=gateway.ref,
        ).add_resource_dependency(attachment)
        # https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html
        ec2.CfnVPCEndpoint(
            self,
            "S3",
            vpc_id=self._vpc.ref,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{Stack.of(self).region}.s3",
            route_table_ids=[table.ref],
        )
        return table

    def _subnet(self, number: int, cidr: str, routes: ec2.CfnRouteTable) -> str:
        subnet = ec2.CfnSubnet(
            self,
            f"Subnet{number + 1}",
            vpc_id=self._vpc.ref,
            cidr_block=cidr,
            availability_zone=Fn.select(number, Fn.get_azs()),
            map_public_ip_on_launch=True,
        )
        ec2.CfnSubnetRouteTableAssociation(
            self, f"Routing{number + 1}", subnet_id=subnet.ref, route_table_id=routes.ref
        )
        return subnet.ref

    def _security_group(self) -> ec2.CfnSecurityGroup:
        return ec2.CfnSecurityGroup(
            self,
            "OutboundOnly",
            group_description="Calls AWS over HTTPS; nobody calls it",
            vpc_id=self._vpc.ref,
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp",
                    from_port=_HTTPS,
                    to_port=_HTTPS,
                    cidr_ip=_ANYWHERE,
                    description="AWS APIs and images",
                )
            ],
        )

    def _record_flows(self, logs: LogKeeping) -> None:
        group = logs.group(self, "Flows")
        role = iam.Role(
            self,
            "FlowsRole",
            assumed_by=service_here("vpc-flow-logs", source="ec2:vpc-flow-log/*"),
        )
        # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html, less
        # CreateLogGroup: the group is there, and must not come back after the stack is gone.
        iam.Grant.add_to_principal(
            grantee=role,
            actions=["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
            resource_arns=[group.log_group_arn],
        )
        ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self._vpc.ref,
            resource_type="VPC",
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=group.log_group_name,
            deliver_logs_permission_arn=role.role_arn,
        ).node.add_dependency(role)
