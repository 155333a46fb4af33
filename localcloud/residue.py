"""What a deployment left behind in an embedded cloud, as the difference of two inventories.

An inventory lists every item of every collection that moto's services hold, the stacks of our
CloudFormation, what Batch has, the processes and containers of functions and jobs, and open ports.
Left out, by these rules:

- what belongs to the stack CDKToolkit: `cdk bootstrap` made it, and destroying an app leaves it,
  with the assets in its bucket and its repository;
- metrics and temporary credentials: on AWS too they cannot be deleted, they expire;
- keys that wait for their deletion, at least a week on AWS, and cost nothing until then;
- tags, which moto keeps apart from the resource that had them;
- what a service has by itself in an empty account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.iam.models import AWSManagedPolicy
from moto.utilities.tagging_service import TaggingService

from localcloud.network_inventory import network_items

if TYPE_CHECKING:
    from localcloud.batch import BatchService
    from localcloud.cloudformation import CloudFormationService
    from localcloud.context import CloudContext
    from localcloud.functions import FunctionService

BOOTSTRAP_STACK = "CDKToolkit"
_IGNORED_COLLECTIONS = {
    # Expiring by themselves.
    ("cloudwatch", "metric_data"),
    ("cloudwatch", "aws_metric_data"),
    ("iam", "access_keys"),
    ("sts", "assumed_roles"),
    # An index over `_functions`, of weak references.
    ("lambda", "_arns"),
}
_MAXIMUM_DEPTH = 6
_SCALARS = (str, bytes, int, float, bool, type(None))
# Not looked into: there are 1,600 of AWS's policies, and none of them is the account's.
_CLOSED = (BaseBackend, TaggingService, AWSManagedPolicy)


@dataclass(frozen=True, order=True)
class Leftover:
    """One item: in which service and region, in which of its collections, under which name."""

    service: str
    region: str
    collection: str
    key: str

    def __str__(self) -> str:
        return " ".join(
            part for part in (self.service, self.region, self.collection, self.key) if part
        )


@dataclass(frozen=True)
class Inventory:
    """Items by their path: service, region, then collections and keys in turn."""

    account: str
    items: Mapping[tuple[str, ...], Leftover]
    services: frozenset[tuple[str, str]]


def snapshot(
    context: CloudContext,
    functions: FunctionService,
    cloudformation: CloudFormationService,
    batch: BatchService | None = None,
) -> Inventory:
    """What is there now."""
    items: dict[tuple[str, ...], Leftover] = {}
    services = set()
    for service, region, backend in _backends(context.account):
        services.add((service, region))
        for path, label in _items(backend, service):
            _add(items, service, region, path, label)
    for stack in cloudformation.live_stacks():
        _add(items, "cloudformation", context.region, ("stacks", stack), stack)
    for pid in functions.running_processes():
        _add(items, "processes", "", ("environments", str(pid)), f"pid {pid}")
    for container in functions.containers():
        _add(items, "containers", "", ("environments", container), container)
    for collection, key in batch.leftovers() if batch else ():
        _add(items, "batch", context.region, (collection, key), key)
    for pid in batch.running_processes() if batch else ():
        _add(items, "processes", "", ("containers", str(pid)), f"pid {pid}")
    for port in functions.open_ports():
        _add(items, "ports", "", ("runtime-api", str(port)), f"port {port}")
    return Inventory(context.account, items, frozenset(services))


def difference(
    before: Inventory, after: Inventory, bootstrap: Collection[str] = ()
) -> list[Leftover]:
    """What `after` has and `before` has not; of a new resource only itself, not all that is in it.

    `bootstrap`: physical ids of the resources of CDKToolkit, as `bootstrap_resources` lists them.
    """
    own = _defaults(after, after.services - before.services)
    left = []
    added: set[tuple[str, ...]] = set()
    for path, leftover in sorted(after.items.items(), key=lambda item: len(item[0])):
        if path in before.items or path in own:
            continue
        if any(path[:length] in added for length in range(2, len(path))):
            continue
        if not bootstrap or not any(part in bootstrap for part in (*path, leftover.key)):
            left.append(leftover)
        added.add(path)
    return sorted(left)


def bootstrap_resources(context: CloudContext) -> frozenset[str]:
    """Physical ids of what `cdk bootstrap` made, and its stack's name; empty before it ran."""
    cloudformation = context.client("cloudformation")
    names = [stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]]
    if BOOTSTRAP_STACK not in names:
        return frozenset()
    resources = cloudformation.describe_stack_resources(StackName=BOOTSTRAP_STACK)
    physical_ids = {r.get("PhysicalResourceId", "") for r in resources["StackResources"]}
    return frozenset(physical_ids | {BOOTSTRAP_STACK} - {""})


