"""The operations by which a client obtains a token. Clients with a token do not import them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mincloud_api.api.authentication import authorize, create_access_token
from mincloud_api.models.authorization_code_grant import AuthorizationCodeGrant
from mincloud_api.models.authorization_code_grant_grant_type import AuthorizationCodeGrantGrantType
from mincloud_api.models.authorize_request import AuthorizeRequest
from mincloud_api.models.refresh_token_grant import RefreshTokenGrant
from mincloud_api.models.refresh_token_grant_grant_type import RefreshTokenGrantGrantType

from ._operations import operation

if TYPE_CHECKING:
    from mincloud_api.models.access_token import AccessToken

    from ._operations import Operation
    from ._redaction import Secret
    from ._responses import APIResponse


def authorization(client_id: str, client_secret: Secret) -> Operation:
    """Builds the operation for an authorization code (authorize)."""
    return operation(
        "authorize", authorize.build_request(body=AuthorizeRequest(client_id, client_secret.reveal())), authorized=False
    )


def read_code(response: APIResponse) -> str:
    """Reads the code in the response to `authorization`.

    Raises:
        InvalidResponse: There is none.
    """
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
    """Reads the token in the response to either.

    Raises:
        InvalidResponse: There is none.
    """
    return response.parsed(create_access_token.parse_success)
