"""Servers in a process of their own that answer from memory, so that what a client costs is what is measured."""

from __future__ import annotations

import json
import multiprocessing
import socket
import threading
import time
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    Answerer = Callable[[str], bytes]


def one_answer(body: bytes) -> Answerer:
    """Answers every request with the same body."""
    return partial(_same, with_head(body))


def job_list(count: int, delay: float = 0.0) -> Answerer:
    """Answers every request with the page of a list of jobs that its `offset` and `limit` name.

    Args:
        count: How many jobs the list has.
        delay: The seconds that a page takes.
    """
    return JobList(count, delay)


class JobList:
    """A list of jobs, of which each is written once."""

    def __init__(self, count: int, delay: float) -> None:
        self._count = count
        self._delay = delay

    def __call__(self, target: str) -> bytes:
        until = time.perf_counter() + self._delay
        query = parse_qs(urlsplit(target).query)
        answer = _page(self._count, int(query.get("offset", ["0"])[0]), int(query.get("limit", ["20"])[0]))
        time.sleep(max(0.0, until - time.perf_counter()))
        return answer


@contextmanager
def canned_server(answer: Answerer) -> Iterator[str]:
    """Serves in a process of its own; gives its address."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, answer), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def with_head(body: bytes) -> bytes:
    """A response with this body."""
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )


def _same(answer: bytes, _target: str) -> bytes:
    return answer


@lru_cache(maxsize=1)
def _jobs(count: int) -> list[bytes]:
    """The jobs of a list as the contract's example has them, the newest first."""
    address = (
        "https://hydrogen-faas-logs.s3.cn-north-1.amazonaws.com.cn/ticket_{}.log?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Expires=86400&X-Amz-Date=20180921T044620Z&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=f5d74870d8b52cbb490fae4d81fc486b09da1e026bf9571c172b4d8d29c84a66"
    )
    return [
        json.dumps(
            {
                "created_at": 1537505179.5 - place,
                "finished_at": 1537505180.25 - place,
                "id": 10_000_000 - place,
                "mem_usage": 36_700_160 + place,
                "service_type": "batch",
                "source": "open_api",
                "started_at": 1537505179.75 - place,
                "status": "fulfilled",
                "user_log_url": address.format(10_000_000 - place),
            }
        ).encode()
        for place in range(count)
    ]


# All pages that a walk asks for: joining them anew would cost the machine more than the client that is measured.
@lru_cache(maxsize=400)
def _page(count: int, offset: int, limit: int) -> bytes:
    meta = json.dumps({"limit": limit, "next": None, "offset": offset, "previous": None, "total_count": count})
    objects = b", ".join(_jobs(count)[offset : offset + limit])
    return with_head(b'{"meta": %s, "objects": [%s]}' % (meta.encode(), objects))


def _serve(parent: Connection, answer: Answerer) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        parent.send(listener.getsockname()[1])
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_answer_all, args=(connection, answer), daemon=True).start()


def _answer_all(connection: socket.socket, answer: Answerer) -> None:
    received = b""
    with connection:
        while data := connection.recv(65536):
            received += data
            while (end := received.find(b"\r\n\r\n")) >= 0:
                length = 0
                lines = received[:end].split(b"\r\n")
                for line in lines[1:]:
                    if line[:15].lower() == b"content-length:":
                        length = int(line[15:])
                if len(received) < end + 4 + length:
                    break
                received = received[end + 4 + length :]
                connection.sendall(answer(lines[0].split(b" ")[1].decode("ascii")))
