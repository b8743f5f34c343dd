from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.event_source import EventSource
from ..types import InvalidValue, as_object, checked, parsed, unhashable

if TYPE_CHECKING:
    from ..models.debug_request_data import DebugRequestData


DEBUGREQUEST_PROPERTIES: frozenset[str] = frozenset(
    (
        "data",
        "subject",
        "schema_id",
    )
)


@_attrs_define
class DebugRequest:
    """A call of a function as an event of the given kind would make it.

    Attributes:
        data (DebugRequestData | Mapping[str, Any]): What the function receives as `event.data`; an empty object if there is nothing to send.
        subject (EventSource | None): What called a function: a client SDK, this API, another function, a change of a table, a WeChat
            payment, a timer, or an operation on a file.
        schema_id (int | None): The id of the table; required when `subject` is `flex_schema`.
    """

    data: DebugRequestData | Mapping[str, Any]
    subject: EventSource | None = EventSource.SDK
    schema_id: int | None = None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    __hash__ = unhashable

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object; a field that is None is left out, unless the contract requires it."""
        data: dict[str, Any] = dict(self.additional_properties)
        data["data"] = as_object(self.data)
        if self.subject is not None:
            data["subject"] = self.subject.value
        if self.schema_id is not None:
            data["schema_id"] = self.schema_id
        return data

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Reads a JSON object.

        Raises:
            InvalidValue: It is not an object, a required field is missing, or a field has another type than the contract's.
        """
        from ..models.debug_request_data import DebugRequestData

        if type(src_dict) is not dict and not isinstance(src_dict, Mapping):
            raise InvalidValue("expected an object", src_dict)
        get = src_dict.get
        data_ = get("data")
        data_ = parsed(DebugRequestData.from_dict, "data", data_)
        subject_ = get("subject")
        if subject_ is not None:
            subject_ = checked(EventSource, "subject", subject_)
        schema_id_ = get("schema_id")
        if type(schema_id_) is not int and schema_id_ is not None:
            schema_id_ = checked(int, "schema_id", schema_id_)
        model = cls(
            data_,
            subject_,
            schema_id_,
        )
        if not DEBUGREQUEST_PROPERTIES.issuperset(src_dict):
            model.additional_properties = {
                key: value for key, value in src_dict.items() if key not in DEBUGREQUEST_PROPERTIES
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
