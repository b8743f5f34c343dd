"""A server that keeps to the service's documentation, and answers otherwise wherever the contract goes by a reading of its own."""

from __future__ import annotations

import itertools
import json
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Generator

TOKEN, CLIENT_ID, CLIENT_SECRET = "a-token-of-the-test", "a-client-of-the-test", "a-secret-of-the-test"
_RUN = """
const {code, event} = JSON.parse(require("fs").readFileSync(0, "utf8"));
const inspect = require("util").inspect;
const say = (level, ...words) => log.push(new Date().toISOString() + " " + level + " " + words.join(" "));
const log = [], done = (answer) => { process.stdout.write(JSON.stringify({answer, log: log.join("\\n") + "\\n"})); process.exit(); };
const fail = (error) => done({code: 1, data: null, error: {message: String(error.message || error), type: error.name || "Error"}});
const end = (error, data) => {
  if (error) return fail(error);
  say("LOG", "return: ", typeof data === "string" ? data : inspect(data));
  done({code: 0, data: data === undefined ? null : data, error: {}});
};
say("LOG", "event.data: ", inspect(event.data));
console.log = (...words) => say("LOG", ...words);
try {
  new Function("exports", code)(exports);
  const made = exports.main(event, end);
  if (made && made.then) made.then((data) => { if (data !== undefined) end(null, data); }, fail);
} catch (error) { fail(error); }
"""


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class DocumentedService:
    """What the server keeps, and what each operation does; statuses that the documentation names, and bodies of errors as plain text."""

    def __init__(self, *, deletes_with: int) -> None:
        self.deletes_with = deletes_with
        self.functions: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, list[dict[str, Any]]] = {}
        self.logs: dict[str, str] = {}
        self.ids = itertools.count(1)
        self.codes: set[str] = set()
        self.calls: list[threading.Thread] = []
        self.url = ""

    def await_calls(self) -> None:
        """Waits until the calls that nobody waits for have ended."""
        for call in self.calls:
            call.join()

    def answer(
        self, method: str, path: str, query: dict[str, str], headers: Any, body: dict[str, Any]
    ) -> tuple[int, Any]:
        authorization = headers.get("Authorization")
        if path == "/api/oauth2/access_token/":
            # Without a grant nobody is authorised; the documentation names no status for it.
            if (body.get("client_id"), body.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
                raise _Refused(401 if "grant_type" not in body else 400)
            if body.get("code") not in self.codes:
                raise _Refused(400)
            self.codes.remove(body["code"])
            return 200, {
                "access_token": TOKEN,
                "token_type": "Bearer",
                "expires_in": 60,
                "refresh_token": "r",
                "scope": "",
            }
        if authorization != f"Bearer {TOKEN}":
            raise _Refused(401)
        if path == "/oserve/v1/cloud-function/job/":
            return self.call(body.get("function_name", ""), body, 400)
        parts = [unquote(part) for part in path.removeprefix("/oserve/v1.3/cloud-function/").split("/")]
        match method, parts:
            case "GET", [""]:
                return 200, self.page(list(self.functions.values()), query)
            case "POST", [""]:
                return 201, self.create(body)
            case "GET", [name, ""]:
                return 200, self.function(name)
            case "PATCH", [name, ""]:
                return 202, self.update(name, body)
            case "DELETE", [name, ""]:
                self.function(name)
                del self.functions[name]
                return self.deletes_with, None
            case "POST", [name, "debug", ""]:
                return self.debug(name, body)
            case "GET", [name, "job", ""]:
                return self.list_jobs(name, query)
            case "POST", [name, "job", ""]:
                return self.call(name, body, 404)
            case _:
                raise _Refused(404)

    def function(self, name: str, status: int = 404) -> dict[str, Any]:
        if name not in self.functions:
            raise _Refused(status)
        return self.functions[name]

    def create(self, fields: dict[str, Any]) -> dict[str, Any]:
        name = fields.get("name")
        if not name or not fields.get("function_code") or not name.replace("-", "").replace("_", "").isalnum():
            raise _Refused(400)
        # A second one of the same name takes the place of the first.
        made = {
            "id": next(self.ids),
            "plan_circle": "P_FREE",
            "audit_status": "approved",
            "updated_at": int(time.time()),
        }
        self.functions[name] = {"remark": "", "created_by": "", "updated_by": "", **made, **fields}
        return self.functions[name]

    def update(self, name: str, fields: dict[str, Any]) -> dict[str, Any]:
        function = self.function(name, 400)
        if "" in (fields.get("name"), fields.get("function_code")):
            raise _Refused(400)
        function.update(fields)
        self.functions[function["name"]] = self.functions.pop(name)
        return function

    def run(self, function: dict[str, Any], data: Any, kind: str) -> dict[str, Any]:
        given = json.dumps({"code": function["function_code"], "event": {"data": data, "eventType": kind}})
        done = subprocess.run(["node", "-e", _RUN], input=given, capture_output=True, text=True, timeout=30, check=True)
        return cast("dict[str, Any]", json.loads(done.stdout))

    def call(self, name: str, body: dict[str, Any], unknown: int) -> tuple[int, Any]:
        function = self.function(name, unknown)
        job: dict[str, Any] = {"id": next(self.ids), "created_at": time.time(), "status": "waiting", "source": "sdk"}
        job |= {"service_type": "batch", "mem_usage": None, "finished_at": None, "user_log_url": None}
        self.jobs.setdefault(name, []).append(job)

        def run() -> dict[str, Any]:
            ended = self.run(function, body.get("data") or {}, "open_api")
            status = "fulfilled" if ended["answer"]["code"] == 0 else "schedule_failed"
            self.logs[f"/logs/{job['id']}"] = ended["log"]
            job.update(finished_at=time.time(), mem_usage=1, user_log_url=f"{self.url}/logs/{job['id']}", status=status)
            return cast("dict[str, Any]", ended["answer"])

        if body.get("sync", True):
            return 200, run()
        self.calls.append(threading.Thread(target=run, daemon=True))
        self.calls[-1].start()
        return 200, {"status": "ok"}

    def debug(self, name: str, body: dict[str, Any]) -> tuple[int, Any]:
        function = self.function(name, 400)
        if "data" not in body:
            raise _Refused(400)
        ended = self.run(function, body["data"], body.get("subject", "sdk"))
        used = {"billing_time": 100, "execution_time": 1.5, "job_id": "abc", "mem_usage": 1, "log": ended["log"]}
        return 200, {**ended["answer"], **used}

    def list_jobs(self, name: str, query: dict[str, str]) -> tuple[int, Any]:
        jobs = self.jobs.get(name, [])
        known = "waiting executing fulfilled schedule_failed execution_rejected deadline_exceeded execution_failed"
        if query.get("status", "waiting") not in known.split():
            raise _Refused(400)
        for key in ("status", "source", "service_type"):
            jobs = [job for job in jobs if query.get(key, job[key]) == job[key]]
        first, last = float(query.get("created_at__gte", 0)), float(query.get("created_at__lte", "inf"))
        return 200, self.page([job for job in jobs if first <= job["created_at"] <= last], query)

    def page(self, objects: list[Any], query: dict[str, str]) -> dict[str, Any]:
        # `limit` and `offset` are in none of the tables.
        meta = {"limit": 50, "offset": 0, "next": None, "previous": None, "total_count": len(objects)}
        return {"meta": meta, "objects": objects}


@contextmanager
def documented_server(*, deletes_with: int = 204) -> Generator[DocumentedService]:
    """Runs such a server.

    Args:
        deletes_with: the status of a deletion, 204 by the documentation.
    """
    service = DocumentedService(deletes_with=deletes_with)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body: dict[str, Any] = json.loads(self.rfile.read(length) or b"{}")
            hop = {"/hop/1": "/hop/2", "/hop/2": None}.get(parts.path, "")
            if parts.path == "/api/oauth2/hydrogen/openapi/authorize/":
                application = (body.get("client_id"), body.get("client_secret"))
                if application != (CLIENT_ID, CLIENT_SECRET) or self.headers.get("Authorization"):
                    return self.send(403, None, text="no")
                return self.send(302, None, location="/hop/1")
            if hop:
                return self.send(302, None, location=hop)
            if hop is None:
                if self.headers.get("Cookie") != "login=yes":
                    return self.send(401, None, text="no cookie")
                code = f"code-{next(service.ids)}"
                service.codes.add(code)
                return self.send(200, {"code": code, "expires_in": 60})
            if parts.path in service.logs:
                return self.send(200, None, text=service.logs[parts.path])
            try:
                status, answer = service.answer(
                    self.command, parts.path, dict(parse_qsl(parts.query)), self.headers, body
                )
            except _Refused as refused:
                return self.send(refused.status, None, text="refused")
            return self.send(status, answer)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815 - as the library names them

        def send(self, status: int, answer: Any, *, text: str | None = None, location: str | None = None) -> None:
            content = b"" if answer is None else json.dumps(answer).encode()
            content = content if text is None else text.encode()
            self.send_response(status)
            if location is not None:
                self.send_header("Location", location)
                self.send_header("Set-Cookie", "login=yes; Path=/")
            if content:
                self.send_header("Content-Type", "text/plain" if text is not None else "application/json")
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Stays silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
