"""What becomes of calls whose connection cannot be made or breaks."""

from __future__ import annotations

import select
import socket
import threading
import time
from contextlib import ExitStack

import pytest

from mincloud import APIError, ConnectionFailed, Job, MinCloud, NotFound, RequestTimeout, TransportError
from mincloud._async import pipeline as async_pipeline
from mincloud._sync import pipeline as sync_pipeline
from tests.facade.conftest import Action, OpenSide

from .conftest import Serve, connected_to
from .misbehaving_server import (
    FUNCTION,
    ClientConnection,
    MisbehavingServer,
    Received,
    Reply,
    cut,
    drip,
    empty,
    hang,
    reply,
    reset,
    result,
)

TOKEN = "a-token-of-the-test"

READS: dict[str, Action] = {
    "get": lambda cloud: cloud.functions.get("greet"),
    "list": lambda cloud: cloud.functions.list(),
    "update": lambda cloud: cloud.functions.update("greet", remark="x"),
    "delete": lambda cloud: cloud.functions.delete("greet"),
    "jobs": lambda cloud: cloud.jobs.list("greet"),
}
SENT_ONCE: dict[str, Action] = {
    "invoke": lambda cloud: cloud.functions.invoke("greet"),
    "trigger": lambda cloud: cloud.functions.trigger("greet"),
    "debug": lambda cloud: cloud.functions.debug("greet"),
    "create": lambda cloud: cloud.functions.create("greet", "code"),
}
BROKEN: dict[str, Reply] = {
    "reset": reset,
    "empty": empty,
    "not HTTP": cut(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "cut headers": cut(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "truncated body": cut(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"code": 0'),
    "cut chunks": cut(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"code":\r\n'),
    "broken chunks": cut(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{"code":\r\n'),
    "two lengths": cut(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
}
GOOD = {
    "get": reply(FUNCTION),
    "list": reply({"meta": {"total_count": 0, "limit": 100, "offset": 0}, "objects": []}),
    "update": reply(FUNCTION),
    "delete": reply(status=204, raw=b""),
    "jobs": reply({"meta": {"total_count": 0, "limit": 100, "offset": 0}, "objects": []}),
}


@pytest.mark.parametrize("name", [*READS, *SENT_ONCE])
def test_a_refused_connection_has_run_nothing(open_side: OpenSide, refused: str, name: str) -> None:
    side = open_side(base_url=refused, access_token=TOKEN, max_retries=0)
    with pytest.raises(ConnectionFailed, match="no connection could be made") as caught:
        side.run((READS | SENT_ONCE)[name])
    assert caught.value.may_have_run is False
    assert caught.value.url.startswith(refused)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("no_name_server")
@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", "x" * 70 + ".example"])
def test_a_name_that_dns_does_not_know_has_run_nothing(open_side: OpenSide, host: str) -> None:
    side = open_side(base_url=f"http://{host}", access_token=TOKEN, max_retries=0)
    with pytest.raises(ConnectionFailed) as caught:
        side.run(SENT_ONCE["invoke"])
    assert caught.value.may_have_run is False


@pytest.mark.parametrize("address", ["ftp://logs.example/3?signature=x", "logs.example/3", "http://:80/"])
def test_an_address_that_is_none_is_named_without_its_signature(open_side: OpenSide, address: str) -> None:
    side = open_side(base_url="http://127.0.0.1:9", access_token=TOKEN, max_retries=0)
    with pytest.raises(ConnectionFailed) as caught:
        side.run(lambda cloud: cloud.jobs.log(Job(id=3, status="fulfilled", user_log_url=address)))
    assert caught.value.may_have_run is False
    assert str(caught.value) == (
        f"this is not an address: it has to start with http:// or https:// and a host (GET {address.partition('?')[0]})"
    )


@pytest.mark.parametrize("name", ["get", *SENT_ONCE])
def test_what_was_never_sent_is_sent_again(open_side: OpenSide, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A server that comes up between two attempts gets the call, even one that must not run twice."""
    answers = GOOD | {
        "invoke": result(1),
        "trigger": reply({"status": "ok"}),
        "debug": result(1),
        "create": reply(FUNCTION, status=201),
    }
    failed: list[int] = []
    with socket.socket() as bound, ExitStack() as stack:
        bound.bind(("127.0.0.1", 0))  # refuses until it listens
        late = MisbehavingServer([answers[name]], bound=bound)

        def come_up(attempt: int, _retry_after: float | None, **_: object) -> float:
            failed.append(attempt)
            stack.enter_context(late)
            return 0.0

        for module in (async_pipeline, sync_pipeline):
            monkeypatch.setattr(module, "retry_delay", come_up)
        side = open_side(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}", access_token=TOKEN, max_retries=1)
        side.run((READS | SENT_ONCE)[name])
    assert failed == [1]
    assert len(late.requests) == 1


@pytest.mark.parametrize("fault", BROKEN)
@pytest.mark.parametrize("name", SENT_ONCE)
def test_a_call_that_may_have_run_is_never_sent_again(open_side: OpenSide, serve: Serve, name: str, fault: str) -> None:
    server = serve(BROKEN[fault])
    side = open_side(base_url=server.url, access_token=TOKEN, max_retries=3)
    with pytest.raises(ConnectionFailed, match="broke before the answer was complete") as caught:
        side.run(SENT_ONCE[name])
    assert caught.value.may_have_run is True
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", BROKEN)
def test_a_read_is_sent_again_when_the_answer_breaks(open_side: OpenSide, serve: Serve, fault: str) -> None:
    server = serve(BROKEN[fault], reply(FUNCTION))
    side = open_side(base_url=server.url, access_token=TOKEN)
    assert side.run(READS["get"]).name == "greet"
    assert len(server.requests) == 2


@pytest.mark.parametrize("name", READS)
def test_every_repeatable_operation_is_sent_again_after_a_reset(open_side: OpenSide, serve: Serve, name: str) -> None:
    server = serve(reset, GOOD[name])
    open_side(base_url=server.url, access_token=TOKEN).run(READS[name])
    assert len(server.requests) == 2


@pytest.mark.parametrize(("max_retries", "attempts"), [(0, 1), (1, 2), (2, 3)])
def test_max_retries_counts_the_repeats(open_side: OpenSide, serve: Serve, max_retries: int, attempts: int) -> None:
    server = serve(empty)
    side = open_side(base_url=server.url, access_token=TOKEN, max_retries=max_retries)
    with pytest.raises(ConnectionFailed):
        side.run(READS["get"])
    assert len(server.requests) == attempts


def test_an_error_of_a_later_attempt_tells_that_an_earlier_one_may_have_run(open_side: OpenSide) -> None:
    """The first attempt is read and cut off; then nobody listens any more."""
    with socket.socket() as holder:
        # Keeps the port when nobody listens at it any more, since another process could get it.
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        listener = socket.create_server(holder.getsockname(), reuse_port=True)

        def read_and_leave() -> None:
            connection, _ = listener.accept()
            listener.close()
            connection.recv(65536)
            connection.close()

        reader = threading.Thread(target=read_and_leave)
        reader.start()
        side = open_side(base_url=f"http://127.0.0.1:{holder.getsockname()[1]}", access_token=TOKEN, max_retries=1)
        with pytest.raises(ConnectionFailed, match="no connection could be made") as caught:
            side.run(READS["delete"])
        reader.join()
    assert caught.value.may_have_run is True


# Timeouts. Where a request has to leave in time, there is enough for a slow machine; when the server reads it is another matter.


@pytest.mark.parametrize("name", SENT_ONCE)
def test_a_call_that_is_not_answered_in_time_may_have_run(open_side: OpenSide, serve: Serve, name: str) -> None:
    server = serve(hang)
    side = open_side(base_url=server.url, access_token=TOKEN, timeout=1.5)
    with pytest.raises(RequestTimeout, match=r"not complete within 1\.5 s") as caught:
        side.run(SENT_ONCE[name])
    assert caught.value.may_have_run is True
    server.wait_for(1)
    assert len(server.requests) == 1


def test_a_read_is_sent_again_when_it_is_not_answered_in_time(open_side: OpenSide, serve: Serve) -> None:
    def hang_at_first(connection: ClientConnection, request: Received) -> bytes | None:
        if request.connection > 1:
            return reply(FUNCTION)
        connection.pause()
        return None

    server = serve(hang_at_first)
    side = open_side(base_url=server.url, access_token=TOKEN, timeout=2)
    assert side.run(READS["get"]).id == 7
    server.wait_for(2)
    assert len(server.requests) == 2


# More than a minute of each.
DRIPS = {
    "in the status line": drip(b"HTTP/1.1 200 " + b"O" * 1500),
    "in the headers": drip(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1500),
    "in the body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n" + b" " * 4000, 0.02),
    "in chunks": drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 999, 0.02),
    "in informational answers": drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 999, 0.01),
}


@pytest.mark.parametrize("where", DRIPS)
def test_the_timeout_bounds_the_whole_call_however_bytes_drip(open_side: OpenSide, serve: Serve, where: str) -> None:
    server = serve(DRIPS[where])
    side = open_side(base_url=server.url, access_token=TOKEN, timeout=0.4)
    began = time.monotonic()
    with pytest.raises(RequestTimeout):
        side.run(SENT_ONCE["invoke"])
    assert time.monotonic() - began < 20


def test_a_timeout_of_one_call_wins_over_the_clients(open_side: OpenSide, serve: Serve) -> None:
    server = serve(hang)
    side = open_side(base_url=server.url, access_token=TOKEN, timeout=60)
    began = time.monotonic()
    with pytest.raises(RequestTimeout):
        side.run(lambda cloud: cloud.functions.invoke("greet", timeout=0.2))
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("timeout", [float("inf"), 1e300, 10**400, 3_000_000])
def test_a_timeout_may_be_as_long_as_one_likes(open_side: OpenSide, serve: Serve, timeout: float) -> None:
    server = serve(result("done"))
    side = open_side(base_url=server.url, access_token=TOKEN, timeout=timeout)
    assert side.run(SENT_ONCE["invoke"]) == "done"


def test_a_request_that_nobody_reads_runs_into_the_timeout(open_side: OpenSide) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        side = open_side(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", access_token=TOKEN, timeout=1.5)
        with pytest.raises(RequestTimeout) as caught:
            side.run(lambda cloud: cloud.functions.create("greet", "x" * 20_000_000))
    assert caught.value.may_have_run is True


# Connections that are kept


@pytest.mark.usefixtures("kept_connections")
def test_calls_use_one_connection_one_after_another(open_side: OpenSide, serve: Serve) -> None:
    server = serve(result(1))
    side = open_side(base_url=server.url, access_token=TOKEN)
    for _ in range(5):
        side.run(SENT_ONCE["invoke"])
    assert server.connections == 1


def test_a_connection_that_the_server_closed_while_idle_is_not_used_again(open_side: OpenSide, serve: Serve) -> None:
    """Each answer leaves the connection open, and the server closes it afterwards without a word."""
    answered = threading.Semaphore(0)

    def answer_and_leave(connection: ClientConnection, _: Received) -> None:
        connection.send(result(len(server.requests)))
        answered.acquire(timeout=30)

    server = serve(answer_and_leave)
    side = open_side(base_url=server.url, access_token=TOKEN, max_retries=0)
    answers: list[object] = []
    for _ in range(4):
        answers.append(side.run(SENT_ONCE["invoke"]))
        answered.release()
        _wait_until_readable(server.port)
    assert answers == [1, 2, 3, 4]
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    "more",
    [result("not yours"), reply(status=408), result("not yours")[:-1], result("not yours")[:20], b"\0"],
    ids=["an answer", "a farewell", "half an answer", "half a header", "a byte"],
)
@pytest.mark.parametrize("name", SENT_ONCE)
def test_what_comes_together_with_an_answer_is_not_taken_for_the_next(
    open_side: OpenSide, serve: Serve, name: str, more: bytes
) -> None:
    answers = {"trigger": reply({"status": "ok"}), "create": reply(FUNCTION, status=201)}
    answer = answers.get(name, result(1))
    server = serve(answer + more, answer)
    side = open_side(base_url=server.url, access_token=TOKEN, max_retries=0)
    first = side.run(SENT_ONCE[name])
    assert repr(side.run(SENT_ONCE[name])) == repr(first)
    assert (len(server.requests), server.connections) == (2, 2)


def test_a_connection_on_which_the_server_spoke_while_idle_is_not_used_again(open_side: OpenSide, serve: Serve) -> None:
    """As servers do that say 408 to a connection of which they have heard nothing for a while."""
    answered = threading.Semaphore(0)

    def answer_and_speak(connection: ClientConnection, _: Received) -> None:
        connection.send(result(len(server.requests)))
        answered.acquire(timeout=30)
        connection.send(reply(status=408))
        connection.pause()

    server = serve(answer_and_speak)
    side = open_side(base_url=server.url, access_token=TOKEN, max_retries=0)
    answers: list[object] = []
    for _ in range(3):
        answers.append(side.run(SENT_ONCE["invoke"]))
        answered.release()
        _wait_until_readable(server.port)
    assert answers == [1, 2, 3]


def _wait_until_readable(port: int) -> None:
    """Waits until what the server at a port said, or that it left, has come to this end of the idle connection."""
    (idle,) = connected_to(port)
    assert select.select((idle,), (), (), 30)[0]


def test_the_head_and_the_body_of_a_request_leave_together(open_side: OpenSide) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        first: list[bytes] = []

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                first.append(connection.recv(65536))
                connection.sendall(result(1))

        server = threading.Thread(target=answer)
        server.start()
        side = open_side(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", access_token=TOKEN)
        assert side.run(SENT_ONCE["invoke"]) == 1
        server.join()
    assert first[0].endswith(b"}")


def test_a_trigger_is_not_sent_twice_when_the_server_closes_a_kept_connection_on_it(
    open_side: OpenSide, serve: Serve
) -> None:
    """The server reads the second request and goes away: it may have run, so nobody may send it again."""
    server = serve(reply({"status": "ok"}), empty)
    side = open_side(base_url=server.url, access_token=TOKEN, max_retries=3)
    side.run(SENT_ONCE["trigger"])
    with pytest.raises(ConnectionFailed) as caught:
        side.run(SENT_ONCE["trigger"])
    assert caught.value.may_have_run is True
    assert len(server.requests) == 2


def test_an_answer_that_ends_the_connection_is_followed_by_a_new_one(open_side: OpenSide, serve: Serve) -> None:
    server = serve(reply(FUNCTION, headers=[("Connection", "close")]))
    side = open_side(base_url=server.url, access_token=TOKEN)
    for _ in range(3):
        side.run(READS["get"])
    assert server.connections == 3


def test_an_answer_may_end_with_the_connection(open_side: OpenSide, serve: Serve) -> None:
    server = serve(cut(b'HTTP/1.0 200 OK\r\n\r\n{"code": 0, "data": "old"}'))
    side = open_side(base_url=server.url, access_token=TOKEN)
    assert side.run(SENT_ONCE["invoke"]) == "old"


def test_connections_of_a_burst_do_not_stay_open_for_ever(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    from mincloud._sync import connections

    monkeypatch.setattr(connections, "KEEP_ALIVE", 0.3)
    together = threading.Barrier(8)

    def all_at_once(_connection: ClientConnection, _: Received) -> bytes:
        if len(server.requests) <= 8:
            together.wait(30)
        return result(1)

    server = serve(all_at_once)
    with MinCloud(base_url=server.url, access_token=TOKEN) as cloud:
        callers = [threading.Thread(target=cloud.functions.invoke, args=("greet",)) for _ in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert len(connected_to(server.port)) == 8
        time.sleep(0.4)
        cloud.functions.invoke("greet")
        assert len(connected_to(server.port)) == 1


# Statuses that gateways give


@pytest.mark.parametrize("status", [502, 503, 504])
@pytest.mark.parametrize("name", READS)
def test_reads_updates_and_deletes_are_repeated_when_a_gateway_gives_up(
    open_side: OpenSide, serve: Serve, name: str, status: int
) -> None:
    html = reply(status=status, raw=b"<html><h1>Bad Gateway</h1></html>", headers=[("Retry-After", "0")])
    server = serve(html, GOOD[name])
    open_side(base_url=server.url, access_token=TOKEN).run(READS[name])
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("name", SENT_ONCE)
def test_an_invocation_is_not_repeated_when_a_gateway_gives_up(
    open_side: OpenSide, serve: Serve, name: str, status: int
) -> None:
    server = serve(reply(status=status, raw=b"<html>sorry</html>", headers=[("Retry-After", "0")]))
    with pytest.raises(APIError) as caught:
        open_side(base_url=server.url, access_token=TOKEN).run(SENT_ONCE[name])
    assert (caught.value.status, caught.value.body) == (status, "<html>sorry</html>")
    assert len(server.requests) == 1


@pytest.mark.parametrize("first", [reset, reply(status=502, raw=b"", headers=[("Retry-After", "0")])])
def test_a_repeated_delete_that_finds_nothing_has_succeeded(open_side: OpenSide, serve: Serve, first: Reply) -> None:
    server = serve(first, reply({"error_msg": "gone"}, status=404))
    assert open_side(base_url=server.url, access_token=TOKEN).run(READS["delete"]) is None


def test_a_delete_that_was_turned_away_before_has_not_run(open_side: OpenSide, serve: Serve) -> None:
    server = serve(reply(status=429, raw=b"", headers=[("Retry-After", "0")]), reply({"error_msg": "gone"}, status=404))
    with pytest.raises(NotFound):
        open_side(base_url=server.url, access_token=TOKEN).run(READS["delete"])


def test_all_of_these_are_transport_errors() -> None:
    assert issubclass(ConnectionFailed, TransportError)
    assert issubclass(RequestTimeout, TransportError)
