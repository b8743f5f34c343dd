from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client

from ... import errors
from ...models.error_object import ErrorObject
from ...models.invocation_accepted import InvocationAccepted
from ...models.invocation_result import InvocationResult
from ...models.invoke_request import InvokeRequest
from ...types import UNSET, InvalidValue, Response, Unset, read_body


def _get_kwargs(
    function_name: str,
    *,
    body: InvokeRequest,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_hydrogen_env_id, Unset):
        headers["X-Hydrogen-Env-ID"] = x_hydrogen_env_id

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/oserve/v1.3/cloud-function/{function_name}/job/".format(
            function_name=quote(str(function_name), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> ErrorObject | str | InvocationAccepted | InvocationResult:
    if response.status_code == 200:

        def _parse_response_200(data: object) -> InvocationAccepted | InvocationResult:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                componentsschemas_invocation_answer_type_0 = InvocationResult.from_dict(data)

                return componentsschemas_invocation_answer_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            componentsschemas_invocation_answer_type_1 = InvocationAccepted.from_dict(data)

            return componentsschemas_invocation_answer_type_1

        response_200 = _parse_response_200(response.json())

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
) -> Response[ErrorObject | str | InvocationAccepted | InvocationResult]:
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
    body: InvokeRequest,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> Response[ErrorObject | str | InvocationAccepted | InvocationResult]:
    """Call a function

     Calls the function. With `sync: true` it waits, for at most 5 seconds, and answers with what the
    function returned. With
    `sync: false` it answers at once; the function then has 300 seconds, and its job is found in
    `listJobs`.

    Args:
        function_name (str):
        x_hydrogen_env_id (str | Unset):
        body (InvokeRequest): A call of a function.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorObject | str | InvocationAccepted | InvocationResult]
    """

    kwargs = _get_kwargs(
        function_name=function_name,
        body=body,
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
    body: InvokeRequest,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> ErrorObject | str | InvocationAccepted | InvocationResult | None:
    """Call a function

     Calls the function. With `sync: true` it waits, for at most 5 seconds, and answers with what the
    function returned. With
    `sync: false` it answers at once; the function then has 300 seconds, and its job is found in
    `listJobs`.

    Args:
        function_name (str):
        x_hydrogen_env_id (str | Unset):
        body (InvokeRequest): A call of a function.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorObject | str | InvocationAccepted | InvocationResult
    """

    return sync_detailed(
        function_name=function_name,
        client=client,
        body=body,
        x_hydrogen_env_id=x_hydrogen_env_id,
    ).parsed


async def asyncio_detailed(
    function_name: str,
    *,
    client: AuthenticatedClient,
    body: InvokeRequest,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> Response[ErrorObject | str | InvocationAccepted | InvocationResult]:
    """Call a function

     Calls the function. With `sync: true` it waits, for at most 5 seconds, and answers with what the
    function returned. With
    `sync: false` it answers at once; the function then has 300 seconds, and its job is found in
    `listJobs`.

    Args:
        function_name (str):
        x_hydrogen_env_id (str | Unset):
        body (InvokeRequest): A call of a function.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[ErrorObject | str | InvocationAccepted | InvocationResult]
    """

    kwargs = _get_kwargs(
        function_name=function_name,
        body=body,
        x_hydrogen_env_id=x_hydrogen_env_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    function_name: str,
    *,
    client: AuthenticatedClient,
    body: InvokeRequest,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> ErrorObject | str | InvocationAccepted | InvocationResult | None:
    """Call a function

     Calls the function. With `sync: true` it waits, for at most 5 seconds, and answers with what the
    function returned. With
    `sync: false` it answers at once; the function then has 300 seconds, and its job is found in
    `listJobs`.

    Args:
        function_name (str):
        x_hydrogen_env_id (str | Unset):
        body (InvokeRequest): A call of a function.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        ErrorObject | str | InvocationAccepted | InvocationResult
    """

    return (
        await asyncio_detailed(
            function_name=function_name,
            client=client,
            body=body,
            x_hydrogen_env_id=x_hydrogen_env_id,
        )
    ).parsed


def build_request(
    function_name: str,
    *,
    body: InvokeRequest,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> dict[str, Any]:
    """The request of this operation for a client that sends it itself: `method`, `url` and, where there are any, `params`, `headers`
    and `json`, as httpx names them.
    """
    return _get_kwargs(
        function_name=function_name,
        body=body,
        x_hydrogen_env_id=x_hydrogen_env_id,
    )


def parse_success(data: Any) -> InvocationAccepted | InvocationResult:
    """What the body of a successful answer (200) means.

    Args:
        data: The body, decoded from JSON.

    Raises:
        InvalidValue: It is not what the contract says.
    """
    problems: list[str] = []
    try:
        return InvocationResult.from_dict(data)
    except InvalidValue as error:
        problems.append(f"InvocationResult: {error}")
    try:
        return InvocationAccepted.from_dict(data)
    except InvalidValue as error:
        problems.append(f"InvocationAccepted: {error}")
    raise InvalidValue("fits none of its forms (" + "; ".join(problems) + ")")
