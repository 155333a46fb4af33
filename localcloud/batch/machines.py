"""The instances of one compute environment: as many as its jobs need, none when there are none.

They are records of EC2 alone. They are there at once, nothing boots, and the jobs run on this
machine; so they say how far an environment scaled and that nothing stays, not how long it took.
https://docs.aws.amazon.com/batch/latest/userguide/compute_environment_parameters.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPES

from localcloud.batch.errors import client_exception
from localcloud.context import CloudContext

# moto takes any; AWS takes the newest image optimised for ECS.
_IMAGE = "ami-12345678"
# What stands for Batch's own choice among families.
# https://docs.aws.amazon.com/batch/latest/userguide/instance-type-compute-table.html
_CHOICES = {"optimal": "m5.large", "default_x86_64": "m5.large", "default_arm64": "m7g.large"}
_SIZES = ("large", "xlarge", "2xlarge", "4xlarge")


def check_instance_types(names: Sequence[str]) -> None:
    """Raises Refused for one that EC2 does not have."""
    for name in names:
        if _sized(name) not in INSTANCE_TYPES:
            raise client_exception(f"Instance type {name} is not supported")


def fits(names: Sequence[str], *, vcpus: int, memory_mib: int) -> str | None:
    """The first type with room for a job; None when there is none."""
    for name in names:
        for sized in _all_sizes(name):
            kind = INSTANCE_TYPES[sized]
            # The agent and the system of an instance take some of its memory.
            room = kind["MemoryInfo"]["SizeInMiB"] * 0.95
            if kind["VCpuInfo"]["DefaultVCpus"] >= vcpus and room >= memory_mib:
                return sized
    return None


def _sized(name: str) -> str:
    """The instance type that a name means: families and Batch's choices have several."""
    if name in INSTANCE_TYPES:
        return name
    return _CHOICES.get(name, f"{name}.large")


def _all_sizes(name: str) -> list[str]:
    if name in INSTANCE_TYPES:
        return [name]
    family = _sized(name).partition(".")[0]
    return [f"{family}.{size}" for size in _SIZES if f"{family}.{size}" in INSTANCE_TYPES]


class Machines:
    """Instances of the compute environment `name`."""

    def __init__(self, context: CloudContext, name: str) -> None:
        self._context = context
        self._name = name
        self._vcpus: dict[str, int] = {}

    @property
    def vcpus(self) -> int:
        """What all instances have."""
        return sum(self._vcpus.values())

    @property
    def ids(self) -> list[str]:
        """Instances that run."""
        return list(self._vcpus)

    def scale_to(self, vcpus: int, resources: Mapping[str, Any]) -> None:
        """Have at least `vcpus`, or none for 0, within the environment's maximum.

        What is there stays until it is scaled to 0: which of them jobs use is not modelled.
        """
        if vcpus <= 0:
            self._terminate()
            return
        kind = fits(resources["instanceTypes"], vcpus=1, memory_mib=0) or "m5.large"
        each = INSTANCE_TYPES[kind]["VCpuInfo"]["DefaultVCpus"]
        # An environment may exceed its maximum by no more than one instance.
        most = max(ceil(resources["maxvCpus"] / each), 1)
        missing = min(ceil(vcpus / each), most) - len(self._vcpus)
        if missing > 0:
            self._launch(kind, missing, each, resources)

    def _launch(self, kind: str, count: int, each: int, resources: Mapping[str, Any]) -> None:
        tags = {"AWSBatchServiceTag": "batch", **resources.get("tags", {})}
        spot = {"InstanceMarketOptions": {"MarketType": "spot"}}
        launched = self._context.client("ec2").run_instances(
            ImageId=_IMAGE,
            InstanceType=kind,
            MinCount=count,
            MaxCount=count,
            SubnetId=resources["subnets"][0],
            TagSpecifications=[
                {
                    "ResourceType": "instance",
                    "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                }
            ],
            **(
                {"SecurityGroupIds": groups}
                if (groups := resources.get("securityGroupIds"))
                else {}
            ),
            **(spot if resources["type"] == "SPOT" else {}),
        )
        for instance in launched["Instances"]:
            self._vcpus[instance["InstanceId"]] = each

    def _terminate(self) -> None:
        ids, self._vcpus = list(self._vcpus), {}
        if not ids:
            return
        client = self._context.client("ec2")
        found = client.describe_network_interfaces(
            Filters=[{"Name": "attachment.instance-id", "Values": ids}]
        )["NetworkInterfaces"]
        client.terminate_instances(InstanceIds=ids)
        # An instance's first interface goes with it; moto keeps it.
        for interface in found:
            interface_id = interface["NetworkInterfaceId"]
            client.delete_network_interface(NetworkInterfaceId=interface_id)
