"""Which resources a deployment takes over instead of making them (ImportExistingResources).

Only resources whose custom name is written in the template, of types whose handler can find one by
its name; everything else is made, and fails if it exists.
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.engine.state import StackResource, Target
from localcloud.cloudformation.resources.handler import Provisioned, ResourceHandler


def found_for_import(
    target: Target,
    current: StackResource | None,
    handler: ResourceHandler,
    properties: Mapping[str, Any],
) -> Provisioned | None:
    """What exists under the name of a resource that the stack does not have yet."""
    if not target.import_existing or current is not None or handler.name_property is None:
        return None
    name = properties.get(handler.name_property)
    return handler.find(name) if isinstance(name, str) else None
