from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import InvalidValue, checked, parsed, unhashable

if TYPE_CHECKING:
    from ..models.invocation_error import InvocationError


INVOCATIONRESULT_PROPERTIES: frozenset[str] = frozenset(
    (
        "code",
        "data",
        "error",
    )
)


@_attrs_define
class InvocationResult:
    """How a function that was waited for ended.

    Attributes:
        code (int): 0 when the function succeeded, another number when it failed.
        data (Any): What the function gave to its callback, any JSON value; null when it failed.
        error (InvocationError | None): Why a function failed, in three keys: `message`, `stack` and `type`. An empty object when it
            succeeded.
    """

    code: int
    data: Any = None
    error: InvocationError | None = None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    __hash__ = unhashable

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object; a field that is None is left out, unless the contract requires it."""
        data: dict[str, Any] = dict(self.additional_properties)
        data["code"] = self.code
        if self.data is not None:
            data["data"] = self.data
        if self.error is not None:
            data["error"] = self.error.to_dict()
        return data

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Reads a JSON object.

        Raises:
            InvalidValue: It is not an object, a required field is missing, or a field has another type than the contract's.
        """
        from ..models.invocation_error import InvocationError

        if type(src_dict) is not dict and not isinstance(src_dict, Mapping):
            raise InvalidValue("expected an object", src_dict)
        get = src_dict.get
        code_ = get("code")
        if type(code_) is not int:
            code_ = checked(int, "code", code_)
        data_ = get("data")
        error_ = get("error")
        if error_ is not None:
            error_ = parsed(InvocationError.from_dict, "error", error_)
        model = cls(
            code_,
            data_,
            error_,
        )
        if not INVOCATIONRESULT_PROPERTIES.issuperset(src_dict):
            model.additional_properties = {
                key: value for key, value in src_dict.items() if key not in INVOCATIONRESULT_PROPERTIES
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
