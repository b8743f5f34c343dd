from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.plan import Plan
from ..types import InvalidValue, checked, unhashable

UPDATEFUNCTIONREQUEST_PROPERTIES: frozenset[str] = frozenset(
    (
        "name",
        "function_code",
        "plan_circle",
        "remark",
    )
)


@_attrs_define
class UpdateFunctionRequest:
    """The fields of a function to change. What is left out stays as it is.

    Attributes:
        name (str | None): A new name; must not be empty.
        function_code (str | None): New code, in JavaScript; must not be empty.
        plan_circle (Plan | None): A function's plan: `P_FREE` has 128 MB of memory and 0.5 CPU, `P_PERSONAL` 256 MB and 0.75 CPU.
        remark (str | None): A new remark.
    """

    name: str | None = None
    function_code: str | None = None
    plan_circle: Plan | None = None
    remark: str | None = None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    __hash__ = unhashable

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object; a field that is None is left out, unless the contract requires it."""
        data: dict[str, Any] = dict(self.additional_properties)
        if self.name is not None:
            data["name"] = self.name
        if self.function_code is not None:
            data["function_code"] = self.function_code
        if self.plan_circle is not None:
            data["plan_circle"] = self.plan_circle.value
        if self.remark is not None:
            data["remark"] = self.remark
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
        name_ = get("name")
        if type(name_) is not str and name_ is not None:
            name_ = checked(str, "name", name_)
        function_code_ = get("function_code")
        if type(function_code_) is not str and function_code_ is not None:
            function_code_ = checked(str, "function_code", function_code_)
        plan_circle_ = get("plan_circle")
        if plan_circle_ is not None:
            plan_circle_ = checked(Plan, "plan_circle", plan_circle_)
        remark_ = get("remark")
        if type(remark_) is not str and remark_ is not None:
            remark_ = checked(str, "remark", remark_)
        model = cls(
            name_,
            function_code_,
            plan_circle_,
            remark_,
        )
        if not UPDATEFUNCTIONREQUEST_PROPERTIES.issuperset(src_dict):
            model.additional_properties = {
                key: value for key, value in src_dict.items() if key not in UPDATEFUNCTIONREQUEST_PROPERTIES
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
