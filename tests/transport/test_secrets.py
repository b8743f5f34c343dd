"""A secret stays secret: in logs, errors, tracebacks, representations and pickles."""

from __future__ import annotations

import asyncio
import base64
import html
import io
import json
import logging
import pickle
import socket
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.traceback import Traceback

from mincloud import (
    AsyncMinCloud,
    BadRequest,
    ConfigurationError,
    ConnectionFailed,
    Forbidden,
    FunctionError,
    InvalidResponse,
    Job,
    MinCloud,
    MinCloudError,
)
from mincloud._redaction import Secret, redact
from tests.facade.conftest import Action, OpenSide

from .conftest import Serve
from .misbehaving_server import ClientConnection, MisbehavingServer, Received, empty, hang, redirect, reply, result

TESTS = str(Path(__file__).resolve().parents[1])
CLIENT_SECRET = 'client"secret/with+odd=signs ß'
SECRETS = {
    "client secret": CLIENT_SECRET,
    "first part of the client secret": 'client"secret',
    "code": "code-of-the-exchange",
    "cookie": "cookie-of-the-way",
    "code in a redirect": "code-in-a-redirect",
    "access token": "token-of-access",
    "refresh token": "token-of-refresh",
    "fixed token": "token-that-was-given",
    "signature": "signature-of-the-log",
}
LOG = f"/log/3.txt?Expires=1700000000&Signature={SECRETS['signature']}%2Fabc"


def service(_: ClientConnection, request: Received) -> bytes | None:
    """Exchange, calls, and a log; the calls of some functions fail and repeat what they were sent."""
    echo = f"{request.headers} {request.body.decode()} {request.target}"
    if request.path == "/api/oauth2/hydrogen/openapi/authorize/":
        return redirect(f"/hop?code={SECRETS['code in a redirect']}", cookie=f"session={SECRETS['cookie']}; Path=/")
    if request.path == "/hop":
        return reply({"code": SECRETS["code"]})
    if request.path == "/api/oauth2/access_token/":
        return reply({"access_token": SECRETS["access token"], "refresh_token": SECRETS["refresh token"]})
    if request.path.startswith("/log/"):
        return (
            reply(raw=b"the log")
            if "/3.txt" in request.path
            else reply(raw=f"<Error>{echo}</Error>".encode(), status=403)
        )
    if "/echo-error/" in request.path:
        return reply({"error_msg": echo}, status=400)
    if "/echo-text/" in request.path:
        return reply(raw=echo.encode(), status=500)
    if "/echo-success/" in request.path:
        return reply(raw=echo.encode())
    if "/redirect/" in request.path:
        return redirect(f"/login?token={SECRETS['access token']}")
    if "/gone/" in request.path:
        return None
    return result({"fine": True})


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Everything that any logger says, at the lowest level."""
    levels = {name: logging.getLogger(name).level for name in ("httpcore", "httpx", "asyncio", "mincloud")}
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    with caplog.at_level(1):
        yield caplog
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def shown(value: object) -> None:
    """Fails if a secret is in the text."""
    text = str(value)
    found = [name for name, secret in SECRETS.items() if secret in text or repr(secret)[1:-1] in text]
    assert found == [], text


def everything_of(error: BaseException) -> str:
    parts = [str(error), repr(error), repr(error.__dict__), "".join(traceback.format_exception(error))]
    parts.append(repr(pickle.dumps(error)))
    parts += locals_of(error)
    return "\n".join(parts)


def locals_of(error: BaseException | None) -> Iterator[str]:
    """What a traceback with local variables shows: of an error and those before it, in all frames but the tests' own."""
    while error is not None:
        for frame, line in traceback.walk_tb(error.__traceback__):
            if not frame.f_code.co_filename.startswith(TESTS):
                for name, value in frame.f_locals.items():
                    yield f"{frame.f_code.co_filename}:{line} {name} = {value!r}"
        error = error.__cause__ or error.__context__


