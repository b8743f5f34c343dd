"""What becomes of answers that are not what the contract says, and of unusual ones that are."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from mincloud import (
    APIError,
    BadRequest,
    Forbidden,
    FunctionError,
    InvalidResponse,
    MinCloudError,
    NotFound,
    PaymentRequired,
    RateLimited,
    ServerError,
    Unauthorized,
)
from tests.facade.conftest import Action, OpenSide

from .conftest import Serve
from .misbehaving_server import FUNCTION, JOB, ClientConnection, Received, cut, reply, result

TOKEN = "a-token-of-the-test"

INVALID: dict[str, bytes] = {
    "HTML": b"<!DOCTYPE html><title>Login</title>",
    "nothing": b"",
    "half of it": b'{"code": 0, "da',
    "null": b"null",
    "a list": b"[]",
    "a string": b'"ok"',
    "a number": b"7",
    "not UTF-8": b'{"code": 0, "data": "\xff\xfe\xfd"}',
    "NaN": b'{"code": 0, "id": 1, "data": NaN, "name": "x", "objects": [], "meta": {}, "created_at": NaN}',
    "Infinity": b'{"code": 0, "id": 1, "data": -Infinity, "name": "x", "objects": [], "meta": {}}',
    "a number beyond measure": b'{"code": 0, "id": 1, "data": 1e999, "name": "x", "objects": [], "meta": {}}',
    "an integer beyond measure": b'{"code": 0, "id": 1, "data": ' + b"9" * 9999 + b', "name": "x"}',
    "too deep": b'{"code": 0, "data": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "nothing required": b"{}",
    "wrong types": b'{"code": "0", "name": ["x"], "id": {}, "objects": {}, "meta": []}',
    "two answers": b'{"code": 0, "data": 1}{"code": 0}',
}


@pytest.mark.parametrize("body", INVALID)
@pytest.mark.parametrize("name", ["invoke", "get", "jobs"])
def test_a_success_that_is_not_what_the_contract_says_is_an_invalid_response(
    open_side: OpenSide, serve: Serve, name: str, body: str
) -> None:
    calls: dict[str, Action] = {
        "invoke": lambda cloud: cloud.functions.invoke("greet"),
        "get": lambda cloud: cloud.functions.get("greet"),
        "jobs": lambda cloud: cloud.jobs.list("greet"),
    }
    server = serve(reply(raw=INVALID[body]))
    with pytest.raises(InvalidResponse, match="the response is not what the contract says: ") as caught:
        open_side(base_url=server.url, access_token=TOKEN).run(calls[name])
    error = caught.value
    assert error.body == INVALID[body].decode("utf-8", "replace")
    assert (error.status, error.url.startswith(server.url)) == (200, True)
    assert "\n" not in str(error)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<html>", "it is HTML"),
        (b"\xff", "it is not in UTF-8"),
        (b"oops", "it is not JSON"),
        (b'{"code": 0, "data": NaN}', "NaN is no JSON number"),
        (b'{"code": 0, "data": 1e999}', "a number is too large"),
        (b"[" * 200_000, "its JSON is nested too deeply"),
        (b"[]", "expected an object, not a list"),
        (b'{"data": 1}', "code: is missing"),
        (b'{"code": "a"}', "code: expected an integer, not a string"),
    ],
)
def test_an_invalid_response_says_what_is_wrong(open_side: OpenSide, serve: Serve, body: bytes, problem: str) -> None:
    server = serve(reply(raw=body))
    with pytest.raises(InvalidResponse) as caught:
        open_side(base_url=server.url, access_token=TOKEN).run(lambda cloud: cloud.functions.invoke("greet"))
    assert problem in caught.value.message


def test_a_broken_field_deep_in_a_list_is_named(open_side: OpenSide, serve: Serve) -> None:
    server = serve(reply({"meta": {"total_count": 2}, "objects": [JOB, {**JOB, "id": "four"}]}))
    with pytest.raises(InvalidResponse, match=r"objects\[1\]\.id: expected an integer, not a string"):
        open_side(base_url=server.url, access_token=TOKEN).run(lambda cloud: cloud.jobs.list("greet"))


def _chunked(body: bytes) -> bytes:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(body[i : i + 3]), body[i : i + 3]) for i in range(0, len(body), 3))
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


TEXT = {"code": 0, "data": {"爱": "范\u2028儿", "emoji": "🎈"}, "error": {}}
RAW = json.dumps(TEXT, ensure_ascii=False).encode()
UNUSUAL: dict[str, bytes] = {
    "a byte order mark": reply(raw=b"\xef\xbb\xbf" + RAW),
    "gzip": reply(raw=gzip.compress(RAW), headers=[("Content-Encoding", "gzip")]),
    "deflate": reply(raw=zlib.compress(RAW), headers=[("Content-Encoding", "deflate")]),
    "gzip, in capitals": reply(raw=gzip.compress(RAW), headers=[("CONTENT-ENCODING", "GZIP")]),
    "no content type": reply(raw=RAW),
    "a wrong content type": reply(raw=RAW, headers=[("Content-Type", "text/html; charset=iso-8859-1")]),
    "escaped text": reply(TEXT),
    "UTF-16": reply(raw=RAW.decode().encode("utf-16")),
    "blanks around": reply(raw=b"\r\n  " + RAW + b"\n"),
    "chunks that split characters": _chunked(RAW),
    "another status of success": reply(raw=RAW, status=201),
    "fields that nobody knows": reply({**TEXT, "trace": [1], "error": {"extra": 1}}),
    "no error": reply({"code": 0, "data": TEXT["data"]}),
    "a null error": reply({**TEXT, "error": None}),
    "a code of 0.0": reply({**TEXT, "code": 0.0}),
}


@pytest.mark.parametrize("kind", UNUSUAL)
def test_an_unusual_answer_is_read(open_side: OpenSide, serve: Serve, kind: str) -> None:
    server = serve(UNUSUAL[kind])
    side = open_side(base_url=server.url, access_token=TOKEN)
    assert side.run(lambda cloud: cloud.functions.invoke("greet")) == TEXT["data"]


def test_values_that_no_enum_has_and_fields_that_nobody_knows_are_kept(open_side: OpenSide, serve: Serve) -> None:
    odd = {**JOB, "status": "paused", "source": "moon", "service_type": "urgent", "region": {"name": "north"}}
    server = serve(reply({"meta": {"total_count": 1, "shard": 3}, "objects": [odd]}))
    (job,) = open_side(base_url=server.url, access_token=TOKEN).run(lambda cloud: cloud.jobs.list("greet"))
    assert (job.status, job.source, job.service_type, job["region"]) == ("paused", "moon", "urgent", {"name": "north"})


@pytest.mark.parametrize("body", [b"not gzip at all", gzip.compress(RAW)[:-20], b""], ids=["none", "cut", "empty"])
def test_a_broken_content_encoding_is_an_invalid_response(open_side: OpenSide, serve: Serve, body: bytes) -> None:
    server = serve(reply(raw=body, headers=[("Content-Encoding", "gzip")]))
    with pytest.raises(InvalidResponse):
        open_side(base_url=server.url, access_token=TOKEN).run(lambda cloud: cloud.functions.invoke("greet"))


def test_an_error_page_with_a_broken_content_encoding_keeps_its_status(open_side: OpenSide, serve: Serve) -> None:
    server = serve(reply(raw=b"plain after all", status=500, headers=[("Content-Encoding", "gzip")]))
    with pytest.raises(ServerError) as caught:
        open_side(base_url=server.url, access_token=TOKEN).run(lambda cloud: cloud.functions.invoke("greet"))
    assert (caught.value.status, caught.value.body) == (500, "plain after all")


# Errors of the service


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (402, PaymentRequired),
        (403, Forbidden),
        (404, NotFound),
        (409, APIError),
        (418, APIError),
        (429, RateLimited),
        (499, APIError),
        (500, ServerError),
        (501, ServerError),
        (502, ServerError),
        (520, ServerError),
        (599, ServerError),
        (666, APIError),
        (304, APIError),
    ],
)
def test_each_status_has_its_error(open_side: OpenSide, serve: Serve, status: int, kind: type[APIError]) -> None:
    server = serve(cut(reply({"error_msg": "so it is"}, status=status)))
    with pytest.raises(APIError) as caught:
        open_side(base_url=server.url, access_token=TOKEN, max_retries=0).run(
            lambda cloud: cloud.functions.invoke("greet")
        )
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.method, error.url) == (
        status,
        "POST",
        f"{server.url}/oserve/v1.3/cloud-function/greet/job/",
    )
    if status != 304:  # it never has a body
        assert (error.message, error.body) == ("so it is", '{"error_msg": "so it is"}')


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error_msg": "no such plan", "status": 400}', "no such plan"),
        ('{"error_msg": "余额不足"}'.encode(), "余额不足"),
        (b'"a JSON string"', "a JSON string"),
        (b"plain text\n", "plain text"),
        (b'\xef\xbb\xbf{"error_msg": "after a BOM"}', "after a BOM"),
        (b"", "Bad Request"),
        (b"<html><body>nginx</body></html>", "Bad Request"),
        (b"null", "Bad Request"),
        (b"[1]", "Bad Request"),
        (b'{"error_msg": null}', "Bad Request"),
        (b'{"error_msg": {"deep": 1}}', "Bad Request"),
        (b"{}", "Bad Request"),
        (b"[" * 200_000, "[" * 500 + "…"),
        (b"\xff\xff!", "��!"),
        (b"x" * 2000, "x" * 500 + "…"),
    ],
)
def test_the_message_is_what_the_service_said(open_side: OpenSide, serve: Serve, body: bytes, message: str) -> None:
    server = serve(reply(raw=body, status=400))
    with pytest.raises(BadRequest) as caught:
        open_side(base_url=server.url, access_token=TOKEN).run(lambda cloud: cloud.functions.get("greet"))
    assert caught.value.message == message
    assert caught.value.body == body.decode("utf-8-sig", "replace")
    assert str(caught.value).startswith(f"400 {message} (GET {server.url}")


def test_an_error_is_one_line_even_if_the_service_said_more(open_side: OpenSide, serve: Serve) -> None:
    server = serve(reply(raw=b"one\r\ntwo\n\n  three", status=400))
    with pytest.raises(BadRequest) as caught:
        open_side(base_url=server.url, access_token=TOKEN).run(lambda cloud: cloud.functions.get("greet"))
    assert str(caught.value).startswith("400 one two three (GET ")


@pytest.mark.parametrize(
    ("error", "message", "kind", "stack"),
    [
        ({"message": "boom", "type": "Error", "stack": "at main"}, "boom", "Error", "at main"),
        ({"message": "boom"}, "boom", None, None),
        ({}, None, None, None),
        ("a string", "a string", None, None),
        (None, None, None, None),
        (["a", "list"], '["a", "list"]', None, None),
        ({"message": {"an": "object"}, "type": 7}, '{"an": "object"}', "7", None),
    ],
)
@pytest.mark.parametrize("code", [1, -1, 137])
def test_a_code_other_than_0_is_a_function_error_whatever_its_error_is(
    open_side: OpenSide,
    serve: Serve,
    error: object,
    message: str | None,
    kind: str | None,
    stack: str | None,
    code: int,
) -> None:
    server = serve(reply({"code": code, "data": None, "error": error}))
    with pytest.raises(FunctionError) as caught:
        open_side(base_url=server.url, access_token=TOKEN).run(lambda cloud: cloud.functions.invoke("greet"))
    failed = caught.value
    assert (failed.function, failed.code, failed.message, failed.type, failed.stack) == (
        "greet",
        code,
        message,
        kind,
        stack,
    )


# Retry-After


@pytest.mark.parametrize("name", ["invoke", "trigger", "debug", "create", "get", "delete"])
def test_a_call_that_was_turned_away_for_its_rate_is_sent_again(open_side: OpenSide, serve: Serve, name: str) -> None:
    calls: dict[str, tuple[Action, bytes]] = {
        "invoke": (lambda cloud: cloud.functions.invoke("greet"), result(1)),
        "trigger": (lambda cloud: cloud.functions.trigger("greet"), reply({"status": "ok"})),
        "debug": (lambda cloud: cloud.functions.debug("greet"), result(1)),
        "create": (lambda cloud: cloud.functions.create("greet", "code"), reply(FUNCTION)),
        "get": (lambda cloud: cloud.functions.get("greet"), reply(FUNCTION)),
        "delete": (lambda cloud: cloud.functions.delete("greet"), reply(raw=b"", status=204)),
    }
    call, good = calls[name]
    server = serve(reply(status=429, raw=b"", headers=[("Retry-After", "0")]), good)
    open_side(base_url=server.url, access_token=TOKEN).run(call)
    assert len(server.requests) == 2


DATE = ("Date", "Tue, 14 Nov 2023 22:13:20 GMT")


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([("Retry-After", "61")], 61),
        ([("Retry-After", " 3600 ")], 3600),
        ([("Retry-After", "Tue, 14 Nov 2023 22:15:20 GMT"), DATE], 120),
        ([("retry-after", "Tuesday, 14-Nov-23 23:13:20 GMT"), DATE], 3600),
        ([("Retry-After", "9" * 400)], float("inf")),
    ],
)
def test_a_wait_beyond_the_bound_is_left_to_the_caller(
    open_side: OpenSide, serve: Serve, headers: list[tuple[str, str]], seconds: float
) -> None:
    """The date is understood by the server's own clock, which may be years off."""
    server = serve(reply(status=429, raw=b"", headers=headers))
    with pytest.raises(RateLimited) as caught:
        open_side(base_url=server.url, access_token=TOKEN).run(lambda cloud: cloud.functions.get("greet"))
    assert caught.value.retry_after == seconds
    assert len(server.requests) == 1


