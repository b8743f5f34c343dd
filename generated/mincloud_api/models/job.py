from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import InvalidValue, SecretText, checked, unhashable

JOB_PROPERTIES: frozenset[str] = frozenset(
    (
        "id",
        "status",
        "created_at",
        "finished_at",
        "mem_usage",
        "service_type",
        "source",
        "started_at",
        "user_log_url",
    )
)


@_attrs_define
class Job:
    """The record of one call.

    Attributes:
        id (int): Its id.
        status (str): Where it is; see `JobStatus`.
        created_at (float | None): When it was created, in Unix seconds with fractions.
        finished_at (float | None): When it finished, in Unix seconds with fractions.
        mem_usage (int | None): The memory it used, in bytes.
        service_type (str | None): Whether the call was waited for (`time_sensitive`) or not (`batch`).
        source (str | None): What called the function.
        started_at (float | None): When it started to run, in Unix seconds with fractions.
        user_log_url (str | None): Where its log is: a presigned address on **another host**, good for a day (86,400 seconds),
            plain text. It is a secret by itself, and the access token must not be sent to it. It is there
            when a job has ended.
    """

    id: int
    status: str
    created_at: float | None = None
    finished_at: float | None = None
    mem_usage: int | None = None
    service_type: str | None = None
    source: str | None = None
    started_at: float | None = None
    user_log_url: str | None = _attrs_field(default=None, repr=False)
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict, repr=False)

    __hash__ = unhashable

    def to_dict(self) -> dict[str, Any]:
        """The model as a JSON object, secrets included, whose repr hides them; a field that is None is left out, unless the contract requires it."""
        data: dict[str, Any] = dict(self.additional_properties)
        data["id"] = self.id
        data["status"] = self.status
        if self.created_at is not None:
            data["created_at"] = self.created_at
        if self.finished_at is not None:
            data["finished_at"] = self.finished_at
        if self.mem_usage is not None:
            data["mem_usage"] = self.mem_usage
        if self.service_type is not None:
            data["service_type"] = self.service_type
        if self.source is not None:
            data["source"] = self.source
        if self.started_at is not None:
            data["started_at"] = self.started_at
        if self.user_log_url is not None:
            data["user_log_url"] = SecretText(self.user_log_url)
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
        id_ = get("id")
        if type(id_) is not int:
            id_ = checked(int, "id", id_)
        status_ = get("status")
        if type(status_) is not str:
            status_ = checked(str, "status", status_)
        created_at_ = get("created_at")
        if type(created_at_) is not float and created_at_ is not None:
            created_at_ = checked(float, "created_at", created_at_)
        finished_at_ = get("finished_at")
        if type(finished_at_) is not float and finished_at_ is not None:
            finished_at_ = checked(float, "finished_at", finished_at_)
        mem_usage_ = get("mem_usage")
        if type(mem_usage_) is not int and mem_usage_ is not None:
            mem_usage_ = checked(int, "mem_usage", mem_usage_)
        service_type_ = get("service_type")
        if type(service_type_) is not str and service_type_ is not None:
            service_type_ = checked(str, "service_type", service_type_)
        source_ = get("source")
        if type(source_) is not str and source_ is not None:
            source_ = checked(str, "source", source_)
        started_at_ = get("started_at")
        if type(started_at_) is not float and started_at_ is not None:
            started_at_ = checked(float, "started_at", started_at_)
        user_log_url_ = get("user_log_url")
        if type(user_log_url_) is not str and user_log_url_ is not None:
            user_log_url_ = checked(str, "user_log_url", user_log_url_)
        model = cls(
            id_,
            status_,
            created_at_,
            finished_at_,
            mem_usage_,
            service_type_,
            source_,
            started_at_,
            user_log_url_,
        )
        if not JOB_PROPERTIES.issuperset(src_dict):
            model.additional_properties = {key: value for key, value in src_dict.items() if key not in JOB_PROPERTIES}
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
