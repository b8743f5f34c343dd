"""A real HTTP server on 127.0.0.1 whose functions, jobs and clock a test controls, as the emulator's cannot be.

It lists what it is told to list, in the order it is told, and before each answer it asks the test what is to happen then.
"""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Record = dict[str, Any]

FUNCTIONS = "/oserve/v1.3/cloud-function/"

# A time that is far from the clock of the machine that runs the tests.
LONG_AGO = 1_000_000_000.0


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    content: bytes
    number: int

    @property
    def body(self) -> Any:
        return json.loads(self.content)

    @property
    def function(self) -> str:
        return unquote(self.path.removeprefix(FUNCTIONS).split("/")[0])

    @property
    def is_list(self) -> bool:
        return self.method == "GET" and (self.path == FUNCTIONS or self.path.endswith("/job/"))

    @property
    def is_log(self) -> bool:
        return self.path.startswith("/logs/")

    @property
    def log(self) -> int:
        return int(self.path.removeprefix("/logs/"))

    @property
    def offset(self) -> int:
        return int(self.query["offset"])


@dataclass
class Reply:
    """What is sent back."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    cut: bool = False  # close the connection instead of answering


Happening = Callable[[Received], Reply | None]


class ScriptedService:
    """The service. What a test may set stands in the constructor."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.functions: list[Record] = []  # in the order in which they are listed
        self.jobs: list[Record] = []  # of every function
        self.logs: dict[int, str] = {}  # by the job's id, at `log_url`
        self.date: Callable[[], float] | None = lambda: LONG_AGO  # of the Date header
        self.before: Happening = lambda _: None  # under the lock, before an answer is made
        self.delay: Callable[[Received], object] = lambda _: None  # without the lock, before that
        self.counts = True  # whether total_count is told
        self.tells_limit = True
        self.longest_page = 1000
        self.next_page = "/oserve/v1.3/next/"
        self.received: list[Received] = []
        self.connections = 0
        self.busy = 0
        self.busiest = 0
        self.invoked: Callable[[Received], Record] = lambda received: {
            "code": 0,
            "data": received.body["data"],
            "error": {},
        }
        self.triggered: Callable[[Received], object] = lambda _: None
        self.url = ""

    def count(self, method: str) -> int:
        """How many requests came with a method."""
        return Counter(received.method for received in self.received)[method]

    def add_jobs(self, count: int, *, function: str = "greet", status: str = "fulfilled", **fields: Any) -> None:
        """Puts jobs in front of the others, a second apart."""
        for _ in range(count):
            number = 1 + max((job["id"] for job in self.jobs), default=0)
            made = {"id": number, "created_at": LONG_AGO + number, "status": status, "source": "open_api"}
            self.jobs.insert(0, {**made, "service_type": "batch", **fields, "function": function})

    def log_url(self, number: int) -> str:
        """Where a job's log is."""
        return f"{self.url}/logs/{number}"

    def add_functions(self, count: int) -> None:
        """Puts functions in front of the others."""
        for _ in range(count):
            number = 1 + max((each["id"] for each in self.functions), default=0)
            self.functions.insert(0, a_function(f"f{number}", number))

    def answer(self, received: Received) -> Reply:
        """What is to be answered."""
        if received.is_log:
            log = self.logs.get(received.log)
            return Reply(404, "<Error><Code>NoSuchKey</Code></Error>") if log is None else Reply(200, log)
        if received.path == FUNCTIONS:
            if received.method == "GET":
                return self._page(self.functions, received)
            made = a_function(number=len(self.functions) + 1, **received.body)
            self.functions.insert(0, made)
            return Reply(201, made)
        rest = received.path.removeprefix(FUNCTIONS).split("/")[1:]
        if rest == ["job", ""]:
            return self._jobs(received)
        if rest == ["debug", ""]:
            return Reply(200, self.invoked(received))
        return self._function(received)

    def _function(self, received: Received) -> Reply:
        found = next((each for each in self.functions if each["name"] == received.function), None)
        if found is None:
            return Reply(404, {"error_msg": "不存在"})
        if received.method == "DELETE":
            self.functions.remove(found)
            return Reply(204)
        if received.method == "PATCH":
            found.update(received.body)
            return Reply(202, found)
        return Reply(200, found)

    def _jobs(self, received: Received) -> Reply:
        if received.method == "POST":
            if received.body["sync"]:
                return Reply(200, self.invoked(received))
            self.triggered(received)
            return Reply(200, {"status": "ok"})
        wanted = received.query
        least, most = wanted.get("created_at__gte"), wanted.get("created_at__lte")
        return self._page(
            [
                {key: value for key, value in job.items() if key != "function"}
                for job in self.jobs
                if job["function"] == received.function
                and all(
                    job.get(name) == wanted[name] for name in ("source", "status", "service_type") if name in wanted
                )
                and (least is None or job.get("created_at") is None or job["created_at"] >= int(least))
                and (most is None or job.get("created_at") is None or job["created_at"] <= int(most))
            ],
            received,
        )

    def _page(self, records: list[Record], received: Received) -> Reply:
        limit = min(int(received.query["limit"]), self.longest_page)
        offset = received.offset
        more = offset + limit < len(records)
        meta: Record = {"offset": offset, "next": self.next_page if more else None, "previous": None}
        if self.counts:
            meta["total_count"] = len(records)
        if self.tells_limit:
            meta["limit"] = limit
        return Reply(200, {"meta": meta, "objects": records[offset : offset + limit]})


def a_function(name: str, number: int = 1, **fields: Any) -> Record:
    """A function as the service describes it."""
    made = {"id": number, "name": name, "function_code": "exports.main = async () => 1", "plan_circle": "P_FREE"}
    return {**made, "remark": "", "audit_status": "approved", "updated_at": 1537704381, **fields}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128  # so that no connection of many at once is put off for a second

    def __init__(self, service: ScriptedService) -> None:
        self.service = service
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of some tests."""

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.service.lock:
            self.service.connections += 1
        super().process_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def _serve(self) -> None:
        assert isinstance(self.server, _Server)
        service = self.server.service
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        with service.lock:
            received = Received(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query)),
                {name.lower(): value for name, value in self.headers.items()},
                content,
                len(service.received),
            )
            service.received.append(received)
            service.busy += 1
            service.busiest = max(service.busiest, service.busy)
        try:
            service.delay(received)
            with service.lock:
                reply = service.before(received) or service.answer(received)
                body = b"" if reply.body is None else _encoded(reply.body)
        finally:
            with service.lock:
                service.busy -= 1
        if reply.cut:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response_only(reply.status)
        if service.date is not None:
            self.send_header("Date", formatdate(service.date(), usegmt=True))
        self.send_header("Content-Type", "application/json")
        if reply.status != 204:
            self.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Keeps silent."""


def _encoded(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()


@contextmanager
def serving() -> Generator[ScriptedService]:
    """A service that listens until the end of the block."""
    service = ScriptedService()
    server = _Server(service)
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="scripted service")
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
