from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client

from ... import errors
from ...models.cloud_function import CloudFunction
from ...models.error_object import ErrorObject
from ...models.update_function_request import UpdateFunctionRequest
from ...types import UNSET, Response, Unset, read_body


def _get_kwargs(
    function_name: str,
    *,
    body: UpdateFunctionRequest,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_hydrogen_env_id, Unset):
        headers["X-Hydrogen-Env-ID"] = x_hydrogen_env_id

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/oserve/v1.3/cloud-function/{function_name}/".format(
            function_name=quote(str(function_name), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> CloudFunction | ErrorObject | str:
    if response.status_code == 202:
        response_202 = CloudFunction.from_dict(response.json())

        return response_202

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
) -> Response[CloudFunction | ErrorObject | str]:
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
    body: UpdateFunctionRequest,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> Response[CloudFunction | ErrorObject | str]:
    """Change a function

     Changes the fields that are sent and leaves the others. A new `name` renames the function.

    Args:
        function_name (str):
        x_hydrogen_env_id (str | Unset):
        body (UpdateFunctionRequest): The fields of a function to change. What is left out stays
            as it is.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CloudFunction | ErrorObject | str]
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
    body: UpdateFunctionRequest,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> CloudFunction | ErrorObject | str | None:
    """Change a function

     Changes the fields that are sent and leaves the others. A new `name` renames the function.

    Args:
        function_name (str):
        x_hydrogen_env_id (str | Unset):
        body (UpdateFunctionRequest): The fields of a function to change. What is left out stays
            as it is.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CloudFunction | ErrorObject | str
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
    body: UpdateFunctionRequest,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> Response[CloudFunction | ErrorObject | str]:
    """Change a function

     Changes the fields that are sent and leaves the others. A new `name` renames the function.

    Args:
        function_name (str):
        x_hydrogen_env_id (str | Unset):
        body (UpdateFunctionRequest): The fields of a function to change. What is left out stays
            as it is.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[CloudFunction | ErrorObject | str]
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
    body: UpdateFunctionRequest,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> CloudFunction | ErrorObject | str | None:
    """Change a function

     Changes the fields that are sent and leaves the others. A new `name` renames the function.

    Args:
        function_name (str):
        x_hydrogen_env_id (str | Unset):
        body (UpdateFunctionRequest): The fields of a function to change. What is left out stays
            as it is.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        CloudFunction | ErrorObject | str
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
    body: UpdateFunctionRequest,
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


def parse_success(data: Any) -> CloudFunction:
    """What the body of a successful answer (202) means.

    Args:
        data: The body, decoded from JSON.

    Raises:
        InvalidValue: It is not what the contract says.
    """
    return CloudFunction.from_dict(data)
