from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import InvalidValue, SecretText, checked, unhashable

ACCESSTOKEN_PROPERTIES: frozenset[str] = frozenset(
    (
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "scope",
    )
)


@_attrs_define
class AccessToken:
    """An access token.

    Attributes:
        access_token (str): The token, for `Authorization`.
        token_type (str | None): How the token is presented.
        expires_in (int | None): How long the token is good for, in seconds.
        refresh_token (str | None): A token to refresh this one with.
        scope (str | None): What the token is good for.
    """

    access_token: str = _attrs_field(repr=False)
    token_type: str | None = None
    expires_in: int | None = None
    refresh_token: str | None = _attrs_field(default=None, repr=False)
    scope: str | None = None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict, repr=False)

    __hash__ = unhashable

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object, secrets included, whose repr hides them; a field that is None is left out, unless the contract requires it."""
        data: dict[str, Any] = dict(self.additional_properties)
        data["access_token"] = SecretText(self.access_token)
        if self.token_type is not None:
            data["token_type"] = self.token_type
        if self.expires_in is not None:
            data["expires_in"] = self.expires_in
        if self.refresh_token is not None:
            data["refresh_token"] = SecretText(self.refresh_token)
        if self.scope is not None:
            data["scope"] = self.scope
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
        access_token_ = get("access_token")
        if type(access_token_) is not str:
            access_token_ = checked(str, "access_token", access_token_)
        token_type_ = get("token_type")
        if type(token_type_) is not str and token_type_ is not None:
            token_type_ = checked(str, "token_type", token_type_)
        expires_in_ = get("expires_in")
        if type(expires_in_) is not int and expires_in_ is not None:
            expires_in_ = checked(int, "expires_in", expires_in_)
        refresh_token_ = get("refresh_token")
        if type(refresh_token_) is not str and refresh_token_ is not None:
            refresh_token_ = checked(str, "refresh_token", refresh_token_)
        scope_ = get("scope")
        if type(scope_) is not str and scope_ is not None:
            scope_ = checked(str, "scope", scope_)
        model = cls(
            access_token_,
            token_type_,
            expires_in_,
            refresh_token_,
            scope_,
        )
        if not ACCESSTOKEN_PROPERTIES.issuperset(src_dict):
            model.additional_properties = {
                key: value for key, value in src_dict.items() if key not in ACCESSTOKEN_PROPERTIES
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
