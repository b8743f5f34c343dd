"""Records what a client sends: whether a secret arrives as it is, and what becomes of a path."""

from __future__ import annotations

import json
import threading
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from scripts.stories.driver import NoAnswerError, ProcessDriver, Request
from scripts.stories.values import ABSENT

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

_GRANT = {
    "client_id": "application",
    "client_secret": "kept as it is",
    "grant_type": "authorization_code",
    "code": "a code",
}
_NAME = "a/b 测"


@contextmanager
def _recorder(requests: list[tuple[str, Any]]) -> Generator[str]:
    """A server that keeps the path and the body of each request; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            requests.append((self.path, json.loads(text) if text else None))
            body = json.dumps({"access_token": "a token", "name": _NAME}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = respond  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Stays silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _arrived(command: Sequence[str], folder: Path, request: Request) -> tuple[str, Any]:
    """The path and the body that a client sends; nothing where it sends none."""
    requests: list[tuple[str, Any]] = [("", None)]
    # Without an answer too, what matters is what arrived before.
    with _recorder(requests) as url, closing(ProcessDriver(command, folder, url)) as driver, suppress(NoAnswerError):
        driver.send(request)
    return requests[-1]


def secret_arrives(command: Sequence[str], folder: Path) -> bool:
    """Whether a request for a token arrives with the secrets that it was made of.

    Raises:
        ScriptError: It cannot be started, or does not end as it should.
    """
    _, body = _arrived(command, folder, Request("createAccessToken", {}, {**_GRANT}, None))
    return bool(body == _GRANT)


def path_is_encoded(command: Sequence[str], folder: Path) -> bool:
    """Whether a function's name with a slash, a space and Chinese arrives as one segment of the path.

    Raises:
        ScriptError: It cannot be started, or does not end as it should.
    """
    path, _ = _arrived(command, folder, Request("getFunction", {"function_name": _NAME}, ABSENT, "a token"))
    return unquote(path.rstrip("/").rpartition("/")[2]) == _NAME
