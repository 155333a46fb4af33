"""Every way an invocation can fail, by AWS's names.

Two families, as on AWS. A `ServiceError` means that no code ran: the caller gets an HTTP error
with a code. A `FunctionFailure` is an answer: status 200, `X-Amz-Function-Error: Unhandled` and a
payload whose `errorType` Step Functions matches in Retry and Catch.

Sources: the errors of Invoke,
https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors; function errors,
https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html and
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html; Sandbox.Timedout,
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html.
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html#function-configuration-deployment-and-execution
SYNC_PAYLOAD_LIMIT_BYTES = 6 * 1024 * 1024
ASYNC_PAYLOAD_LIMIT_BYTES = 1024 * 1024
# The Runtime API grants a little more than the documented 6 MB.
RESPONSE_LIMIT_BYTES = SYNC_PAYLOAD_LIMIT_BYTES + 100


class ServiceError(Exception):
    """The service refused the call; `code` is AWS's name for it and `status` the HTTP status."""

    code: ClassVar[str]
    status: ClassVar[int]

    @property
    def body(self) -> dict[str, str]:
        """The JSON body that AWS sends."""
        return {"Type": "User", "message": str(self)}


class ResourceNotFoundError(ServiceError):
    """No such function, version or alias."""

    code = "ResourceNotFoundException"
    status = 404


class TooManyRequestsError(ServiceError):
    """A concurrency limit is reached; `reason` says which, as in AWS's Reason field."""

    code = "TooManyRequestsException"
    status = 429

    def __init__(self, reason: str) -> None:
        super().__init__("Rate Exceeded.")
        self.reason = reason

    @property
    def body(self) -> dict[str, str]:
        """The JSON body that AWS sends, with the reason."""
        return {"Reason": self.reason, **super().body}


class RequestTooLargeError(ServiceError):
    """The payload exceeds the limit of its invocation type."""

    code = "RequestTooLargeException"
    status = 413


class InvalidRequestContentError(ServiceError):
    """The payload is not JSON."""

    code = "InvalidRequestContentException"
    status = 400


class InvalidParameterValueError(ServiceError):
    """A parameter of the call is outside what is allowed."""

    code = "InvalidParameterValueException"
    status = 400


class InvalidRuntimeError(ServiceError):
    """The function's runtime or package cannot run in this cloud."""

    code = "InvalidRuntimeException"
    status = 502


class InvalidZipFileError(ServiceError):
    """The function's zip archive cannot be unpacked."""

    code = "InvalidZipFileException"
    status = 502


class ResourceNotReadyError(ServiceError):
    """The function's code is not in this cloud."""

    code = "ResourceNotReadyException"
    status = 502


class ServiceFailureError(ServiceError):
    """This machine could not start an environment: no space, no memory, no processes left."""

    code = "ServiceException"
    status = 500

    @property
    def body(self) -> dict[str, str]:
        """The JSON body that AWS sends; the fault is the service's, not the caller's."""
        return {**super().body, "Type": "Service"}


@dataclass(frozen=True)
class FunctionFailure:
    """What a failed invocation answers.

    `report_status` and `report_error` go to the REPORT line; `log_line` is Lambda's own line about
    a failure that the runtime could not log.
    """

    payload: bytes
    report_status: str
    report_error: str | None
    log_line: str | None = None


def posted_failure(payload: bytes) -> FunctionFailure:
    """An error that the runtime itself posted: an exception of the handler, or of its import."""
    return FunctionFailure(payload, "error", _error_type(payload))


def timed_out(request_id: str, timeout_s: float) -> FunctionFailure:
    """The invocation ran past the function's timeout."""
    words = f"Task timed out after {timeout_s:.2f} seconds"
    payload = _payload("Sandbox.Timedout", f"RequestId: {request_id} Error: {words}")
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return FunctionFailure(payload, "timeout", None, f"{now} {request_id} {words}")


def out_of_memory(request_id: str) -> FunctionFailure:
    """The process was killed for its memory: the caller sees the signal, the log the reason."""
    killed = exited(request_id, -signal.SIGKILL)
    return replace(killed, report_error="Runtime.OutOfMemory")


def exited(request_id: str, return_code: int) -> FunctionFailure:
    """The process ended before it answered; `return_code` as in subprocess (negative: signal)."""
    if return_code == 0:
        reason = "Runtime exited without providing a reason"
    elif return_code > 0:
        reason = f"Runtime exited with error: exit status {return_code}"
    else:
        reason = f"Runtime exited with error: signal: {_signal_words(-return_code)}"
    message = f"RequestId: {request_id} Error: {reason}"
    error_type = "Runtime.ExitError"
    payload = _payload(error_type, message)
    return FunctionFailure(payload, "error", error_type, f"{message}\n{error_type}")


def response_too_large(size_bytes: int) -> FunctionFailure:
    """The handler's answer exceeds what Lambda passes on."""
    message = (
        f"Response payload size ({size_bytes} bytes) exceeded maximum allowed payload size "
        f"({RESPONSE_LIMIT_BYTES} bytes)."
    )
    error_type = "Function.ResponseSizeTooLarge"
    return FunctionFailure(_payload(error_type, message), "error", error_type)


def _payload(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()


def _error_type(payload: bytes) -> str | None:
    try:
        posted = json.loads(payload)
    except ValueError:
        return None
    return posted.get("errorType") if isinstance(posted, dict) else None


def _signal_words(number: int) -> str:
    # AWS's supervisor is written in Go and prints Go's words: "killed", "segmentation fault".
    try:
        words = signal.strsignal(number)
    except ValueError:
        words = None
    return (words or f"signal {number}").lower()
