"""Access log lines of a stage, in the stage's own format, in its log group.

Variables: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
One that is not known here is written as `-`, as API Gateway does for one without a value.
"""

from __future__ import annotations

import datetime
import json
import logging
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from moto.logs.exceptions import ResourceNotFoundException
from moto.logs.models import logs_backends

from localcloud.http_api.answers import ApiAnswer
from localcloud.http_api.request import ApiRequest
from localcloud.http_api.routes import DeployedStage
from localcloud.http_api.signatures import Caller

if TYPE_CHECKING:
    from localcloud.context import CloudContext

log = logging.getLogger(__name__)

_VARIABLE = re.compile(r"\$context\.([A-Za-z][A-Za-z0-9.]*[A-Za-z0-9])")


@dataclass
class Integration:
    """What is known of a call to the function: Lambda's status, and that in the function's answer.

    Both are None where the wait for the call ended before it.
    """

    latency_ms: int = 0
    lambda_status: int | None = None
    status: int | None = None


class AccessLogs:
    """Writes one line per request to the log groups of one account and region."""

    def __init__(self, context: CloudContext) -> None:
        self._context = context
        self._backend: Any = logs_backends[context.account][context.region]
        self._lock = threading.Lock()

    def write(
        self,
        stage: DeployedStage,
        request: ApiRequest,
        answer: ApiAnswer,
        *,
        route_key: str | None,
        caller: Caller | None,
        integration: Integration | None,
    ) -> None:
        """Do nothing for a stage without access log settings; the group is never made here."""
        settings = stage.stage.access_log_settings or {}
        if not settings.get("destinationArn") or not settings.get("format"):
            return
        values = self._values(stage, request, answer, route_key, caller, integration)
        line = _VARIABLE.sub(lambda found: values.get(found.group(1)) or "-", settings["format"])
        group = settings["destinationArn"].split(":log-group:")[1].removesuffix(":*")
        event = {"timestamp": int(time.time() * 1000), "message": line}
        with self._lock:
            try:
                self._backend.ensure_log_stream(group, stage.api_id)
                self._backend.put_log_events(group, stage.api_id, [event])
            except (ResourceNotFoundException, KeyError):
                log.warning("access log group %s of API %s is gone", group, stage.api_id)

    def _values(
        self,
        stage: DeployedStage,
        request: ApiRequest,
        answer: ApiAnswer,
        route_key: str | None,
        caller: Caller | None,
        integration: Integration | None,
    ) -> dict[str, str | None]:
        received_at = datetime.datetime.fromtimestamp(request.received_at_s, datetime.UTC)
        said = json.dumps(answer.error) if answer.error else None
        latency = str(integration.latency_ms) if integration else None
        lambda_status = _text(integration.lambda_status if integration else None)
        size_bytes = len(answer.body)
        return {
            "accountId": self._context.account,
            "apiId": stage.api_id,
            "awsEndpointRequestId": request.request_id,
            "dataProcessed": str(len(request.body) + size_bytes),
            "domainName": request.host,
            "domainPrefix": stage.api_id,
            "error.message": answer.error,
            "error.messageString": said,
            "extendedRequestId": request.request_id,
            "httpMethod": request.method,
            "identity.accountId": caller.account if caller else None,
            "identity.caller": caller.user_id if caller else None,
            "identity.sourceIp": request.source_ip,
            "identity.user": caller.user_id if caller else None,
            "identity.userAgent": request.header("user-agent"),
            "identity.userArn": caller.user_arn if caller else None,
            "integration.error": answer.integration_error,
            "integrationErrorMessage": answer.integration_error,
            "integration.integrationStatus": lambda_status,
            "integration.latency": latency,
            "integration.status": _text(integration.status if integration else None),
            "integrationLatency": latency,
            "integrationStatus": lambda_status,
            "path": stage.path,
            "protocol": request.protocol,
            "requestId": request.request_id,
            "requestTime": received_at.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "requestTimeEpoch": str(int(request.received_at_s * 1000)),
            "responseLatency": str(int((time.time() - request.received_at_s) * 1000)),
            "responseLength": str(size_bytes),
            "routeKey": route_key,
            "stage": stage.name,
            "status": str(answer.status),
        }


def _text(status: int | None) -> str | None:
    return None if status is None else str(int(status))
