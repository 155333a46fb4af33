"""The data plane of deployed HTTP APIs: routes, request signatures, payload format 2.0."""

from __future__ import annotations

from localcloud.http_api.front import HttpApiFront
from localcloud.http_api.routes import endpoint_patches

__all__ = ["HttpApiFront", "endpoint_patches"]
