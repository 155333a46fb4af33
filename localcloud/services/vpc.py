"""All that moto's networks do differently while a cloud is up."""

from __future__ import annotations

from localcloud.services.patches import Patch
from localcloud.services.vpc_dependencies import vpc_dependency_patches
from localcloud.services.vpc_endpoints import vpc_endpoint_patches


def vpc_patches() -> list[Patch]:
    """What to apply while a cloud is up."""
    return [*vpc_dependency_patches(), *vpc_endpoint_patches()]
