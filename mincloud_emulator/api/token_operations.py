"""The contract's two operations for access tokens, and the redirects from a login to its code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from ..core.credentials import CODE_SECONDS
from .access import refuse_other_sites
from .function_operations import json_response
from .requests import HTTPError, bad_request, read_fields, required_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from starlette.requests import Request

    from ..core.credentials import IssuedTokens
    from ..core.service import Service

FIRST_HOP = "/api/oauth2/hydrogen/openapi/authorize/session/"
SECOND_HOP = "/api/oauth2/hydrogen/openapi/authorize/code/"
_MOST_BYTES = 64 * 1024
_COOKIE = "mincloud_emulator_login"


class TokenOperations:
    """Handlers of the operations. None of them reads the Authorization header."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def authorize(self, request: Request, _name: str) -> Response:
        """`authorize`: checks the credentials and redirects the client towards the code."""
        fields = await self._fields(request)
        self._check_application(fields)
        return _redirect(FIRST_HOP, self._service.credentials.begin_login())

    async def first_hop(self, request: Request, _name: str) -> Response:
        """The target of `authorize`: redirects again."""
        return _redirect(SECOND_HOP, self._next_cookie(request, 1))

    async def second_hop(self, request: Request, _name: str) -> Response:
        """The target of the first redirect: returns the code."""
        self._next_cookie(request, 2)
        body = {"code": self._service.credentials.issue_code(), "expires_in": CODE_SECONDS}
        response = json_response(200, body)
        response.delete_cookie(_COOKIE, path="/api/oauth2/")
        return response

    async def create_access_token(self, request: Request, _name: str) -> Response:
        """`createAccessToken`, for both grants."""
        fields = await self._fields(request)
        grant = required_text(fields, "grant_type")
        if grant == "authorization_code":
            code = required_text(fields, "code", empty=True)
            self._check_application(fields)
            issued = self._service.credentials.exchange_code(code)
            if issued is None:
                raise bad_request("the code is unknown, used or expired: ask for a new one")
        elif grant == "refresh_token":
            refresh_token = required_text(fields, "refresh_token", empty=True)
            self._check_application(fields)
            issued = self._service.credentials.refresh(refresh_token)
            if issued is None:
                raise bad_request("the refresh token is unknown, used or expired: ask for a new code")
        else:
            raise bad_request("grant_type must be authorization_code or refresh_token")
        return json_response(200, _token_body(issued))

    async def _fields(self, request: Request) -> dict[str, Any]:
        # Browsers let every page send a form to this machine.
        refuse_other_sites(request)
        return await read_fields(request, self._service.limits, most_bytes=_MOST_BYTES)

    def _check_application(self, fields: Mapping[str, Any]) -> None:
        client_id = required_text(fields, "client_id", empty=True)
        client_secret = required_text(fields, "client_secret", empty=True)
        if not self._service.credentials.is_application(client_id, client_secret):
            raise unauthorized("client_id 或 client_secret 错误 (the application is unknown or its secret wrong)")

    def _next_cookie(self, request: Request, hop: int) -> str:
        cookie = self._service.credentials.advance_login(request.cookies.get(_COOKIE, ""), hop)
        if cookie is None:
            raise unauthorized("the cookie of the redirect is missing or too old: keep cookies while following")
        return cookie


def unauthorized(message: str) -> HTTPError:
    """Returns a 401 with the header that it needs."""
    return HTTPError(401, message, {"WWW-Authenticate": "Bearer"})


def _redirect(location: str, cookie: str) -> Response:
    response = Response(status_code=302, headers={"Location": location})
    response.set_cookie(_COOKIE, cookie, path="/api/oauth2/", httponly=True, samesite="lax")
    return response


def _token_body(issued: IssuedTokens) -> dict[str, Any]:
    return {
        "access_token": issued.access_token,
        "expires_in": issued.expires_in,
        "refresh_token": issued.refresh_token,
        "scope": "read write",
        "token_type": "Bearer",
    }
