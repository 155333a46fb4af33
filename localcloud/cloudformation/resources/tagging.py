"""Tags of resources: CloudFormation's two forms of them, the stack's own, and how they change.

Which tags a resource shall have is decided here, once for all types; how a service is told is the
handlers' affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.cloudformation.resources.handler import ResourceHandler, Update
from localcloud.cloudformation.resources.schema import TAGS


def tag_map(tags: Any) -> dict[str, str]:
    """A property's tags, a list of Key and Value or an object, as a plain mapping."""
    if isinstance(tags, Mapping):
        return dict(tags)
    return {tag["Key"]: tag["Value"] for tag in tags or ()}


def tag_list(
    tags: Mapping[str, str], key: str = "Key", value: str = "Value"
) -> list[dict[str, str]]:
    """Tags as a list of objects with the names that a service gives to their two members."""
    return [{key: name, value: text} for name, text in tags.items()]


def with_stack_tags(
    handler: ResourceHandler,
    properties: dict[str, Any],
    stack: Mapping[str, str],
    system: Mapping[str, str],
) -> dict[str, Any]:
    """Properties with the tags that CloudFormation adds; a resource's own win over the stack's.

    Types that cannot be tagged stay as they are, and types whose service refuses tags that begin
    with `aws:` get no `system` ones.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
    """
    if "Tags" not in handler.schema:
        return properties
    inherited = {**stack, **(system if handler.takes_system_tags else {})}
    if not inherited:
        return properties
    tags = {**inherited, **tag_map(properties.get("Tags"))}
    return {**properties, "Tags": tag_list(tags) if handler.schema["Tags"] is TAGS else tags}


def update_tags(
    task: Update,
    *,
    tag: Callable[[dict[str, str]], object],
    untag: Callable[[list[str]], object],
) -> None:
    """Bring a resource's tags to the wanted ones, whatever failed updates have left of others."""
    if not task.touches("Tags"):
        return
    wanted = tag_map(task.new.get("Tags"))
    gone = {key for tags in task.formers("Tags") for key in tag_map(tags)} - set(wanted)
    if gone:
        untag(sorted(gone))
    if wanted:
        tag(wanted)
