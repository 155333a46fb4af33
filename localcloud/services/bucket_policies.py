"""Bucket policies with the conditions of their statements read as AWS reads them.

moto knows no operator but StringEquals, and takes a condition that it cannot judge as one that
holds: a policy that denies requests without TLS then denies every request. A request over the
loopback interface counts as one over TLS, since nobody can listen in on it.
Principals and actions stay moto's to judge.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

from localcloud.services.patches import Patch

log = logging.getLogger(__name__)

# Keys a statement may ask about, with what holds for every request here.
_REQUEST_CONTEXT = {"aws:securetransport": "true", "s3:tlsversion": "1.3"}


def _text(value: Any) -> str:
    return str(value).lower()


_OPERATORS: dict[str, Callable[[str, Any], bool]] = {
    "Bool": lambda actual, wanted: actual == _text(wanted),
    "StringEquals": lambda actual, wanted: actual == str(wanted),
    "NumericLessThan": lambda actual, wanted: float(actual) < float(wanted),
    "NumericGreaterThanEquals": lambda actual, wanted: float(actual) >= float(wanted),
}


def condition_holds(condition: dict[str, dict[str, Any]]) -> bool:
    """Whether every operator of a statement's Condition holds for a request to this cloud.

    A key that no request here carries makes its operator false, as on AWS; so does an operator that
    is not modelled, which is logged.
    """
    for operator, keys in condition.items():
        holds = _OPERATORS.get(operator)
        if holds is None:
            log.warning("bucket policy: condition operator %s is not modelled", operator)
            return False
        for key, wanted in keys.items():
            actual = _REQUEST_CONTEXT.get(key.lower())
            values = wanted if isinstance(wanted, list) else [wanted]
            if actual is None or not any(holds(actual, value) for value in values):
                return False
    return True


def bucket_permission(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    """What the bucket's policy says of `action` on `resource` (both as in a policy)."""
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    statements = policy["Statement"]
    applying = [
        {name: value for name, value in statement.items() if name != "Condition"}
        for statement in (statements if isinstance(statements, list) else [statements])
        if condition_holds(statement.get("Condition", {}))
    ]
    document = json.dumps({**policy, "Statement": applying})
    return IAMPolicy(document).is_action_permitted(action, resource)


def bucket_policy_patches() -> list[Patch]:
    """Bucket policies judged with a request context."""
    return [
        Patch(
            FakeBucket,
            "get_permission",
            bucket_permission,
            "a condition it does not know counts as met: TLS-only policies deny everything",
        )
    ]
