"""One's own client of httpx or httpx2, with the packages that people use with it."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import logging
import pickle
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from queue import Queue
from typing import Any

import httpx
import httpx2
import pytest
import trustme

from mincloud import (
    APIError,
    AsyncMinCloud,
    ClientClosed,
    ConfigurationError,
    ConnectionFailed,
    InvalidResponse,
    Job,
    MinCloud,
    NotFound,
    RequestTimeout,
    ServerError,
)
from mincloud_emulator import Emulator
from tests.facade.conftest import Action, OpenSide, Side

from .conftest import Serve
from .misbehaving_server import (
    FUNCTION,
    ClientConnection,
    MisbehavingServer,
    Received,
    drip,
    empty,
    hang,
    redirect,
    reply,
    reset,
    result,
)
from .test_secrets import locals_of

TOKEN = "a-token-of-the-test"
INVOKE: Action = lambda cloud: cloud.functions.invoke("greet")  # noqa: E731
READ: Action = lambda cloud: cloud.functions.get("greet")  # noqa: E731

Open = Callable[..., Side]


@pytest.fixture(params=["httpx", "httpx2"])
def package(request: pytest.FixtureRequest) -> Any:
    return {"httpx": httpx, "httpx2": httpx2}[request.param]


@pytest.fixture
def open_with(open_side: OpenSide, package: Any, request: pytest.FixtureRequest) -> Iterator[Open]:
    """Makes a client over one of httpx: `open_with(base_url, client={…}, max_retries=0)`."""
    is_sync = request.node.callspec.params["open_side"] == "sync"
    opened: list[tuple[Side, Any]] = []

    def open_one(base_url: str, *, client: dict[str, Any] | None = None, **options: Any) -> Side:
        settings = {"trust_env": False, **(client or {})}
        http_client = package.Client(**settings) if is_sync else package.AsyncClient(**settings)
        side = open_side(**{"base_url": base_url, "access_token": TOKEN, "http_client": http_client, **options})
        opened.append((side, http_client))
        return side

    yield open_one
    for side, http_client in opened:
        assert not http_client.is_closed
        _close(side, http_client)


def _close(side: Side, http_client: Any) -> None:
    side.run(lambda _: http_client.aclose() if hasattr(http_client, "aclose") else http_client.close())


def test_a_client_of_ones_own_carries_the_calls_and_stays_open(open_with: Open, emulator: Emulator) -> None:
    emulator.stub("greet", lambda event: event["data"])
    side = open_with(emulator.url, access_token=emulator.access_token)
    assert side.run(lambda cloud: cloud.functions.invoke("greet", {"名": "爱范儿"})) == {"名": "爱范儿"}
    assert [function.name for function in side.run(lambda cloud: cloud.functions.list())] == ["greet"]
    with pytest.raises(NotFound):
        side.run(lambda cloud: cloud.functions.get("nobody/../x?y"))


def test_an_application_obtains_its_token_over_it(open_with: Open) -> None:
    with Emulator(client_id="me", client_secret="secret-of-the-application") as emulator:
        emulator.stub("greet", lambda _: "hi")
        side = open_with(emulator.url, access_token=None, client_id="me", client_secret="secret-of-the-application")
        assert side.run(INVOKE) == "hi"


def test_it_is_what_sends(open_with: Open, serve: Serve) -> None:
    server = serve(result(1))
    side = open_with(server.url, client={"headers": {"X-Of-Mine": "yes", "Accept": "text/html", "Authorization": "no"}})
    assert side.run(INVOKE) == 1
    headers = server.requests[0].headers
    assert headers["x-of-mine"] == "yes"
    assert headers["accept"] == "application/json"
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["accept-encoding"] == "gzip, deflate"
    assert headers["user-agent"].startswith("mincloud")


def test_what_it_adds_to_requests_goes_to_the_service_alone(open_with: Open, serve: Serve, package: Any) -> None:
    storage = serve(reply(raw="日志".encode()))
    job = Job(id=1, status="fulfilled", user_log_url=f"{storage.url}/log?Signature=abc%2Fdef")
    side = open_with(
        "http://127.0.0.1:9",
        client={
            "headers": {"X-Of-Mine": "yes", "Authorization": "no"},
            "cookies": {"session": "mine"},
            "params": {"key": "mine"},
            "auth": ("user", "password"),
        },
    )
    assert side.run(lambda cloud: cloud.jobs.log(job)) == "日志"
    (request,) = storage.requests
    assert request.target == "/log?Signature=abc%2Fdef"
    assert not {"x-of-mine", "authorization", "cookie"} & request.headers.keys()


def test_its_headers_go_along_where_the_service_signs_in_and_nowhere_else(open_with: Open, serve: Serve) -> None:
    elsewhere = serve(reply({"code": "a-code"}))

    def service(_: ClientConnection, request: Received) -> bytes:
        if request.path.endswith("/authorize/"):
            return redirect(f"{elsewhere.url}/signed-in")
        return reply({"access_token": "a-token"}) if request.path.endswith("/access_token/") else result(1)

    server = serve(service)
    side = open_with(
        server.url,
        access_token=None,
        client_id="me",
        client_secret="secret-of-the-application",
        client={"headers": {"X-Of-Mine": "yes"}},
    )
    assert side.run(INVOKE) == 1
    assert [request.headers.get("x-of-mine") for request in server.requests] == ["yes"] * 3
    assert "x-of-mine" not in elsewhere.requests[0].headers


# The same errors, the same rules


def test_no_redirect_is_followed(open_with: Open, serve: Serve) -> None:
    elsewhere = serve(reply(FUNCTION))
    server = serve(redirect(elsewhere.url + "/x", 308))
    with pytest.raises(APIError, match="set base_url to where the API is"):
        open_with(server.url, client={"follow_redirects": True}).run(READ)
    assert elsewhere.requests == []


@pytest.mark.parametrize("action", [INVOKE, READ])
def test_a_connection_that_cannot_be_made_has_run_nothing(open_with: Open, refused: str, action: Action) -> None:
    with pytest.raises(ConnectionFailed, match="no connection could be made") as caught:
        open_with(refused, max_retries=1).run(action)
    assert caught.value.may_have_run is False
    _shows_nothing(caught.value)


@pytest.mark.parametrize("end", [reset, empty], ids=["reset", "closed"])
def test_an_invocation_that_breaks_may_have_run_and_is_not_sent_again(
    open_with: Open, serve: Serve, end: Callable[[ClientConnection, Received], None]
) -> None:
    server = serve(end)
    with pytest.raises(ConnectionFailed, match="broke before the answer was complete") as caught:
        open_with(server.url, max_retries=2).run(INVOKE)
    assert (caught.value.may_have_run, len(server.requests)) == (True, 1)
    _shows_nothing(caught.value)


def test_a_read_that_breaks_is_sent_again(open_with: Open, serve: Serve) -> None:
    server = serve(reset, reply(status=503, raw=b"", headers=[("Retry-After", "0")]), reply(FUNCTION))
    assert open_with(server.url).run(READ).name == "greet"
    assert len(server.requests) == 3


def _half(connection: ClientConnection, _: Received) -> None:
    connection.send(result(1)[:-3])
    connection.pause()


@pytest.mark.parametrize(
    "late",
    [hang, drip(result(1), 0.2), _half],
    ids=["nothing", "byte by byte", "no end"],
)
def test_one_deadline_holds_for_all_of_it(open_with: Open, serve: Serve, late: Any) -> None:
    server = serve(late)
    started = time.monotonic()
    with pytest.raises(RequestTimeout, match=r"the answer was not complete within 0\.6 s") as caught:
        open_with(server.url, timeout=0.6).run(INVOKE)
    assert time.monotonic() - started < 5
    assert caught.value.may_have_run is True
    _shows_nothing(caught.value)


def test_what_nobody_waits_for_any_more_is_not_sent(serve: Serve) -> None:
    """In threads the call of httpx goes on when its time is over; the request must not leave after it was said not to have."""
    server = serve(result(1))
    entered, released, ended = threading.Event(), threading.Event(), threading.Event()

    class _Slow(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            original = request.extensions["trace"]

            def trace(event: str, info: dict[str, Any]) -> None:
                original(event, info)
                if event == "connection.connect_tcp.complete":
                    entered.set()
                    released.wait(30)

            request.extensions["trace"] = trace
            try:
                return super().handle_request(request)
            finally:
                ended.set()

    with httpx.Client(transport=_Slow()) as own:
        cloud = MinCloud(base_url=server.url, access_token=TOKEN, http_client=own, timeout=0.5, max_retries=0)
        with pytest.raises(RequestTimeout, match=r"no connection was made within 0\.5 s") as caught:
            cloud.functions.invoke("greet")
        assert caught.value.may_have_run is False
        assert entered.is_set()
        released.set()
        assert ended.wait(30)
    assert server.requests == []


def test_a_body_without_end_is_not_read_on_when_nobody_waits_for_it(open_with: Open, serve: Serve) -> None:
    """In threads the call of httpx goes on when its time is over, and holds its connection."""
    abandoned = threading.Event()

    def endless(connection: ClientConnection, _: Received) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                connection.drip(b"1\r\n \r\n", 0.01)
        except OSError:
            abandoned.set()

    with pytest.raises(RequestTimeout):
        open_with(serve(endless).url, timeout=0.3, max_retries=0).run(READ)
    assert abandoned.wait(30)


def test_a_time_limit_may_be_infinite(open_with: Open, serve: Serve) -> None:
    assert open_with(serve(result(1)).url, timeout=float("inf")).run(INVOKE) == 1


def test_a_response_without_end_is_cut_off(open_with: Open, serve: Serve) -> None:
    def endless(connection: ClientConnection, _: Received) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    with pytest.raises(InvalidResponse, match="larger than max_response_bytes, 1000000 bytes"):
        open_with(serve(endless).url, max_response_bytes=1_000_000).run(READ)


def test_gzip_is_undone(open_with: Open, serve: Serve) -> None:
    content = gzip.compress(json.dumps(FUNCTION).encode())
    server = serve(reply(raw=content, headers=[("Content-Encoding", "gzip")]))
    assert open_with(server.url).run(READ).name == "greet"


def test_a_closed_client_is_said_to_be_closed(package: Any) -> None:
    own = package.Client()
    own.close()
    with pytest.raises(ClientClosed, match="the HTTP client that was given as http_client= is closed"):
        MinCloud(base_url="http://127.0.0.1:9", access_token=TOKEN, http_client=own).functions.get("greet")


async def test_a_task_that_is_cancelled_leaves_no_connection_in_use(serve: Serve, package: Any) -> None:
    server = serve(hang, result(1))
    async with package.AsyncClient(limits=package.Limits(max_connections=1)) as own:
        cloud = AsyncMinCloud(base_url=server.url, access_token=TOKEN, http_client=own)
        call = asyncio.create_task(cloud.functions.invoke("greet"))
        while not server.requests:
            await asyncio.sleep(0.005)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await cloud.functions.invoke("greet") == 1


def test_its_logs_show_no_signature_and_no_token(
    open_with: Open, serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    def repeat(_: ClientConnection, request: Received) -> bytes:
        """Repeats in the reason phrase what it was sent."""
        return result("log").replace(
            b" X\r\n", f" {request.target} {request.headers.get('authorization')}\r\n".encode(), 1
        )

    storage = serve(repeat)
    job = Job(id=1, status="fulfilled", user_log_url=f"{storage.url}/log?Signature=a-signature-of-the-test")
    with caplog.at_level(logging.DEBUG):
        side = open_with(storage.url)
        side.run(lambda cloud: cloud.jobs.log(job))
        side.run(INVOKE)
    assert f'HTTP Request: GET {storage.url}/log "HTTP/1.1 200 ' in caplog.text
    assert "a-signature-of-the-test" not in caplog.text
    assert TOKEN not in caplog.text


def _shows_nothing(error: BaseException) -> None:
    """No part of an error holds the request of httpx, whose headers have the token."""
    assert error.__cause__ is None
    assert error.__context__ is None
    assert TOKEN.encode() not in pickle.dumps(error)


# What was given


@pytest.mark.parametrize("wrong", [httpx.AsyncClient, httpx2.AsyncClient, dict, httpx.HTTPTransport])
def test_what_is_no_client_of_threads_is_refused(wrong: Any) -> None:
    with pytest.raises(
        ConfigurationError,
        match=rf"^http_client must be an httpx\.Client, or an httpx2\.Client, not {wrong.__name__}$",
    ):
        MinCloud(access_token=TOKEN, http_client=wrong())


@pytest.mark.parametrize("wrong", [httpx.Client, httpx2.Client, object])
def test_what_is_no_client_of_asyncio_is_refused(wrong: Any) -> None:
    with pytest.raises(
        ConfigurationError,
        match=rf"^http_client must be an httpx\.AsyncClient, or an httpx2\.AsyncClient, not {wrong.__name__}$",
    ):
        AsyncMinCloud(access_token=TOKEN, http_client=wrong())


@pytest.mark.parametrize("kind", [MinCloud, AsyncMinCloud])
@pytest.mark.parametrize("given", [httpx.Client, httpx.AsyncClient, httpx2.Client, httpx2.AsyncClient])
def test_a_client_given_as_transport_is_told_where_it_belongs(kind: Any, given: Any) -> None:
    with pytest.raises(ConfigurationError, match="a client of httpx is given as http_client=…"):
        kind(access_token=TOKEN, transport=given())


@pytest.mark.parametrize("kind", [MinCloud, AsyncMinCloud])
@pytest.mark.parametrize("given", [httpx.HTTPTransport, httpx.AsyncHTTPTransport, object])
def test_what_is_no_transport_is_refused(kind: Any, given: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"transport must have the methods send and a?close"):
        kind(access_token=TOKEN, transport=given())


def test_a_client_and_a_transport_exclude_each_other() -> None:
    with pytest.raises(ConfigurationError, match="exclude each other"):
        MinCloud(access_token=TOKEN, http_client=httpx.Client(), transport=object())  # type: ignore[arg-type, unused-ignore]  # pyright: ignore[reportArgumentType]


def test_a_client_with_a_transport_of_its_own_cannot_be_pickled() -> None:
    class _Transport:
        def send(self, request: Any, timeout: float) -> Any: ...

        def close(self) -> None: ...

    for given in ({"http_client": httpx.Client()}, {"transport": _Transport()}):
        cloud = MinCloud(access_token=TOKEN, **given)  # pyright: ignore[reportArgumentType]
        for each in (cloud, cloud.with_options(max_retries=0)):
            with pytest.raises(TypeError, match="of its own cannot be pickled: make another one where it is needed"):
                pickle.dumps(each)


def test_nor_can_a_run_of_its_own(open_with: Open, emulator: Emulator) -> None:
    emulator.stub("greet", lambda _: "hi")
    side = open_with(emulator.url, access_token=emulator.access_token)
    run = side.run(lambda cloud: cloud.functions.trigger("greet"))
    with pytest.raises(TypeError, match=r"save run\.to_dict\(\), and give it to functions\.resume of such a client"):
        pickle.dumps(run)
    resumed = side.run(lambda cloud: cloud.functions.resume(run.to_dict()))
    assert side.run(lambda _: resumed.result()) == "hi"


# With the packages that people use


@pytest.mark.parametrize("package", ["httpx"], indirect=True)  # the only one that respx knows
def test_respx_mocks_it(open_with: Open) -> None:
    import respx

    with respx.mock(base_url="https://cloud.minapp.com") as router:
        route = router.post(path__regex=r".*/job/$").respond(json={"code": 0, "data": "mocked", "error": {}})
        assert open_with("https://cloud.minapp.com").run(INVOKE) == "mocked"
        assert route.call_count == 1
        route.mock(side_effect=httpx.ConnectError("down"))
        with pytest.raises(ConnectionFailed) as caught:
            open_with("https://cloud.minapp.com", max_retries=0).run(INVOKE)
        assert caught.value.may_have_run is False
        route.mock(side_effect=httpx.ReadTimeout("slow"))
        with pytest.raises(RequestTimeout) as late:
            open_with("https://cloud.minapp.com", max_retries=0).run(INVOKE)
        assert late.value.may_have_run is True


def test_a_mock_transport_answers(open_with: Open, package: Any) -> None:
    def handle(request: Any) -> Any:
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        return package.Response(200, json={"code": 0, "data": json.loads(request.content)["data"], "error": {}})

    side = open_with("https://cloud.minapp.com", client={"transport": package.MockTransport(handle)})
    assert side.run(lambda cloud: cloud.functions.invoke("greet", {"n": 1})) == {"n": 1}


def test_pytest_httpx_mocks_it(httpx_mock: Any) -> None:
    httpx_mock.add_response(url="https://cloud.minapp.com/oserve/v1.3/cloud-function/greet/", json=FUNCTION)
    with httpx.Client() as own:
        cloud = MinCloud(access_token=TOKEN, base_url="https://cloud.minapp.com", http_client=own)
        assert cloud.functions.get("greet").name == "greet"
    assert httpx_mock.get_requests()[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_pytest_httpx_mocks_the_one_of_asyncio(httpx_mock: Any) -> None:
    httpx_mock.add_exception(httpx.ConnectTimeout("no way"))
    async with httpx.AsyncClient() as own:
        cloud = AsyncMinCloud(access_token=TOKEN, base_url="https://a.example", http_client=own, max_retries=0)
        with pytest.raises(RequestTimeout) as caught:
            await cloud.functions.invoke("greet")
    assert caught.value.may_have_run is False


def test_vcrpy_records_and_replays(tmp_path: Path, emulator: Emulator) -> None:
    vcr: Any = import_module("vcr")

    emulator.stub("greet", lambda _: "爱范儿" * 1000)
    cassette = str(tmp_path / "calls.yaml")
    answers: list[object] = []
    for mode in ("once", "none"):
        with vcr.use_cassette(cassette, record_mode=mode, filter_headers=["authorization"]), httpx.Client() as own:
            cloud = MinCloud(base_url=emulator.url, access_token=emulator.access_token, http_client=own)
            answers.append(cloud.functions.invoke("greet"))
            answers.append(cloud.functions.get("greet").name)
    assert answers == ["爱范儿" * 1000, "greet"] * 2
    assert emulator.access_token not in Path(cassette).read_text()


def test_opentelemetry_has_one_span_for_each_request(serve: Serve) -> None:
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    server = serve(reply(status=503, headers=[("Retry-After", "0")]), reply(FUNCTION))
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    tracer = provider.get_tracer("test")
    with httpx.Client() as own:
        HTTPXClientInstrumentor.instrument_client(own, tracer_provider=provider)
        cloud = MinCloud(base_url=server.url, access_token=TOKEN, http_client=own)
        with tracer.start_as_current_span("the caller's"):
            cloud.functions.get("greet")
    finished: Any = spans.get_finished_spans()
    assert [span.name for span in finished] == ["GET", "GET", "the caller's"]
    assert {span.parent.span_id for span in finished[:2] if span.parent} == {finished[2].context.span_id}
    assert "traceparent" in server.requests[0].headers
    assert TOKEN not in "".join(span.to_json() for span in finished)


def test_event_hooks_are_called(open_with: Open, serve: Serve, request: pytest.FixtureRequest) -> None:
    is_sync = request.node.callspec.params["open_side"] == "sync"
    seen: list[str] = []

    def on_request(sent: Any) -> None:
        sent.headers["X-Trace"] = "abc"
        seen.append(sent.method)

    def on_response(response: Any) -> None:
        response.read()
        seen.append(response.text[:8])

    async def on_request_async(sent: Any) -> None:
        on_request(sent)

    async def on_response_async(response: Any) -> None:
        await response.aread()
        seen.append(response.text[:8])

    server = serve(reply(raw=gzip.compress(json.dumps(FUNCTION).encode()), headers=[("Content-Encoding", "gzip")]))
    hooks = (on_request, on_response) if is_sync else (on_request_async, on_response_async)
    side = open_with(server.url, client={"event_hooks": {"request": [hooks[0]], "response": [hooks[1]]}})
    assert side.run(READ).name == "greet"
    assert seen == ["GET", '{"id": 7']
    assert server.requests[0].headers["x-trace"] == "abc"


def test_an_event_hook_that_raises_for_a_status_changes_no_error(
    open_with: Open, serve: Serve, request: pytest.FixtureRequest
) -> None:
    is_sync = request.node.callspec.params["open_side"] == "sync"

    def raise_for_status(response: Any) -> None:
        response.raise_for_status()

    async def raise_for_status_async(response: Any) -> None:
        response.raise_for_status()

    server = serve(reply({"error_msg": "x"}, status=502, headers=[("Retry-After", "0")]))
    hook = raise_for_status if is_sync else raise_for_status_async
    with pytest.raises(ServerError) as caught:
        open_with(server.url, client={"event_hooks": {"response": [hook]}}).run(READ)
    assert caught.value.status == 502
    assert len(server.requests) == 3


def test_what_an_event_hook_raises_reaches_the_caller(
    open_with: Open, serve: Serve, request: pytest.FixtureRequest
) -> None:
    is_sync = request.node.callspec.params["open_side"] == "sync"

    def fail(_: Any) -> None:
        raise LookupError("a fault of the hook")

    async def fail_async(_: Any) -> None:
        fail(_)

    server = serve(reply(FUNCTION))
    hooks = {"request": [fail if is_sync else fail_async]}
    side = open_with(server.url, client={"event_hooks": hooks})
    job = Job(id=1, status="fulfilled", user_log_url=f"{server.url}/log?Signature=a-signature-of-the-test")
    read_log: Action = lambda cloud: cloud.jobs.log(job)  # noqa: E731
    for action in (READ, read_log):
        with pytest.raises(LookupError, match="a fault of the hook") as caught:
            side.run(action)
        # The frames of httpx have the request among their local variables.
        assert not any(
            secret in line for line in locals_of(caught.value) for secret in (TOKEN, "a-signature-of-the-test")
        )
    assert server.requests == []


@pytest.fixture
def authority() -> Any:
    return trustme.CA()


def _server_context(authority: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate: Any = authority.issue_cert("127.0.0.1")
    certificate.configure_cert(context)
    return context


def test_client_certificates_are_shown(open_with: Open, authority: Any) -> None:
    demanding = _server_context(authority)
    demanding.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(demanding)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    with MisbehavingServer([result(1)], tls=demanding) as server:
        with pytest.raises(ConnectionFailed):
            open_with(server.url, client={"verify": ours}, max_retries=0).run(INVOKE)
        shown = ssl.create_default_context()
        authority.configure_trust(shown)
        certificate: Any = authority.issue_cert("me@example.org")
        certificate.configure_cert(shown)
        assert open_with(server.url, client={"verify": shown}).run(INVOKE) == 1


def test_truststore_verifies(open_with: Open, authority: Any, tmp_path: Path) -> None:
    import truststore

    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))
    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with MisbehavingServer([result(1)], tls=_server_context(authority)) as server:
        with pytest.raises(ConnectionFailed) as caught:
            open_with(server.url, client={"verify": context}, max_retries=0).run(INVOKE)
        assert caught.value.may_have_run is False
        context.load_verify_locations(cafile=str(bundle))
        assert open_with(server.url, client={"verify": context}, max_retries=0).run(INVOKE) == 1


# httpcore leaves the connection open.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_is_no_socks_proxy_has_run_nothing(open_with: Open) -> None:
    from .test_proxies_and_tls import NAME, not_socks

    with not_socks(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        side = open_with(f"http://{NAME}:9", client={"proxy": f"socks5://{address}"}, max_retries=0)
        with pytest.raises(ConnectionFailed, match="no connection could be made") as caught:
            side.run(INVOKE)
    assert caught.value.may_have_run is False
    del caught
    gc.collect()


def test_a_socks_proxy_carries_it(open_with: Open, serve: Serve) -> None:
    from .test_proxies_and_tls import GRANTED, NAME, SOCKSServer

    server = serve(result(1))
    proxy = SOCKSServer(GRANTED)
    side = open_with(f"http://{NAME}:{server.port}", client={"proxy": f"socks5://user:word@{proxy.address}"})
    assert side.run(INVOKE) == 1
    proxy.close()
    assert proxy.asked == [f"user:word {NAME}:{server.port}"]


def _serve_http2(authority: Any, folder: Path, listener: socket.socket, box: Queue[Callable[[], object]]) -> None:
    """Hypercorn, with an application that says which HTTP it was asked over."""
    serve: Any = import_module("hypercorn.asyncio").serve
    from hypercorn.config import Config

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        while (await receive()).get("more_body"):
            pass
        body = json.dumps({"code": 0, "data": scope["http_version"], "error": {}}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})

    certificate: Any = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    (folder / "cert.pem").write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    config = Config()
    config.certfile, config.keyfile = str(folder / "cert.pem"), str(folder / "key.pem")
    config.bind, config.errorlog = [f"fd://{listener.detach()}"], None
    config.graceful_timeout = 0

    async def main() -> None:
        stop = asyncio.Event()
        box.put(partial(asyncio.get_running_loop().call_soon_threadsafe, stop.set))
        await serve(application, config, shutdown_trigger=stop.wait)

    asyncio.run(main())


@pytest.fixture
def http2_server(authority: Any, tmp_path: Path) -> Iterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    box: Queue[Callable[[], object]] = Queue()
    server = threading.Thread(target=_serve_http2, args=(authority, tmp_path, listener, box))
    server.start()
    yield f"https://127.0.0.1:{port}"
    box.get(timeout=30)()
    server.join()


def test_http2_carries_it(http2_server: str, open_with: Open, authority: Any) -> None:
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)
    side = open_with(http2_server, client={"http2": True, "verify": trusted})
    assert [side.run(INVOKE) for _ in range(3)] == ["2", "2", "2"]
