"""The emulator for use in Python code: it runs in a thread of its own, and a test controls it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .core.clock import Clock
from .core.errors import EmulatorError, FunctionSourceError
from .core.faults import Fault, fault_answer
from .core.settings import Limits, Settings
from .core.stubs import IN_STUB
from .server import Server, open_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import TracebackType

    from .core.recorded_calls import ListingLag, RecordedCall
    from .core.service import Service
    from .core.stubs import Stub

_T = TypeVar("_T")


class Emulator:
    """A local stand-in for MinCloud's cloud functions, for use in tests.

        with Emulator() as emulator:
            emulator.stub("greet", lambda event: f"hi {event['data']['username']}")
            MinCloud(base_url=emulator.url, access_token=emulator.access_token)

    It serves in a thread of its own, so its methods may be called from any thread; none of them is a
    coroutine.

    Args:
        port: The port of the API; 0 for any free one.
        host: The address to listen on.
        data: A file that keeps functions, jobs and credentials; None to keep everything in memory.
        client_id: The application's id; random if None.
        client_secret: The application's secret; random if None.
        access_token: A first access token; random if None.
        limits: The limits of calls and requests; the service's if None.
        clock: The clock; the real time if None. It can be moved: `emulator.clock.advance(seconds)`.
        node: The Node that runs functions: a program, or a version such as `12`, of which an installed one is searched; None for
            the one on the path. Stubs need no Node.
        baas: A JavaScript module whose exports stand in for the parts of `BaaS` that the emulator does not have.
        strict: Whether a function that opens a socket is refused, as in the service; else its log says so.
        listing_lag: After how many seconds `listJobs` lists a job, by the emulator's clock. How long the service takes is not
            documented. A callable is given each `RecordedCall` and returns its job's lag: it runs in the emulator's thread and
            must not block.
        early_logs: Whether a job has its `user_log_url` as soon as it runs, with the log so far. The service documents only
            that it is there when the job has ended.

    Raises:
        ValueError: If `listing_lag` is negative or no number.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        data: Path | str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        access_token: str | None = None,
        limits: Limits | None = None,
        clock: Clock | None = None,
        node: str | None = None,
        baas: Path | str | None = None,
        strict: bool = False,
        listing_lag: ListingLag = 0.0,
        early_logs: bool = False,
    ) -> None:
        if not (callable(listing_lag) or listing_lag >= 0):
            message = f"listing_lag is {listing_lag!r}: give a number of seconds from 0 on, or a function of the call"
            raise ValueError(message)
        self.clock = Clock() if clock is None else clock
        self._host = host
        self._port = port
        self._limits = Limits() if limits is None else limits
        self._settings = Settings(
            data=None if data is None else Path(data),
            client_id=client_id,
            client_secret=client_secret,
            access_token=access_token,
            node=node,
            baas=None if baas is None else Path(baas),
            strict=strict,
            listing_lag=listing_lag,
            early_logs=early_logs,
        )
        self._running: _ServerThread | None = None

    # Start and end

    def start(self) -> Self:
        """Starts listening, which `with` does too.

        Returns:
            The emulator itself.

        Raises:
            AddressError: If the port is in use or the address can't be listened on.
            DataFileError: If the data file is in use, of another version, or can't be opened.
            EmulatorError: If it is running already.
        """
        if self._running is not None:
            message = "the emulator is running already: make another one"
            raise EmulatorError(message)
        self._running = _ServerThread.start(self._settings, self.clock, self._limits, self._host, self._port)
        return self

    def close(self) -> None:
        """Ends what runs and stops listening, which the end of `with` does too; nothing if it does not run."""
        running, self._running = self._running, None
        if running is not None:
            running.stop()

    def reset(self) -> None:
        """Deletes everything and takes new credentials where none were given; the port stays."""
        self._wait(self._service.reset)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Emulator {'not running' if self._running is None else self._running.server.url}>"

    # Addresses and credentials

    @property
    def url(self) -> str:
        """The API's origin, for a client's `base_url`."""
        return self._started.server.url

    @property
    def log_url(self) -> str:
        """The origin of job logs, another one than the API's."""
        return self._started.server.log_url

    @property
    def console_url(self) -> str:
        """The address of the console page, with its key. Whoever knows it can deploy and run code."""
        return self._started.server.console_url

    @property
    def console_key(self) -> str:
        """The key of the console, new with each start. Requests to `/_emulator/` send it as the header `Emulator-Key`."""
        return self._started.server.console_key

    @property
    def client_id(self) -> str:
        """The application's id."""
        return self._service.credentials.client_id

    @property
    def client_secret(self) -> str:
        """The application's secret."""
        return self._service.credentials.client_secret

    @property
    def access_token(self) -> str:
        """An access token that is valid from the start until it expires or a token is refreshed."""
        return self._service.credentials.access_token

    def issue_token(self, *, expires_in: int = 30 * 86400) -> str:
        """Returns one more access token; the others stay valid.

        Args:
            expires_in: How long it is valid, in seconds.
        """
        return self._do(lambda: self._service.credentials.issue_tokens(expires_in).access_token)

    def revoke_tokens(self) -> None:
        """Makes every access token and refresh token invalid."""
        self._do(self._service.credentials.revoke)

    # Functions

    def stub(self, name: str, stub: Stub, *, environment: str = "") -> None:
        """Runs a Python callable instead of a function, which is created if it does not exist.

        The stub stays until the function is deleted, even if the function is renamed or its code is deployed again.

        Args:
            name: The function's name.
            stub: Takes the event and returns a JSON value; raising makes the call fail with `code` 1. Each call runs in a
                thread of its own, that of a coroutine function with an event loop of its own, so it may call the
                emulator in any way.
            environment: The test environment's id, `""` for production.
        """
        self._do(lambda: self._service.stub(environment, name, stub))

    def deploy(
        self,
        name: str,
        source: str | Path,
        *,
        environment: str = "",
        remark: str | None = None,
        plan_circle: str | None = None,
    ) -> None:
        """Creates a function or gives it new code.

        Args:
            name: The function's name.
            source: The JavaScript text, or the path of its file or of a folder that has an `index.js`.
            environment: The test environment's id, `""` for production.
            remark: A note; None to leave it.
            plan_circle: `P_FREE` or `P_PERSONAL`; None to leave it.

        Raises:
            FunctionSourceError: If the file can't be read or there is no code in it.
        """
        from mincloud._function_files import read_source  # noqa: PLC0415 - most emulators are given stubs

        try:
            code = read_source(source)
        except (OSError, ValueError) as error:
            message = f"{name!r} is not deployed: {error}"
            raise FunctionSourceError(message) from error
        self._do(lambda: self._service.deploy(environment, name, code, remark=remark, plan_circle=plan_circle))

    # Calls

    @property
    def calls(self) -> list[RecordedCall]:
        """The calls of all functions, oldest first."""
        return self._do(lambda: list(self._service.invocations.recorder.calls))

    def calls_of(self, name: str, *, environment: str = "") -> list[RecordedCall]:
        """Returns the calls of one function, oldest first.

        Args:
            name: The function's name.
            environment: The test environment's id, `""` for production.
        """
        return [call for call in self.calls if call.function == name and call.environment == environment]

    def settle(self, timeout: float = 10.0) -> None:
        """Waits until no call is running or waiting for its turn.

        Args:
            timeout: For how many seconds at most.

        Raises:
            TimeoutError: If some call has not ended by then.
        """
        self._wait(lambda: asyncio.wait_for(self._service.invocations.settle(), timeout))

    # Faults

    def fail_next(
        self,
        status: int = 503,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        path: str | None = None,
        method: str | None = None,
        after: bool = False,
    ) -> None:
        """Answers the next requests with an error.

        Args:
            status: The answer's status, 200 to 599.
            body: Text and bytes as they are, anything else as JSON; None for what the service would send.
            headers: The answer's headers, such as `Retry-After`.
            times: How many requests.
            path: A pattern as in `fnmatch` that the decoded path must match, such as `*/job/`; None for any
                request to the API.
            method: The method that the request must have; None for any but OPTIONS, which browsers send by themselves.
            after: Whether the request is served first, so that what it does is done and only its answer is
                lost.

        Raises:
            TypeError: If an argument is of a wrong type: a header's value no text, a body nothing that JSON has a form for.
            ValueError: If no request could meet the fault, or no answer could be as asked.
        """
        content, all_headers = fault_answer(status, body, headers)
        fault = Fault(status, content, all_headers, times, path, method, after)
        self._do(lambda: self._service.faults.waiting.append(fault))

    def drop_next(
        self, *, times: int = 1, path: str | None = None, method: str | None = None, after: bool = False
    ) -> None:
        """Closes the connections of the next requests without an answer.

        Args:
            times: As for `fail_next`.
            path: As for `fail_next`.
            method: As for `fail_next`.
            after: As for `fail_next`.

        Raises:
            TypeError: If an argument is of a wrong type.
            ValueError: If no request could meet the fault.
        """
        fault = Fault(None, b"", {}, times, path, method, after)
        self._do(lambda: self._service.faults.waiting.append(fault))

    def delay(self, seconds: float, *, path: str | None = None) -> None:
        """Delays requests before they are served.

        Args:
            seconds: For how long; 0 to end it.
            path: A pattern as in `fnmatch` that the decoded path must match; None for any request to the API.

        Raises:
            TypeError: If the path is no text.
            ValueError: If it is no number of seconds, or no path matches.
        """
        self._do(lambda: self._service.faults.delay(seconds, path))

    def clear_faults(self) -> None:
        """Removes the faults and delays that were asked for."""
        self._do(self._service.faults.clear)

    # The thread of the server

    @property
    def _started(self) -> _ServerThread:
        if self._running is None:
            message = "the emulator is not running: start it with `with Emulator() as emulator:`"
            raise EmulatorError(message)
        return self._running

    @property
    def _service(self) -> Service:
        return self._started.service

    def _do(self, action: Callable[[], _T]) -> _T:
        """Runs something in the server's thread, which alone reads and changes its state."""

        async def run() -> _T:
            return action()

        running = self._started
        if threading.get_ident() == running.thread.ident:
            return action()
        return asyncio.run_coroutine_threadsafe(run(), running.loop).result()

    def _wait(self, action: Callable[[], Awaitable[_T]]) -> _T:
        async def run() -> _T:
            return await action()

        running = self._started
        if IN_STUB.get():
            message = (
                "a stub can't wait until the emulator has nothing to do, since the stub is something: do it in the test"
            )
            raise EmulatorError(message)
        return asyncio.run_coroutine_threadsafe(run(), running.loop).result()


class _ServerThread:
    """A server in a thread with an event loop of its own."""

    def __init__(self, service: Service, server: Server, loop: asyncio.AbstractEventLoop) -> None:
        self.service = service
        self.server = server
        self.loop = loop
        self.stopped = asyncio.Event()
        self.thread = threading.current_thread()

    @classmethod
    def start(cls, settings: Settings, clock: Clock, limits: Limits, host: str, port: int) -> _ServerThread:
        started: concurrent.futures.Future[_ServerThread] = concurrent.futures.Future()

        async def serve() -> None:
            try:
                server = open_server(settings, clock, limits, host, port)
                try:
                    await server.start()
                except BaseException:
                    await server.aclose()
                    raise
            except BaseException as error:  # noqa: BLE001 - raised where the emulator was started
                started.set_exception(error)
                return
            running = cls(server.service, server, asyncio.get_running_loop())
            started.set_result(running)
            await running.stopped.wait()
            await server.aclose()

        threading.Thread(target=lambda: asyncio.run(serve()), name="mincloud-emulator", daemon=True).start()
        return started.result()

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.stopped.set)
        self.thread.join()