def test_a_date_to_retry_after_is_waited_for(open_side: OpenSide, serve: Serve) -> None:
    past = [("Retry-After", "Tue, 14 Nov 2023 22:13:19 GMT"), DATE]
    server = serve(reply(status=503, raw=b"", headers=past), reply(FUNCTION))
    open_side(base_url=server.url, access_token=TOKEN).run(lambda cloud: cloud.functions.get("greet"))
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "value", ["soon", "-5", "1e3", "", "٣", "Tue, 99 Nov 2023 22:13:20 GMT", "1 Jan 1 0:0 +99999999"]
)
def test_a_wait_that_makes_no_sense_is_not_heeded(open_side: OpenSide, serve: Serve, value: str) -> None:
    value = value.encode().decode("latin-1")
    server = serve(reply(status=429, raw=b"", headers=[("Retry-After", value)]), reply(FUNCTION))
    open_side(base_url=server.url, access_token=TOKEN).run(lambda cloud: cloud.functions.get("greet"))
    assert len(server.requests) == 2


def test_the_last_rate_limit_says_how_long_to_wait(open_side: OpenSide, serve: Serve) -> None:
    server = serve(reply({"error_msg": "slow down"}, status=429, headers=[("Retry-After", "7")]))
    with pytest.raises(RateLimited, match="slow down") as caught:
        open_side(base_url=server.url, access_token=TOKEN, max_retries=0).run(
            lambda cloud: cloud.functions.get("greet")
        )
    assert caught.value.retry_after == 7.0


