from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import InvalidValue, as_object, checked, parsed, unhashable

if TYPE_CHECKING:
    from ..models.invoke_request_data import InvokeRequestData


INVOKEREQUEST_PROPERTIES: frozenset[str] = frozenset(
    (
        "data",
        "sync",
    )
)


@_attrs_define
class InvokeRequest:
    """A call of a function.

    Attributes:
        data (InvokeRequestData | Mapping[str, Any]): What the function receives as `event.data`; an empty object if there is nothing to send.
        sync (bool | None): Whether to wait for the result. A call that is waited for may take 5 seconds, the other 300
            seconds.
    """

    data: InvokeRequestData | Mapping[str, Any]
    sync: bool | None = True
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    __hash__ = unhashable

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object; a field that is None is left out, unless the contract requires it."""
        data: dict[str, Any] = dict(self.additional_properties)
        data["data"] = as_object(self.data)
        if self.sync is not None:
            data["sync"] = self.sync
        return data

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Reads a JSON object.

        Raises:
            InvalidValue: It is not an object, a required field is missing, or a field has another type than the contract's.
        """
        from ..models.invoke_request_data import InvokeRequestData

        if type(src_dict) is not dict and not isinstance(src_dict, Mapping):
            raise InvalidValue("expected an object", src_dict)
        get = src_dict.get
        data_ = get("data")
        data_ = parsed(InvokeRequestData.from_dict, "data", data_)
        sync_ = get("sync")
        if type(sync_) is not bool and sync_ is not None:
            sync_ = checked(bool, "sync", sync_)
        model = cls(
            data_,
            sync_,
        )
        if not INVOKEREQUEST_PROPERTIES.issuperset(src_dict):
            model.additional_properties = {
                key: value for key, value in src_dict.items() if key not in INVOKEREQUEST_PROPERTIES
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
