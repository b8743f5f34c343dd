"""What the service's answers mean: JSON read strictly, errors built from whatever came, nothing assumed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast
from urllib.parse import unquote, unquote_plus, urlsplit

from mincloud_api.types import InvalidValue

from ._decoding import decoded, decoded_for_a_model
from ._redaction import redact
from ._urls import redact_url
from .errors import APIError, FunctionError, InvalidResponse, error_class

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mincloud_api.models.invocation_error import InvocationError

    from .transports import Request, Response

Parsed = TypeVar("Parsed")

_LONGEST_MESSAGE = 500


class APIResponse:
    """A response with the request it answers, decoded as far as one asks.

    Args:
        request: The request.
        response: The response.
        secrets: Gives what must not appear in an error, besides what the request itself carries.
        withhold: Whether a successful answer holds secrets that are not known yet, so that errors do without its body.
    """

    __slots__ = ("_secrets", "_withhold", "request", "response")

    def __init__(
        self, request: Request, response: Response, *, secrets: Callable[[], Iterable[str]], hide_body: bool = False
    ) -> None:
        self.request = request
        self.response = response
        self._secrets = secrets
        self._withhold = hide_body

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

    def content(self) -> bytes:
        """The body, with its content encoding undone.

        Raises:
            InvalidResponse: It is not encoded as it says.
        """
        content = self._decoded()
        if content is None:
            self.invalid("its content encoding is broken")
        return content

    def _decoded(self) -> bytes | None:
        """The body with its content encoding undone, None if it is not encoded as it says."""
        encoding = self.response.header("content-encoding")
        if not encoding:
            return self.response.content
        import httpx  # noqa: PLC0415 - takes a while, and most answers are not encoded

        try:
            headers = {b"Content-Encoding": encoding.encode("latin-1")}
            return httpx.Response(200, headers=headers, content=self.response.content).content
        except httpx.DecodingError:
            return None

    def text(self) -> str:
        """The body as text, for a person, with secrets blotted out."""
        if self._withhold and self.is_success():
            return "(withheld: it may hold a token)"
        content = self._decoded()
        if content is None:
            content = self.response.content
        return self.redact(content.decode("utf-8-sig", errors="replace"))

    def redact(self, text: str) -> str:
        """A text without this client's secrets."""
        return redact(text, (*self._secrets(), *self._sent_secrets()))

    def _sent_secrets(self) -> Iterator[str]:
        """What the request carried and an answer may repeat: its token, since renewed perhaps; cookies; a signature or code in its URL."""
        headers = {name.lower(): value.decode("latin-1") for name, value in self.request.headers}
        if token := headers.get(b"authorization"):
            yield token.removeprefix("Bearer ")
            return
        for cookie in headers.get(b"cookie", "").split(";"):
            yield cookie.partition("=")[2].strip()
        query = urlsplit(self.request.url).query
        for part in query.split("&"):
            value = part.partition("=")[2]
            yield from (value, unquote(value), unquote_plus(value))

    def json(self, decode: Callable[[bytes], Any] = decoded) -> Any:
        """The body, decoded from JSON.

        Args:
            decode: What decodes it.

        Raises:
            InvalidResponse: It is not JSON.
        """
        try:
            return decode(self.content())
        except RecursionError:
            self.invalid("its JSON is nested too deeply")
        except UnicodeDecodeError:
            self.invalid("it is not in UTF-8")
        except ValueError as error:
            kind = "HTML" if self.response.content.lstrip()[:1] == b"<" else "not JSON"
            self.invalid(f"it is {kind}" + ("" if kind == "HTML" or self._withhold else f": {self.redact(str(error))}"))

    def parsed(self, read: Callable[[Any], Parsed]) -> Parsed:
        """The body as a model of the generated client.

        Raises:
            InvalidResponse: It is not JSON, or not what the contract says.
        """
        return self.read(self.json(decoded_for_a_model), read)

    def read(self, data: Any, read: Callable[[Any], Parsed]) -> Parsed:
        """Decoded data of this answer as a model of the generated client.

        Raises:
            InvalidResponse: It is not what the contract says.
        """
        try:
            return read(data)
        except InvalidValue as error:
            self.invalid(self.redact(str(error)))

    def invalid(self, problem: str) -> NoReturn:
        """Raises the error for an answer that is not what the contract says.

        Raises:
            InvalidResponse: Always.
        """
        raise InvalidResponse(
            problem, body=self.text(), status=self.status, method=self.request.method, url=self.url
        ) from None

    def date(self) -> float | None:
        """The server's clock when it answered, in Unix seconds; None if it does not say."""
        return _http_date(self.response.header("date"))

    def retry_after(self) -> float | None:
        """The seconds after which the service asks to try again, None if it does not say."""
        value = self.response.header("retry-after")
        if value is None:
            return None
        if value.strip().isascii() and value.strip().isdigit():
            return float(value)
        at = _http_date(value)
        now = self.date() or datetime.now(UTC).timestamp()
        return None if at is None else max(0.0, at - now)

    def error(self, message: str | None = None) -> APIError:
        """The error for a status that is none of success.

        Args:
            message: What to say; None for what the service said.
        """
        return error_class(self.status)(
            message or self._message(),
            status=self.status,
            body=self.text(),
            method=self.request.method,
            url=self.url,
            retry_after=self.retry_after(),
        )

    def _message(self) -> str:
        target = self.response.header("location")
        if target and self.status // 100 == 3:  # noqa: PLR2004 - the range is 3xx
            return f"the service redirects to {self.redact(redact_url(target))}: set base_url to where the API is"
        said = self.text().strip()
        try:
            data: Any = json.loads(said)
        except (ValueError, RecursionError):
            data = None if said.startswith("<") else said
        if isinstance(data, dict):
            data = cast(dict[str, Any], data).get("error_msg")
        message = data.strip() if isinstance(data, str) else ""
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
    """An invocation's answer with its `error` as the contract has it: services also send a string, null, or parts of other types."""
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


def function_error(function: str, code: int, error: InvocationError | None) -> FunctionError:
    """The error for an invocation whose code is not 0."""
    return FunctionError(
        function,
        code=code,
        message=error.message if error else None,
        type=error.type_ if error else None,
        stack=error.stack if error else None,
    )