# Redirects of an operation


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("name", ["invoke", "get"])
def test_a_redirect_of_an_operation_is_an_error_and_takes_the_token_nowhere(
    open_side: OpenSide, serve: Serve, name: str, status: int
) -> None:
    elsewhere = serve(result(1))
    target = f"{elsewhere.url}/login?next=/x&code=a-code-of-the-way"
    server = serve(reply(status=status, raw=b"", headers=[("Location", target)]))
    side = open_side(base_url=server.url, access_token=TOKEN)
    with pytest.raises(
        MinCloudError, match=rf"{status} the service redirects to {elsewhere.url}/login: set base_url"
    ) as caught:
        side.run(lambda cloud: getattr(cloud.functions, name)("greet"))
    assert "a-code-of-the-way" not in str(caught.value)
    assert (len(server.requests), elsewhere.requests) == (1, [])


@pytest.mark.parametrize("location", [None, "", "http://[", "nowhere://x", "javascript:0", "?", "\xff\xfe"])
def test_a_redirect_to_nowhere_is_an_error(open_side: OpenSide, serve: Serve, location: str | None) -> None:
    headers = [] if location is None else [("Location", location)]
    server = serve(reply(status=302, raw=b"", headers=headers))
    with pytest.raises(MinCloudError):
        open_side(base_url=server.url, access_token=TOKEN).run(lambda cloud: cloud.functions.get("greet"))
    assert len(server.requests) == 1


