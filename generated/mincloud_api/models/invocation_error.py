from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import InvalidValue, checked, unhashable

INVOCATIONERROR_PROPERTIES: frozenset[str] = frozenset(
    (
        "message",
        "stack",
        "type",
    )
)


@_attrs_define
class InvocationError:
    """Why a function failed, in three keys: `message`, `stack` and `type`. An empty object when it succeeded.

    Attributes:
        message (str | None): The error's message.
        stack (str | None): The stack of the error, where it was thrown.
        type_ (str | None): The type of the error, as `SyntaxError`.
    """

    message: str | None = None
    stack: str | None = None
    type_: str | None = None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    __hash__ = unhashable

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object; a field that is None is left out, unless the contract requires it."""
        data: dict[str, Any] = dict(self.additional_properties)
        if self.message is not None:
            data["message"] = self.message
        if self.stack is not None:
            data["stack"] = self.stack
        if self.type_ is not None:
            data["type"] = self.type_
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
        message_ = get("message")
        if type(message_) is not str and message_ is not None:
            message_ = checked(str, "message", message_)
        stack_ = get("stack")
        if type(stack_) is not str and stack_ is not None:
            stack_ = checked(str, "stack", stack_)
        type__ = get("type")
        if type(type__) is not str and type__ is not None:
            type__ = checked(str, "type", type__)
        model = cls(
            message_,
            stack_,
            type__,
        )
        if not INVOCATIONERROR_PROPERTIES.issuperset(src_dict):
            model.additional_properties = {
                key: value for key, value in src_dict.items() if key not in INVOCATIONERROR_PROPERTIES
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
