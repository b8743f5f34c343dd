"""Calls through a proxy that breaks connections anywhere: none runs twice, and each that fails says truly whether it may have run."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections import Counter
from typing import Any, Self

from mincloud import TransportError
from mincloud_emulator import Emulator
from tests.facade.conftest import OpenSide

CALLS = 300


class BreakingProxy:
    """Passes connections on to a port of this machine, and breaks each after some bytes in one of the directions."""

    def __init__(self, port: int, seed: int) -> None:
        self._port = port
        self._random = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._open: list[socket.socket] = []

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                self._open += [client, server]
                breaks = self._random.choice((client, server))
                bytes_before, is_reset = self._random.randrange(3000), self._random.random() < 0.5
                for source, target in ((client, server), (server, client)):
                    limit = bytes_before if source is breaks else None
                    thread = threading.Thread(target=self._pass_on, args=(source, target, limit, is_reset))
                    self._threads.append(thread)
                    thread.start()

    def _pass_on(self, source: socket.socket, target: socket.socket, limit: int | None, is_reset: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                target.sendall(data if limit is None else data[:limit])
                if limit is not None and len(data) >= limit:
                    break
                limit = None if limit is None else limit - len(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                if is_reset:
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.shutdown(socket.SHUT_RD if is_reset else socket.SHUT_RDWR)
            each.close()


def test_no_call_runs_twice_and_none_is_lost(open_side: OpenSide) -> None:
    ran: Counter[int] = Counter()
    counting = threading.Lock()

    def count(event: dict[str, Any]) -> int:
        number: int = event["data"]["number"]
        with counting:
            ran[number] += 1
        return number

    with Emulator() as emulator:
        emulator.stub("f", count)
        with BreakingProxy(int(emulator.url.rpartition(":")[2]), seed=1) as proxy:
            side = open_side(base_url=proxy.url, access_token=emulator.access_token)
            inputs = [{"number": number} for number in range(CALLS)]
            outcomes = side.run(lambda cloud: cloud.functions.map("f", inputs))
    assert [outcome.input for outcome in outcomes] == inputs
    for number, outcome in enumerate(outcomes):
        if outcome.error is None:
            assert (outcome.data, ran[number]) == (number, 1)
        else:
            assert isinstance(outcome.error, TransportError)
            assert ran[number] <= outcome.error.may_have_run
    assert any(outcome.error is not None for outcome in outcomes)
