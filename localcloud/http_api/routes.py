"""Deployed HTTP APIs as moto holds them, and which route of one answers a request.

Order of choice: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
It reads and chooses; it changes nothing. An authorizer or integration not modelled is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.apigatewayv2.models import Api, ApiGatewayV2Backend, apigatewayv2_backends

from localcloud.services.patches import Patch

if TYPE_CHECKING:
    from localcloud.context import CloudContext

_LAMBDA_URI = re.compile(r"(?:.*/functions/)?(arn:[^/]+:lambda:[^/]+?)(?:/invocations)?")
_INTEGRATION_LIMIT_MS = 30_000
# Of an account, and so of each stage that sets no other:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
_ACCOUNT_RATE_PER_S = 10_000.0
_ACCOUNT_BURST = 5_000


class UnmodelledApiError(Exception):
    """The API is deployed with something that this cloud cannot serve."""


@dataclass(frozen=True)
class MatchedRoute:
    """A route, the stage it is served in, and the values of its path variables (decoded)."""

    key: str
    authorization: str
    function_arn: str
    timeout_ms: int
    path_parameters: dict[str, str]


@dataclass(frozen=True)
class DeployedStage:
    """One stage of one API. `path` is what the function sees as rawPath."""

    api: Any
    stage: Any
    route_path: str
    path: str

    @property
    def api_id(self) -> str:
        return str(self.api.api_id)

    @property
    def name(self) -> str:
        return str(self.stage.name)

    def throttling(self, route_key: str) -> tuple[float, int]:
        """Requests per second and burst of a route: its own, else the stage's or the account's."""
        settings = {
            **(self.stage.default_route_settings or {}),
            **(self.stage.route_settings or {}).get(route_key, {}),
        }
        rate_per_s = settings.get("throttlingRateLimit")
        burst = settings.get("throttlingBurstLimit")
        return (
            _ACCOUNT_RATE_PER_S if rate_per_s is None else float(rate_per_s),
            _ACCOUNT_BURST if burst is None else int(burst),
        )

    def match(self, method: str) -> MatchedRoute | None:
        """The most specific route: full before greedy, a method before ANY, `$default` last."""
        best: tuple[tuple[int, ...], Any, dict[str, str]] | None = None
        for route in list(self.api.routes.values()):
            found = _match(route.route_key, method, self.route_path)
            if found is not None and (best is None or found[0] < best[0]):
                best = (found[0], route, found[1])
        return None if best is None else self._matched(best[1], best[2])

    def _matched(self, route: Any, path_parameters: dict[str, str]) -> MatchedRoute:
        if route.authorization_type not in (None, "NONE", "AWS_IAM"):
            raise UnmodelledApiError(f"authorization type {route.authorization_type!r}")
        integration = self.api.integrations.get((route.target or "").removeprefix("integrations/"))
        if integration is None:
            raise UnmodelledApiError(f"route {route.route_key!r} has no integration")
        if integration.integration_type != "AWS_PROXY":
            raise UnmodelledApiError(f"integration type {integration.integration_type!r}")
        if integration.payload_format_version != "2.0":
            raise UnmodelledApiError(f"payload format {integration.payload_format_version!r}")
        uri = _LAMBDA_URI.fullmatch(integration.integration_uri or "")
        if uri is None:
            raise UnmodelledApiError(f"integration URI {integration.integration_uri!r}")
        timeout_ms = int(integration.timeout_in_millis or _INTEGRATION_LIMIT_MS)
        if timeout_ms > _INTEGRATION_LIMIT_MS:
            raise UnmodelledApiError(
                f"TimeoutInMillis {timeout_ms}; allowed: at most {_INTEGRATION_LIMIT_MS}"
            )
        return MatchedRoute(
            key=route.route_key,
            authorization=route.authorization_type or "NONE",
            function_arn=uri.group(1),
            timeout_ms=timeout_ms,
            path_parameters=path_parameters,
        )


def find_stage(context: CloudContext, api_id: str, path: str) -> DeployedStage | None:
    """The stage that serves `path` (decoded, below the API): a named one, or `$default`."""
    api = apigatewayv2_backends[context.account][context.region].apis.get(api_id)
    if api is None or api.protocol_type != "HTTP":
        return None
    first, _, rest = path.removeprefix("/").partition("/")
    if first in api.stages:
        return DeployedStage(api, api.stages[first], f"/{rest}", path)
    if "$default" in api.stages:
        return DeployedStage(api, api.stages["$default"], path, path)
    return None


def _match(route_key: str, method: str, path: str) -> tuple[tuple[int, ...], dict[str, str]] | None:
    """How specific a route is for a request (smaller is more), and its path variables."""
    if route_key == "$default":
        return (9,), {}
    route_method, _, template = route_key.partition(" ")
    if route_method not in (method, "ANY"):
        return None
    wanted = template.strip("/").split("/")
    given = path.strip("/").split("/")
    variables: dict[str, str] = {}
    weights = []
    for position, part in enumerate(wanted):
        if part.startswith("{") and part.endswith("+}"):
            rest = "/".join(given[position:])
            if not rest:
                return None
            variables[part[1:-2]] = rest
            weights.append(2)
            break
        if position >= len(given):
            return None
        if part.startswith("{") and part.endswith("}") and given[position]:
            variables[part[1:-1]] = given[position]
            weights.append(1)
        elif part == given[position]:
            weights.append(0)
        else:
            return None
    else:
        if len(given) != len(wanted):
            return None
    greedy = 1 if 2 in weights else 0
    return (greedy, *weights, int(route_method == "ANY")), variables


def endpoint_patches(context: CloudContext) -> list[Patch]:
    """An API's endpoint is this cloud's, in CreateApi, GetApi and everything made of them."""

    def create_api(backend: ApiGatewayV2Backend, *args: Any, **kwargs: Any) -> Api:
        api = original(backend, *args, **kwargs)
        api.api_endpoint = context.http_api_url(api.api_id)
        return api

    original = ApiGatewayV2Backend.create_api
    return [
        Patch(
            ApiGatewayV2Backend,
            "create_api",
            create_api,
            "the endpoint is composed of amazonaws.com, where nobody answers",
        )
    ]