def tried(side: Any, refused: str) -> list[MinCloudError]:
    """Calls of every kind, well and badly; the errors that came."""
    errors: list[MinCloudError] = []
    actions: list[Action] = [
        lambda cloud: cloud.functions.invoke("greet", {"x": 1}),
        lambda cloud: cloud.functions.invoke("echo-error"),
        lambda cloud: cloud.functions.get("echo-text"),
        lambda cloud: cloud.functions.debug("echo-success"),
        lambda cloud: cloud.functions.get("redirect"),
        lambda cloud: cloud.functions.invoke("gone"),
        lambda cloud: cloud.jobs.log(Job(id=3, status="fulfilled", user_log_url=base(cloud) + LOG)),
        lambda cloud: cloud.jobs.log(
            Job(id=4, status="fulfilled", user_log_url=base(cloud) + LOG.replace("3.txt", "4.txt"))
        ),
        lambda cloud: cloud.jobs.log(Job(id=5, status="fulfilled", user_log_url=refused + LOG)),
        lambda cloud: cloud.jobs.log(Job(id=6, status="fulfilled", user_log_url="nowhere:" + LOG)),
    ]
    for action in actions:
        try:
            side.run(action)
        except MinCloudError as error:
            errors.append(error)
    return errors


def base(cloud: Any) -> str:
    url: str = cloud._pipeline.options.base_url
    return url


@pytest.mark.parametrize("fixed", [True, False], ids=["fixed token", "exchange"])
def test_no_secret_is_in_a_log_line_or_in_anything_of_an_error(
    open_side: OpenSide, serve: Serve, refused: str, everything_logged: pytest.LogCaptureFixture, fixed: bool
) -> None:
    server = serve(service)
    credentials = (
        {"access_token": SECRETS["fixed token"]}
        if fixed
        else {"client_id": "the-client-id", "client_secret": CLIENT_SECRET}
    )
    side = open_side(base_url=server.url, max_retries=0, **credentials)
    errors = tried(side, refused)
    if not fixed:
        side.run(lambda cloud: cloud.credentials.refresh())
    assert len(errors) == 8
    for error in errors:
        shown(everything_of(error))
    formatter = logging.Formatter("%(name)s %(message)s %(args)s %(pathname)s")
    for record in everything_logged.records:
        shown(formatter.format(record) + repr(record.__dict__))
    own = [record.getMessage() for record in everything_logged.records if record.name == "mincloud"]
    assert f"POST {server.url}/oserve/v1.3/cloud-function/greet/job/ answered 200" in own
    assert any("/log/3.txt answered 200" in line for line in own)


@pytest.mark.parametrize("step", ["/api/oauth2/hydrogen/openapi/authorize/", "/hop", "/api/oauth2/access_token/"])
@pytest.mark.parametrize("status", [200, 302, 400, 500])
def test_an_exchange_that_fails_shows_no_secret(
    open_side: OpenSide, refused: str, everything_logged: pytest.LogCaptureFixture, step: str, status: int
) -> None:
    """The step answers with everything that it was sent, and with a token where none belongs."""

    def failing(connection: ClientConnection, request: Received) -> bytes | None:
        if request.path != step:
            return service(connection, request)
        echo = {
            "error_msg": f"{request.headers} {request.target} {request.body.decode()}",
            "sent": request.body.decode(),
        }
        more = {"nested": {"access_token": SECRETS["access token"]}} if status == 200 else {}
        location = [("Location", f"{refused}/?code={SECRETS['code']}")] if status == 302 else []
        return reply(echo | more, status=status, headers=location)

    with MisbehavingServer([failing]) as server:
        side = open_side(base_url=server.url, client_id="the-client-id", client_secret=CLIENT_SECRET, max_retries=0)
        with pytest.raises(MinCloudError) as caught:
            side.run(lambda cloud: cloud.functions.invoke("greet"))
    shown(everything_of(caught.value))
    for record in everything_logged.records:
        shown(repr(record.__dict__))


