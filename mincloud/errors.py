"""Every error that this package raises on purpose.

    MinCloudError
    ├── ConfigurationError          an impossible base_url or option
    │   ├── MissingCredentials      no credentials, or only a part of them
    │   └── ClientClosed            the client was closed before
    ├── TransportError              .may_have_run: whether the request may have reached the function; .attempts
    │   ├── ConnectionFailed
    │   └── RequestTimeout
    ├── APIError                    .status .message .body .method .url .attempts
    │   ├── BadRequest 400 · Unauthorized 401 · PaymentRequired 402 · Forbidden 403 · NotFound 404
    │   └── RateLimited 429 · ServerError 5xx
    ├── InvalidResponse             a 2xx whose body is not what the contract says; .body
    ├── FunctionError               code ≠ 0; .function .code .message .type .stack
    └── JobError                    .job
        ├── JobFailed               the job ended in another status than fulfilled
        ├── JobNotFound             no job appeared in time
        ├── JobTimeout              the job has not ended in time
        ├── AmbiguousJob            more than one job could be this one; .candidates
        └── ResultUnavailable       the log does not show all of what was returned; .log

All of them can be pickled and copied with their fields, and none of them shows a token or a secret. Arguments of a wrong type or
value are Python's own `TypeError` and `ValueError`, raised before a request is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mincloud_api.models.job import Job

    from ._models import Attempt

__all__ = [
    "APIError",
    "AmbiguousJob",
    "BadRequest",
    "ClientClosed",
    "ConfigurationError",
    "ConnectionFailed",
    "Forbidden",
    "FunctionError",
    "InvalidResponse",
    "JobError",
    "JobFailed",
    "JobNotFound",
    "JobTimeout",
    "MinCloudError",
    "MissingCredentials",
    "NotFound",
    "PaymentRequired",
    "RateLimited",
    "RequestTimeout",
    "ResultUnavailable",
    "ServerError",
    "TransportError",
    "Unauthorized",
]


def _restore(kind: type[MinCloudError], args: tuple[Any, ...]) -> MinCloudError:
    """Restores a pickled error without its constructor, whose arguments are not kept. Its fields follow."""
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class MinCloudError(Exception):
    """The base class of all errors of this package."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args), self.__dict__.copy()


class ConfigurationError(MinCloudError):
    """The client cannot work as it is configured: no credentials, an impossible base URL or option."""


class MissingCredentials(ConfigurationError):
    """There are no credentials, or only a part of them; the message names the ways to give some."""


class ClientClosed(ConfigurationError):
    """The client was used after it had been closed."""


class TransportError(MinCloudError):
    """No response came.

    Attributes:
        may_have_run: Whether the request may have reached the service, so that a function may have run.
        method: The request's HTTP method.
        url: The request's URL, without a signature in it.
        attempts: All attempts of the call, the last one included.
    """

    attempts: tuple[Attempt, ...] = ()

    def __init__(self, message: str, *, may_have_run: bool, method: str = "", url: str = "") -> None:
        super().__init__(message)
        self.may_have_run = may_have_run
        self.method = method
        self.url = url


class ConnectionFailed(TransportError):
    """The connection could not be made, or broke before the response was complete."""


class RequestTimeout(TransportError):
    """The response was not complete in time."""


