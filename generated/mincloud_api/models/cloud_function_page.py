from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import InvalidValue, parsed, parsed_list, unhashable

if TYPE_CHECKING:
    from ..models.cloud_function import CloudFunction
    from ..models.page_meta import PageMeta


CLOUDFUNCTIONPAGE_PROPERTIES: frozenset[str] = frozenset(
    (
        "meta",
        "objects",
    )
)


@_attrs_define
class CloudFunctionPage:
    """A page of functions.

    Attributes:
        meta (PageMeta): Where a page stands in its list.
        objects (list[CloudFunction]): The functions of this page.
    """

    meta: PageMeta
    objects: list[CloudFunction]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    __hash__ = unhashable

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object; a field that is None is left out, unless the contract requires it."""
        data: dict[str, Any] = dict(self.additional_properties)
        data["meta"] = self.meta.to_dict()
        data["objects"] = [item.to_dict() for item in self.objects]
        return data

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Reads a JSON object.

        Raises:
            InvalidValue: It is not an object, a required field is missing, or a field has another type than the contract's.
        """
        from ..models.cloud_function import CloudFunction
        from ..models.page_meta import PageMeta

        if type(src_dict) is not dict and not isinstance(src_dict, Mapping):
            raise InvalidValue("expected an object", src_dict)
        get = src_dict.get
        meta_ = get("meta")
        meta_ = parsed(PageMeta.from_dict, "meta", meta_)
        objects_ = get("objects")
        objects_ = parsed_list(CloudFunction.from_dict, "objects", objects_)
        model = cls(
            meta_,
            objects_,
        )
        if not CLOUDFUNCTIONPAGE_PROPERTIES.issuperset(src_dict):
            model.additional_properties = {
                key: value for key, value in src_dict.items() if key not in CLOUDFUNCTIONPAGE_PROPERTIES
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