@pytest.mark.parametrize("fault", [empty, hang])
def test_a_broken_call_shows_no_secret_in_its_causes(open_side: OpenSide, fault: Any) -> None:
    with MisbehavingServer([fault]) as server:
        side = open_side(base_url=server.url, access_token=SECRETS["fixed token"], timeout=0.2, max_retries=0)
        with pytest.raises(MinCloudError) as caught:
            side.run(lambda cloud: cloud.functions.invoke("greet"))
        with pytest.raises(MinCloudError) as of_log:
            side.run(lambda cloud: cloud.jobs.log(Job(id=3, status="x", user_log_url=server.url + LOG)))
    for error in (caught.value, of_log.value):
        assert (error.__cause__, error.__context__) == (None, None)
        shown(everything_of(error))


def test_the_token_is_not_sent_to_the_host_of_the_log(open_side: OpenSide, serve: Serve) -> None:
    storage = serve(reply(raw="日志\n".encode()))
    side = open_side(base_url="http://127.0.0.1:9", access_token=SECRETS["fixed token"], environment="an-environment")
    log = side.run(lambda cloud: cloud.jobs.log(Job(id=3, status="fulfilled", user_log_url=storage.url + LOG)))
    assert log == "日志\n"
    (request,) = storage.requests
    assert request.target == LOG
    assert {"authorization", "x-hydrogen-env-id", "cookie"} & set(request.headers) == set()
    shown({name: value for name, value in request.headers.items() if name != "host"})


def test_an_error_of_the_logs_host_keeps_its_text_without_the_signature(open_side: OpenSide, serve: Serve) -> None:
    answer = f"<Error><Code>AccessDenied</Code><Signature>{SECRETS['signature']}/abc</Signature></Error>"
    storage = serve(reply(raw=answer.encode(), status=403))
    side = open_side(base_url="http://127.0.0.1:9", access_token=SECRETS["fixed token"])
    with pytest.raises(Forbidden) as caught:
        side.run(lambda cloud: cloud.jobs.log(Job(id=3, status="fulfilled", user_log_url=storage.url + LOG)))
    assert caught.value.url == f"{storage.url}/log/3.txt"
    assert caught.value.body == "<Error><Code>AccessDenied</Code><Signature>***</Signature></Error>"


def test_representations_show_no_secret(open_side: OpenSide, serve: Serve) -> None:
    server = serve(service)
    side = open_side(base_url=server.url, client_id="the-client-id", client_secret=CLIENT_SECRET)
    side.run(lambda cloud: cloud.functions.invoke("greet"))
    cloud: Any = side.cloud
    pipeline = cloud._pipeline
    job = Job(id=3, status="fulfilled", user_log_url=server.url + LOG)
    for value in (
        cloud,
        cloud.credentials,
        cloud.credentials._secrets,
        cloud.credentials._current,
        pipeline,
        pipeline.options,
        job,
    ):
        shown(repr(value))
    assert repr(cloud.credentials).endswith("Credentials of an application>")


@pytest.mark.parametrize("kind", [MinCloud, AsyncMinCloud])
@pytest.mark.parametrize(
    "given", [{"access_token": "token-that-was-given"}, {"client_id": "x", "client_secret": CLIENT_SECRET}]
)
def test_no_part_of_a_client_can_be_pickled_with_its_credentials(kind: Any, given: dict[str, str]) -> None:
    cloud = kind(base_url="http://127.0.0.1:9", **given)
    shown(pickle.dumps(cloud))
    for part in (cloud.credentials, cloud.functions, cloud.jobs, cloud._pipeline):
        with pytest.raises(TypeError, match="cannot be pickled or copied: pickle the client, which leaves them out"):
            pickle.dumps(part)


def test_httpcores_loggers_still_speak_of_other_peoples_requests(caplog: pytest.LogCaptureFixture) -> None:
    with MisbehavingServer([reply({})]) as server, caplog.at_level(1):
        import httpcore

        with httpcore.ConnectionPool() as pool:
            pool.request("GET", server.url)
    assert any(record.name == "httpcore.http11" for record in caplog.records)


