"""Clients of both kinds, as the facade's tests have them, and servers that misbehave."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.facade import conftest as facade

from .misbehaving_server import MisbehavingServer, Reply

Serve = Callable[..., MisbehavingServer]

open_side = facade.open_side
pytest_asyncio_loop_factories = facade.pytest_asyncio_loop_factories


def connected_to(port: int) -> list[int]:
    """The descriptors of this process that are connected to a port, whichever event loop holds them."""
    connected: list[int] = []
    for entry in Path("/dev/fd").iterdir():
        with suppress(OSError):  # no socket, or gone meanwhile
            found = socket.socket(fileno=int(entry.name))
            try:
                if found.family == socket.AF_INET and found.getpeername()[1] == port:
                    connected.append(int(entry.name))
            finally:
                found.detach()
    return connected


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server that gives these replies: `serve(reply(…), reset)`."""
    with ExitStack() as stack:

        def start(*replies: Reply) -> MisbehavingServer:
            return stack.enter_context(MisbehavingServer(list(replies)))

        yield start


@pytest.fixture
def no_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that nobody has are looked up nowhere: a network may take a minute over them, or answer for them itself."""
    look_up = socket.getaddrinfo

    def looked_up(host: Any, *args: Any, **options: Any) -> Any:
        if host in ("nowhere.invalid", b"nowhere.invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests see neither the credentials nor the proxies of who runs them."""
    for name in ("ACCESS_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "ENVIRONMENT", "BASE_URL"):
        monkeypatch.delenv(f"MINCLOUD_{name}", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    empty = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(empty))
    monkeypatch.chdir(empty)
