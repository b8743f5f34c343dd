"""Obtaining and renewing a token from a service that redirects, stalls, refuses and lies."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from mincloud import (
    APIError,
    BadRequest,
    ConfigurationError,
    ConnectionFailed,
    InvalidResponse,
    MinCloud,
    MinCloudError,
    RequestTimeout,
    Unauthorized,
)
from tests.facade.conftest import OpenSide

from .conftest import Serve
from .misbehaving_server import (
    FUNCTION,
    ClientConnection,
    Received,
    Reply,
    empty,
    hang,
    redirect,
    reply,
    reset,
    result,
)
from .token_service import AUTHORIZE, CODE, ID, SECRET, TOKEN, Service, invoke


def test_the_exchange_follows_the_redirects_with_cookies_and_without_the_secret(open_side: OpenSide) -> None:
    with Service() as service:
        side = open_side(**service.options(environment="a-test-environment"))
        assert side.run(invoke) == "token-number-1"
        assert side.run(invoke) == "token-number-1"
        authorize, first, second, token, call, _ = service.server.requests
    assert (authorize.method, first.method, second.method, token.method) == ("POST", "GET", "GET", "POST")
    assert (first.body, second.body) == (b"", b"")
    assert "content-type" not in first.headers
    assert "content-length" not in first.headers
    assert token.json == {"client_id": ID, "client_secret": SECRET, "grant_type": "authorization_code", "code": CODE}
    for request in (authorize, first, second, token):
        assert "authorization" not in request.headers
        assert "x-hydrogen-env-id" not in request.headers
    assert call.headers["x-hydrogen-env-id"] == "a-test-environment"
    assert "cookie" not in call.headers


def test_a_service_that_does_not_redirect_is_as_good(open_side: OpenSide) -> None:
    with Service(authorize=reply({"code": CODE})) as service:
        assert open_side(**service.options()).run(invoke) == "token-number-1"


def test_cookies_of_the_way_do_not_go_to_another_host(open_side: OpenSide, serve: Serve) -> None:
    elsewhere = serve(reply({"code": CODE}))
    target = elsewhere.url.replace("127.0.0.1", "localhost")
    with Service(first=redirect(f"{target}/code")) as service:
        assert open_side(**service.options()).run(invoke) == "token-number-1"
    (request,) = elsewhere.requests
    assert (request.method, request.body) == ("GET", b"")
    assert "cookie" not in request.headers
    assert request.headers["host"] == target.removeprefix("http://")


@pytest.mark.parametrize("status", [307, 308])
def test_the_secret_is_not_posted_to_another_host(open_side: OpenSide, serve: Serve, status: int) -> None:
    elsewhere = serve(reply({"code": CODE}))
    with Service(authorize=redirect(f"{elsewhere.url}/x?y", status)) as service:
        with pytest.raises(APIError, match="the client's secret is not sent to another host: set base_url") as caught:
            open_side(**service.options()).run(invoke)
        assert service.count(AUTHORIZE) == 1
    assert caught.value.status == status
    assert elsewhere.requests == []


@pytest.mark.parametrize("status", [307, 308])
def test_on_the_same_host_such_a_redirect_is_followed_with_the_body(open_side: OpenSide, status: int) -> None:
    with Service(authorize=redirect("/other/authorize/", status), call=_code_or_call) as service:
        assert open_side(**service.options()).run(invoke) == "called"
    again = service.server.requests[1]
    assert (again.method, again.json["client_secret"]) == ("POST", SECRET)


def _code_or_call(_connection: ClientConnection, request: Received) -> bytes:
    return reply({"code": CODE}) if request.path == "/other/authorize/" else result("called")


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (redirect(AUTHORIZE, 302), "redirects more than 10 times"),
        (redirect(AUTHORIZE, 307), "redirects more than 10 times"),
        (redirect("http://[", 302), "redirects to what is no address"),
        (redirect("http://a:99999999/", 302), "redirects to what is no address"),
        (redirect("http://" + "x" * 70 + "/", 302), "redirects to what is no address"),
        (redirect("javascript:alert(1)", 302), "redirects to what is no address"),
        (redirect("http://user:password@127.0.0.1/", 302), "redirects to what is no address"),
        (redirect("", 302), "302 Found"),
        (reply(status=302, raw=b""), "302 Found"),
    ],
)
def test_a_redirect_of_the_exchange_that_leads_nowhere_is_an_error(
    open_side: OpenSide, step: bytes, message: str
) -> None:
    with (
        Service(authorize=step, first=step, call=redirect(AUTHORIZE)) as service,
        pytest.raises(MinCloudError, match=message),
    ):
        open_side(**service.options()).run(invoke)


@pytest.mark.usefixtures("no_name_server")
def test_a_redirect_to_a_host_that_is_not_there_has_run_nothing(open_side: OpenSide) -> None:
    with Service(first=redirect("http://nowhere.invalid/")) as service:
        with pytest.raises(ConnectionFailed) as caught:
            open_side(**service.options(max_retries=0)).run(invoke)
        assert caught.value.may_have_run is False


def test_a_wrong_secret_is_said_to_be_wrong_once(open_side: OpenSide) -> None:
    with Service() as service:
        side = open_side(**service.options() | {"client_secret": "not-the-secret"})
        with pytest.raises(Unauthorized, match="no such client") as caught:
            side.run(invoke)
        assert service.server.paths() == [AUTHORIZE]
    assert caught.value.url == service.url + AUTHORIZE


@pytest.mark.parametrize("step", ["authorize", "token"])
@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"",
        b"{}",
        b"[]",
        b'{"code": 7, "access_token": ["a-token-in-a-list"]}',
        b'{"code": "", "access_token": ""}',
    ],
)
def test_an_exchange_that_brings_something_else_is_an_invalid_response(
    open_side: OpenSide, step: str, body: bytes
) -> None:
    with Service(**{step: reply(raw=body)}) as service:
        with pytest.raises(InvalidResponse) as caught:
            open_side(**service.options()).run(invoke)
        assert "a-token-in-a-list" not in f"{caught.value!r}{caught.value.__dict__}"


def test_a_token_that_cannot_stand_in_a_header_is_an_invalid_response(open_side: OpenSide) -> None:
    with (
        Service(token=reply({"access_token": "half of\r\nX-Evil: it"})) as service,
        pytest.raises(InvalidResponse, match="access token must be printable ASCII") as caught,
    ):
        open_side(**service.options()).run(invoke)
    assert "X-Evil" not in f"{caught.value!r}{caught.value.__dict__}"


@pytest.mark.parametrize("fault", [empty, reset, reply(status=503, raw=b"", headers=[("Retry-After", "0")])])
@pytest.mark.parametrize("step", ["authorize", "second", "token"])
def test_the_exchange_is_done_again_when_it_breaks(open_side: OpenSide, step: str, fault: Reply) -> None:
    with Service() as service:
        faults = [fault]

        def once(connection: ClientConnection, request: Received) -> bytes | None:
            if faults:
                broken = faults.pop()
                return broken if isinstance(broken, bytes) else broken(connection, request)
            good: Callable[[ClientConnection, Received], bytes] = getattr(service, step)
            return good(connection, request)

        service.steps[step] = once
        assert open_side(**service.options()).run(invoke) == "token-number-1"
        assert service.count(AUTHORIZE) == 2


def test_a_broken_exchange_does_not_mean_that_the_call_may_have_run(open_side: OpenSide) -> None:
    with Service(token=empty) as service:
        with pytest.raises(ConnectionFailed) as caught:
            open_side(**service.options(max_retries=0)).run(invoke)
        assert caught.value.may_have_run is False
        assert caught.value.url == service.url + TOKEN


@pytest.mark.parametrize("step", ["authorize", "first", "token"])
def test_the_calls_timeout_bounds_the_exchange(open_side: OpenSide, step: str) -> None:
    with Service(**{step: hang}) as service:
        side = open_side(**service.options(max_retries=0, timeout=60))
        began = time.monotonic()
        with pytest.raises(RequestTimeout) as caught:
            side.run(lambda cloud: cloud.functions.invoke("greet", timeout=0.3))
    assert caught.value.may_have_run is False
    assert time.monotonic() - began < 20


def test_hops_share_one_timeout(open_side: OpenSide) -> None:
    def slowly(connection: ClientConnection, _: Received) -> bytes:
        connection.pause(0.15)
        return redirect("/hop/1")

    with Service(authorize=slowly, first=slowly) as service:
        with pytest.raises(RequestTimeout):
            open_side(**service.options(max_retries=0, timeout=0.4)).run(invoke)
        assert len(service.server.requests) < 5


# Renewal


def test_a_rejected_token_is_renewed_by_a_new_exchange_and_the_call_repeated_once(open_side: OpenSide) -> None:
    with Service() as service:
        service.rejected = {"token-number-1"}
        side = open_side(**service.options(max_retries=0))
        assert side.run(invoke) == "token-number-2"
        assert service.count(AUTHORIZE) == 2
        grants = [request.json["grant_type"] for request in service.server.requests if request.path == TOKEN]
    assert grants == ["authorization_code", "authorization_code"]


def test_a_call_that_is_rejected_with_the_new_token_too_is_unauthorized(open_side: OpenSide) -> None:
    with Service() as service:
        service.rejected = {"token-number-1", "token-number-2"}
        with pytest.raises(Unauthorized) as caught:
            open_side(**service.options()).run(invoke)
        assert service.count(AUTHORIZE) == 2
        assert service.count("/oserve/v1.3/cloud-function/greet/job/") == 2
    assert "token-number-2" not in f"{caught.value!r}{caught.value.__dict__}"


def test_a_fixed_token_is_not_renewed(open_side: OpenSide) -> None:
    with Service() as service:
        service.rejected = {"a-fixed-token"}
        side = open_side(base_url=service.url, access_token="a-fixed-token")
        with pytest.raises(Unauthorized):
            side.run(invoke)
        assert len(service.server.requests) == 1


def test_an_expired_token_is_renewed_before_the_call(open_side: OpenSide) -> None:
    with Service() as service:
        service.expires_in = 1
        side = open_side(**service.options())
        assert side.run(invoke) == "token-number-1"
        time.sleep(1.0)
        assert side.run(invoke) == "token-number-2"
        assert service.count(AUTHORIZE) == 2


@pytest.mark.parametrize("expires_in", [None, 0, -1, 10**30])
def test_a_token_without_a_sensible_end_is_used_until_it_is_rejected(open_side: OpenSide, expires_in: object) -> None:
    with Service() as service:
        service.expires_in = expires_in
        side = open_side(**service.options())
        assert [side.run(invoke), side.run(invoke)] == ["token-number-1", "token-number-1"]


def test_a_refresh_happens_on_demand_only_and_uses_the_refresh_token(open_side: OpenSide) -> None:
    with Service() as service:
        side = open_side(**service.options())
        side.run(lambda cloud: cloud.credentials.refresh())
        side.run(lambda cloud: cloud.credentials.refresh())
        assert side.run(invoke) == "token-number-3"
        grants = [request.json for request in service.server.requests if request.path == TOKEN]
    assert [grant["grant_type"] for grant in grants] == ["authorization_code", "refresh_token", "refresh_token"]
    assert [grant.get("refresh_token") for grant in grants] == [None, "refresh-number-1", "refresh-number-2"]


def test_a_refresh_is_not_repeated_when_its_answer_is_lost(open_side: OpenSide) -> None:
    with Service() as service:
        side = open_side(**service.options())
        side.run(invoke)
        service.steps["token"] = empty
        with pytest.raises(ConnectionFailed) as caught:
            side.run(lambda cloud: cloud.credentials.refresh())
        assert caught.value.may_have_run is True
        assert service.count(TOKEN) == 2


def test_a_refused_refresh_is_an_error_without_the_refresh_token(open_side: OpenSide) -> None:
    with Service() as service:
        side = open_side(**service.options())
        side.run(invoke)
        service.steps["token"] = lambda _, request: reply({"error_msg": f"bad: {request.json}"}, status=400)
        with pytest.raises(BadRequest, match=r"bad: .*\*\*\*") as caught:
            side.run(lambda cloud: cloud.credentials.refresh())
    for secret in ("refresh-number-1", SECRET):
        assert secret not in f"{caught.value!s}{caught.value.__dict__}"


def test_a_fixed_token_cannot_be_refreshed(open_side: OpenSide) -> None:
    side = open_side(base_url="http://127.0.0.1:9", access_token="a-fixed-token")
    with pytest.raises(ConfigurationError, match="there is no refresh token"):
        side.run(lambda cloud: cloud.credentials.refresh())


def test_copies_of_a_client_share_its_token(open_side: OpenSide) -> None:
    with Service() as service:
        side = open_side(**service.options())
        assert side.run(lambda cloud: invoke(cloud.with_options(timeout=20))) == "token-number-1"
        assert side.run(invoke) == "token-number-1"
        assert side.run(lambda cloud: invoke(cloud.with_options(access_token="another-token"))) == "another-token"
        assert service.count(AUTHORIZE) == 1


def test_the_wait_for_a_job_keeps_to_its_time_while_the_token_is_renewed(open_side: OpenSide) -> None:
    """The token is rejected while a job is waited for, and the service then hangs on the exchange."""
    with Service() as service:
        service.steps["call"] = lambda line, request: (
            reply({"status": "ok"}) if request.method == "POST" else service.call(line, request)
        )
        side = open_side(**service.options(timeout=60))
        run = side.run(lambda cloud: cloud.functions.trigger("greet"))
        service.rejected = {"token-number-1"}
        service.steps["authorize"] = hang
        began = time.monotonic()
        with pytest.raises(MinCloudError):
            side.run(lambda _: run.wait(0.5))
        assert time.monotonic() - began < 20


def test_bodies_are_raw_utf8(open_side: OpenSide) -> None:
    with Service() as service:
        open_side(**service.options()).run(invoke)
        body = service.server.requests[0].body
    assert json.loads(body)["client_secret"] == SECRET
    assert "ß".encode() in body


def hello(_: object) -> str:
    return "hello"


def test_the_exchange_works_against_the_emulator(open_side: OpenSide, emulator: Any) -> None:
    emulator.stub("greet", hello)
    side = open_side(base_url=emulator.url, client_id=emulator.client_id, client_secret=emulator.client_secret)
    assert side.run(invoke) == "hello"
    side.run(lambda cloud: cloud.credentials.refresh())
    assert side.run(invoke) == "hello"


def test_a_token_that_the_emulator_no_longer_knows_is_renewed(open_side: OpenSide, emulator: Any) -> None:
    emulator.stub("greet", hello)
    options = {"base_url": emulator.url, "client_id": emulator.client_id, "client_secret": emulator.client_secret}
    side = open_side(**options)
    assert side.run(invoke) == "hello"
    with MinCloud(**options) as another:
        another.credentials.refresh()  # kills every token that was issued before
    assert side.run(invoke) == "hello"


def test_a_wrong_secret_is_refused_by_the_emulator(open_side: OpenSide, emulator: Any) -> None:
    side = open_side(base_url=emulator.url, client_id=emulator.client_id, client_secret="wrong-secret")
    with pytest.raises(MinCloudError) as caught:
        side.run(invoke)
    assert "wrong-secret" not in str(caught.value)


def test_functions_are_fetched_with_the_token(open_side: OpenSide) -> None:
    with Service(call=reply(FUNCTION)) as service:
        open_side(**service.options()).run(lambda cloud: cloud.functions.get("greet"))
        assert service.server.requests[-1].headers["authorization"] == "Bearer token-number-1"
