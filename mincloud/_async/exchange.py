"""Single requests of a client: what each of them carries, and what holds for every response."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from .._responses import APIResponse
from .._urls import host_header
from .._version import USER_AGENT
from ..errors import ClientClosed
from ..transports import Request, response_too_large

if TYPE_CHECKING:
    from .._configuration import Options
    from .._operations import Operation
    from .._redaction import KnownSecrets
    from ..transports import AsyncTransport

    Headers = tuple[tuple[bytes, bytes], ...]


class AsyncExchange:
    """Sends requests one at a time, without credentials of its own and without retries.

    Args:
        options: The client's options.
        transport: What sends the requests.
        known_secrets: What responses must not show of this client.
        parent: The exchange whose connections this one shares; None if they are its own.
    """

    def __init__(
        self,
        options: Options,
        transport: AsyncTransport,
        known_secrets: KnownSecrets,
        parent: AsyncExchange | None = None,
    ) -> None:
        self.options = options
        self.transport = transport
        self.known_secrets = known_secrets
        self._parent = parent
        self._closed = False
        self._host: Headers = ((b"Host", host_header(options.base_url)),)
        self._user_agent: Headers = ((b"User-Agent", USER_AGENT.encode("ascii")),)
        self._accept: Headers = ((b"Accept", b"application/json"),)
        self._encodings: Headers = ((b"Accept-Encoding", b"gzip, deflate"),)
        self._common = (*self._host, *self._user_agent, *self._accept, *self._encodings)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "what works with a client's credentials cannot be pickled or copied: pickle the client, which leaves them out"
        )

    @property
    def closed(self) -> bool:
        """Whether this client, or the one whose connections it shares, was closed."""
        return self._closed or (self._parent is not None and self._parent.closed)

    async def aclose(self) -> None:
        """Closes the connections, unless they are shared with a parent."""
        self._closed = True
        if self._parent is None:
            await self.transport.aclose()

    async def send(self, request: Request, timeout: float, *, hide_body: bool = False) -> APIResponse:
        """Sends one request once.

        Args:
            request: The request.
            timeout: The seconds that it may take.
            hide_body: Whether a successful response holds secrets that are not known yet, so that errors do without its body.

        Raises:
            ClientClosed: The client was closed.
            TransportError: No response came.
            InvalidResponse: It is larger than `max_response_bytes`.
        """
        if self.closed:
            raise ClientClosed("this client is closed: make another one, or use it inside of its `with` block")
        response = await self.transport.send(request, timeout)
        if len(response.content) > request.max_response_bytes:
            raise response_too_large(request, response.status)
        return APIResponse(request, response, secrets=self.known_secrets.all, hide_body=hide_body)

    def request(self, operation: Operation, token: str | None = None) -> Request:
        """The request for an operation.

        Args:
            operation: The operation. One with an absolute URL gets no headers of the API.
            token: The access token; None for the token operations.
        """
        if not operation.path.startswith("/"):
            host = (b"Host", host_header(operation.path))
            headers: Headers = (host, *self._user_agent, *self._encodings)
            return Request(operation.method, operation.path, headers, b"", self.options.max_response_bytes)
        headers = (*self._common, *operation.headers)
        if token is not None:
            headers = (*headers, (b"Authorization", b"Bearer " + token.encode("ascii")))
        url = self.options.base_url + operation.path
        return Request(operation.method, url, headers, operation.content or b"", self.options.max_response_bytes)
