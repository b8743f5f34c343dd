from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import httpx

    from ...client import AuthenticatedClient, Client

from ... import errors
from ...models.access_token import AccessToken
from ...models.authorization_code_grant import AuthorizationCodeGrant
from ...models.error_object import ErrorObject
from ...models.refresh_token_grant import RefreshTokenGrant
from ...types import Response, read_body


def _get_kwargs(
    *,
    body: AuthorizationCodeGrant | RefreshTokenGrant,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/oauth2/access_token/",
    }

    if isinstance(body, AuthorizationCodeGrant):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> AccessToken | ErrorObject | str:
    if response.status_code == 200:
        response_200 = AccessToken.from_dict(response.json())

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
) -> Response[AccessToken | ErrorObject | str]:
    return Response(
        status_code=response.status_code,
        content=response.content,
        headers=response.headers,
        parsed=read_body(lambda: _parse_response(client=client, response=response), response),
    )


def sync_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: AuthorizationCodeGrant | RefreshTokenGrant,
) -> Response[AccessToken | ErrorObject | str]:
    """Get or refresh an access token

     The second step to an access token: exchanges the code of `authorize`, or a refresh token. **A
    refresh invalidates every token
    issued before it, refresh tokens included.** `Authorization` is not looked at.

    Args:
        body (AuthorizationCodeGrant | RefreshTokenGrant): The two ways to an access token, told
            apart by `grant_type`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AccessToken | ErrorObject | str]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    *,
    client: AuthenticatedClient | Client,
    body: AuthorizationCodeGrant | RefreshTokenGrant,
) -> AccessToken | ErrorObject | str | None:
    """Get or refresh an access token

     The second step to an access token: exchanges the code of `authorize`, or a refresh token. **A
    refresh invalidates every token
    issued before it, refresh tokens included.** `Authorization` is not looked at.

    Args:
        body (AuthorizationCodeGrant | RefreshTokenGrant): The two ways to an access token, told
            apart by `grant_type`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AccessToken | ErrorObject | str
    """

    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: AuthenticatedClient | Client,
    body: AuthorizationCodeGrant | RefreshTokenGrant,
) -> Response[AccessToken | ErrorObject | str]:
    """Get or refresh an access token

     The second step to an access token: exchanges the code of `authorize`, or a refresh token. **A
    refresh invalidates every token
    issued before it, refresh tokens included.** `Authorization` is not looked at.

    Args:
        body (AuthorizationCodeGrant | RefreshTokenGrant): The two ways to an access token, told
            apart by `grant_type`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[AccessToken | ErrorObject | str]
    """

    kwargs = _get_kwargs(
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    *,
    client: AuthenticatedClient | Client,
    body: AuthorizationCodeGrant | RefreshTokenGrant,
) -> AccessToken | ErrorObject | str | None:
    """Get or refresh an access token

     The second step to an access token: exchanges the code of `authorize`, or a refresh token. **A
    refresh invalidates every token
    issued before it, refresh tokens included.** `Authorization` is not looked at.

    Args:
        body (AuthorizationCodeGrant | RefreshTokenGrant): The two ways to an access token, told
            apart by `grant_type`.

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        AccessToken | ErrorObject | str
    """

    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed


def build_request(
    *,
    body: AuthorizationCodeGrant | RefreshTokenGrant,
) -> dict[str, Any]:
    """The request of this operation for a client that sends it itself: `method`, `url` and, where there are any, `params`, `headers`
    and `json`, as httpx names them.
    """
    return _get_kwargs(
        body=body,
    )


def parse_success(data: Any) -> AccessToken:
    """What the body of a successful answer (200) means.

    Args:
        data: The body, decoded from JSON.

    Raises:
        InvalidValue: It is not what the contract says.
    """
    return AccessToken.from_dict(data)