def test_answers_that_come_in_pieces_are_put_together(open_side: OpenSide, serve: Serve) -> None:
    whole = UNUSUAL["chunks that split characters"]

    def in_pieces(connection: ClientConnection, _: Received) -> None:
        connection.drip(whole, 0.0005)

    server = serve(in_pieces)
    side = open_side(base_url=server.url, access_token=TOKEN)
    assert side.run(lambda cloud: cloud.functions.invoke("greet")) == TEXT["data"]


def test_a_whole_number_of_more_than_64_bits_stays_one(open_side: OpenSide, serve: Serve) -> None:
    server = serve(result(2**64 + 1))
    side = open_side(base_url=server.url, access_token="t")
    assert side.run(lambda cloud: cloud.functions.invoke("greet")) == 2**64 + 1


def test_a_page_with_half_an_emoji_is_read_whatever_decodes_it(open_side: OpenSide, serve: Serve) -> None:
    # As a program that cuts texts short may leave it.
    job = {"id": 1, "status": "fulfilled", "note": "\ud83d"}
    server = serve(reply({"meta": {"total_count": 1}, "objects": [job]}))
    side = open_side(base_url=server.url, access_token="t")
    (listed,) = side.run(lambda cloud: cloud.jobs.list("greet"))
    assert listed["note"] == "\ud83d"
