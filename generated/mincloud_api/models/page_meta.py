from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import InvalidValue, checked, unhashable

PAGEMETA_PROPERTIES: frozenset[str] = frozenset(
    (
        "limit",
        "next",
        "offset",
        "previous",
        "total_count",
    )
)


@_attrs_define
class PageMeta:
    """Where a page stands in its list.

    Attributes:
        limit (int | None): How many objects a page has at the most.
        next_ (str | None): Path and query of the next page, null on the last.
        offset (int | None): How many objects come before this page.
        previous (str | None): Path and query of the page before, null on the first.
        total_count (int | None): How many objects the whole list has.
    """

    limit: int | None = None
    next_: str | None = None
    offset: int | None = None
    previous: str | None = None
    total_count: int | None = None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    __hash__ = unhashable

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object; a field that is None is left out, unless the contract requires it."""
        data: dict[str, Any] = dict(self.additional_properties)
        if self.limit is not None:
            data["limit"] = self.limit
        if self.next_ is not None:
            data["next"] = self.next_
        if self.offset is not None:
            data["offset"] = self.offset
        if self.previous is not None:
            data["previous"] = self.previous
        if self.total_count is not None:
            data["total_count"] = self.total_count
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
        limit_ = get("limit")
        if type(limit_) is not int and limit_ is not None:
            limit_ = checked(int, "limit", limit_)
        next__ = get("next")
        if type(next__) is not str and next__ is not None:
            next__ = checked(str, "next", next__)
        offset_ = get("offset")
        if type(offset_) is not int and offset_ is not None:
            offset_ = checked(int, "offset", offset_)
        previous_ = get("previous")
        if type(previous_) is not str and previous_ is not None:
            previous_ = checked(str, "previous", previous_)
        total_count_ = get("total_count")
        if type(total_count_) is not int and total_count_ is not None:
            total_count_ = checked(int, "total_count", total_count_)
        model = cls(
            limit_,
            next__,
            offset_,
            previous_,
            total_count_,
        )
        if not PAGEMETA_PROPERTIES.issuperset(src_dict):
            model.additional_properties = {
                key: value for key, value in src_dict.items() if key not in PAGEMETA_PROPERTIES
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
