"""Cross-origin requests to an API, answered as its CORS configuration says, not at all without one.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from localcloud.http_api.answers import ApiAnswer
from localcloud.http_api.request import ApiRequest


def preflight(configuration: dict[str, Any] | None, request: ApiRequest) -> ApiAnswer | None:
    """The answer to a preflight request, which no route sees; None for any other request."""
    asks = request.method == "OPTIONS" and request.header("access-control-request-method")
    if not configuration or not asks or not _origin(configuration, request):
        return None
    headers = [
        *_headers(configuration, request),
        ("access-control-allow-methods", ",".join(configuration.get("allowMethods") or [])),
        ("access-control-allow-headers", ",".join(configuration.get("allowHeaders") or [])),
    ]
    if configuration.get("maxAge") is not None:
        headers.append(("access-control-max-age", str(configuration["maxAge"])))
    return ApiAnswer(204, headers=headers)


def with_headers(
    configuration: dict[str, Any] | None, request: ApiRequest, answer: ApiAnswer
) -> ApiAnswer:
    """`answer` with the configured headers, which replace the function's own."""
    if not configuration:
        return answer
    kept = [item for item in answer.headers if not item[0].startswith("access-control-")]
    return replace(answer, headers=kept + _headers(configuration, request))


def _origin(configuration: dict[str, Any], request: ApiRequest) -> str | None:
    origin = request.header("origin")
    allowed = configuration.get("allowOrigins") or []
    if origin is None:
        return None
    if "*" in allowed:
        return "*"
    return origin if origin in allowed else None


def _headers(configuration: dict[str, Any], request: ApiRequest) -> list[tuple[str, str]]:
    origin = _origin(configuration, request)
    if origin is None:
        return []
    headers = [("access-control-allow-origin", origin)]
    if configuration.get("allowCredentials"):
        headers.append(("access-control-allow-credentials", "true"))
    if configuration.get("exposeHeaders"):
        exposed = ",".join(configuration["exposeHeaders"])
        headers.append(("access-control-expose-headers", exposed))
    return headers
