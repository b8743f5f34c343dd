"""Obtaining a token: its operations, redirects and cookies. Clients that are given a token do not import this."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
from mincloud_api.api.authentication import authorize, create_access_token
from mincloud_api.models.authorization_code_grant import AuthorizationCodeGrant
from mincloud_api.models.authorization_code_grant_grant_type import AuthorizationCodeGrantGrantType
from mincloud_api.models.authorize_request import AuthorizeRequest
from mincloud_api.models.refresh_token_grant import RefreshTokenGrant
from mincloud_api.models.refresh_token_grant_grant_type import RefreshTokenGrantGrantType

from ._operations import operation
from ._redaction import Secret
from ._urls import host_header, origin_of, redact_url, redirect_target

if TYPE_CHECKING:
    from mincloud_api.models.access_token import AccessToken

    from ._operations import Operation
    from ._responses import APIResponse
    from .transports import Request

    Headers = tuple[tuple[bytes, bytes], ...]

_BECOME_GET = (301, 302, 303)
_KEEP_METHOD = (307, 308)


def authorization(client_id: str, client_secret: Secret) -> Operation:
    """Builds the operation for an authorization code (authorize)."""
    return operation(
        "authorize", authorize.build_request(body=AuthorizeRequest(client_id, client_secret.reveal())), authorized=False
    )


def read_code(response: APIResponse) -> str:
    """Reads the code in the response to `authorization`."""
    return response.parsed(authorize.parse_success).code


def token_for_code(client_id: str, client_secret: Secret, code: Secret) -> Operation:
    """Builds the operation for the token of a code (createAccessToken, grant authorization_code)."""
    kind = AuthorizationCodeGrantGrantType.AUTHORIZATION_CODE
    grant = AuthorizationCodeGrant(client_id, client_secret.reveal(), kind, code.reveal())
    return operation("createAccessToken", create_access_token.build_request(body=grant), authorized=False)


def token_for_refresh_token(client_id: str, client_secret: Secret, refresh_token: Secret) -> Operation:
    """Builds the operation for another token (createAccessToken, grant refresh_token)."""
    grant = RefreshTokenGrant(
        client_id, client_secret.reveal(), RefreshTokenGrantGrantType.REFRESH_TOKEN, refresh_token.reveal()
    )
    return operation("createAccessToken", create_access_token.build_request(body=grant), authorized=False)


def read_token(response: APIResponse) -> AccessToken:
    """Reads the token in the response to `token_for_code` or `token_for_refresh_token`."""
    return response.parsed(create_access_token.parse_success)


class Cookies:
    """The cookies of one sign-in, kept and sent by httpx's rules; their values show in no representation."""

    def __init__(self) -> None:
        self._cookies = httpx.Cookies()

    def keep(self, response: APIResponse) -> None:
        """Keeps the cookies that a response sets."""
        request = httpx.Request(response.request.method, response.request.url)
        headers = list(response.response.headers)
        self._cookies.extract_cookies(httpx.Response(response.status, headers=headers, request=request))

    def add_to(self, request: Request) -> Request:
        """Returns a request with the cookies for its URL."""
        outgoing = httpx.Request(request.method, request.url)
        self._cookies.set_cookie_header(outgoing)
        headers = _without(b"Cookie", request.headers)
        if cookie := outgoing.headers.get("cookie"):
            headers = (*headers, (b"Cookie", cookie.encode("latin-1", "replace")))
        return replace(request, headers=headers)


def redirected(request: Request, response: APIResponse, cookies: Cookies) -> Request | None:
    """Builds the request to which a response redirects; None if it does not redirect. Cookies are kept and sent.

    Raises:
        APIError: The location is no HTTP address, or the application's secret would go to another host.
    """
    cookies.keep(response)
    location = Secret(response.header("location") or "")  # codes stand in it
    if response.status not in (*_BECOME_GET, *_KEEP_METHOD) or not location:
        return None
    try:
        target = redirect_target(request.url, location.reveal())
    except ValueError:
        target = ""
    if not target:
        raise response.error("the service redirects to what is no address: look at what base_url is")
    headers = ((b"Host", host_header(target)), *_without(b"Host", request.headers))
    if response.status in _BECOME_GET:
        request = replace(request, method="GET", headers=_without(b"Content-Type", headers), content=b"")
    elif request.content and origin_of(target) != origin_of(request.url):
        shown, target = redact_url(target), ""
        raise response.error(
            f"the service redirects to {shown}, and the client's secret is not sent to another host: "
            "set base_url to where the API is"
        )
    else:
        request = replace(request, headers=headers)
    return cookies.add_to(replace(request, url=target))


def _without(name: bytes, headers: Headers) -> Headers:
    return tuple(header for header in headers if header[0] != name)
