"""Serves deployed HTTP APIs under `/_http_api/<api-id>/`: authorise, throttle, invoke, answer.

Each refusal is API Gateway's own, with its status and message; the reason goes to the log.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from localcloud.functions.errors import (
    SYNC_PAYLOAD_LIMIT_BYTES,
    ServiceError,
    TooManyRequestsError,
)
from localcloud.functions.invocation import InvocationAnswer, Invoke
from localcloud.http_api.access_logs import AccessLogs, Integration
from localcloud.http_api.answers import ApiAnswer, MalformedAnswerError, answer_of, api_error
from localcloud.http_api.cors import preflight, with_headers
from localcloud.http_api.events import event_of
from localcloud.http_api.metrics import ApiMetrics
from localcloud.http_api.permissions import ApiPermissions
from localcloud.http_api.request import ApiRequest, BodyTooLargeError, HeadTooLargeError
from localcloud.http_api.routes import DeployedStage, MatchedRoute, UnmodelledApiError, find_stage
from localcloud.http_api.signatures import Caller, SignatureRefusedError, SignatureVerifier
from localcloud.iam.gate import Allows
from localcloud.identity import Refused
from localcloud.throttle import Throttle

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from localcloud.context import CloudContext

log = logging.getLogger(__name__)

_PREFIX = "/_http_api/"


class _Exchange:
    """One request on its way through a stage; what is known of it ends in the access log."""

    def __init__(self, stage: DeployedStage, request: ApiRequest) -> None:
        self.stage = stage
        self.request = request
        self.route: MatchedRoute | None = None
        self.caller: Caller | None = None
        self.integration: Integration | None = None


class HttpApiFront:
    """A WSGI application for every API of one cloud."""

    def __init__(self, context: CloudContext, invoke: Invoke, allows: Allows) -> None:
        self._context = context
        self._permissions = ApiPermissions(context, allows)
        self._invoke = invoke
        self._signatures = SignatureVerifier(context)
        self._throttle = Throttle()
        self._access_logs = AccessLogs(context)
        self._metrics = ApiMetrics(context.metrics)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun_at_s = time.monotonic()
        api_id, _, path = environ["PATH_INFO"].removeprefix(_PREFIX).partition("/")
        # WSGI hands over bytes as Latin-1.
        path = f"/{path}".encode("latin-1").decode("utf-8", errors="replace")
        stage = find_stage(self._context, api_id, path)
        if stage is None:
            return _respond(start_response, api_error(404, "Not Found"), "-")
        try:
            request = ApiRequest.read(environ, path)
        except BodyTooLargeError:
            return _respond(start_response, api_error(413, "Request Entity Too Large"), "-")
        except HeadTooLargeError:
            # AWS documents the limit and not the answer; HTTP's own is what is seen.
            answer = api_error(431, "Request Header Fields Too Large")
            return _respond(start_response, answer, "-")
        exchange = _Exchange(stage, request)
        cors = stage.api.cors_configuration
        try:
            answer = preflight(cors, request) or with_headers(cors, request, self._answer(exchange))
        except UnmodelledApiError as error:
            log.error("API %s: not modelled in this cloud: %s", api_id, error)
            answer = api_error(
                500, "Internal Server Error", integration_error=f"not modelled: {error}"
            )
        self._access_logs.write(
            stage,
            request,
            answer,
            route_key=exchange.route.key if exchange.route else None,
            caller=exchange.caller,
            integration=exchange.integration,
        )
        integration = exchange.integration
        self._metrics.answered(
            stage.api_id,
            stage.name,
            status=answer.status,
            latency_ms=(time.monotonic() - begun_at_s) * 1000,
            integration_ms=integration.latency_ms if integration else None,
            size_bytes=len(request.body) + len(answer.body),
        )
        return _respond(start_response, answer, request.request_id)

    def _answer(self, exchange: _Exchange) -> ApiAnswer:
        stage, request = exchange.stage, exchange.request
        route = exchange.route = stage.match(request.method)
        if route is None:
            return api_error(404, "Not Found")
        if route.authorization == "AWS_IAM":
            try:
                exchange.caller = self._signatures.verify(request)
                self._permissions.check_caller(exchange.caller.identity, stage, request.method)
            except SignatureRefusedError as refusal:
                return api_error(403, str(refusal))
            except Refused as refusal:
                return api_error(403, refusal.message)
        key = (stage.api_id, stage.name, route.key)
        if not self._throttle.allows(key, stage.throttling(route.key)):
            return api_error(429, "Too Many Requests")
        return self._integrate(exchange, route)

    def _integrate(self, exchange: _Exchange, route: MatchedRoute) -> ApiAnswer:
        stage = exchange.stage
        if not self._permissions.may_invoke(stage, route):
            log.error(
                "API %s: %s does not allow apigateway.amazonaws.com to invoke it for %s",
                stage.api_id,
                route.function_arn,
                route.key,
            )
            return _failed(
                "the function is gone, or its policy does not allow this API to invoke it"
            )
        event = event_of(exchange.request, stage, route, exchange.caller, self._context)
        payload = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        if len(payload) > SYNC_PAYLOAD_LIMIT_BYTES:
            return api_error(413, "Request Entity Too Large")
        integration = exchange.integration = Integration()
        started_at_s = time.monotonic()
        try:
            return self._call(route, payload, integration)
        finally:
            integration.latency_ms = int((time.monotonic() - started_at_s) * 1000)

    def _call(self, route: MatchedRoute, payload: bytes, integration: Integration) -> ApiAnswer:
        call = _Call(self._invoke, route.function_arn, payload)
        if not call.ended.wait(route.timeout_ms / 1000):
            # The function runs on, as on AWS; only nobody waits for it any more.
            return api_error(
                503, "Service Unavailable", integration_error="the integration timed out"
            )
        if call.failure is not None:
            if isinstance(call.failure, ServiceError):
                integration.lambda_status = call.failure.status
            return _refused(call.failure)
        answer = call.answer
        integration.lambda_status = HTTPStatus.OK
        if answer is None or answer.function_error:
            return _failed("the function failed")
        try:
            response = answer_of(answer.payload)
            integration.status = response.status
            return response
        except MalformedAnswerError as error:
            return _failed(str(error))


class _Call:
    """An invocation in its own thread, which may outlive the wait for it."""

    def __init__(self, invoke: Invoke, function_arn: str, payload: bytes) -> None:
        self.ended = threading.Event()
        self.answer: InvocationAnswer | None = None
        self.failure: Exception | None = None
        self._invoke = invoke
        threading.Thread(target=self._run, args=(function_arn, payload), daemon=True).start()

    def _run(self, function_arn: str, payload: bytes) -> None:
        try:
            self.answer = self._invoke(function_arn, None, payload)
        except Exception as failure:  # noqa: BLE001 - handed to the waiting thread, which answers it
            self.failure = failure
        finally:
            self.ended.set()


def _refused(failure: Exception) -> ApiAnswer:
    """What a client sees of an invocation that did not come about.

    https://docs.aws.amazon.com/lambda/latest/dg/services-apigateway-errors.html says 500 for a call
    that Lambda rejects. Of throttling it says no more; HTTP APIs are seen to answer 503.
    """
    if isinstance(failure, TooManyRequestsError):
        return _unavailable(str(failure))
    if isinstance(failure, ServiceError):
        return _failed(str(failure))
    raise failure


def _unavailable(reason: str) -> ApiAnswer:
    return api_error(503, "Service Unavailable", integration_error=reason)


def _failed(reason: str) -> ApiAnswer:
    return api_error(500, "Internal Server Error", integration_error=reason)


def _respond(start_response: StartResponse, answer: ApiAnswer, request_id: str) -> Iterable[bytes]:
    headers = [
        *((name, value) for name, value in answer.headers if name != "content-length"),
        ("content-length", str(len(answer.body))),
        ("apigw-requestid", request_id),
    ]
    start_response(f"{answer.status} {_reason(answer.status)}", headers)
    return [answer.body]


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
