"""The embedded Lambda data plane: runs what was deployed.

The one door to invocations, for Lambda's own API, Step Functions and the HTTP front alike. The
control plane stays moto's: nothing is configured here but provisioned concurrency, which moto
does not know.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from localcloud.context import CloudContext
from localcloud.functions.asynchronous import AsynchronousInvocations
from localcloud.functions.code import CodeStore
from localcloud.functions.concurrency import ConcurrencyLimits
from localcloud.functions.configuration import DeployedFunctions, Target
from localcloud.functions.errors import (
    ASYNC_PAYLOAD_LIMIT_BYTES,
    SYNC_PAYLOAD_LIMIT_BYTES,
    InvalidParameterValueError,
    InvalidRequestContentError,
    RequestTooLargeError,
    TooManyRequestsError,
)
from localcloud.functions.events import RETRY_DELAYS_S
from localcloud.functions.fleet import Fleet
from localcloud.functions.invocation import (
    DRY_RUN,
    EVENT,
    REQUEST_RESPONSE,
    Invocation,
    InvokeResult,
    Outcome,
)
from localcloud.functions.limits import ServiceLimits
from localcloud.functions.logs import LogWriter
from localcloud.functions.metrics import LambdaMetrics
from localcloud.functions.wsgi import invoke_over_http
from localcloud.images.engine import cloud_label, containers_of
from localcloud.images.virtual_environment import VirtualEnvironments, cache_folder
from localcloud.monitoring.metrics import MINUTE_S

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_HOUSEKEEPING_EVERY_S = 0.25
_RECONCILE_EVERY_S = 1.0


class FunctionService:
    """Invokes the functions that moto holds for the context's account and region."""

    def __init__(
        self,
        context: CloudContext,
        *,
        cache_dir: Path | None = None,
        limits: ServiceLimits | None = None,
        retry_delays_s: tuple[float, ...] = RETRY_DELAYS_S,
    ) -> None:
        self.limits = limits = limits or ServiceLimits()
        self._cloud = cloud_label(context.state_dir)
        self._deployed = DeployedFunctions(context.account, context.region)
        self._concurrency = ConcurrencyLimits(limits.account_concurrency)
        self._logs = LogWriter(context.account, context.region, context.metrics)
        self._metrics = LambdaMetrics(context.metrics)
        environments = VirtualEnvironments(cache_folder(cache_dir))
        self._fleet = Fleet(
            context,
            deployed=self._deployed,
            code=CodeStore(context.state_dir, environments),
            writer=self._logs,
            limits=limits,
        )
        self._asynchronous = AsynchronousInvocations(
            deployed=self._deployed,
            metrics=self._metrics,
            run=lambda target, payload, request_id: self._run(
                target, payload, request_id, synchronous=False
            ),
            client_for=self._fleet.client_for,
            retry_delays_s=retry_delays_s,
        )
        self._stopping = threading.Event()
        self._housekeeping = threading.Thread(
            target=self._keep_house, name="lambda-housekeeping", daemon=True
        )
        self._housekeeping.start()

    def invoke(
        self,
        function: str,
        qualifier: str | None,
        payload: bytes,
        *,
        invocation_type: str = REQUEST_RESPONSE,
        log_tail: bool = False,
        client_context: str | None = None,
    ) -> InvokeResult:
        """Invoke `function` (name or ARN, partial or with a qualifier) with a JSON payload.

        An empty payload stands for `{}`; `client_context` is JSON text. Failures of the function
        itself are results. Raises ServiceError: ResourceNotFoundError, TooManyRequestsError,
        RequestTooLargeError, InvalidRequestContentError, InvalidParameterValueError,
        InvalidRuntimeError, ResourceNotReadyError or ServiceFailureError.
        """
        _check_payload(payload, invocation_type)
        target = self._deployed.resolve(function, qualifier)
        version = target.configuration.version
        request_id = str(uuid.uuid4())
        if invocation_type == DRY_RUN:
            return InvokeResult(204, b"", None, version, None, request_id)
        if invocation_type == EVENT:
            self._asynchronous.accept(target, payload, request_id)
            return InvokeResult(202, b"", None, version, None, request_id)
        outcome = self._run(target, payload, request_id, client_context=client_context)
        return InvokeResult(
            status_code=200,
            payload=outcome.payload,
            function_error="Unhandled" if outcome.failure else None,
            executed_version=version,
            log_result=outcome.log_tail if log_tail else None,
            request_id=request_id,
        )

    def wsgi_invoke(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Serve one POST /2015-03-31/functions/{name}/invocations as Lambda does."""
        return invoke_over_http(self.invoke, environ, start_response)

    def provision(self, function: str, qualifier: str, count: int) -> None:
        """Keep `count` environments of a version or alias initialised; 0 ends it.

        Returns when they are: at most as many as this machine's width. Raises
        ResourceNotFoundError, InvalidRuntimeError or ResourceNotReadyError.
        """
        self._fleet.provision(function, qualifier, count)

    def measure_provisioned(self, now: float) -> None:
        """Publish how much provisioned concurrency is in use where no invocation has told it.

        It is about the minute before that of `now`, and is zero for what is idle.
        """
        minute = (now // MINUTE_S - 1) * MINUTE_S
        for function, qualifier, pool in self._fleet.provisioned():
            if pool.provisioned:
                self._metrics.provisioned_without_invocation(
                    function,
                    f"{function}:{qualifier}",
                    in_use=pool.in_flight,
                    provisioned=pool.provisioned,
                    minute=minute,
                )

    def functions_changed(self) -> None:
        """Retire environments of changed or deleted functions now, not within a second."""
        self._fleet.reconcile()

    def flush(self) -> None:
        """Make all logs of finished invocations visible; their metrics are."""
        self._logs.flush()

    def running_processes(self) -> list[int]:
        """Process ids of all environments of deployed functions, and of those still to end."""
        self._fleet.reconcile()
        return [environment.pid for environment in self._fleet.environments() if environment.pid]

    def containers(self) -> list[str]:
        """Ids of the containers of all environments, and of those that none knows any more."""
        self._fleet.reconcile()
        return containers_of(self._cloud) if self._fleet.has_used_containers else []

    def open_ports(self) -> list[int]:
        """The Runtime API ports of all environments."""
        self._fleet.reconcile()
        return [environment.port for environment in self._fleet.environments() if environment.port]

    def stop(self) -> None:
        """End everything: waiting events, environments and their folders, threads; then flush."""
        self._stopping.set()
        self._housekeeping.join()
        self._fleet.stop()
        self._asynchronous.stop()
        self.flush()

    def _run(
        self,
        target: Target,
        payload: bytes,
        request_id: str,
        *,
        client_context: str | None = None,
        synchronous: bool = True,
    ) -> Outcome:
        configuration = target.configuration
        name = configuration.name
        resource = f"{name}:{target.qualifier}" if target.qualifier else name
        reserved = target.reserved_concurrency
        reserved_total = 0 if reserved is not None else self._deployed.reserved_concurrency()
        invocation = Invocation(request_id, target.invoked_arn, payload or b"{}", client_context)
        try:
            with self._concurrency.admitted(
                name,
                reserved=reserved,
                reserved_total=reserved_total,
                synchronous=synchronous,
            ) as concurrency:
                pool = self._fleet.pool(configuration)
                self._metrics.concurrent(name, resource, concurrency)
                with pool.entered() as in_use:
                    if provisioned := pool.provisioned:
                        self._metrics.provisioned(
                            name, resource, in_use=in_use, provisioned=provisioned
                        )
                    outcome = pool.invoke(invocation)
        except TooManyRequestsError:
            self._metrics.throttled(name, resource)
            raise
        duration_ms = outcome.report.duration_ms
        failed = outcome.failure is not None
        self._metrics.invoked(name, resource, duration_ms=duration_ms, failed=failed)
        return outcome

    def _keep_house(self) -> None:
        reconciled_at = time.monotonic()
        while not self._stopping.wait(_HOUSEKEEPING_EVERY_S):
            self._logs.flush()
            now = time.monotonic()
            if now - reconciled_at >= _RECONCILE_EVERY_S:
                reconciled_at = now
                self._fleet.reconcile()
                self._fleet.end_idle()


def _check_payload(payload: bytes, invocation_type: str) -> None:
    limits_bytes = {
        REQUEST_RESPONSE: SYNC_PAYLOAD_LIMIT_BYTES,
        EVENT: ASYNC_PAYLOAD_LIMIT_BYTES,
        DRY_RUN: SYNC_PAYLOAD_LIMIT_BYTES,
    }
    if invocation_type not in limits_bytes:
        raise InvalidParameterValueError(
            f"InvocationType {invocation_type!r}; allowed: {', '.join(limits_bytes)}"
        )
    limit_bytes = limits_bytes[invocation_type]
    if len(payload) > limit_bytes:
        raise RequestTooLargeError(
            f"{len(payload)} byte payload is too large for the {invocation_type} invocation type "
            f"(limit {limit_bytes} bytes)"
        )
    if payload:
        try:
            json.loads(payload.decode(), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise InvalidRequestContentError(
                f"Could not parse request body into json: {error}"
            ) from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
