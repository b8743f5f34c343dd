from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client

from ... import errors
from ...models.error_object import ErrorObject
from ...models.event_source import EventSource
from ...models.job_page import JobPage
from ...models.job_status import JobStatus
from ...models.service_type import ServiceType
from ...types import UNSET, Response, Unset, read_body


def _get_kwargs(
    function_name: str,
    *,
    source: EventSource | Unset = UNSET,
    status: JobStatus | Unset = UNSET,
    service_type: ServiceType | Unset = UNSET,
    created_at_gte: int | Unset = UNSET,
    created_at_lte: int | Unset = UNSET,
    limit: int | Unset = 20,
    offset: int | Unset = 0,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_hydrogen_env_id, Unset):
        headers["X-Hydrogen-Env-ID"] = x_hydrogen_env_id

    params: dict[str, Any] = {}

    json_source: str | Unset = UNSET
    if not isinstance(source, Unset):
        json_source = source.value

    params["source"] = json_source

    json_status: str | Unset = UNSET
    if not isinstance(status, Unset):
        json_status = status.value

    params["status"] = json_status

    json_service_type: str | Unset = UNSET
    if not isinstance(service_type, Unset):
        json_service_type = service_type.value

    params["service_type"] = json_service_type

    params["created_at__gte"] = created_at_gte

    params["created_at__lte"] = created_at_lte

    params["limit"] = limit

    params["offset"] = offset

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/oserve/v1.3/cloud-function/{function_name}/job/".format(
            function_name=quote(str(function_name), safe=""),
        ),
        "params": params,
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> ErrorObject | str | JobPage:
    if response.status_code == 200:
        response_200 = JobPage.from_dict(response.json())

        return response_200

    if response.status_code == 400:

        def _parse_response_400(data: object) -> ErrorObject | str:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_body_type_0 = ErrorObject.from_dict(data)

                return componentsschemas_error_body_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ErrorObject | str, data)

        response_400 = _parse_response_400(response.json())

        return response_400

    if response.status_code == 401:

        def _parse_response_401(data: object) -> ErrorObject | str:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_body_type_0 = ErrorObject.from_dict(data)

                return componentsschemas_error_body_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ErrorObject | str, data)

        response_401 = _parse_response_401(response.json())

        return response_401

    if response.status_code == 404:

        def _parse_response_404(data: object) -> ErrorObject | str:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_error_body_type_0 = ErrorObject.from_dict(data)

                return componentsschemas_error_body_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ErrorObject | str, data)

        response_404 = _parse_response_404(response.json())

        return response_404

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)

    def _parse_response_default(data: object) -> ErrorObject | str:
        try:
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_error_body_type_0 = ErrorObject.from_dict(data)

            return componentsschemas_error_body_type_0
        except (TypeError, ValueError, AttributeError, KeyError):
            pass
        return cast(ErrorObject | str, data)

    response_default = _parse_response_default(response.json())

    return response_default


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[ErrorObject | str | JobPage]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=read_body(lambda: _parse_response(client=client, response=response), response),
    )


