from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.refresh_token_grant_grant_type import RefreshTokenGrantGrantType
from ..types import InvalidValue, SecretText, checked, unhashable

REFRESHTOKENGRANT_PROPERTIES: frozenset[str] = frozenset(
    (
        "client_id",
        "client_secret",
        "grant_type",
        "refresh_token",
    )
)


@_attrs_define
class RefreshTokenGrant:
    """Exchanges a refresh token. Every token issued before stops working.

    Attributes:
        client_id (str): The application's client id.
        client_secret (str): The application's client secret.
        grant_type (RefreshTokenGrantGrantType): Always `refresh_token`.
        refresh_token (str): The refresh token that came with an access token.
    """

    client_id: str
    client_secret: str = _attrs_field(repr=False)
    grant_type: RefreshTokenGrantGrantType
    refresh_token: str = _attrs_field(repr=False)
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict, repr=False)

    __hash__ = unhashable

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object, secrets included, whose repr hides them; a field that is None is left out, unless the contract requires it."""
        data: dict[str, Any] = dict(self.additional_properties)
        data["client_id"] = self.client_id
        data["client_secret"] = SecretText(self.client_secret)
        data["grant_type"] = self.grant_type.value
        data["refresh_token"] = SecretText(self.refresh_token)
        return data

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Reads a JSON object.

        Raises:
            InvalidValue: It is not an object, a required field is missing, or a field has another type than the contract's.
        """
        if type(src_dict) is not dict and not isinstance(src_dict, Mapping):
            raise InvalidValue("expected an object", src_dict)
        get = src_dict.get
        client_id_ = get("client_id")
        if type(client_id_) is not str:
            client_id_ = checked(str, "client_id", client_id_)
        client_secret_ = get("client_secret")
        if type(client_secret_) is not str:
            client_secret_ = checked(str, "client_secret", client_secret_)
        grant_type_ = get("grant_type")
        grant_type_ = checked(RefreshTokenGrantGrantType, "grant_type", grant_type_)
        refresh_token_ = get("refresh_token")
        if type(refresh_token_) is not str:
            refresh_token_ = checked(str, "refresh_token", refresh_token_)
        model = cls(
            client_id_,
            client_secret_,
            grant_type_,
            refresh_token_,
        )
        if not REFRESHTOKENGRANT_PROPERTIES.issuperset(src_dict):
            model.additional_properties = {
                key: value for key, value in src_dict.items() if key not in REFRESHTOKENGRANT_PROPERTIES
            }
        return model

    @property
    def additional_keys(self) -> list[str]:
        """The names of the fields that the contract does not know."""
        return list(self.additional_properties)

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
