"""Fixtures and clients for the tests of the emulator."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mincloud_emulator import Emulator

FUNCTIONS = "/oserve/v1.3/cloud-function/"
HELLO = "exports.main = function hello(event, callback) { callback(null, 'hello world') }"


TIMEOUT = 50.0
"""How long a client waits, in seconds: no answer takes as long, on no machine."""

WEB = httpx.Client(verify=False, timeout=TIMEOUT)
"""A client without a token. Loading certificates takes longer than most tests, and nothing here is encrypted."""


@pytest.fixture(scope="session", autouse=True)
def _web_is_closed() -> Iterator[None]:
    yield
    WEB.close()


class API:
    """Sends raw requests with a valid token, without the library's client; one method per operation."""

    def __init__(self, base_url: str, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        self.http = httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT, verify=False)

    def create(self, name: str, code: str = HELLO, **more: Any) -> httpx.Response:
        return self.http.post(FUNCTIONS, json={"name": name, "function_code": code, **more})

    def get(self, encoded_name: str) -> httpx.Response:
        return self.http.get(f"{FUNCTIONS}{encoded_name}/")

    def update(self, encoded_name: str, **changes: Any) -> httpx.Response:
        return self.http.patch(f"{FUNCTIONS}{encoded_name}/", json=changes)

    def delete(self, encoded_name: str) -> httpx.Response:
        return self.http.delete(f"{FUNCTIONS}{encoded_name}/")

    def list(self, **parameters: Any) -> httpx.Response:
        return self.http.get(FUNCTIONS, params=parameters)

    def invoke(self, encoded_name: str, data: Any = None, **more: Any) -> httpx.Response:
        body: dict[str, Any] = {"data": {} if data is None else data, **more}
        return self.http.post(f"{FUNCTIONS}{encoded_name}/job/", json=body)

    def debug(self, encoded_name: str, **body: Any) -> httpx.Response:
        return self.http.post(f"{FUNCTIONS}{encoded_name}/debug/", json=body)

    def trigger(self, **body: Any) -> httpx.Response:
        return self.http.post("/oserve/v1/cloud-function/job/", json=body)

    def jobs(self, encoded_name: str, **parameters: Any) -> httpx.Response:
        return self.http.get(f"{FUNCTIONS}{encoded_name}/job/", params=parameters)


@pytest.fixture
def api(emulator: Emulator) -> Iterator[API]:
    client = API(emulator.url, emulator.access_token)
    yield client
    client.http.close()


@pytest.fixture
def console(emulator: Emulator) -> Iterator[httpx.Client]:
    """A client of the console's interface, with its key."""
    with console_client(emulator) as client:
        yield client


def console_client(emulator: Emulator) -> httpx.Client:
    headers = {"Emulator-Key": emulator.console_key}
    return httpx.Client(base_url=f"{emulator.url}/_emulator", headers=headers, timeout=TIMEOUT, verify=False)


def raw_exchange(origin: str, request: bytes) -> bytes:
    """Sends bytes that no HTTP library would send, and returns everything until the other side closes."""
    url = httpx.URL(origin)
    received = b""
    with socket.create_connection((url.host, url.port or 80), timeout=TIMEOUT) as connection:
        connection.sendall(request)
        while chunk := connection.recv(65536):
            received += chunk
    return received
