"""Serves the console page: its files, and its interface under `/_emulator/`.

Functions are code, and whoever deploys or calls one runs it with the rights of the emulator's user. So every request to
this interface needs the key of this start of the emulator, which other accounts of the machine do not know; pages of other
sites are refused; and what does not come from this machine to one of its loopback addresses, such as a request through a
rebound DNS name, needs the access token besides.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.responses import Response, StreamingResponse

from ..core.invocations import job_summary
from ..core.json_text import encode_json
from .access import is_loopback, refuse_other_sites, requested_host, sender_address
from .function_operations import (
    SOURCES,
    STATUSES,
    await_result,
    caller_of,
    function_body,
    json_response,
    json_text_response,
)
from .requests import (
    HTTPError,
    bad_request,
    boolean_field,
    choice_parameter,
    page_parameters,
    query_parameters,
    read_json_object,
    required_text,
    text_field,
)
from .routing import Router
from .token_operations import unauthorized

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request

    from ..core.service import Service
    from ..core.store import Function, Job

_FILES = Path(__file__).parent.parent / "console"
# Named here, since some machines' own tables call a script plain text, which browsers then refuse to run.
_FILE_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILE_HEADERS = {
    # A function's name, result or log is never code on the page, whatever it contains; and no other site may show the page in a
    # frame and have its buttons clicked.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # Another version of the emulator serves the same addresses.
    "Cache-Control": "no-cache",
}
_IDLE_SECONDS = 15.0
_EVENT_HEADER = "Emulator-Event"
KEY_HEADER = "Emulator-Key"
"""The request header that carries the key of the console."""


class ConsoleAPI:
    """Answers the console's requests, which carry `key`. The environment is a query parameter, `""` or missing for production."""

    def __init__(self, service: Service, *, key: str) -> None:
        self._service = service
        self._key = key.encode()
        self._instance = secrets.token_hex(8)
        self._files: dict[str, tuple[bytes, str]] | None = None
        self._router = router = Router()
        router.add("/_emulator/info", {"GET": self._info})
        router.add("/_emulator/functions", {"GET": self._list_functions})
        router.add(
            "/_emulator/functions/{name}",
            {"GET": self._get_function, "PUT": self._put_function, "DELETE": self._delete_function},
        )
        router.add("/_emulator/functions/{name}/call", {"POST": self._call_function})
        router.add("/_emulator/jobs", {"GET": self._list_jobs})
        router.add("/_emulator/jobs/{number}", {"GET": self._get_job})
        router.add("/_emulator/jobs/{number}/data", {"GET": self._get_data})
        router.add("/_emulator/jobs/{number}/log", {"GET": self._get_log})
        router.add("/_emulator/requests", {"GET": self._list_requests})
        router.add("/_emulator/requests/{number}", {"GET": self._get_request})
        router.add("/_emulator/token", {"GET": self._token})
        router.add("/_emulator/events", {"GET": self._events})

    async def respond(self, request: Request) -> Response | None:
        """Answers a request to the console; returns None if it is no request to the console.

        Raises:
            HTTPError: If it is answered with an error.
        """
        path: str = request.scope["path"]
        if path.startswith("/_emulator"):
            self._check_access(request)
        return await self._router.respond(request) or self._file(request)

    def _check_access(self, request: Request) -> None:
        refuse_other_sites(request)
        local = is_loopback(sender_address(request))
        if not (local and is_loopback(requested_host(request))):
            _, _, token = request.headers.get("authorization", "").partition(" ")
            if not self._service.credentials.accepts(token.strip()):
                if local:
                    raise HTTPError(403, "open the console at 127.0.0.1 or localhost, as the emulator printed it")
                raise unauthorized("from another machine the console needs the access token")
        given = request.headers.get(KEY_HEADER, "").encode("latin-1")
        if not hmac.compare_digest(given, self._key):
            message = "open the console at the address that the emulator printed, which ends in #key=…"
            raise HTTPError(401, message, {"WWW-Authenticate": KEY_HEADER})

    def _file(self, request: Request) -> Response | None:
        if request.method not in {"GET", "HEAD"}:
            return None
        if self._files is None:
            self._files = {
                f"/console/{path.relative_to(_FILES).as_posix()}": (path.read_bytes(), _FILE_TYPES[path.suffix])
                for path in _FILES.rglob("*")
                if path.suffix in _FILE_TYPES
            }
            self._files["/"] = self._files.pop("/console/index.html")
        found = self._files.get(request.scope["path"])
        return found and Response(found[0], headers=_FILE_HEADERS, media_type=found[1])

    async def _info(self, _request: Request, _name: str) -> Response:
        """Describes the application and the environments that have functions."""
        service = self._service
        environments = service.store.environments()
        return json_response(
            200,
            {
                "client_id": service.credentials.client_id,
                "log_origin": service.logs.origin,
                "environments": environments if "" in environments else ["", *environments],
                "now": service.clock.now(),
                "instance": self._instance,
            },
        )

    async def _list_functions(self, request: Request, _name: str) -> Response:
        parameters = query_parameters(request)
        limit, offset = page_parameters(parameters)
        functions, total = self._service.store.functions(parameters.get("environment", ""), limit, offset)
        bodies = [self._body(function) for function in functions]
        for body in bodies:
            # A thousand functions may have a gigabyte of code; the page reads that of the one it shows.
            del body["function_code"]
        return json_response(200, {"total": total, "functions": bodies})

    async def _get_function(self, request: Request, name: str) -> Response:
        function = self._function(request, name)
        return json_response(200, {**self._body(function), "syntax": await self._service.syntax.note(function)})

    async def _put_function(self, request: Request, name: str) -> Response:
        """Deploys code: `{"function_code", "remark"?, "new"?}`; with `new` it refuses to replace a function."""
        environment = query_parameters(request).get("environment", "")
        fields = await self._fields(request)
        remark = text_field(fields, "remark", empty=True)
        code = required_text(fields, "function_code")
        if boolean_field(fields, "new", default=False) and self._service.store.function(environment, name) is not None:
            raise HTTPError(409, f"there is a function named {name[:80]!r} already: choose another name")
        action = self._service.deploy(environment, name, code, remark=remark)
        function = self._function(request, name)
        note = await self._service.syntax.note(function)
        return json_response(200, {"action": action, **self._body(function), "syntax": note})

    async def _delete_function(self, request: Request, name: str) -> Response:
        self._service.delete_function(self._function(request, name))
        return Response(status_code=204)

    async def _call_function(self, request: Request, name: str) -> Response:
        """Calls a function: `{"data", "sync"?, "source"?}`. Returns its job, and its result if the caller waits."""
        fields = await self._fields(request)
        function = self._function(request, name)
        if "data" not in fields:
            raise bad_request("data is required")
        sync = boolean_field(fields, "sync", default=True)
        source = text_field(fields, "source") or "open_api"
        if source not in SOURCES:
            raise bad_request(f"source must be one of {', '.join(SOURCES)}, not {source[:40]!r}")
        invocation = self._service.invocations.start(function, fields["data"], caller_of(request, source), sync=sync)
        if not sync:
            return json_response(200, {"job": job_summary(invocation.job)})
        result = await await_result(invocation)
        job = self._service.store.job(invocation.job.id) or invocation.job
        rest = {"job": job_summary(job), "log": result.log, "execution_time": result.execution_time}
        return json_text_response(b'{"result":%b,%b' % (result.result_json, encode_json(rest)[1:]))

    async def _list_jobs(self, request: Request, _name: str) -> Response:
        """Lists jobs, newest first, with the number of the latest event that they include.

        The parameters `function`, `status` and `log` (a text in the log) are filters.
        """
        parameters = query_parameters(request)
        limit, offset = page_parameters(parameters)
        function_id = None
        if "function" in parameters:
            function_id = self._function(request, parameters["function"]).id
        filters: dict[str, str | int] = {}
        if parameters.get("status") and (status := choice_parameter(parameters, "status", STATUSES)):
            filters["status"] = status
        if parameters.get("log"):
            filters["log"] = parameters["log"]
        jobs, total = self._service.store.jobs(function_id, filters, limit, offset)
        summaries = [job_summary(job) for job in jobs]
        return json_response(200, {"total": total, "jobs": summaries, "event": self._service.broker.count})

    async def _get_job(self, _request: Request, number: str) -> Response:
        return json_response(200, job_summary(self._job(number)))

    async def _get_data(self, _request: Request, number: str) -> Response:
        """Returns the data that a job's function was called with."""
        text = self._service.store.job_data(self._job(number).id)
        if text is None:
            raise HTTPError(404, "this job's data is too large to be kept")
        return json_text_response(text.encode("utf-8", "replace"))

    async def _get_log(self, _request: Request, number: str) -> Response:
        """Returns a job's log, so far if it runs; a header has the number of the latest event that it includes."""
        job = self._job(number)
        text = self._service.job_log(job)
        if text is None:
            raise HTTPError(404, "this job has no log")
        headers = {_EVENT_HEADER: str(self._service.broker.count)}
        return Response(text.encode("utf-8", "replace"), headers=headers, media_type="text/plain")

    async def _list_requests(self, _request: Request, _name: str) -> Response:
        """Lists the latest requests, oldest first, with the number of the latest event that they include."""
        summaries = [summary for summary, _ in self._service.requests.values()]
        return json_response(200, {"requests": summaries, "event": self._service.broker.count})

    async def _get_request(self, _request: Request, number: str) -> Response:
        """Returns the bodies and headers of the request with that event number, as far as they are kept."""
        _, details = self._service.requests.get(_number(number), (None, None))
        if details is None:
            raise HTTPError(404, "it is not kept, because it is old or may hold secrets")
        return json_response(200, details)

    async def _token(self, _request: Request, _name: str) -> Response:
        """Returns an access token for a client of the emulator."""
        return json_response(200, {"access_token": self._service.credentials.access_token})

    async def _events(self, _request: Request, _name: str) -> Response:
        """Streams server-sent events, each with its kind, number and JSON object; see `Event`."""

        async def stream() -> AsyncGenerator[bytes, None]:
            yield b": connected\n\n"
            async for event in self._service.broker.events(idle_seconds=_IDLE_SECONDS):
                if event is None:
                    yield b": still here\n\n"
                else:
                    data = json.dumps(event.data)
                    yield f"id: {event.number}\nevent: {event.kind}\ndata: {data}\n\n".encode()

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def _fields(self, request: Request) -> dict[str, Any]:
        # A form of another site can't send this type without asking first, and the answer to that is no.
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise HTTPError(415, "send application/json")
        return await read_json_object(request, self._service.limits)

    def _function(self, request: Request, name: str) -> Function:
        function = self._service.store.function(query_parameters(request).get("environment", ""), name)
        if function is None:
            raise HTTPError(404, f"there is no function named {name[:80]!r}")
        return function

    def _job(self, number: str) -> Job:
        job = self._service.store.job(_number(number))
        if job is None:
            raise HTTPError(404, f"there is no job {number[:40]!r}")
        return job

    def _body(self, function: Function) -> dict[str, Any]:
        return {
            **function_body(function),
            "environment": function.environment,
            "version": function.version,
            "stub": function.id in self._service.invocations.stubs,
        }


def _number(text: str) -> int:
    """Returns the number in a path; -1, which nothing has, if it is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else -1