def sync_detailed(
    function_name: str,
    *,
    client: AuthenticatedClient,
    source: EventSource | Unset = UNSET,
    status: JobStatus | Unset = UNSET,
    service_type: ServiceType | Unset = UNSET,
    created_at_gte: int | Unset = UNSET,
    created_at_lte: int | Unset = UNSET,
    limit: int | Unset = 20,
    offset: int | Unset = 0,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> Response[ErrorObject | str | JobPage]:
    """List a function's jobs

     A page of the function's jobs, the newest first. Filters narrow the list; several of them must all
    hold.

    Args:
        function_name (str):
        source (EventSource | Unset): What called a function: a client SDK, this API, another
            function, a change of a table, a WeChat payment, a timer, or an
            operation on a file.
        status (JobStatus | Unset): Where a job is: `waiting` and `executing` are on their way;
            `fulfilled` is a success; `schedule_failed`, `execution_rejected`,
            `deadline_exceeded` (the time limit) and `execution_failed` (the function's own error) are
            final failures.
        service_type (ServiceType | Unset): Whether a call was waited for (`time_sensitive`) or
            not (`batch`).
        created_at_gte (int | Unset):
        created_at_lte (int | Unset):
        limit (int | Unset):  Default: 20.
        offset (int | Unset):  Default: 0.
        x_hydrogen_env_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorObject | str | JobPage]
    """

    kwargs = _get_kwargs(
        function_name=function_name,
        source=source,
        status=status,
        service_type=service_type,
        created_at_gte=created_at_gte,
        created_at_lte=created_at_lte,
        limit=limit,
        offset=offset,
        x_hydrogen_env_id=x_hydrogen_env_id,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    function_name: str,
    *,
    client: AuthenticatedClient,
    source: EventSource | Unset = UNSET,
    status: JobStatus | Unset = UNSET,
    service_type: ServiceType | Unset = UNSET,
    created_at_gte: int | Unset = UNSET,
    created_at_lte: int | Unset = UNSET,
    limit: int | Unset = 20,
    offset: int | Unset = 0,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> ErrorObject | str | JobPage | None:
    """List a function's jobs

     A page of the function's jobs, the newest first. Filters narrow the list; several of them must all
    hold.

    Args:
        function_name (str):
        source (EventSource | Unset): What called a function: a client SDK, this API, another
            function, a change of a table, a WeChat payment, a timer, or an
            operation on a file.
        status (JobStatus | Unset): Where a job is: `waiting` and `executing` are on their way;
            `fulfilled` is a success; `schedule_failed`, `execution_rejected`,
            `deadline_exceeded` (the time limit) and `execution_failed` (the function's own error) are
            final failures.
        service_type (ServiceType | Unset): Whether a call was waited for (`time_sensitive`) or
            not (`batch`).
        created_at_gte (int | Unset):
        created_at_lte (int | Unset):
        limit (int | Unset):  Default: 20.
        offset (int | Unset):  Default: 0.
        x_hydrogen_env_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorObject | str | JobPage
    """

    return sync_detailed(
        function_name=function_name,
        client=client,
        source=source,
        status=status,
        service_type=service_type,
        created_at_gte=created_at_gte,
        created_at_lte=created_at_lte,
        limit=limit,
        offset=offset,
        x_hydrogen_env_id=x_hydrogen_env_id,
    ).parsed


async def asyncio_detailed(
    function_name: str,
    *,
    client: AuthenticatedClient,
    source: EventSource | Unset = UNSET,
    status: JobStatus | Unset = UNSET,
    service_type: ServiceType | Unset = UNSET,
    created_at_gte: int | Unset = UNSET,
    created_at_lte: int | Unset = UNSET,
    limit: int | Unset = 20,
    offset: int | Unset = 0,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> Response[ErrorObject | str | JobPage]:
    """List a function's jobs

     A page of the function's jobs, the newest first. Filters narrow the list; several of them must all
    hold.

    Args:
        function_name (str):
        source (EventSource | Unset): What called a function: a client SDK, this API, another
            function, a change of a table, a WeChat payment, a timer, or an
            operation on a file.
        status (JobStatus | Unset): Where a job is: `waiting` and `executing` are on their way;
            `fulfilled` is a success; `schedule_failed`, `execution_rejected`,
            `deadline_exceeded` (the time limit) and `execution_failed` (the function's own error) are
            final failures.
        service_type (ServiceType | Unset): Whether a call was waited for (`time_sensitive`) or
            not (`batch`).
        created_at_gte (int | Unset):
        created_at_lte (int | Unset):
        limit (int | Unset):  Default: 20.
        offset (int | Unset):  Default: 0.
        x_hydrogen_env_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorObject | str | JobPage]
    """

    kwargs = _get_kwargs(
        function_name=function_name,
        source=source,
        status=status,
        service_type=service_type,
        created_at_gte=created_at_gte,
        created_at_lte=created_at_lte,
        limit=limit,
        offset=offset,
        x_hydrogen_env_id=x_hydrogen_env_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    function_name: str,
    *,
    client: AuthenticatedClient,
    source: EventSource | Unset = UNSET,
    status: JobStatus | Unset = UNSET,
    service_type: ServiceType | Unset = UNSET,
    created_at_gte: int | Unset = UNSET,
    created_at_lte: int | Unset = UNSET,
    limit: int | Unset = 20,
    offset: int | Unset = 0,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> ErrorObject | str | JobPage | None:
    """List a function's jobs

     A page of the function's jobs, the newest first. Filters narrow the list; several of them must all
    hold.

    Args:
        function_name (str):
        source (EventSource | Unset): What called a function: a client SDK, this API, another
            function, a change of a table, a WeChat payment, a timer, or an
            operation on a file.
        status (JobStatus | Unset): Where a job is: `waiting` and `executing` are on their way;
            `fulfilled` is a success; `schedule_failed`, `execution_rejected`,
            `deadline_exceeded` (the time limit) and `execution_failed` (the function's own error) are
            final failures.
        service_type (ServiceType | Unset): Whether a call was waited for (`time_sensitive`) or
            not (`batch`).
        created_at_gte (int | Unset):
        created_at_lte (int | Unset):
        limit (int | Unset):  Default: 20.
        offset (int | Unset):  Default: 0.
        x_hydrogen_env_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorObject | str | JobPage
    """

    return (
        await asyncio_detailed(
            function_name=function_name,
            client=client,
            source=source,
            status=status,
            service_type=service_type,
            created_at_gte=created_at_gte,
            created_at_lte=created_at_lte,
            limit=limit,
            offset=offset,
            x_hydrogen_env_id=x_hydrogen_env_id,
        )
    ).parsed


def build_request(
    function_name: str,
    *,
    source: EventSource | Unset = UNSET,
    status: JobStatus | Unset = UNSET,
    service_type: ServiceType | Unset = UNSET,
    created_at_gte: int | Unset = UNSET,
    created_at_lte: int | Unset = UNSET,
    limit: int | Unset = 20,
    offset: int | Unset = 0,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> dict[str, Any]:
    """The request of this operation for a client that sends it itself: `method`, `url` and, where there are any, `params`, `headers`
    and `json`, as httpx names them.
    """
    return _get_kwargs(
        function_name=function_name,
        source=source,
        status=status,
        service_type=service_type,
        created_at_gte=created_at_gte,
        created_at_lte=created_at_lte,
        limit=limit,
        offset=offset,
        x_hydrogen_env_id=x_hydrogen_env_id,
    )


def parse_success(data: Any) -> JobPage:
    """What the body of a successful answer (200) means.

    Args:
        data: The body, decoded from JSON.

    Raises:
        InvalidValue: It is not what the contract says.
    """
    return JobPage.from_dict(data)
