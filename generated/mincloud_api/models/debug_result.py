from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import InvalidValue, checked, parsed, unhashable

if TYPE_CHECKING:
    from ..models.invocation_error import InvocationError


DEBUGRESULT_PROPERTIES: frozenset[str] = frozenset(
    (
        "code",
        "billing_time",
        "data",
        "error",
        "execution_time",
        "job_id",
        "log",
        "mem_usage",
    )
)


@_attrs_define
class DebugResult:
    """How a tried function ended, what it logged and what it used.

    Attributes:
        code (int): 0 when the function succeeded, 1 when it failed.
        billing_time (int | None): The time that is billed, in milliseconds, in steps of 100.
        data (Any): What the function gave to its callback, any JSON value; null when it failed.
        error (InvocationError | None): Why a function failed, in three keys: `message`, `stack` and `type`. An empty object when it
            succeeded.
        execution_time (float | None): How long it ran, in milliseconds.
        job_id (str | None): A hexadecimal id of this run. No job in `listJobs` has it.
        log (str | None): Its log: a line per message, `<ISO time> <LEVEL> <message>`, with the levels LOG, INFO, WARN and
            ERROR. The tag `jobs` says more.
        mem_usage (int | None): The memory it used, in bytes.
    """

    code: int
    billing_time: int | None = None
    data: Any = None
    error: InvocationError | None = None
    execution_time: float | None = None
    job_id: str | None = None
    log: str | None = None
    mem_usage: int | None = None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    __hash__ = unhashable

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object; a field that is None is left out, unless the contract requires it."""
        data: dict[str, Any] = dict(self.additional_properties)
        data["code"] = self.code
        if self.billing_time is not None:
            data["billing_time"] = self.billing_time
        if self.data is not None:
            data["data"] = self.data
        if self.error is not None:
            data["error"] = self.error.to_dict()
        if self.execution_time is not None:
            data["execution_time"] = self.execution_time
        if self.job_id is not None:
            data["job_id"] = self.job_id
        if self.log is not None:
            data["log"] = self.log
        if self.mem_usage is not None:
            data["mem_usage"] = self.mem_usage
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
        billing_time_ = get("billing_time")
        if type(billing_time_) is not int and billing_time_ is not None:
            billing_time_ = checked(int, "billing_time", billing_time_)
        data_ = get("data")
        error_ = get("error")
        if error_ is not None:
            error_ = parsed(InvocationError.from_dict, "error", error_)
        execution_time_ = get("execution_time")
        if type(execution_time_) is not float and execution_time_ is not None:
            execution_time_ = checked(float, "execution_time", execution_time_)
        job_id_ = get("job_id")
        if type(job_id_) is not str and job_id_ is not None:
            job_id_ = checked(str, "job_id", job_id_)
        log_ = get("log")
        if type(log_) is not str and log_ is not None:
            log_ = checked(str, "log", log_)
        mem_usage_ = get("mem_usage")
        if type(mem_usage_) is not int and mem_usage_ is not None:
            mem_usage_ = checked(int, "mem_usage", mem_usage_)
        model = cls(
            code_,
            billing_time_,
            data_,
            error_,
            execution_time_,
            job_id_,
            log_,
            mem_usage_,
        )
        if not DEBUGRESULT_PROPERTIES.issuperset(src_dict):
            model.additional_properties = {
                key: value for key, value in src_dict.items() if key not in DEBUGRESULT_PROPERTIES
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
