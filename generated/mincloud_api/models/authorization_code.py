from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import InvalidValue, SecretText, checked, unhashable

AUTHORIZATIONCODE_PROPERTIES: frozenset[str] = frozenset(
    (
        "code",
        "expires_in",
    )
)


@_attrs_define
class AuthorizationCode:
    """A code to exchange for an access token.

    Attributes:
        code (str): The code.
        expires_in (int | None): How long it is good for, in seconds.
    """

    code: str = _attrs_field(repr=False)
    expires_in: int | None = None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict, repr=False)

    __hash__ = unhashable

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object, secrets included, whose repr hides them; a field that is None is left out, unless the contract requires it."""
        data: dict[str, Any] = dict(self.additional_properties)
        data["code"] = SecretText(self.code)
        if self.expires_in is not None:
            data["expires_in"] = self.expires_in
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
        code_ = get("code")
        if type(code_) is not str:
            code_ = checked(str, "code", code_)
        expires_in_ = get("expires_in")
        if type(expires_in_) is not int and expires_in_ is not None:
            expires_in_ = checked(int, "expires_in", expires_in_)
        model = cls(
            code_,
            expires_in_,
        )
        if not AUTHORIZATIONCODE_PROPERTIES.issuperset(src_dict):
            model.additional_properties = {
                key: value for key, value in src_dict.items() if key not in AUTHORIZATIONCODE_PROPERTIES
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
