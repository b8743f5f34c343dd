"""Reads the body, the fields and the query of a request.

Each function raises an `HTTPError` with status 400 and the reason where what it reads is wrong.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from ..core.json_text import JSONTextError, decode_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Message

    from ..core.settings import Limits

DEFAULT_LIMIT = 20
MAX_LIMIT = 1000
_MAX_FIELDS = 50
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**63 - 1


class HTTPError(Exception):
    """A request that is answered with an error, whose `error_msg` is the message."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def bad_request(message: str) -> HTTPError:
    """Returns a 400 for a parameter, with the beginning that the service's messages have."""
    return HTTPError(400, f"参数错误:{message}")


async def read_body(request: Request, limits: Limits, *, most_bytes: int | None = None) -> bytes:
    """Returns a request's body, which may not be larger than `most_bytes`, or else than the limits allow.

    Raises:
        HTTPError: 413 if it is too large, 408 if it takes too long to arrive.
    """
    most = limits.body_bytes if most_bytes is None else min(most_bytes, limits.body_bytes)
    too_large = HTTPError(413, f"the body is larger than {most} bytes", {"Connection": "close"})
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > most:
        raise too_large
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.request_seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    raise too_large
                chunks.append(chunk)
    except TimeoutError as error:
        message = f"the body did not arrive within {limits.request_seconds:g} s"
        raise HTTPError(408, message, {"Connection": "close"}) from error
    return b"".join(chunks)


async def read_json_object(request: Request, limits: Limits) -> dict[str, Any]:
    """Returns a request's body as a JSON object, whatever its content type is."""
    return _as_object(await read_body(request, limits))


def _as_object(body: bytes) -> dict[str, Any]:
    """Reads a body that is a JSON object."""
    try:
        value = decode_json(body)
    except JSONTextError as error:
        raise bad_request(str(error)) from error
    if not isinstance(value, dict):
        raise bad_request("the body is JSON but not an object")
    return cast("dict[str, Any]", value)


async def read_fields(request: Request, limits: Limits, *, most_bytes: int) -> dict[str, Any]:
    """Returns the fields of a body that may be JSON, a multipart form or a urlencoded one.

    JSON text that is labelled as a urlencoded form is taken as JSON: the service's own PHP sample sends that.
    """
    body = await read_body(request, limits, most_bytes=most_bytes)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return await _multipart_fields(request, body)
    if kind == "application/json" or body.lstrip()[:1] in {b"{", b"["}:
        return _as_object(body)
    try:
        text = body.decode()
        if text.count("&") >= _MAX_FIELDS:
            raise bad_request(f"the form has more than {_MAX_FIELDS} fields")
        return dict(parse_qsl(text, keep_blank_values=True, errors="strict"))
    except ValueError as error:
        raise bad_request("the form is not UTF-8") from error


async def _multipart_fields(request: Request, body: bytes) -> dict[str, Any]:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        async with Request(request.scope, receive).form(max_files=_MAX_FIELDS, max_fields=_MAX_FIELDS) as form:
            return {name: value for name, value in form.multi_items() if isinstance(value, str)}
    except (MultiPartException, HTTPException, ValueError, LookupError) as error:
        raise bad_request("the multipart form can't be read") from error


def text_field(fields: Mapping[str, Any], name: str, *, empty: bool = False) -> str | None:
    """Returns a field that is text, None if it is missing; `empty` says whether it may be `""`."""
    if name not in fields:
        return None
    value = fields[name]
    if not isinstance(value, str):
        raise bad_request(f"{name} must be a string")
    if not value and not empty:
        raise bad_request(f"{name} 不能为空 ({name} must not be empty)")
    return value


def required_text(fields: Mapping[str, Any], name: str, *, empty: bool = False) -> str:
    """Returns a required field that is text; `empty` says whether it may be `""`."""
    value = text_field(fields, name, empty=empty)
    if value is None:
        raise bad_request(f"{name} 是必填项 ({name} is required)")
    return value


def boolean_field(fields: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """Returns a field that is a boolean, the default if it is missing."""
    value = fields.get(name, default)
    if not isinstance(value, bool):
        raise bad_request(f"{name} must be true or false")
    return value


def is_integer(value: Any) -> bool:
    """Returns whether a JSON value is an integer of 64 bits, as JSON Schema has it: 1.0 is one."""
    integral = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return integral and not isinstance(value, bool) and _MIN_INTEGER <= value <= _MAX_INTEGER


def object_field(fields: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """Returns a field that is an object, None if it is missing."""
    if name not in fields:
        return None
    value = fields[name]
    if not isinstance(value, dict):
        raise bad_request(f"{name} must be an object, {{}} if there is nothing to pass")
    return cast("dict[str, Any]", value)


def query_parameters(request: Request) -> dict[str, str]:
    """Returns a request's query parameters; of one that is given twice the last counts."""
    query: bytes = request.scope["query_string"]
    try:
        return dict(parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict"))
    except ValueError as error:
        raise bad_request("the query is not percent-encoded UTF-8") from error


def integer_parameter(
    parameters: Mapping[str, str], name: str, *, minimum: int = _MIN_INTEGER, maximum: int = _MAX_INTEGER
) -> int | None:
    """Returns a query parameter that is an integer, None if it is missing."""
    text = parameters.get(name)
    if text is None:
        return None
    message = f"{name} must be an integer from {minimum} to {maximum}, not {text[:40]!r}"
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal()):
        raise bad_request(message)
    try:
        value = int(text)
    except ValueError as error:  # Python reads no more than some thousand digits
        raise bad_request(message) from error
    if not minimum <= value <= maximum:
        raise bad_request(message)
    return value


def choice_parameter(parameters: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str | None:
    """Returns a query parameter that is one of the choices, None if it is missing."""
    value = parameters.get(name)
    if value is not None and value not in choices:
        raise bad_request(f"{name} must be one of {', '.join(choices)}, not {value[:40]!r}")
    return value


def page_parameters(parameters: Mapping[str, str]) -> tuple[int, int]:
    """Returns the limit and the offset of a list operation."""
    limit = integer_parameter(parameters, "limit", minimum=1, maximum=MAX_LIMIT)
    offset = integer_parameter(parameters, "offset", minimum=0)
    return DEFAULT_LIMIT if limit is None else limit, offset or 0
