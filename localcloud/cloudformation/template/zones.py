"""The availability zones of a region, as Fn::GetAZs lists them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-getavailabilityzones.html
"""

from __future__ import annotations

from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend

from localcloud.cloudformation.errors import validation_error


def availability_zones(region: str) -> list[str]:
    """Names in order; raises ValidationError for a region that AWS does not have."""
    zones = RegionsAndZonesBackend.zones.get(region)
    if not zones:
        raise validation_error(f"Fn::GetAZs: {region!r} is not a region")
    return sorted(zone.name for zone in zones)
