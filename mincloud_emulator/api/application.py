"""The ASGI applications of the two origins: the API with its console, and the logs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import time
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from .access import requested_host
from .console_api import ConsoleAPI
from .exchange import Exchange
from .function_operations import FunctionOperations, environment_of, json_response
from .requests import HTTPError
from .routing import Router
from .token_operations import FIRST_HOP, SECOND_HOP, TokenOperations, unauthorized

if TYPE_CHECKING:
    from asyncio import Transport
    from collections.abc import Awaitable, Callable

    from starlette.types import Message, Receive, Scope, Send

    from ..core.faults import Fault
    from ..core.service import Service
    from .routing import Handler

_logger = logging.getLogger(__name__)

_API_PATHS = ("/oserve/", "/api/")
_KEPT_REQUESTS = 200
_CONSOLE_PATHS = ("/_emulator/", "/console/")

TRANSPORT = "mincloud_emulator.transport"
"""The key of the connection's transport in the scope, which the server sets for faults that drop the connection."""


class OriginApp:
    """The ASGI application of an origin: applies faults and delays, dates answers, and publishes each request as an event.

    `api` says whether this is the API's origin.
    """

    def __init__(self, service: Service, *, api: bool, respond: Callable[[Request], Awaitable[Response]]) -> None:
        self._service = service
        self._api = api
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            return
        started = time.perf_counter()
        path: str = scope["path"]
        exchange = Exchange()
        request = Request(scope, exchange.receiving(receive))

        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"date", self._service.clock.http_date().encode()))
            exchange.take_response(message)
            await send(message)

        # A request that a browser sends by itself must not take the faults that are meant for a client of the API.
        api = self._api and path.startswith(_API_PATHS)
        fault = self._service.faults.take(request.method, path, api=api)
        delay = self._service.faults.delay_of(path, api=api)
        try:
            if delay > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._service.closed.wait(), delay)
            response = None if self._service.closed.is_set() else await self._answer(request, fault)
            if response is None:
                transport: Transport = scope[TRANSPORT]
                transport.abort()
                await asyncio.sleep(0)  # so that uvicorn knows that the connection is closed, and expects no answer
                return
            await response(scope, receive, send_dated)
        except ClientDisconnect:
            return
        finally:
            self._report(request, exchange, time.perf_counter() - started)

    async def _answer(self, request: Request, fault: Fault | None) -> Response | None:
        if fault is None:
            return await self._dispatch(request)
        if fault.after:
            await self._dispatch(request)
        return None if fault.status is None else Response(fault.body, fault.status, dict(fault.headers))

    async def _dispatch(self, request: Request) -> Response | None:
        """Answers a request; returns None if it came while everything is being closed."""
        try:
            requested_host(request)
            return await self._respond(request)
        except HTTPError as error:
            return json_response(error.status, {"error_msg": error.message}, error.headers)
        except ClientDisconnect:
            raise
        except Exception:
            if self._service.closed.is_set():
                return None
            _logger.exception("%s %s failed", request.method, request.scope["path"])
            return json_response(500, {"error_msg": "the emulator failed; what happened is in its own log"})

    def _report(self, request: Request, exchange: Exchange, seconds: float) -> None:
        path: str = request.scope["path"]
        if path.startswith(_CONSOLE_PATHS):
            return
        environment = request.headers.get("x-hydrogen-env-id", "")
        summary = {
            "method": request.method,
            "path": path,  # without the query, which is a secret on the log's origin
            "status": exchange.status,
            "milliseconds": round(seconds * 1000, 1),
            "at": self._service.clock.now(),
            "environment": environment.encode("latin-1").decode(errors="replace"),
        }
        number = self._service.broker.publish("request", summary)
        # The bodies of token operations and the addresses of logs hold secrets.
        details = exchange.details(request) if path.startswith("/oserve/") else None
        kept = self._service.requests
        kept[number] = ({"number": number, **summary}, details)
        while len(kept) > _KEPT_REQUESTS:
            del kept[next(iter(kept))]


class API:
    """Answers the requests to the API's origin, those of the console too if they carry its key."""

    def __init__(self, service: Service, *, console_key: str) -> None:
        self._service = service
        self._console = ConsoleAPI(service, key=console_key)
        functions = FunctionOperations(service)
        tokens = TokenOperations(service)
        self._router = router = Router()
        for path, operations in _contract_paths().items():
            handlers: dict[str, Handler] = {}
            for method, operation in operations.items():
                name = re.sub("(?=[A-Z])", "_", operation["operationId"]).lower()
                handlers[method.upper()] = (
                    self._with_bearer(getattr(functions, name)) if operation["security"] else getattr(tokens, name)
                )
            router.add(path, handlers)
        router.add(FIRST_HOP, {"GET": tokens.first_hop})
        router.add(SECOND_HOP, {"GET": tokens.second_hop})

    async def respond(self, request: Request) -> Response:
        """Answers a request.

        Raises:
            HTTPError: If it is answered with an error.
        """
        response = await self._router.respond(request) or await self._console.respond(request)
        if response is None:
            raise HTTPError(404, f"there is nothing at {request.scope['path'][:200]}")
        return response

    def _with_bearer(self, handler: Handler) -> Handler:
        async def check(request: Request, variable: str) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not self._service.credentials.accepts(token.strip()):
                raise unauthorized("未授权,请检查请求头中的 Authorization 字段是否正确 (no valid access token)")
            environment_of(request)
            return await handler(request, variable)

        return check


def _contract_paths() -> dict[str, dict[str, Any]]:
    """Returns the operations of the contract by path and method; each is handled by the method of its name."""
    paths: dict[str, dict[str, Any]] = json.loads(files("mincloud_api").joinpath("contract.json").read_bytes())["paths"]
    return paths


class LogOrigin:
    """Answers the requests for job logs, as an object store does."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def respond(self, request: Request) -> Response:
        """Answers a request."""
        if request.method not in {"GET", "HEAD"}:
            return _storage_error(405, "MethodNotAllowed", "Only GET is possible here.", {"Allow": "GET, HEAD"})
        if "authorization" in request.headers:
            message = "The address is signed: send no Authorization, the access token is not for this host."
            return _storage_error(400, "InvalidArgument", message)
        query: bytes = request.scope["query_string"]
        checked = self._service.logs.check(request.scope["path"], query.decode("ascii", "replace"))
        if isinstance(checked, str):
            return _storage_error(403, "AccessDenied", checked)
        job = self._service.store.job(checked)
        text = None if job is None else self._service.job_log(job)
        if text is None:
            return _storage_error(404, "NoSuchKey", "There is no such log.")
        return Response(text.encode("utf-8", "replace"), media_type="text/plain")


def _storage_error(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'
    return Response(text, status, headers, media_type="application/xml")