async def test_tasks_in_debug_mode_show_no_secret(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    server = serve(service)
    asyncio.get_running_loop().set_debug(True)
    asyncio.get_running_loop().slow_callback_duration = 0.0
    with caplog.at_level(1):
        async with AsyncMinCloud(
            base_url=server.url, client_id="the-client-id", client_secret=CLIENT_SECRET, max_retries=0
        ) as cloud:
            await asyncio.gather(*(cloud.functions.invoke("greet") for _ in range(3)))
            with pytest.raises(ConnectionFailed):
                await cloud.functions.invoke("gone")
    for record in caplog.records:
        shown(record.getMessage())


# In tracebacks with local variables


def as_rich_shows(error: BaseException) -> str:
    """A traceback as rich prints it, and others like it, without the frames of the tests."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(TESTS):
        trace = trace.tb_next
    assert trace is not None
    shown = io.StringIO()
    rendered = Traceback.from_exception(type(error), error, trace, show_locals=True, locals_max_string=10_000)
    Console(file=shown, width=10_000).print(rendered)
    return shown.getvalue()


@pytest.mark.parametrize("fault", [empty, hang, reply(raw=b"<html>"), reply({"error_msg": "no"}, status=500)])
def test_a_traceback_with_local_variables_shows_no_secret(open_side: OpenSide, fault: Any) -> None:
    with MisbehavingServer([fault]) as server:
        side = open_side(base_url=server.url, access_token=SECRETS["fixed token"], timeout=0.2, max_retries=0)
        with pytest.raises(MinCloudError) as caught:
            side.run(lambda cloud: cloud.functions.invoke("greet"))
    text = as_rich_shows(caught.value)
    assert "locals" in text
    shown(text)


async def test_a_call_cancelled_while_it_is_sent_shows_no_secret_in_its_frames(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # reads nothing, so that a large call is never sent whole
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        async with AsyncMinCloud(base_url=url, access_token=SECRETS["fixed token"]) as cloud:
            call = asyncio.create_task(cloud.functions.invoke("greet", {"large": "x" * 20_000_000}))
            with await asyncio.to_thread(lambda: deaf.accept()[0]) as connection:
                await asyncio.to_thread(connection.recv, 1, socket.MSG_PEEK)
                call.cancel()
                with pytest.raises(asyncio.CancelledError) as caught:
                    await call
    shown("\n".join(locals_of(caught.value)))


IMPOSSIBLE: list[dict[str, Any]] = [
    {"access_token": "the-secret-token\n"},
    {"access_token": "the-secret-token", "timeout": 0},
    {"access_token": "the-secret-token", "client_secret": "the-secret-token", "max_retries": -1},
    {"client_id": "x", "client_secret": "the-secret-token\n"},
    {"client_secret": "the-secret-token"},
]


@pytest.mark.parametrize("options", [*IMPOSSIBLE, {"access_token": b"the-secret-token"}])
@pytest.mark.parametrize("kind", [MinCloud, AsyncMinCloud])
def test_a_client_that_cannot_be_made_shows_no_secret_in_its_frames(kind: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        kind(**options)
    assert "the-secret-token" not in "\n".join([str(caught.value), *locals_of(caught.value)])


@pytest.mark.parametrize("options", IMPOSSIBLE)
def test_nor_does_one_that_takes_its_secrets_from_the_environment(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = dict(options)
    for name in ("access_token", "client_id", "client_secret"):
        if name in arguments:
            monkeypatch.setenv(f"MINCLOUD_{name.upper()}", arguments.pop(name))
    with pytest.raises(ConfigurationError) as caught:
        MinCloud(**arguments)
    assert "the-secret-token" not in "\n".join([str(caught.value), *locals_of(caught.value)])


def test_a_copy_that_cannot_be_made_shows_no_secret_in_its_frames() -> None:
    for kind in (MinCloud, AsyncMinCloud):
        cloud = kind(access_token="x")
        impossible: list[dict[str, Any]] = [
            {"access_token": "the-secret-token\n"},
            {"access_token": "the-secret-token", "timeout": 0},
        ]
        for options in impossible:
            with pytest.raises(ConfigurationError) as caught:
                cloud.with_options(**options)
            assert "the-secret-token" not in "\n".join(locals_of(caught.value))


@pytest.mark.parametrize(
    "content", [b"\xff\xfetokens = me:the-secret-token", b"tokens = me:the-secret-token" + b" " * 2**20]
)
def test_a_login_that_cannot_be_read_shows_no_secret_in_its_frames(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".mincloudrc").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        MinCloud()
    assert "the-secret-token" not in "\n".join(locals_of(caught.value))


def test_a_client_carries_its_token_in_what_does_not_show_it(open_side: OpenSide) -> None:
    side = open_side(access_token=SECRETS["fixed token"])
    carried = side.run(lambda cloud: cloud.credentials.secret_token())
    shown(repr(carried))
    assert carried.reveal() == SECRETS["fixed token"]
    assert side.run(lambda cloud: cloud.credentials.renew(SECRETS["fixed token"])) is False  # there is no other


def test_a_secret_is_carried_in_what_shows_it_nowhere() -> None:
    secret = Secret("the-secret-token")
    assert f"{secret} {secret!r} {[secret]} {vars(Secret)}".count("the-secret-token") == 0
    assert secret.reveal() == "the-secret-token"
    with pytest.raises(TypeError, match="a secret cannot be pickled or copied"):
        pickle.dumps(secret)


# In what the service says


@pytest.mark.parametrize("answer", ["error", "data"])
def test_a_function_that_repeats_the_token_does_not_show_it_in_its_error(open_side: OpenSide, answer: str) -> None:
    token = SECRETS["fixed token"]
    echo = {"message": f"no: {token}", "stack": f"at {token}", "type": token}
    body = {"code": 1, "data": token, "error": echo if answer == "error" else {}}
    with MisbehavingServer([reply(body)]) as server:
        side = open_side(base_url=server.url, access_token=token)
        with pytest.raises(FunctionError) as caught:
            side.run(lambda cloud: cloud.functions.invoke("greet"))
    shown(everything_of(caught.value))
    if answer == "error":
        assert (caught.value.message, caught.value.type) == ("no: ***", "***")


def no_header(request: Received) -> str:
    return f"HTTP/1.1 200 OK\r\n{request.headers.get('authorization', request.target)}\r\n\r\n"


def no_status(request: Received) -> str:
    return f"{request.method} {request.target} HTTP/1.1\r\n{request.headers.get('authorization')}\r\n\r\n"


def no_chunk(request: Received) -> str:
    return f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{request.headers.get('authorization', request.target)}\r\n"


@pytest.mark.parametrize("broken", [no_header, no_status, no_chunk])
def test_what_is_no_http_and_repeats_a_secret_does_not_have_it_shown(
    open_side: OpenSide, serve: Serve, broken: Callable[[Received], str]
) -> None:
    def answer(_: ClientConnection, request: Received) -> bytes:
        return broken(request).encode()

    server = serve(answer)
    side = open_side(base_url=server.url, access_token=SECRETS["fixed token"], max_retries=0)
    actions: tuple[Action, ...] = (
        lambda cloud: cloud.functions.invoke("greet"),
        lambda cloud: cloud.jobs.log(Job(id=3, status="fulfilled", user_log_url=server.url + LOG)),
    )
    for action in actions:
        with pytest.raises(ConnectionFailed, match="illegal") as caught:
            side.run(action)
        shown(everything_of(caught.value))
        assert server.url in str(caught.value)


def test_an_error_in_another_encoding_does_not_show_the_token(open_side: OpenSide, serve: Serve) -> None:
    def answer(_: ClientConnection, request: Received) -> bytes:
        body = json.dumps({"error_msg": request.headers["authorization"]})
        return reply(raw=body.encode("utf-16"), status=400)

    server = serve(answer)
    side = open_side(base_url=server.url, access_token=SECRETS["fixed token"])
    with pytest.raises(BadRequest) as caught:
        side.run(lambda cloud: cloud.functions.get("greet"))
    assert (caught.value.message, caught.value.body) == ("Bearer ***", '{"error_msg": "Bearer ***"}')


@pytest.mark.parametrize("escaped", [False, True])
def test_a_list_that_breaks_the_contract_does_not_show_the_signed_addresses_of_logs(
    open_side: OpenSide, serve: Serve, escaped: bool
) -> None:
    jobs = [{"id": 3, "status": "fulfilled", "user_log_url": f"https://logs.example{LOG}"}, {"id": "none"}]
    meta = {"limit": 2, "next": "/job/?limit=2&offset=2", "offset": 0, "previous": None, "total_count": 9}
    body = json.dumps({"meta": meta, "objects": jobs})
    if escaped:
        body = body.replace("/", "\\/").replace("&", "\\u0026")
    side = open_side(base_url=serve(reply(raw=body.encode())).url, access_token="any")
    with pytest.raises(InvalidResponse, match=r"objects\[1\]") as caught:
        side.run(lambda cloud: cloud.jobs.list("greet"))
    shown(everything_of(caught.value))
    told = json.loads(caught.value.body)
    assert told["objects"][0]["user_log_url"] == "https://logs.example/log/3.txt?***"
    assert told["meta"] == meta


def json_escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in capitals": str.upper,
    "in small letters": str.lower,
    "in JSON": lambda text: json.dumps(text)[1:-1],
    "in JSON within JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "in JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "all escaped in JSON": json_escaped,
    "all escaped, in capitals": lambda text: json_escaped(text).upper().replace("\\U", "\\u"),
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded twice": lambda text: quote(quote(text, safe=""), safe=""),
    "percent-encoded whole": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "in a form": quote_plus,
    "in HTML": html.escape,
    "in numbers of HTML": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "in escaped bytes": lambda text: "".join(f"\\x{byte:02x}" for byte in text.encode()),
    "in base64": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "in Basic credentials": lambda text: base64.b64encode(f"the-id:{text}".encode()).decode().rstrip("="),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(f"ab{text}".encode()).decode().rstrip("="),
}
texts = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=40)


@settings(deadline=None, max_examples=60)
@given(secret=texts, around=st.tuples(st.text(max_size=5), st.text(max_size=5)))
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_any_secret_is_redacted_in_any_spelling(spelling: str, secret: str, around: tuple[str, str]) -> None:
    spelled = SPELLINGS[spelling](secret)
    redacted = redact(f"{around[0]} {spelled} {around[1]}", [Secret(secret)])
    # Of base64 a digit at either end may belong to the text around, and tells nothing.
    inner = spelled[6:-2] if "base64" in spelling else spelled[14:-2] if "Basic" in spelling else spelled
    assert inner not in redacted
    assert "***" in redacted


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(token=texts, spelling=st.sampled_from(sorted(SPELLINGS)))
def test_a_server_that_repeats_any_token_in_any_spelling_does_not_have_it_shown(
    serve: Serve, token: str, spelling: str
) -> None:
    spelled = SPELLINGS[spelling](token)
    raw = f'{{"error_msg": "no {spelled}"}}'.encode()
    for status in (400, 200):
        server = serve(reply(raw=raw, status=status))
        with (
            MinCloud(base_url=server.url, access_token=token, max_retries=0) as cloud,
            pytest.raises(MinCloudError) as caught,
        ):
            cloud.functions.get("greet")
        text = "\n".join([str(caught.value), repr(caught.value.__dict__), *locals_of(caught.value)])
        assert token not in text
        assert token not in html.unescape(text)
        assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "secrets", "expected"),
    [
        ("it is long-secret-1!", ["long-secret-1"], "it is ***!"),
        ("xlong-secret-1x", ["long-secret-1"], "x***x"),
        ('{"a": "say \\"hello\\" twice"}', ['say "hello" twice'], '{"a": "***"}'),
        ("a=b%2Fc%3Dd-long", ["b/c=d-long"], "a=***"),
        ("\\u00df-and-more", ["ß-and-more"], "***"),
        ("don't tell t", ["t"], "don't tell ***"),
        ("abcdefgh-ijkl abcdefgh", ["abcdefgh", "abcdefgh-ijkl"], "*** ***"),
        ("nothing", ["", "other-secret"], "nothing"),
    ],
)
def test_a_secret_is_redacted_however_it_is_spelt(text: str, secrets: list[str], expected: str) -> None:
    assert redact(text, map(Secret, secrets)) == expected
