"""Tokens: how they are issued, expire and are revoked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mincloud_emulator import Clock, Emulator
from tests.emulator.conftest import FUNCTIONS, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Iterator

AUTHORIZE = "/api/oauth2/hydrogen/openapi/authorize/"
ACCESS_TOKEN = "/api/oauth2/access_token/"


@pytest.fixture
def http(emulator: Emulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=emulator.url, follow_redirects=True, timeout=TIMEOUT, verify=False) as client:
        yield client


@pytest.fixture
def application(emulator: Emulator) -> dict[str, str]:
    return {"client_id": emulator.client_id, "client_secret": emulator.client_secret}


def code_for(http: httpx.Client, application: dict[str, str]) -> str:
    code: str = http.post(AUTHORIZE, json=application).json()["code"]
    return code


def tokens_for(http: httpx.Client, application: dict[str, str]) -> dict[str, Any]:
    grant = {**application, "grant_type": "authorization_code", "code": code_for(http, application)}
    answer = http.post(ACCESS_TOKEN, json=grant)
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def works(http: httpx.Client, token: str) -> bool:
    status = http.get(FUNCTIONS, headers={"Authorization": f"Bearer {token}"}).status_code
    assert status in {200, 401}
    return status == 200


def test_a_login_is_two_redirects_that_turn_the_post_into_a_get(
    http: httpx.Client, application: dict[str, str]
) -> None:
    answer = http.post(AUTHORIZE, json=application)
    assert [(hop.status_code, hop.request.method) for hop in answer.history] == [(302, "POST"), (302, "GET")]
    assert answer.request.method == "GET"
    assert answer.status_code == 200
    assert isinstance(answer.json()["code"], str)
    assert answer.json()["expires_in"] > 0


def test_a_client_that_drops_cookies_gets_no_code(emulator: Emulator, application: dict[str, str]) -> None:
    first = httpx.post(emulator.url + AUTHORIZE, json=application, timeout=TIMEOUT, verify=False)
    assert first.status_code == 302
    lost = httpx.get(httpx.URL(emulator.url).join(first.headers["location"]), timeout=TIMEOUT, verify=False)
    assert lost.status_code == 401
    assert "cookie" in lost.json()["error_msg"]
    with httpx.Client(base_url=emulator.url, timeout=TIMEOUT, verify=False) as client:
        on_the_way = client.post(AUTHORIZE, json=application)
        second = client.get(on_the_way.headers["location"])
        assert second.status_code == 302
        client.cookies.clear()
        assert client.get(second.headers["location"]).status_code == 401


def test_a_redirect_can_not_be_followed_twice(emulator: Emulator, application: dict[str, str]) -> None:
    first = httpx.post(emulator.url + AUTHORIZE, json=application, timeout=TIMEOUT, verify=False)
    cookie = first.headers["set-cookie"].partition(";")[0]
    url = httpx.URL(emulator.url).join(first.headers["location"])
    assert httpx.get(url, headers={"Cookie": cookie}, timeout=TIMEOUT, verify=False).status_code == 302
    assert httpx.get(url, headers={"Cookie": cookie}, timeout=TIMEOUT, verify=False).status_code == 401


def test_a_code_buys_a_token_that_works(http: httpx.Client, application: dict[str, str]) -> None:
    tokens = tokens_for(http, application)
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] > 0
    assert set(tokens) == {"access_token", "expires_in", "refresh_token", "scope", "token_type"}
    assert works(http, tokens["access_token"])
    assert not works(http, tokens["refresh_token"])


def test_every_body_that_clients_send_is_understood(http: httpx.Client, application: dict[str, str]) -> None:
    def grant() -> dict[str, str]:
        return {**application, "grant_type": "authorization_code", "code": code_for(http, application)}

    as_form = {"Content-Type": "application/x-www-form-urlencoded"}
    answers = [
        http.post(ACCESS_TOKEN, json=grant()),
        http.post(ACCESS_TOKEN, data=grant()),
        http.post(ACCESS_TOKEN, files={name: (None, value) for name, value in grant().items()}),
        http.post(ACCESS_TOKEN, content=json.dumps(grant()), headers=as_form),
        http.post(ACCESS_TOKEN, content=json.dumps(grant())),
        http.post(ACCESS_TOKEN.rstrip("/"), json=grant()),
    ]
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    assert http.post(AUTHORIZE.rstrip("/"), data=application).status_code == 200


@pytest.mark.parametrize("header", ["Bearer", "Bearer old", "nonsense"])
def test_the_token_operations_do_not_look_at_authorization(
    http: httpx.Client, application: dict[str, str], header: str
) -> None:
    http.headers["Authorization"] = header
    assert tokens_for(http, application)["access_token"]


def test_a_code_is_good_once(http: httpx.Client, application: dict[str, str]) -> None:
    grant = {**application, "grant_type": "authorization_code", "code": code_for(http, application)}
    assert http.post(ACCESS_TOKEN, json=grant).status_code == 200
    again = http.post(ACCESS_TOKEN, json=grant)
    assert again.status_code == 400
    assert "used or expired" in again.json()["error_msg"]


def test_a_code_expires(emulator: Emulator, http: httpx.Client, application: dict[str, str]) -> None:
    answer = http.post(AUTHORIZE, json=application).json()
    emulator.clock.advance(answer["expires_in"] + 1)
    grant = {**application, "grant_type": "authorization_code", "code": answer["code"]}
    assert http.post(ACCESS_TOKEN, json=grant).status_code == 400


def test_another_code_kills_no_token(emulator: Emulator, http: httpx.Client, application: dict[str, str]) -> None:
    tokens = tokens_for(http, application)
    tokens_for(http, application)
    assert works(http, tokens["access_token"])
    assert works(http, emulator.access_token)


def test_a_refresh_kills_every_token_issued_before(
    emulator: Emulator, http: httpx.Client, application: dict[str, str]
) -> None:
    first, second = tokens_for(http, application), tokens_for(http, application)
    refresh = {**application, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    third = http.post(ACCESS_TOKEN, json=refresh)
    assert third.status_code == 200
    assert works(http, third.json()["access_token"])
    for dead in (first["access_token"], second["access_token"], emulator.access_token):
        assert not works(http, dead)
    for tokens in (first, second):
        refresh["refresh_token"] = tokens["refresh_token"]
        assert http.post(ACCESS_TOKEN, json=refresh).status_code == 400
    refresh["refresh_token"] = third.json()["refresh_token"]
    assert http.post(ACCESS_TOKEN, json=refresh).status_code == 200


@pytest.mark.parametrize("wrong", ["client_id", "client_secret"])
def test_a_wrong_secret_is_not_authorised_anywhere(http: httpx.Client, application: dict[str, str], wrong: str) -> None:
    code = code_for(http, application)
    forged = {**application, wrong: "wrong"}
    assert http.post(AUTHORIZE, json=forged).status_code == 401
    grant = {**forged, "grant_type": "authorization_code", "code": code}
    refused = http.post(ACCESS_TOKEN, json=grant)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert application["client_secret"] not in refused.text
    grant.update(application)
    assert http.post(ACCESS_TOKEN, json=grant).status_code == 200, "a failed attempt does not use the code up"


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        (AUTHORIZE, {}, "client_id 是必填项"),
        (AUTHORIZE, {"client_id": "a"}, "client_secret 是必填项"),
        (AUTHORIZE, {"client_id": 1, "client_secret": "b"}, "client_id must be a string"),
        (AUTHORIZE, [], "not an object"),
        (ACCESS_TOKEN, {}, "grant_type 是必填项"),
        (ACCESS_TOKEN, {"grant_type": "password"}, "authorization_code or refresh_token"),
        (ACCESS_TOKEN, {"grant_type": "authorization_code"}, "code 是必填项"),
        (ACCESS_TOKEN, {"grant_type": "refresh_token"}, "refresh_token 是必填项"),
    ],
)
def test_what_is_missing_is_named(http: httpx.Client, path: str, body: Any, complaint: str) -> None:
    answer = http.post(path, json=body)
    assert answer.status_code == 400
    assert complaint in answer.json()["error_msg"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"--y\r\nnonsense"),
        ("multipart/form-data; boundary=x", b"\xff\x00"),
        ("application/x-www-form-urlencoded", b"client_id=%ff"),
        ("application/x-www-form-urlencoded", b"\xff"),
        ("application/json", b"client_id=a"),
        ("application/json", b""),
        ("", b"{"),
    ],
)
def test_a_body_that_can_not_be_read_is_refused(http: httpx.Client, content_type: str, body: bytes) -> None:
    for path in (AUTHORIZE, ACCESS_TOKEN):
        answer = http.post(path, content=body, headers={"Content-Type": content_type})
        assert answer.status_code == 400
        assert answer.json()["error_msg"]


class TestWhileTimeStandsStill:
    """Tokens expire with a clock that stands still, since a running one would reach the times by itself on a slow machine."""

    @pytest.fixture
    def emulator(self) -> Iterator[Emulator]:
        with Emulator(clock=Clock(frozen=True)) as emulator:
            yield emulator

    def test_a_token_expires(self, emulator: Emulator, http: httpx.Client, application: dict[str, str]) -> None:
        tokens = tokens_for(http, application)
        emulator.clock.advance(tokens["expires_in"] - 1)
        assert works(http, tokens["access_token"])
        emulator.clock.advance(1)
        assert not works(http, tokens["access_token"])
        assert not works(http, emulator.access_token)

    def test_tokens_are_issued_and_revoked_from_python(self, emulator: Emulator, http: httpx.Client) -> None:
        token = emulator.issue_token(expires_in=10)
        assert works(http, token)
        emulator.clock.advance(11)
        assert not works(http, token)
        assert works(http, emulator.access_token)
        emulator.revoke_tokens()
        assert not works(http, emulator.access_token)
