"""Contains all the data models used in inputs/outputs"""

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