class APIError(MinCloudError):
    """The service answered with an error status.

    Attributes:
        status: The HTTP status.
        message: The message in the response: its `error_msg`, a JSON string, or plain text; else the phrase of the status.
        body: The whole body as text, with secrets redacted.
        method: The request's HTTP method.
        url: The request's URL, without a signature in it.
        retry_after: The seconds after which the service asks to try again; None if it does not say.
        attempts: All attempts of the call, the last one included.
    """

    attempts: tuple[Attempt, ...] = ()

    def __init__(
        self,
        message: str,
        *,
        status: int,
        body: str = "",
        method: str = "",
        url: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{status} {' '.join(message.split())} ({method} {url})")
        self.status = status
        self.message = message
        self.body = body
        self.method = method
        self.url = url
        self.retry_after = retry_after


class BadRequest(APIError):
    """400: a parameter is wrong, or the call could not be scheduled."""


class Unauthorized(APIError):
    """401: the token is missing, wrong or expired, or the client's id or secret is wrong."""


class PaymentRequired(APIError):
    """402: the application is in arrears."""


class Forbidden(APIError):
    """403: not allowed."""


class NotFound(APIError):
    """404: there is no function of this name."""


class RateLimited(APIError):
    """429: too many requests; see `retry_after`."""


class ServerError(APIError):
    """5xx: the service, or a gateway in front of it, failed."""


class InvalidResponse(MinCloudError):
    """The service answered with success, but the body is not what the contract says.

    Attributes:
        status: The HTTP status.
        body: The whole body as text, with secrets redacted.
        method: The request's HTTP method.
        url: The request's URL, without a signature in it.
        attempts: All attempts of the call, the last one included; empty where only what was read of a response is wrong.
    """

    attempts: tuple[Attempt, ...] = ()

    def __init__(self, message: str, *, body: str, status: int = 200, method: str = "", url: str = "") -> None:
        super().__init__(f"the response is not what the contract says: {message} ({method} {url})")
        self.status = status
        self.message = message
        self.body = body
        self.method = method
        self.url = url


class FunctionError(MinCloudError):
    """The function ran and failed, or could not be run.

    Attributes:
        function: The function's name.
        code: The code in the response, any integer but 0.
        message: The error's message, None if there is none.
        type: The kind of error, as `SyntaxError`; None if it is not known.
        stack: Where the error was thrown, None if it is not known.
    """

    def __init__(
        self,
        function: str,
        *,
        code: int,
        message: str | None = None,
        type: str | None = None,  # noqa: A002 - the service's name for it
        stack: str | None = None,
    ) -> None:
        reason = ": ".join(part for part in (type, message) if part)
        super().__init__(f"the function {function!r} failed: {reason or f'code {code}, without a message'}")
        self.function = function
        self.code = code
        self.message = message
        self.type = type
        self.stack = stack


class JobError(MinCloudError):
    """A job failed, was not found, or is not ready.

    Attributes:
        job: The job, as it was last seen; None if there is none.
    """

    def __init__(self, message: str, *, job: Job | None = None) -> None:
        super().__init__(message)
        self.job = job


class JobFailed(JobError):
    """The job ended in another status than `fulfilled`.

    Attributes:
        job: The job.
    """

    job: Job

    def __init__(self, message: str, *, job: Job) -> None:
        super().__init__(message, job=job)


class JobNotFound(JobError):
    """No job appeared in time that could be the one waited for."""


class JobTimeout(JobError, TimeoutError):
    """The job has not ended in time; it may still do so.

    Attributes:
        job: The job, as it was last seen, or the only one that could be it; None if there are several, or several runs were waited for.
        candidates: The jobs that it could be, as long as that is not sure.
    """

    def __init__(self, message: str, *, job: Job | None = None, candidates: Sequence[Job] = ()) -> None:
        super().__init__(message, job=job)
        self.candidates = list(candidates)


class AmbiguousJob(JobError):
    """More than one job could be the one waited for, and nothing tells which it is.

    Attributes:
        candidates: The jobs that it could be.
    """

    def __init__(self, message: str, *, candidates: Sequence[Job]) -> None:
        super().__init__(message)
        self.candidates = list(candidates)


class ResultUnavailable(JobError):
    """The job is fulfilled, and its log does not show all of what the function returned; the message says how it can.

    Attributes:
        job: The job.
        log: The text of its log; None if it could not be had.
    """

    job: Job

    def __init__(self, message: str, *, job: Job, log: str | None = None) -> None:
        super().__init__(message, job=job)
        self.log = log


_BY_STATUS: dict[int, type[APIError]] = {
    400: BadRequest,
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    429: RateLimited,
}


def error_class(status: int) -> type[APIError]:
    """Returns the class of error for an HTTP status."""
    return _BY_STATUS.get(status) or (ServerError if 500 <= status <= 599 else APIError)  # noqa: PLR2004 - the range is 5xx
