"""The policies of resources, as moto's services hold them at this moment.

Buckets, functions, roles (their trust) and keys have one here. A topic's policy is not evaluated.
"""

from __future__ import annotations

import json
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import lambda_backends
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends

from localcloud.iam.attached import AttachedPolicies
from localcloud.iam.documents import parsed
from localcloud.iam.evaluation import NO_POLICY, TRUST, ResourcePolicy


class ResourcePolicies:
    """Finds the policy that goes with a resource."""

    def __init__(self, account: str, region: str, attached: AttachedPolicies) -> None:
        self._account = account
        self._region = region
        self._attached = attached

    def of(self, action: str, resource: str) -> ResourcePolicy:
        """The policy that takes part in deciding on `action`. Raises PolicyError."""
        service = action.partition(":")[0]
        if service == "s3":
            return self._bucket(resource.partition(":::")[2].partition("/")[0])
        if service == "lambda":
            return self._function(resource)
        if action == "sts:AssumeRole":
            return self._trust(resource)
        if service == "kms":
            return self._key(resource)
        return NO_POLICY

    def _bucket(self, name: str) -> ResourcePolicy:
        bucket = s3_backends[self._account]["aws"].buckets.get(name)
        if bucket is None or bucket.policy is None:
            return NO_POLICY
        return ResourcePolicy(parsed(bucket.policy))

    def _function(self, arn: str) -> ResourcePolicy:
        parts = arn.split(":")
        if len(parts) < 7:
            return NO_POLICY
        backend: Any = lambda_backends[self._account][self._region]
        try:
            function = backend.get_function(parts[6])
        except UnknownFunctionException:
            return NO_POLICY
        statements = function.policy.statements if function.policy else []
        if not statements:
            return NO_POLICY
        document = {"Version": "2012-10-17", "Statement": statements}
        return ResourcePolicy(parsed(json.dumps(document)))

    def _trust(self, arn: str) -> ResourcePolicy:
        role = self._attached.role(arn)
        policy = parsed(role.assume_role_policy_document) if role else NO_POLICY.policy
        return ResourcePolicy(policy, required=True, policy_type=TRUST)

    def _key(self, arn: str) -> ResourcePolicy:
        # Making a key and listing them is about no key, so no key's policy has a say.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
        if ":key/" not in arn:
            return NO_POLICY
        key = kms_backends[self._account][self._region].keys.get(arn.rpartition("/")[2])
        policy = parsed(key.policy) if key else NO_POLICY.policy
        return ResourcePolicy(policy, required=True)
