from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client

from ... import errors
from ...models.error_object import ErrorObject
from ...types import UNSET, Response, Unset, read_body


def _get_kwargs(
    function_name: str,
    *,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}
    if not isinstance(x_hydrogen_env_id, Unset):
        headers["X-Hydrogen-Env-ID"] = x_hydrogen_env_id

    _kwargs: dict[str, Any] = {
        "method": "delete",
        "url": "/oserve/v1.3/cloud-function/{function_name}/".format(
            function_name=quote(str(function_name), safe=""),
        ),
    }

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(*, client: AuthenticatedClient | Client, response: httpx.Response) -> Any | ErrorObject | str:
    if response.status_code == 204:
        response_204 = cast(Any, None)
        return response_204

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
) -> Response[Any | ErrorObject | str]:
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
    x_hydrogen_env_id: str | Unset = UNSET,
) -> Response[Any | ErrorObject | str]:
    """Delete a function

     Deletes the function.

    Args:
        function_name (str):
        x_hydrogen_env_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorObject | str]
    """

    kwargs = _get_kwargs(
        function_name=function_name,
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
    x_hydrogen_env_id: str | Unset = UNSET,
) -> Any | ErrorObject | str | None:
    """Delete a function

     Deletes the function.

    Args:
        function_name (str):
        x_hydrogen_env_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorObject | str
    """

    return sync_detailed(
        function_name=function_name,
        client=client,
        x_hydrogen_env_id=x_hydrogen_env_id,
    ).parsed


async def asyncio_detailed(
    function_name: str,
    *,
    client: AuthenticatedClient,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> Response[Any | ErrorObject | str]:
    """Delete a function

     Deletes the function.

    Args:
        function_name (str):
        x_hydrogen_env_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[Any | ErrorObject | str]
    """

    kwargs = _get_kwargs(
        function_name=function_name,
        x_hydrogen_env_id=x_hydrogen_env_id,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    function_name: str,
    *,
    client: AuthenticatedClient,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> Any | ErrorObject | str | None:
    """Delete a function

     Deletes the function.

    Args:
        function_name (str):
        x_hydrogen_env_id (str | Unset):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Any | ErrorObject | str
    """

    return (
        await asyncio_detailed(
            function_name=function_name,
            client=client,
            x_hydrogen_env_id=x_hydrogen_env_id,
        )
    ).parsed


def build_request(
    function_name: str,
    *,
    x_hydrogen_env_id: str | Unset = UNSET,
) -> dict[str, Any]:
    """The request of this operation for a client that sends it itself: `method`, `url` and, where there are any, `params`, `headers`
    and `json`, as httpx names them.
    """
    return _get_kwargs(
        function_name=function_name,
        x_hydrogen_env_id=x_hydrogen_env_id,
    )
