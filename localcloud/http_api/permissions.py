"""Whether a function's resource policy lets an API invoke it, as the deployed statements say.

https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-aws.html
"""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING, Any

from moto.awslambda.utils import get_backend

from localcloud.http_api.routes import DeployedStage, MatchedRoute

if TYPE_CHECKING:
    from localcloud.context import CloudContext

_PRINCIPAL = {"Service": "apigateway.amazonaws.com"}


def may_invoke(context: CloudContext, stage: DeployedStage, route: MatchedRoute) -> bool:
    """True when a statement allows this API's stage, method and path to call the function."""
    name = route.function_arn.split(":")[6]
    function = get_backend(context.account, context.region).get_function(name)
    method, _, path = route.key.partition(" ")
    source = (
        f"arn:aws:execute-api:{context.region}:{context.account}:{stage.api_id}/{stage.name}/"
        + ("$default" if route.key == "$default" else f"{'*' if method == 'ANY' else method}{path}")
    )
    return any(
        _allows(statement, route.function_arn, source) for statement in function.policy.statements
    )


def _allows(statement: dict[str, Any], function_arn: str, source: str) -> bool:
    if statement["Effect"] != "Allow" or statement["Principal"] != _PRINCIPAL:
        return False
    if statement["Action"] not in ("lambda:InvokeFunction", "lambda:*"):
        return False
    if statement["Resource"] != function_arn:
        return False
    condition = statement.get("Condition", {})
    wanted = condition.get("ArnLike", {}).get("AWS:SourceArn")
    account = condition.get("StringEquals", {}).get("AWS:SourceAccount")
    if account is not None and account != source.split(":")[4]:
        return False
    return wanted is None or fnmatch.fnmatchcase(source, wanted)
