"""Encrypted connections, and proxies that the environment names."""

from __future__ import annotations

import base64
import contextlib
import select
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from mincloud import ConfigurationError, ConnectionFailed, Job, RequestTimeout
from mincloud._urls import proxy_for
from mincloud_emulator import Emulator
from tests.facade.conftest import OpenSide

from .conftest import Serve
from .misbehaving_server import FUNCTION, ClientConnection, MisbehavingServer, Received, empty, hang, reply, result

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

TOKEN = "a-token-of-the-test"
# Only a proxy knows where this is; what is on this machine is reached without one.
NAME = "service.example"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def context(authority: trustme.CA) -> ssl.SSLContext:
    return _certified(authority, "127.0.0.1", "localhost", NAME)


def _certified(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    certificate: Any = authority.issue_cert(*names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with the authority's certificate, named by the environment."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return path


def test_a_server_that_nobody_vouches_for_gets_nothing(
    open_side: OpenSide, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with MisbehavingServer([result(1)], tls=context) as server:
        side = open_side(base_url=server.url, access_token=TOKEN, max_retries=1)
        with pytest.raises(ConnectionFailed, match=r"(?i)certificate verify failed") as caught:
            side.run(lambda cloud: cloud.functions.invoke("greet"))
        assert caught.value.may_have_run is False
        assert (server.requests, server.connections) == ([], 2)


@pytest.mark.usefixtures("trusted", "kept_connections")
def test_an_authority_of_ones_own_is_named_by_ssl_cert_file(open_side: OpenSide, context: ssl.SSLContext) -> None:
    with MisbehavingServer([result(1)], tls=context) as server:
        side = open_side(base_url=server.url, access_token=TOKEN)
        assert [side.run(lambda cloud: cloud.functions.invoke("greet")) for _ in range(3)] == [1, 1, 1]
        assert server.connections == 1


@pytest.mark.skipif(
    shutil.which("openssl") is None,
    reason="openssl is not installed: it names the file as such a folder wants it (scripts/install_debian_packages.sh openssl)",
)
def test_an_authority_of_ones_own_is_named_by_ssl_cert_dir(
    open_side: OpenSide, context: ssl.SSLContext, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    command = ["openssl", "x509", "-noout", "-subject_hash", "-in", str(path)]
    subject_hash = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    (tmp_path / f"{subject_hash}.0").symlink_to(path)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with MisbehavingServer([result(1)], tls=context) as server:
        side = open_side(base_url=server.url, access_token=TOKEN)
        assert side.run(lambda cloud: cloud.functions.invoke("greet")) == 1


@pytest.mark.usefixtures("trusted")
def test_a_certificate_for_another_name_is_refused(open_side: OpenSide, authority: trustme.CA) -> None:
    with MisbehavingServer([result(1)], tls=_certified(authority, "elsewhere.example")) as server:
        side = open_side(base_url=server.url, access_token=TOKEN, max_retries=0)
        with pytest.raises(ConnectionFailed) as caught:
            side.run(lambda cloud: cloud.functions.invoke("greet"))
        assert caught.value.may_have_run is False
        assert server.requests == []


def test_a_server_that_does_not_speak_tls_gets_nothing(open_side: OpenSide) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        talker = threading.Thread(target=_say_hello, args=(listener,))
        talker.start()
        side = open_side(base_url=f"https://127.0.0.1:{listener.getsockname()[1]}", access_token=TOKEN, max_retries=0)
        with pytest.raises(ConnectionFailed) as caught:
            side.run(lambda cloud: cloud.functions.invoke("greet"))
        talker.join()
    assert caught.value.may_have_run is False


def _say_hello(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.sendall(b"220 mail.example ESMTP\r\n")
    with contextlib.suppress(OSError):
        connection.recv(1000)
    connection.close()


@pytest.mark.usefixtures("trusted")
def test_an_answer_that_breaks_under_tls_may_have_run(open_side: OpenSide, context: ssl.SSLContext) -> None:
    with MisbehavingServer([empty], tls=context) as server:
        side = open_side(base_url=server.url, access_token=TOKEN)
        with pytest.raises(ConnectionFailed) as caught:
            side.run(lambda cloud: cloud.functions.invoke("greet"))
        assert caught.value.may_have_run is True
        assert len(server.requests) == 1


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificates_that_cannot_be_loaded_are_a_matter_of_configuration(
    open_side: OpenSide, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    path = tmp_path / "certificates.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    side = open_side(base_url="https://127.0.0.1:9", access_token=TOKEN)
    with pytest.raises(ConfigurationError, match=r"cannot be loaded .*correct SSL_CERT_FILE or SSL_CERT_DIR"):
        side.run(lambda cloud: cloud.functions.get("greet"))


class Tunnel:
    """A proxy that opens a way to any host, and keeps what it was asked."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 Connected\r\n\r\n") -> None:
        self.answer = answer
        self.asked: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._stopped = False
        self._threads[0].start()

    def close(self) -> None:
        self._stopped = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                received = client.recv(4096)
                if not received:
                    return
                head += received
            self.asked.append(head.decode())
            client.sendall(self.answer)
            if not self.answer.startswith(b"HTTP/1.1 200"):
                return
            port = head.split()[1].decode().rsplit(":", 1)[1]
            with socket.create_connection(("127.0.0.1", int(port))) as server:
                self.forward(client, server)

    def forward(self, client: socket.socket, server: socket.socket) -> None:
        while not self._stopped:
            for ready in select.select((client, server), (), (), 0.2)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                (server if ready is client else client).sendall(data)


@pytest.fixture
def tunnel() -> Iterator[Tunnel]:
    tunnel = Tunnel()
    yield tunnel
    tunnel.close()


@pytest.mark.usefixtures("trusted", "kept_connections")
def test_https_goes_through_a_proxy_that_sees_no_token(
    open_side: OpenSide, context: ssl.SSLContext, tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:p%C3%A4ss@{tunnel.address}")
    with MisbehavingServer([result(1)], tls=context) as server:
        side = open_side(base_url=f"https://{NAME}:{server.port}", access_token=TOKEN)
        assert [side.run(lambda cloud: cloud.functions.invoke("greet")) for _ in range(2)] == [1, 1]
        assert server.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
        assert "proxy-authorization" not in server.requests[0].headers
    (asked,) = tunnel.asked  # one way for both calls
    assert asked.startswith(f"CONNECT {NAME}:{server.port} HTTP/1.1")
    assert base64.b64encode("user:päss".encode()).decode() in asked
    assert TOKEN not in asked


@pytest.mark.usefixtures("trusted")
def test_a_call_that_the_server_breaks_behind_a_proxy_is_not_sent_again(
    open_side: OpenSide, context: ssl.SSLContext, tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", tunnel.address)
    with MisbehavingServer([empty], tls=context) as server:
        side = open_side(base_url=f"https://{NAME}:{server.port}", access_token=TOKEN)
        with pytest.raises(ConnectionFailed) as caught:
            side.run(lambda cloud: cloud.functions.invoke("greet"))
        assert caught.value.may_have_run is True
        assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Who are you\r\n\r\n", b"HTTP/1.1 502 X\r\n\r\n", b"what?\r\n", b""])
def test_a_proxy_that_opens_no_way_has_run_nothing(
    open_side: OpenSide, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    tunnel = Tunnel(answer)
    monkeypatch.setenv("HTTPS_PROXY", f"http://{tunnel.address}")
    side = open_side(base_url=f"https://{NAME}:9", access_token=TOKEN, max_retries=1)
    with pytest.raises(ConnectionFailed, match="no connection could be made") as caught:
        side.run(lambda cloud: cloud.functions.invoke("greet"))
    tunnel.close()
    assert caught.value.may_have_run is False
    assert len(tunnel.asked) == 2


def test_a_certificate_that_is_refused_behind_a_proxy_has_run_nothing(
    open_side: OpenSide, context: ssl.SSLContext, tunnel: Tunnel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"http://{tunnel.address}")
    with MisbehavingServer([result(1)], tls=context) as server:
        side = open_side(base_url=f"https://{NAME}:{server.port}", access_token=TOKEN, max_retries=0)
        with pytest.raises(ConnectionFailed) as caught:
            side.run(lambda cloud: cloud.functions.invoke("greet"))
        assert (caught.value.may_have_run, server.requests) == (False, [])


def test_http_is_handed_to_the_proxy_whole(open_side: OpenSide, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = serve(reply(FUNCTION))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    side = open_side(base_url="http://api.example:8900", access_token=TOKEN)
    assert side.run(lambda cloud: cloud.functions.get("测试/1")).name == "greet"
    (request,) = proxy.requests
    assert request.target == "http://api.example:8900/oserve/v1.3/cloud-function/%E6%B5%8B%E8%AF%95%2F1/"
    assert request.headers["host"] == "api.example:8900"


def test_what_comes_behind_an_answer_of_a_proxy_is_not_taken_for_the_next(
    open_side: OpenSide, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(result(1) + result("not yours")[:20], result(2))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    side = open_side(base_url="http://api.example", access_token=TOKEN, max_retries=0)
    assert [side.run(lambda cloud: cloud.functions.invoke("greet")) for _ in range(2)] == [1, 2]
    assert proxy.connections == 2


def test_a_proxy_that_hangs_on_http_may_have_passed_the_call_on(
    open_side: OpenSide, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(hang)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    side = open_side(base_url="http://api.example", access_token=TOKEN, timeout=1.5)
    with pytest.raises(RequestTimeout) as caught:
        side.run(lambda cloud: cloud.functions.invoke("greet"))
    assert caught.value.may_have_run is True


@pytest.mark.parametrize(
    ("host", "exempt"),
    [
        ("api.example", "api.example"),
        ("api.example", ".example"),
        ("api.example", "example"),
        ("api.example", "*"),
        ("api.example", "elsewhere, api.example"),
        ("api.example", "api.example:8900"),
        ("10.1.2.3", "10.1.2.3"),
        ("10.1.2.3", "10.0.0.0/8"),
        ("2001:db8::7", "192.168.0.0/16,2001:db8::/32"),
    ],
)
def test_no_proxy_is_heeded(monkeypatch: pytest.MonkeyPatch, host: str, exempt: str) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", exempt)
    assert proxy_for("http", host, 8900) is None
    assert proxy_for("http", "11.1.2.3", 8900) is None if exempt == "*" else proxy_for("http", "11.1.2.3", 8900)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.9.10", "localhost", "emulator.localhost", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_what_is_on_this_machine_is_never_reached_through_a_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "socks4://no-proxy-at-all")
    assert proxy_for("http", host.strip("[]"), 8900) is None
    assert proxy_for("https", host.strip("[]"), 443) is None


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_client_reaches_the_emulator_whatever_proxy_the_environment_names(
    open_side: OpenSide, emulator: Emulator, refused: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, refused)
    emulator.stub("greet", lambda _: "hi")
    side = open_side(base_url=emulator.url, access_token=emulator.access_token)
    assert side.run(lambda cloud: cloud.functions.invoke("greet")) == "hi"


class SOCKSServer(Tunnel):
    """A SOCKS 5 proxy that asks for a user name and a password."""

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), client.makefile("rb") as reader:
            _, methods = reader.read(2)
            assert b"\x02" in reader.read(methods)
            client.sendall(b"\x05\x02")
            reader.read(1)
            user = reader.read(reader.read(1)[0])
            password = reader.read(reader.read(1)[0])
            client.sendall(b"\x01\x00")
            assert reader.read(4) == b"\x05\x01\x00\x03"
            host = reader.read(reader.read(1)[0])
            port = int.from_bytes(reader.read(2), "big")
            self.asked.append(f"{user.decode()}:{password.decode()} {host.decode()}:{port}")
            client.sendall(self.answer)
            if self.answer[1]:
                return
            with socket.create_connection(("127.0.0.1", port)) as server:
                self.forward(client, server)


@contextlib.contextmanager
def not_socks(answer: bytes) -> Generator[str]:
    """The address of what gives an answer to the first bytes of each connection, and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        connection.recv(1000)
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


GRANTED, REFUSED = (b"\x05%c\x00\x01\x7f\x00\x00\x01\x00\x00" % code for code in (0, 5))


@pytest.mark.usefixtures("trusted", "kept_connections")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_socks_proxy_of_the_environment_is_used(
    open_side: OpenSide, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    proxy = SOCKSServer(GRANTED)
    monkeypatch.setenv("ALL_PROXY", f"socks5://user:p%C3%A4ss@{proxy.address}")
    with MisbehavingServer([result(1)], tls=context if scheme == "https" else None) as server:
        side = open_side(base_url=f"{scheme}://{NAME}:{server.port}", access_token=TOKEN)
        assert [side.run(lambda cloud: cloud.functions.invoke("greet")) for _ in range(2)] == [1, 1]
    proxy.close()
    assert proxy.asked == [f"user:päss {NAME}:{server.port}"]


def test_a_socks_proxy_that_opens_no_way_has_run_nothing(open_side: OpenSide, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = SOCKSServer(REFUSED)
    monkeypatch.setenv("ALL_PROXY", f"socks5h://user:secret@{proxy.address}")
    side = open_side(base_url=f"http://{NAME}:9", access_token=TOKEN, max_retries=0)
    with pytest.raises(ConnectionFailed, match="no connection could be made") as caught:
        side.run(lambda cloud: cloud.functions.invoke("greet"))
    proxy.close()
    assert (caught.value.may_have_run, len(proxy.asked)) == (False, 1)


@pytest.mark.parametrize("answer", [b"", b"\x05", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["nothing", "half", "HTTP"])
def test_what_is_no_socks_proxy_has_run_nothing(
    open_side: OpenSide, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    with not_socks(answer) as address:
        monkeypatch.setenv("ALL_PROXY", f"socks5://{address}")
        side = open_side(base_url=f"http://{NAME}:9", access_token=TOKEN, max_retries=0)
        with pytest.raises(ConnectionFailed, match="no connection could be made") as caught:
            side.run(lambda cloud: cloud.functions.invoke("greet"))
    assert caught.value.may_have_run is False


def test_a_socks_proxy_without_the_package_for_it_says_how_to_install_it(
    open_side: OpenSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "socksio", None)
    side = open_side(base_url=f"http://{NAME}:9", access_token=TOKEN, max_retries=0)
    with pytest.raises(ConfigurationError, match=r"a SOCKS proxy, .*pip install 'httpx\[socks\]'"):
        side.run(lambda cloud: cloud.functions.invoke("greet"))


@pytest.mark.parametrize(
    "proxy", ["socks4://user:secret-of-the-proxy@127.0.0.1:9", "http://127.0.0.1:secret-of-the-proxy", "http://"]
)
def test_a_proxy_that_is_no_address_is_a_matter_of_configuration(
    open_side: OpenSide, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy)
    side = open_side(base_url="http://api.example", access_token=TOKEN)
    with pytest.raises(
        ConfigurationError, match="correct HTTP_PROXY, HTTPS_PROXY or ALL_PROXY, or set NO_PROXY"
    ) as caught:
        side.run(lambda cloud: cloud.functions.get("greet"))
    assert "secret-of-the-proxy" not in str(caught.value)


def test_a_proxy_that_is_not_there_has_run_nothing(
    open_side: OpenSide, refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", refused)
    side = open_side(base_url="http://api.example", access_token=TOKEN, max_retries=0)
    with pytest.raises(ConnectionFailed) as caught:
        side.run(lambda cloud: cloud.functions.invoke("greet"))
    assert caught.value.may_have_run is False


def test_a_log_is_fetched_over_tls_without_the_token(
    open_side: OpenSide, context: ssl.SSLContext, trusted: Path
) -> None:
    assert trusted.exists()

    def no_token(_: ClientConnection, request: Received) -> bytes:
        assert "authorization" not in request.headers
        return reply(raw="日志".encode())

    with MisbehavingServer([no_token], tls=context) as storage:
        job = Job(id=1, status="fulfilled", user_log_url=f"{storage.url}/log?Signature=abc%2Fdef")
        side = open_side(base_url="http://127.0.0.1:9", access_token=TOKEN)
        assert side.run(lambda cloud: cloud.jobs.log(job)) == "日志"
        assert storage.requests[0].target == "/log?Signature=abc%2Fdef"
