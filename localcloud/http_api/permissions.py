"""Who may call an API, and whether the API may call its function.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-aws.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.http_api.routes import DeployedStage, MatchedRoute
from localcloud.iam.callers import service
from localcloud.iam.gate import Allows
from localcloud.identity import Caller, Refused

if TYPE_CHECKING:
    from localcloud.context import CloudContext


class ApiPermissions:
    """Asked for each request to an API."""

    def __init__(self, context: CloudContext, allows: Allows) -> None:
        self._context = context
        self._allows = allows
        self._gateway = service("apigateway.amazonaws.com", context.account)

    def check_caller(self, caller: Caller, stage: DeployedStage, method: str) -> None:
        """Raises Refused unless `caller` may send a request of this method to this path."""
        resource = f"{self._stage_arn(stage)}/{method}{stage.route_path}"
        self._allows(caller, "execute-api:Invoke", resource, {})

    def may_invoke(self, stage: DeployedStage, route: MatchedRoute) -> bool:
        """Whether the function's policy lets this API's stage, method and path call it."""
        method, _, path = route.key.partition(" ")
        source = f"{self._stage_arn(stage)}/" + (
            "$default" if route.key == "$default" else f"{'*' if method == 'ANY' else method}{path}"
        )
        keys = {"aws:SourceArn": source, "aws:SourceAccount": self._context.account}
        try:
            self._allows(self._gateway, "lambda:InvokeFunction", route.function_arn, keys)
        except Refused:
            return False
        return True

    def _stage_arn(self, stage: DeployedStage) -> str:
        context = self._context
        return f"arn:aws:execute-api:{context.region}:{context.account}:{stage.api_id}/{stage.name}"
