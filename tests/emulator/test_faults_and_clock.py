"""Faults, and a clock that a test controls."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from mincloud_emulator import Clock, Emulator
from tests.emulator.conftest import API, FUNCTIONS, TIMEOUT, WEB

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_next_request_fails_as_asked_and_the_one_after_does_not(emulator: Emulator, api: API) -> None:
    emulator.fail_next(status=500)
    failed = api.list()
    assert failed.status_code == 500
    assert failed.json()["error_msg"]
    assert api.list().status_code == 200


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateways_error_is_html(emulator: Emulator, api: API, status: int) -> None:
    emulator.fail_next(status)
    failed = api.list()
    assert failed.status_code == status
    assert failed.headers["content-type"].startswith("text/html")
    assert "<html>" in failed.text


@pytest.mark.parametrize(
    ("body", "content", "content_type"),
    [
        ({"error_msg": "欠费"}, '{"error_msg": "欠费"}'.encode(), "application/json"),
        (["a"], b'["a"]', "application/json"),
        ("plain", b"plain", "text/plain; charset=utf-8"),
        ("<p>", b"<p>", "text/html; charset=utf-8"),
        (b"\xff", b"\xff", "application/octet-stream"),
        ("", b"", "text/plain; charset=utf-8"),
    ],
)
def test_the_body_of_a_fault_is_chosen(
    emulator: Emulator, api: API, body: Any, content: bytes, content_type: str
) -> None:
    emulator.fail_next(402, body=body)
    failed = api.list()
    assert (failed.status_code, failed.content, failed.headers["content-type"]) == (402, content, content_type)


def test_the_headers_of_a_fault_are_chosen(emulator: Emulator, api: API) -> None:
    emulator.fail_next(429, headers={"Retry-After": "7", "Content-Type": "text/x"}, body="x")
    failed = api.list()
    assert (failed.headers["retry-after"], failed.headers["content-type"]) == ("7", "text/x")


def test_a_success_can_be_faulty_too(emulator: Emulator, api: API) -> None:
    emulator.fail_next(200, body="<html>login</html>")
    assert api.list().text == "<html>login</html>"


def test_a_fault_is_met_as_often_as_asked_by_the_requests_that_it_is_meant_for(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda _event: 1)
    emulator.fail_next(500, times=2, path="*/job/", method="POST")
    assert api.list().status_code == 200
    assert api.jobs("greet").status_code == 200
    assert [api.invoke("greet").status_code for _ in range(3)] == [500, 500, 200]


def test_faults_are_met_in_the_order_in_which_they_were_asked_for(emulator: Emulator, api: API) -> None:
    emulator.fail_next(500)
    emulator.fail_next(429)
    assert [api.list().status_code for _ in range(3)] == [500, 429, 200]


def test_a_request_that_fails_is_not_served_unless_asked(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda _event: 1)
    emulator.fail_next(503)
    api.invoke("greet")
    assert emulator.calls == []
    emulator.fail_next(503, after=True)
    assert api.invoke("greet").status_code == 503
    assert len(emulator.calls) == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_is_dropped_before_or_after_the_function_ran(emulator: Emulator, api: API, after: bool) -> None:
    emulator.stub("greet", lambda _event: 1)
    emulator.drop_next(after=after)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.invoke("greet")
    assert len(emulator.calls) == int(after)
    assert api.invoke("greet").json()["data"] == 1


def test_answers_are_late_until_the_delay_is_taken_back(emulator: Emulator, api: API) -> None:
    emulator.delay(0.2, path=FUNCTIONS)
    started = time.monotonic()
    api.list()
    assert time.monotonic() - started >= 0.2
    # So late that no client would wait for it.
    emulator.delay(3600, path=FUNCTIONS)
    emulator.delay(3600, path="/other/")
    emulator.delay(0, path=FUNCTIONS)
    assert api.list().status_code == 200


def test_logs_fail_only_where_their_path_is_named(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda _event: 1)
    api.invoke("greet")
    url = api.jobs("greet").json()["objects"][0]["user_log_url"]
    emulator.fail_next(500)
    assert WEB.get(url).status_code == 200
    emulator.clear_faults()
    emulator.fail_next(503, path="/ticket_*")
    assert api.list().status_code == 200
    assert WEB.get(url).status_code == 503
    assert WEB.get(url).status_code == 200


def test_a_reset_forgets_everything_and_everyone(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda _event: time.sleep(5))
    api.invoke("greet", sync=False)
    emulator.fail_next(500, times=9)
    before = (emulator.url, emulator.access_token, emulator.client_id, emulator.client_secret)
    emulator.reset()
    assert emulator.url == before[0]
    assert {emulator.access_token, emulator.client_id, emulator.client_secret}.isdisjoint(before[1:])
    assert emulator.calls == []
    assert api.list().status_code == 401
    api.http.headers["Authorization"] = f"Bearer {emulator.access_token}"
    assert api.list().json()["meta"]["total_count"] == 0
    assert api.create("greet").json()["id"] == 1


def test_a_reset_takes_the_clock_back(emulator: Emulator) -> None:
    emulator.clock.advance(40 * 86400)
    emulator.reset()
    assert abs(emulator.clock.now() - time.time()) < 3600
    api = API(emulator.url, emulator.access_token)
    assert api.list().status_code == 200
    api.http.close()


def test_every_answer_is_dated_by_the_clock() -> None:
    start = datetime(2018, 9, 21, 3, 46, 26, tzinfo=UTC)
    with Emulator(clock=Clock(start, frozen=True)) as emulator:
        api = API(emulator.url, emulator.access_token)
        answers = [api.list(), api.create("a"), api.get("b"), api.http.get("/nothing"), api.delete("a")]
        answers += [WEB.get(f"{emulator.url}{FUNCTIONS}"), WEB.get(emulator.log_url)]
        emulator.fail_next(503)
        answers.append(api.list())
        assert [answer.headers.get_list("date") for answer in answers] == [["Fri, 21 Sep 2018 03:46:26 GMT"]] * 8
        assert answers[1].json()["created_at"] == int(start.timestamp())
        emulator.clock.advance(86400)
        assert parsedate_to_datetime(api.list().headers["date"]) == start + timedelta(days=1)
        api.http.close()


def test_what_a_function_logs_has_the_time_of_the_clock() -> None:
    code = "exports.main = async () => { console.log('first'); process.stdout.write('second\\n'); return 1 }"
    with Emulator(clock=Clock(datetime(2018, 9, 21, 3, 46, 26, tzinfo=UTC), frozen=True)) as emulator:
        api = API(emulator.url, emulator.access_token)
        api.create("greet", code)
        lines = api.debug("greet", data={}).json()["log"].splitlines()
        assert {line.split(" ")[0] for line in lines} == {"2018-09-21T03:46:26.000Z"}
        assert [line.split(" ", 2)[1:] for line in lines[1:3]] == [["LOG", "first"], ["LOG", "second"]]
        api.http.close()


def test_jobs_keep_their_order_while_time_stands_still() -> None:
    with Emulator(clock=Clock(1_500_000_000, frozen=True)) as emulator:
        emulator.stub("greet", lambda _event: 1)
        api = API(emulator.url, emulator.access_token)
        for _ in range(3):
            api.invoke("greet")
        times = [job["created_at"] for job in api.jobs("greet").json()["objects"]]
        assert times == sorted(set(times), reverse=True)
        assert api.jobs("greet", created_at__lte=1_500_000_000).json()["meta"]["total_count"] == 1
        api.http.close()


@pytest.mark.parametrize(
    ("use", "complaint"),
    [
        (lambda: Clock().advance(-1), "only moves forward"),
        (lambda: Clock().advance(float("nan")), "only moves forward"),
        (lambda: Clock(datetime(2020, 1, 1)), "needs a time zone"),  # noqa: DTZ001 - that is the mistake
    ],
)
def test_a_clock_that_can_not_be_is_refused(use: Callable[[], object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        use()


def test_a_clock_starts_at_any_aware_time() -> None:
    start = datetime(2020, 1, 1, 8, tzinfo=timezone(timedelta(hours=8)))
    assert Clock(start, frozen=True).now() == pytest.approx(start.timestamp())
    assert Clock(start, frozen=True).log_time() == "2020-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"times": 0}, "times is 0: give how many requests are to fail, 1 or more"),
        ({"times": -1}, "times is -1"),
        ({"times": 1.5}, "times is 1.5: give a whole number"),
        ({"times": True}, "times is True"),
        ({"method": "FETCH"}, "method is 'FETCH': give one of GET, HEAD"),
        ({"path": "job/"}, "no path matches 'job/': each begins with a slash"),
        ({"path": "http://127.0.0.1/"}, "no path matches"),
        ({"path": b"/"}, "give a pattern as text"),
        ({"status": 99}, "status is 99: an answer has one from 200 to 599"),
        ({"status": 100}, "status is 100"),
        ({"status": 600}, "status is 600"),
        ({"status": "503"}, "status is '503': give a whole number"),
        ({"status": True}, "status is True"),
        ({"status": 204, "body": "x"}, "an answer with status 204 has no body"),
        ({"headers": {"Retry-After": 5}}, "'Retry-After' is 5: give name and value as text, '5'"),
        ({"headers": {"X": "a\r\nY: b"}}, "the header X can't carry"),
        ({"headers": {"X": "爱"}}, "one line of Latin-1 text"),
        ({"headers": {"X Y": "a"}}, "'X Y' is no name of a header"),
        ({"headers": {"X\r\nY": "a"}}, "is no name of a header"),
        ({"headers": {"": "a"}}, "is no name of a header"),
        ({"headers": {"content-length": "5"}}, "content-length can't be chosen: it follows from the body"),
        ({"headers": {"Date": "today"}}, "Date can't be chosen: the emulator's clock says it"),
        ({"headers": {"a": "1", "A": "2"}}, "is there twice"),
        ({"body": object()}, "object is not JSON serializable"),
        ({"body": {"a": float("nan")}}, "not JSON compliant"),
    ],
)
def test_a_fault_that_can_not_be_is_refused_where_it_is_asked_for(
    emulator: Emulator, api: API, asked: dict[str, Any], complaint: str
) -> None:
    with pytest.raises((TypeError, ValueError)) as raised:
        emulator.fail_next(**asked)
    assert complaint in str(raised.value)
    if asked.keys() & {"times", "method", "path"}:
        with pytest.raises((TypeError, ValueError)):
            emulator.drop_next(**asked)
    assert api.list().status_code == 200


@pytest.mark.parametrize(("seconds", "path"), [(-1, None), (float("nan"), None), (float("inf"), None), (1, "job/")])
def test_a_delay_that_can_not_be_is_refused(emulator: Emulator, seconds: float, path: str | None) -> None:
    with pytest.raises(ValueError, match=r"give a number of seconds from 0 on|no path matches"):
        emulator.delay(seconds, path=path)


def test_names_of_headers_and_methods_may_be_in_any_letters(emulator: Emulator, api: API) -> None:
    emulator.fail_next(429, headers={"content-type": "text/x", "x-word": "Ünï"}, body="x", method="get")
    failed = api.list()
    assert failed.headers.get_list("content-type") == ["text/x"]
    assert failed.headers["x-word"] == "Ünï"


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_may_have_a_status_without_a_body(emulator: Emulator, api: API, status: int) -> None:
    emulator.fail_next(status)
    assert (api.list().status_code, api.list().status_code) == (status, 200)


def test_what_a_browser_asks_for_by_itself_takes_no_fault(emulator: Emulator, api: API) -> None:
    emulator.fail_next(503)
    assert WEB.get(f"{emulator.url}/favicon.ico").status_code == 404
    assert api.http.options(FUNCTIONS).status_code == 204
    assert api.list().status_code == 503
    emulator.fail_next(500, method="OPTIONS")
    assert api.list().status_code == 200
    assert api.http.options(FUNCTIONS).status_code == 500


def test_closing_drops_a_delayed_call_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    with Emulator() as emulator:
        emulator.stub("greet", lambda _event: 1)
        emulator.delay(3600, path="*/job/")
        url = httpx.URL(emulator.url)
        with socket.create_connection((url.host, url.port or 80), timeout=TIMEOUT) as connection:
            head = f"POST {FUNCTIONS}greet/job/ HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 12\r\n"
            head += f"Authorization: Bearer {emulator.access_token}\r\n\r\n"
            connection.sendall(f'{head}{{"data": {{}}}}'.encode())
            assert WEB.get(emulator.url).status_code == 200  # which arrived later
            emulator.close()
            received = b""
            with contextlib.suppress(ConnectionResetError):
                received = connection.recv(1024)
            assert received == b""
    assert caplog.text == ""


def test_a_body_that_is_no_json_is_refused_when_the_fault_is_asked_for(emulator: Emulator) -> None:
    with pytest.raises(TypeError):
        emulator.fail_next(500, body=object())
    assert json.loads(WEB.get(f"{emulator.url}/nothing").text)["error_msg"]
