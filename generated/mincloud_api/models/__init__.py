"""The data models, each loaded when it is first used: a program that needs a few of them does not wait for all."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .access_token import AccessToken
    from .authorization_code import AuthorizationCode
    from .authorization_code_grant import AuthorizationCodeGrant
    from .authorization_code_grant_grant_type import AuthorizationCodeGrantGrantType
    from .authorize_request import AuthorizeRequest
    from .cloud_function import CloudFunction
    from .cloud_function_page import CloudFunctionPage
    from .create_function_request import CreateFunctionRequest
    from .debug_request import DebugRequest
    from .debug_request_data import DebugRequestData
    from .debug_result import DebugResult
    from .error_object import ErrorObject
    from .event_source import EventSource
    from .invocation_accepted import InvocationAccepted
    from .invocation_error import InvocationError
    from .invocation_result import InvocationResult
    from .invoke_request import InvokeRequest
    from .invoke_request_data import InvokeRequestData
    from .job import Job
    from .job_page import JobPage
    from .job_status import JobStatus
    from .page_meta import PageMeta
    from .plan import Plan
    from .refresh_token_grant import RefreshTokenGrant
    from .refresh_token_grant_grant_type import RefreshTokenGrantGrantType
    from .service_type import ServiceType
    from .trigger_request import TriggerRequest
    from .trigger_request_data import TriggerRequestData
    from .update_function_request import UpdateFunctionRequest

_MODULES = {
    "AccessToken": ".access_token",
    "AuthorizationCode": ".authorization_code",
    "AuthorizationCodeGrant": ".authorization_code_grant",
    "AuthorizationCodeGrantGrantType": ".authorization_code_grant_grant_type",
    "AuthorizeRequest": ".authorize_request",
    "CloudFunction": ".cloud_function",
    "CloudFunctionPage": ".cloud_function_page",
    "CreateFunctionRequest": ".create_function_request",
    "DebugRequest": ".debug_request",
    "DebugRequestData": ".debug_request_data",
    "DebugResult": ".debug_result",
    "ErrorObject": ".error_object",
    "EventSource": ".event_source",
    "InvocationAccepted": ".invocation_accepted",
    "InvocationError": ".invocation_error",
    "InvocationResult": ".invocation_result",
    "InvokeRequest": ".invoke_request",
    "InvokeRequestData": ".invoke_request_data",
    "Job": ".job",
    "JobPage": ".job_page",
    "JobStatus": ".job_status",
    "PageMeta": ".page_meta",
    "Plan": ".plan",
    "RefreshTokenGrant": ".refresh_token_grant",
    "RefreshTokenGrantGrantType": ".refresh_token_grant_grant_type",
    "ServiceType": ".service_type",
    "TriggerRequest": ".trigger_request",
    "TriggerRequestData": ".trigger_request_data",
    "UpdateFunctionRequest": ".update_function_request",
}

__all__ = (
    "AccessToken",
    "AuthorizationCode",
    "AuthorizationCodeGrant",
    "AuthorizationCodeGrantGrantType",
    "AuthorizeRequest",
    "CloudFunction",
    "CloudFunctionPage",
    "CreateFunctionRequest",
    "DebugRequest",
    "DebugRequestData",
    "DebugResult",
    "ErrorObject",
    "EventSource",
    "InvocationAccepted",
    "InvocationError",
    "InvocationResult",
    "InvokeRequest",
    "InvokeRequestData",
    "Job",
    "JobPage",
    "JobStatus",
    "PageMeta",
    "Plan",
    "RefreshTokenGrant",
    "RefreshTokenGrantGrantType",
    "ServiceType",
    "TriggerRequest",
    "TriggerRequestData",
    "UpdateFunctionRequest",
)


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