def _add(
    items: dict[tuple[str, ...], Leftover],
    service: str,
    region: str,
    path: tuple[str, ...],
    label: str,
) -> None:
    collection = ".".join(path[:-1]) or path[0]
    items[(service, region, *path)] = Leftover(service, region, collection, label)


def _backends(account: str) -> Iterator[tuple[str, str, BaseBackend]]:
    in_use: list[BackendDict[Any]] = BackendDict._instances  # type: ignore[misc]
    for services in list(in_use):
        for owner, region, backend in list(services.iter_backends()):
            if owner == account:
                yield services.service_name, region, backend


def _items(backend: BaseBackend, service: str) -> Iterator[tuple[tuple[str, ...], str]]:
    if service != "ec2":
        return _walk(backend, service)
    return (((collection, key), key) for collection, key in network_items(backend))


def _walk(backend: BaseBackend, service: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Paths and labels of all items reachable from a backend's attributes."""
    ignored = {name for owner, name in _IGNORED_COLLECTIONS if owner == service}
    seen = {id(backend)}
    for name, value in list(vars(backend).items()):
        for path, label in _walk_value((name,), value, seen, 0):
            if not ignored.intersection(path[:2]):
                yield path, label


def _walk_value(
    path: tuple[str, ...], value: Any, seen: set[int], depth: int
) -> Iterator[tuple[tuple[str, ...], str]]:
    if depth > _MAXIMUM_DEPTH or isinstance(value, (*_SCALARS, *_CLOSED)):
        return
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, Mapping):
        for key, item in list(value.items()):
            yield from _walk_item((*path, str(key)), item, seen, depth)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for key, item in _keyed(list(value)):
            yield from _walk_item((*path, key), item, seen, depth)
    elif type(value).__module__.startswith("moto."):
        for name, inner in _attributes(value).items():
            yield from _walk_value((*path, name), inner, seen, depth + 1)


def _walk_item(
    path: tuple[str, ...], item: Any, seen: set[int], depth: int
) -> Iterator[tuple[tuple[str, ...], str]]:
    if getattr(item, "key_state", None) == "PendingDeletion":
        return
    # Inside a resource a dictionary is a record; directly below a backend it is one more level.
    if not isinstance(item, (Mapping, list)) or (depth and isinstance(item, Mapping) and item):
        yield path, _label(item, path[-1])
    yield from _walk_value(path, item, seen, depth + 1)


def _keyed(values: list[Any]) -> Iterable[tuple[str, Any]]:
    for position, value in enumerate(values):
        label = str(value) if isinstance(value, _SCALARS) else _label(value, "")
        yield label or str(position), value


def _label(item: Any, key: str) -> str:
    """How a resource is called: by its key, name and ARN, as far as none of them holds another."""
    attributes = item if isinstance(item, Mapping) else _attributes(item)
    called = [attributes.get(attribute) for attribute in ("name", "Name", "arn", "Id")]
    words = list(dict.fromkeys([key, *(word for word in called if isinstance(word, str))]))
    return " ".join(
        word
        for word in words
        if word and not any(word in other for other in words if other != word)
    )


def _attributes(item: Any) -> dict[str, Any]:
    # Objects with slots have none; moto's resources have a dictionary.
    attributes: dict[str, Any] = getattr(item, "__dict__", {})
    return dict(attributes)


def _defaults(after: Inventory, services: Collection[tuple[str, str]]) -> set[tuple[str, ...]]:
    """What `services`, not in use before, have by themselves, as a fresh backend shows."""
    own: set[tuple[str, ...]] = set()
    for service, region, backend in _backends(after.account):
        if (service, region) in services:
            fresh = type(backend)(region, after.account)
            own.update((service, region, *path) for path, _ in _items(fresh, service))
    return own
