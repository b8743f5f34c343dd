"""A client for the cloud functions of 知晓云 (MinApp Cloud).

    from mincloud import MinCloud

    with MinCloud() as cloud:
        print(cloud.functions.invoke("greet", {"username": "爱范儿"}))

`AsyncMinCloud` has the same methods for asyncio. Names are loaded when they are first used, so that importing this package is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import VERSION as __version__  # noqa: N811 - the field's name for it

if TYPE_CHECKING:
    from mincloud_api.models.cloud_function import CloudFunction
    from mincloud_api.models.debug_result import DebugResult
    from mincloud_api.models.event_source import EventSource
    from mincloud_api.models.invocation_error import InvocationError
    from mincloud_api.models.job import Job
    from mincloud_api.models.job_status import JobStatus
    from mincloud_api.models.plan import Plan
    from mincloud_api.models.service_type import ServiceType

    from ._async.client import AsyncMinCloud
    from ._async.credentials import AsyncCredentials
    from ._async.functions import AsyncFunctions
    from ._async.jobs import AsyncJobs
    from ._async.pages import AsyncPaginator
    from ._async.runs import AsyncRun
    from ._contract import contract
    from ._function_files import FolderProblem, FunctionFile, FunctionFolder, find_functions
    from ._models import Deployment, Outcome
    from ._paging import Page
    from ._sync.client import MinCloud
    from ._sync.credentials import Credentials
    from ._sync.functions import Functions
    from ._sync.jobs import Jobs
    from ._sync.pages import Paginator
    from ._sync.runs import Run
    from .errors import (
        AmbiguousJob,
        APIError,
        BadRequest,
        ClientClosed,
        ConfigurationError,
        ConnectionFailed,
        Forbidden,
        FunctionError,
        InvalidResponse,
        JobError,
        JobFailed,
        JobNotFound,
        JobTimeout,
        MinCloudError,
        MissingCredentials,
        NotFound,
        PaymentRequired,
        RateLimited,
        RequestTimeout,
        ServerError,
        TransportError,
        Unauthorized,
    )
    from .transports import AsyncTransport, Request, Response, Transport

_MODULES = {
    "mincloud_api.models.cloud_function": ("CloudFunction",),
    "mincloud_api.models.debug_result": ("DebugResult",),
    "mincloud_api.models.event_source": ("EventSource",),
    "mincloud_api.models.invocation_error": ("InvocationError",),
    "mincloud_api.models.job": ("Job",),
    "mincloud_api.models.job_status": ("JobStatus",),
    "mincloud_api.models.plan": ("Plan",),
    "mincloud_api.models.service_type": ("ServiceType",),
    "._async.client": ("AsyncMinCloud",),
    "._async.credentials": ("AsyncCredentials",),
    "._async.functions": ("AsyncFunctions",),
    "._async.jobs": ("AsyncJobs",),
    "._async.pages": ("AsyncPaginator",),
    "._async.runs": ("AsyncRun",),
    "._contract": ("contract",),
    "._function_files": ("FolderProblem", "FunctionFile", "FunctionFolder", "find_functions"),
    "._models": ("Deployment", "Outcome"),
    "._paging": ("Page",),
    "._sync.client": ("MinCloud",),
    "._sync.credentials": ("Credentials",),
    "._sync.functions": ("Functions",),
    "._sync.jobs": ("Jobs",),
    "._sync.pages": ("Paginator",),
    "._sync.runs": ("Run",),
    ".errors": (
        "AmbiguousJob",
        "APIError",
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
        "ServerError",
        "TransportError",
        "Unauthorized",
    ),
    ".transports": ("AsyncTransport", "Request", "Response", "Transport"),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "APIError",
    "AmbiguousJob",
    "AsyncCredentials",
    "AsyncFunctions",
    "AsyncJobs",
    "AsyncMinCloud",
    "AsyncPaginator",
    "AsyncRun",
    "AsyncTransport",
    "BadRequest",
    "ClientClosed",
    "CloudFunction",
    "ConfigurationError",
    "ConnectionFailed",
    "Credentials",
    "DebugResult",
    "Deployment",
    "EventSource",
    "FolderProblem",
    "Forbidden",
    "FunctionError",
    "FunctionFile",
    "FunctionFolder",
    "Functions",
    "InvalidResponse",
    "InvocationError",
    "Job",
    "JobError",
    "JobFailed",
    "JobNotFound",
    "JobStatus",
    "JobTimeout",
    "Jobs",
    "MinCloud",
    "MinCloudError",
    "MissingCredentials",
    "NotFound",
    "Outcome",
    "Page",
    "Paginator",
    "PaymentRequired",
    "Plan",
    "RateLimited",
    "Request",
    "RequestTimeout",
    "Response",
    "Run",
    "ServerError",
    "ServiceType",
    "Transport",
    "TransportError",
    "Unauthorized",
    "__version__",
    "contract",
    "find_functions",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
