"""Contains some shared types for properties"""

from collections.abc import Callable, Mapping, MutableMapping
from typing import IO, Any, BinaryIO, Generic, Literal, TypeVar

from attrs import define


class Unset:
    def __bool__(self) -> Literal[False]:
        return False


UNSET: Unset = Unset()

# The types that `httpx.Client(files=)` can accept, copied from that library.
FileContent = IO[bytes] | bytes | str
FileTypes = (
    # (filename, file (or bytes), content_type)
    tuple[str | None, FileContent, str | None]
    # (filename, file (or bytes), content_type, headers)
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
RequestFiles = list[tuple[str, FileTypes]]


@define
class File:
    """Contains information for file uploads"""

    payload: BinaryIO
    file_name: str | None = None
    mime_type: str | None = None

    def to_tuple(self) -> FileTypes:
        """Return a tuple representation that httpx will accept for multipart/form-data"""
        return self.file_name, self.payload, self.mime_type


T = TypeVar("T")


@define
class Response(Generic[T]):
    """A response from an endpoint"""

    status_code: int
    content: bytes
    headers: MutableMapping[str, str]
    parsed: T | None


__all__ = ["UNSET", "File", "FileTypes", "RequestFiles", "Response", "Unset"]


class InvalidValue(ValueError):
    """A value that is not what the contract says.

    Attributes:
        path (str): Where in the body it stands, as in `objects[3].id`; empty for the body itself.
        problem (str): What is wrong there. It does not show the value, which may be a secret.
    """

    def __init__(self, problem: str, value: object = None, path: str = "") -> None:
        self.path = path
        self.problem = problem if value is None else f"{problem}, not {_json_type(value)}"
        super().__init__(f"{path}: {self.problem}" if path else self.problem)

    def __reduce__(self) -> "tuple[type[InvalidValue], tuple[str, None, str]]":
        return InvalidValue, (self.problem, None, self.path)

    def under(self, parent: str) -> "InvalidValue":
        """The same error, seen from the object that holds the value as `parent`."""
        separator = "" if not self.path or self.path.startswith("[") else "."
        return InvalidValue(self.problem, path=f"{parent}{separator}{self.path}")


class SecretText(str):
    """A text that is a secret: its repr hides it, so that a table or a traceback may show a dict that holds it. It is the text itself
    everywhere else.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


_JSON_TYPES = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}


def _json_type(value: object) -> str:
    return _JSON_TYPES.get(type(value), type(value).__name__)


def missing(name: str) -> InvalidValue:
    """The error for a required field that is not there."""
    return InvalidValue("is missing", path=name)


def checked(kind: type[T], name: str, value: object) -> T:
    """The value as the kind that the contract gives it, where JSON leaves room: 1.0 is an integer and 1 a number.

    Raises:
        InvalidValue: It is of another kind, or missing.
    """
    if value is None:
        raise missing(name)
    try:
        if isinstance(value, SecretText) and kind is str:
            return value[:]  # type: ignore[return-value]
        if kind is float and type(value) is int:
            return kind(value)  # type: ignore[call-arg]
        if kind is int and type(value) is float and value.is_integer():
            return kind(value)  # type: ignore[call-arg]
        if kind not in _JSON_TYPES:  # an enum
            return kind(value)  # type: ignore[call-arg]
    except (ValueError, OverflowError):
        pass
    expected = (
        f"expected {_JSON_TYPES[kind]}" if kind in _JSON_TYPES else f"expected one of the values of {kind.__name__}"
    )
    raise InvalidValue(expected, value, path=name)


def parsed(read: Callable[[Any], T], name: str, value: object) -> T:
    """The object under a name, read; an error in it carries the name.

    Raises:
        InvalidValue: It is missing, or not what the contract says.
    """
    if value is None:
        raise missing(name)
    try:
        return read(value)
    except InvalidValue as error:
        raise error.under(name) from None


def parsed_list(read: Callable[[Any], T], name: str, value: object) -> list[T]:
    """The objects of the list under a name, read; an error in one carries the name and its index.

    Raises:
        InvalidValue: It is missing, not a list, or one of its objects is not what the contract says.
    """
    if value is None:
        raise missing(name)
    if not isinstance(value, list):
        raise InvalidValue("expected a list", value, path=name)
    items: list[T] = []
    try:
        for item in value:
            items.append(read(item))
    except InvalidValue as error:
        raise error.under(f"{name}[{len(items)}]") from None
    return items


def as_object(value: Any) -> dict[str, Any]:
    """A model or a mapping as a JSON object."""
    return value.to_dict() if hasattr(value, "to_dict") else dict(value)


def read_body(read: Callable[[], Any], response: Any) -> Any:
    """What the body of an answer means; of an error that is not what the contract says, its text.

    Raises:
        InvalidValue: A successful answer is not what the contract says.
    """
    try:
        return read()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if response.is_success:
            raise (
                error if isinstance(error, InvalidValue) else InvalidValue("expected JSON as the contract has it")
            ) from None
    return response.text


def unhashable(model: object) -> int:
    """Stands in for `__hash__` of the models, to say why they have none."""
    raise TypeError(
        f"a {type(model).__name__} can be changed, so it has no hash: use a field of it as the key, as its id or name"
    )


__all__ += ["InvalidValue", "as_object", "checked", "missing", "parsed", "parsed_list", "read_body", "unhashable"]
