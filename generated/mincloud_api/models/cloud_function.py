from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import InvalidValue, checked, unhashable

CLOUDFUNCTION_PROPERTIES: frozenset[str] = frozenset(
    (
        "name",
        "audit_status",
        "created_at",
        "created_by",
        "function_code",
        "id",
        "plan_circle",
        "remark",
        "updated_at",
        "updated_by",
    )
)


@_attrs_define
class CloudFunction:
    """A function.

    Attributes:
        name (str): Its name.
        audit_status (str | None): Where the review of the function is.
        created_at (int | None): When it was created, in Unix seconds.
        created_by (str | None): The nickname of who created it; may be empty.
        function_code (str | None): Its code, in JavaScript.
        id (int | None): Its id. Operations address a function by name.
        plan_circle (str | None): Its plan. `P_FREE` has 128 MB of memory, `P_PERSONAL` 256 MB.
        remark (str | None): A remark; may be empty.
        updated_at (int | None): When it was last changed, in Unix seconds.
        updated_by (str | None): The nickname of who changed it last; may be empty.
    """

    name: str
    audit_status: str | None = None
    created_at: int | None = None
    created_by: str | None = None
    function_code: str | None = None
    id: int | None = None
    plan_circle: str | None = None
    remark: str | None = None
    updated_at: int | None = None
    updated_by: str | None = None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    __hash__ = unhashable

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object; a field that is None is left out, unless the contract requires it."""
        data: dict[str, Any] = dict(self.additional_properties)
        data["name"] = self.name
        if self.audit_status is not None:
            data["audit_status"] = self.audit_status
        if self.created_at is not None:
            data["created_at"] = self.created_at
        if self.created_by is not None:
            data["created_by"] = self.created_by
        if self.function_code is not None:
            data["function_code"] = self.function_code
        if self.id is not None:
            data["id"] = self.id
        if self.plan_circle is not None:
            data["plan_circle"] = self.plan_circle
        if self.remark is not None:
            data["remark"] = self.remark
        if self.updated_at is not None:
            data["updated_at"] = self.updated_at
        if self.updated_by is not None:
            data["updated_by"] = self.updated_by
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
        if type(name_) is not str:
            name_ = checked(str, "name", name_)
        audit_status_ = get("audit_status")
        if type(audit_status_) is not str and audit_status_ is not None:
            audit_status_ = checked(str, "audit_status", audit_status_)
        created_at_ = get("created_at")
        if type(created_at_) is not int and created_at_ is not None:
            created_at_ = checked(int, "created_at", created_at_)
        created_by_ = get("created_by")
        if type(created_by_) is not str and created_by_ is not None:
            created_by_ = checked(str, "created_by", created_by_)
        function_code_ = get("function_code")
        if type(function_code_) is not str and function_code_ is not None:
            function_code_ = checked(str, "function_code", function_code_)
        id_ = get("id")
        if type(id_) is not int and id_ is not None:
            id_ = checked(int, "id", id_)
        plan_circle_ = get("plan_circle")
        if type(plan_circle_) is not str and plan_circle_ is not None:
            plan_circle_ = checked(str, "plan_circle", plan_circle_)
        remark_ = get("remark")
        if type(remark_) is not str and remark_ is not None:
            remark_ = checked(str, "remark", remark_)
        updated_at_ = get("updated_at")
        if type(updated_at_) is not int and updated_at_ is not None:
            updated_at_ = checked(int, "updated_at", updated_at_)
        updated_by_ = get("updated_by")
        if type(updated_by_) is not str and updated_by_ is not None:
            updated_by_ = checked(str, "updated_by", updated_by_)
        model = cls(
            name_,
            audit_status_,
            created_at_,
            created_by_,
            function_code_,
            id_,
            plan_circle_,
            remark_,
            updated_at_,
            updated_by_,
        )
        if not CLOUDFUNCTION_PROPERTIES.issuperset(src_dict):
            model.additional_properties = {
                key: value for key, value in src_dict.items() if key not in CLOUDFUNCTION_PROPERTIES
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
