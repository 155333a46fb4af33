"""The errors a user can act on. Each says what happened and what to do; none needs a traceback."""

from __future__ import annotations


class HpcError(Exception):
    """Something the user can act on; the command line prints the message and exits with 1."""


class NotDeployedError(HpcError):
    """A stack this command needs is absent or not yet complete."""


class UnexpectedAnswerError(HpcError):
    """The other side answered in a shape that the contract does not allow."""


class JobFailedError(HpcError):
    """The job ended in a state other than SUCCEEDED; `redrivable` is its id if it can go on."""

    def __init__(self, message: str, *, redrivable: str | None = None) -> None:
        self.redrivable = redrivable
        super().__init__(message)


class ResultsInvalidError(HpcError):
    """Results do not hold every item exactly once, or disagree with the job's own report."""


class JobInterruptedError(HpcError):
    """The user stopped watching; the job goes on."""

    def __init__(self, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(f"stopped watching; job {job_id} goes on")


class ApiError(HpcError):
    """The HTTP API refused a request: `status` is HTTP's, the rest is the server's own words."""

    def __init__(self, *, status: int, code: str, field: str | None, message: str) -> None:
        self.status = status
        self.code = code
        self.field = field
        self.message = message
        about = f" (field {field})" if field else ""
        super().__init__(f"the API answered {status} {code}{about}: {message}")
