# Derived from mincloud/_async/client.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""The client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from .._configuration import NOT_GIVEN, NotGiven, Options, Secrets, check_header_value, resolve_options, resolve_secrets
from ..errors import ConfigurationError
from .functions import Functions
from .http_client import HTTPXTransport, package_of
from .jobs import Jobs
from .pipeline import Pipeline
from .transport import HTTPTransport
from .watching import JobWatchers

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from .._models import Attempt
    from ..transports import HTTPClient, Transport
    from .credentials import Credentials


class MinCloud:
    """A client of MinCloud's cloud functions.

    Arguments win over the environment, the environment over the login that the Node tool keeps in `./.mincloudrc` or `~/.mincloudrc`.
    A client may be used by several tasks and threads at once. Its pickle holds its configuration and no secret: where it is
    loaded, it takes the credentials from the environment there.

    Args:
        access_token: An access token. Environment: `MINCLOUD_ACCESS_TOKEN`.
        client_id: The application's client id. Environment: `MINCLOUD_CLIENT_ID`.
        client_secret: The application's client secret; the client obtains and renews a token with it. Environment:
            `MINCLOUD_CLIENT_SECRET`.
        environment: The id of a test environment; None for production, whatever the environment says. Environment, if it is not given:
            `MINCLOUD_ENVIRONMENT`.
        base_url: Where the API is. Environment: `MINCLOUD_BASE_URL`.
        timeout: The seconds that each attempt of a call may take, from connecting to the last byte; 30 if not given, None for no limit.
        max_retries: How often a call is repeated that failed and may be repeated; 2 if not given. Invocations and creations are repeated
            only when they surely did not run.
        default: Converts values that JSON does not know in the data of calls, as for `json.dumps`: dataclasses, `Decimal`, models of
            pydantic. None to refuse them.
        requests_per_minute: How many requests begin in any minute at the most, all threads, tasks and copies of this client together; the
            service guarantees 50 on its free plan. None for no limit. Waiting for a turn does not count into `timeout`, but into the
            time that `run.wait` and its like are given.
        on_attempt: Called after each request that was sent, with an `Attempt`, also for tokens and logs, in the thread or event loop that
            sent it. What it raises is logged, and breaks nothing.
        max_response_bytes: How large a response may be, as it comes and unpacked; 64 MiB if not given.
        http_client: An `httpx.Client` or `httpx2.Client` that sends the requests, for proxies, certificates, HTTP/2 and event
            hooks of one's own. It is not closed by this client.
        transport: What sends the requests, instead of the transport that comes with this package.

    Raises:
        MissingCredentials: There are no credentials.
        ConfigurationError: An option is impossible.
    """

    def __init__(
        self,
        *,
        access_token: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        environment: str | NotGiven | None = NOT_GIVEN,
        base_url: str | None = None,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | None = None,
        default: Callable[[Any], Any] | None = None,
        requests_per_minute: int | None = None,
        on_attempt: Callable[[Attempt], object] | None = None,
        max_response_bytes: int | None = None,
        http_client: HTTPClient | None = None,
        transport: Transport | None = None,
    ) -> None:
        given = Secrets.given(access_token, client_id, client_secret)
        del access_token, client_secret  # a traceback with local variables must not show them
        options = resolve_options(
            base_url=base_url,
            environment=environment,
            timeout=timeout,
            max_retries=max_retries,
            default=default,
            requests_per_minute=requests_per_minute,
            on_attempt=on_attempt,
            max_response_bytes=max_response_bytes,
        )
        secrets = resolve_secrets(given, options.base_url)
        self._set_up(
            Pipeline(options, _chosen_transport(transport, http_client, options.base_url), secrets),
            JobWatchers(),
        )

    def _set_up(self, pipeline: Pipeline, watchers: JobWatchers) -> None:
        self._pipeline = pipeline
        self._watchers = watchers
        self._functions = Functions(pipeline, watchers)
        self._jobs = Jobs(pipeline)

    @property
    def functions(self) -> Functions:
        """The application's functions."""
        return self._functions

    @property
    def jobs(self) -> Jobs:
        """The record of each call of a function."""
        return self._jobs

    @property
    def credentials(self) -> Credentials:
        """Where the access token comes from."""
        return self._pipeline.credentials

    def with_options(
        self,
        *,
        access_token: str | None = None,
        environment: str | NotGiven | None = NOT_GIVEN,
        timeout: float | NotGiven | None = NOT_GIVEN,
        max_retries: int | None = None,
        default: Callable[[Any], Any] | NotGiven | None = NOT_GIVEN,
        requests_per_minute: int | NotGiven | None = NOT_GIVEN,
        on_attempt: Callable[[Attempt], object] | NotGiven | None = NOT_GIVEN,
        max_response_bytes: int | None = None,
    ) -> Self:
        """A copy that shares the connections and differs in what is named. Closing it closes no connection.

        Args:
            access_token: Another access token.
            environment: The id of another test environment; None for production.
            timeout: The seconds that each attempt of a call may take; None for no limit.
            max_retries: How often a call is repeated that failed and may be repeated.
            default: Another conversion of values that JSON does not know; None for none.
            requests_per_minute: A limit of its own; None for none. Not giving one shares the limit there is.
            on_attempt: Another function to call after each request; None for none.
            max_response_bytes: How large a response may be, as it comes and unpacked.

        Raises:
            ConfigurationError: One of them is impossible.
        """
        secrets = None if access_token is None else Secrets.given(access_token, None, None)
        del access_token  # a traceback with local variables must not show it
        options = self._pipeline.options.changed(
            environment=environment,
            timeout=timeout,
            max_retries=max_retries,
            default=default,
            requests_per_minute=requests_per_minute,
            on_attempt=on_attempt,
            max_response_bytes=max_response_bytes,
        )
        if secrets is not None:
            check_header_value("access_token", secrets.access_token)
        copy = type(self).__new__(type(self))
        copy._set_up(  # noqa: SLF001 - of this same class
            Pipeline(options, self._pipeline.sender.transport, secrets, self._pipeline), self._watchers
        )
        return copy

    def close(self) -> None:
        """Closes the connections. Calls fail from then on."""
        self._pipeline.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if not hasattr(self, "_pipeline"):  # in the traceback of a constructor that failed
            return f"<{type(self).__name__}, not made>"
        options = self._pipeline.options
        environment = f", environment={options.environment!r}" if options.environment else ""
        return f"{type(self).__name__}(base_url={options.base_url!r}{environment})"

    def __copy__(self) -> Self:
        # Without this a copy would be made by way of the pickle, which leaves the credentials behind.
        return self.with_options()

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.with_options()

    def __reduce__(self) -> tuple[Any, ...]:
        if not isinstance(self._pipeline.sender.transport, HTTPTransport):
            raise TypeError(
                "a client with an http_client or transport of its own cannot be pickled: make another one where it is needed"
            )
        return from_options, (type(self), self._pipeline.options)


def from_options(kind: type[MinCloud], options: Options) -> MinCloud:
    """Makes a client from its pickle, with the credentials of the environment here."""
    client = kind.__new__(kind)
    pipeline = Pipeline(options, HTTPTransport(), resolve_secrets(Secrets(), options.base_url))
    client._set_up(pipeline, JobWatchers())  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - of this module
    return client


def _chosen_transport(transport: Transport | None, http_client: HTTPClient | None, base_url: str) -> Transport:
    """Returns the transport for what a client was given, or raises `ConfigurationError`."""
    if http_client is not None:
        if transport is not None:
            raise ConfigurationError("http_client and transport exclude each other: give one of them")
        return HTTPXTransport(http_client, base_url)
    if transport is None:
        return HTTPTransport()
    if package_of(transport, "BaseClient") is not None:
        raise ConfigurationError(
            "a client of httpx is given as http_client=…; transport is for one's own mincloud.Transport"
        )
    if not callable(getattr(transport, "send", None)) or not callable(getattr(transport, "close", None)):
        raise ConfigurationError(
            "transport must have the methods send and close, as mincloud.Transport has; a transport of httpx is given as "
            "http_client=httpx.Client(transport=…)"
        )
    return transport
