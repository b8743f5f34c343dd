"""Responses of the service: their body as JSON, as a model or as text, and the error for one that is not what it should be."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

from mincloud_api.types import InvalidValue

from ._content_encoding import TooLarge, decompress
from ._redaction import redact, secrets_in
from ._urls import redact_queries, redact_url
from .errors import APIError, FunctionError, InvalidResponse, error_class
from .transports import response_too_large

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from mincloud_api.models.invocation_error import InvocationError

    from ._redaction import Secret
    from .transports import Request, Response

Parsed = TypeVar("Parsed")

_LONGEST_MESSAGE = 500


@cache
def import_msgspec() -> ModuleType | None:
    """Returns msgspec, which comes with `mincloud[fast]`; None where it is not installed."""
    try:
        import msgspec  # noqa: PLC0415 - it may not be installed
    except ImportError:
        return None
    return msgspec


def decode_json(content: bytes) -> Any:
    """Decodes a body from JSON; numbers that JSON does not have, or that no float can hold, are refused.

    Raises:
        RecursionError: It is nested too deeply.
        UnicodeDecodeError: It is not in UTF-8.
        ValueError: It is not JSON.
    """
    return json.loads(content, parse_constant=_refuse_constant, parse_float=_finite)


def decode_json_for_model(content: bytes) -> Any:
    """Decodes a body that a model reads, with msgspec where it is installed.

    Raises:
        RecursionError: It is nested too deeply.
        UnicodeDecodeError: It is not in UTF-8.
        ValueError: It is not JSON.
    """
    if (msgspec := import_msgspec()) is not None:
        try:
            return msgspec.json.decode(content)
        except (msgspec.MsgspecError, ValueError):
            pass  # json accepts more, as a lone surrogate, and its messages say better what is wrong
    return decode_json(content)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


class APIResponse:
    """A response of the API with its request. The body is decoded when it is asked for.

    Args:
        request: The request.
        response: The response.
        secrets: Returns the secrets to redact in errors, besides those that the request itself carries.
        hide_body: Whether the body of a success holds secrets that are not known yet, so that errors leave it out.
    """

    __slots__ = ("_hide_body", "_secrets", "request", "response")

    def __init__(
        self, request: Request, response: Response, *, secrets: Callable[[], Iterable[Secret]], hide_body: bool = False
    ) -> None:
        self.request = request
        self.response = response
        self._secrets = secrets
        self._hide_body = hide_body

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    def is_success(self) -> bool:
        """Whether the status is one of success."""
        return self.response.status // 100 == 2  # noqa: PLR2004 - the range is 2xx

    @property
    def url(self) -> str:
        """The URL without its query, which may be a signature."""
        return redact_url(self.request.url)

    def header(self, name: str) -> str | None:
        """The value of a header, None if there is none of this name."""
        return self.response.header(name)

    def content(self) -> bytes:
        """Returns the body, with its content encoding undone.

        Raises:
            InvalidResponse: It is not encoded as it says, or larger than allowed.
        """
        try:
            return self._decompressed()
        except TooLarge:
            failure = response_too_large(self.request, self.status)
        except ValueError as error:
            failure = self.invalid_response(str(error))
        raise failure

    def _decompressed(self) -> bytes:
        """The body, with its content encoding undone.

        Raises:
            TooLarge: It is larger than allowed.
            ValueError: It is not encoded as it says.
        """
        encoding = self.header("content-encoding")
        if not encoding or not self.response.content:
            return self.response.content
        return decompress(self.response.content, encoding, self.request.max_response_bytes)

    def text(self) -> str:
        """The body as text to show, with secrets redacted."""
        if self._hide_body and self.is_success():
            return "(hidden: it may hold a token)"
        try:
            content = self._decompressed()
        except TooLarge:
            return "(larger than max_response_bytes)"
        except ValueError:
            content = self.response.content
        # UTF-16 read as UTF-8 would show a secret with a NUL after each character.
        text = content.decode(json.detect_encoding(content), errors="replace")
        # A list of jobs holds the signed addresses of their logs.
        return self.redact(redact_queries(text) if self.is_success() else text)

    def redact(self, text: str) -> str:
        """Redacts the client's secrets in a text."""
        return redact(text, (*self._secrets(), *secrets_in(self.request)))

    def json(self, decode: Callable[[bytes], Any] = decode_json) -> Any:
        """Decodes the body from JSON.

        Args:
            decode: The decoder.

        Raises:
            InvalidResponse: It is not JSON.
        """
        problem = ""
        try:
            return decode(self.content())
        except RecursionError:
            problem = "its JSON is nested too deeply"
        except UnicodeDecodeError:
            problem = "it is not in UTF-8"
        except ValueError as error:
            is_html = self.response.content.lstrip()[:1] == b"<"
            problem = "it is HTML" if is_html else "it is not JSON"
            if not is_html and not self._hide_body:
                problem = f"{problem}: {self.redact(str(error))}"
        raise self.invalid_response(problem)

    def parsed(self, read: Callable[[Any], Parsed]) -> Parsed:
        """Decodes the body and makes a model of the generated client of it.

        Args:
            read: Makes the model of decoded JSON, one of the generated `parse_success`.

        Raises:
            InvalidResponse: It is not JSON, or not what the contract says.
        """
        return self.read(self.json(decode_json_for_model), read)

    def read(self, data: Any, read: Callable[[Any], Parsed]) -> Parsed:
        """Makes a model of the generated client of this response's decoded data.

        Args:
            data: The decoded data.
            read: Makes the model, one of the generated `parse_success`.

        Raises:
            InvalidResponse: It is not what the contract says.
        """
        try:
            return read(data)
        except InvalidValue as error:
            problem = self.redact(str(error))
        del data  # it may hold a secret, which a traceback with local variables must not show
        raise self.invalid_response(problem)

    def invalid_response(self, problem: str) -> InvalidResponse:
        """Builds the error for a response that is not what the contract says.

        Not to be raised while another exception is handled: that would be the error's context, with all of the body.

        Args:
            problem: What is wrong with it.
        """
        return InvalidResponse(problem, body=self.text(), status=self.status, method=self.request.method, url=self.url)

    def function_error(self, function: str, code: int, error: InvocationError | None) -> FunctionError:
        """Builds the error for an invocation whose code is not 0.

        Args:
            function: The function's name.
            code: The code.
            error: The error in the response, None if there is none.
        """

        def redacted(text: str | None) -> str | None:
            return text and self.redact(text)

        return FunctionError(
            function,
            code=code,
            message=redacted(error.message if error else None),
            type=redacted(error.type_ if error else None),
            stack=redacted(error.stack if error else None),
        )

    def date(self) -> float | None:
        """The header `Date` in Unix seconds; None if there is none."""
        return _http_date(self.header("date"))

    def retry_after(self) -> float | None:
        """The header `Retry-After` in seconds from now; None if there is none."""
        value = self.header("retry-after")
        if value is None:
            return None
        if value.strip().isascii() and value.strip().isdigit():
            return float(value)
        at = _http_date(value)
        now = self.date() or datetime.now(UTC).timestamp()
        return None if at is None else max(0.0, at - now)

    def error(self, message: str | None = None) -> APIError:
        """Builds the error for a status that is no success.

        Args:
            message: The error's message; None for that of the response.
        """
        body = self.text()
        return error_class(self.status)(
            message or self._message(body),
            status=self.status,
            body=body,
            method=self.request.method,
            url=self.url,
            retry_after=self.retry_after(),
        )

    def _message(self, body: str) -> str:
        target = self.header("location")
        if target and self.status // 100 == 3:  # noqa: PLR2004 - the range is 3xx
            return f"the service redirects to {self.redact(redact_url(target))}: set base_url to where the API is"
        text = body.strip()
        try:
            data: Any = json.loads(text)
        except (ValueError, RecursionError):
            data = None if text.startswith("<") else text
        if isinstance(data, dict):
            data = cast(dict[str, Any], data).get("error_msg")
        message = self.redact(data.strip()) if isinstance(data, str) else ""
        if not message:
            try:
                message = HTTPStatus(self.status).phrase
            except ValueError:
                message = "an error without a message"
        return message if len(message) <= _LONGEST_MESSAGE else message[:_LONGEST_MESSAGE] + "…"


def _http_date(value: str | None) -> float | None:
    if value is None:
        return None
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - takes a while, and most answers are not asked for their date

    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    # A date without a zone is taken for UTC, as HTTP dates are.
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def with_error_object(data: Any) -> Any:
    """Puts the `error` of an invocation's response into the form of the contract: services also send a string, null, or other types."""
    if not isinstance(data, dict):
        return data
    body = cast(dict[str, Any], data)
    error = body.get("error")
    if error is None:
        return body
    parts = cast(dict[str, Any], error) if isinstance(error, dict) else {"message": error}
    texts = {
        key: part if part is None or isinstance(part, str) or key not in _ERROR_PARTS else _as_text(part)
        for key, part in parts.items()
    }
    return {**body, "error": texts}


_ERROR_PARTS = ("message", "stack", "type")


def _as_text(part: object) -> str:
    try:
        return json.dumps(part, ensure_ascii=False)
    except RecursionError:  # reading it took a level less
        return "…"
