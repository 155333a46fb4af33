"""What a virtual machine costs on demand, by its type.

Within the families listed here every size costs in proportion to its vCPUs, so one figure a family
says it all. It refuses to guess: a type of another family has no price, and neither has Spot, whose
price moves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from prices.price import Price

_SOURCE = "https://aws.amazon.com/ec2/pricing/on-demand/"
# https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
_SIZE = re.compile(r"(\d*)xlarge|large")
_VCPUS_OF_LARGE, _VCPUS_OF_XLARGE = 2, 4

# Linux in us-east-1, US dollars for a vCPU and an hour: the price of a large, halved.
EC2_VCPU_HOUR: Mapping[str, float] = MappingProxyType(
    {
        "c5": 0.0425,
        "m5": 0.048,
        "c6i": 0.0425,
        "m6i": 0.048,
        "c7i": 0.044625,
        "m7i": 0.0504,
        "c6g": 0.034,
        "m6g": 0.0385,
        "c7g": 0.03625,
        "m7g": 0.0408,
    }
)


def machine_hour(instance_type: str) -> Price | None:
    """The price of one such machine for an hour; None for a type that is not listed."""
    family, _, size = instance_type.partition(".")
    found = _SIZE.fullmatch(size)
    if family not in EC2_VCPU_HOUR or found is None:
        return None
    vcpus = _VCPUS_OF_LARGE if size == "large" else _VCPUS_OF_XLARGE * int(found[1] or 1)
    return Price(usd=EC2_VCPU_HOUR[family] * vcpus, per=1, unit="hours", source=_SOURCE)
