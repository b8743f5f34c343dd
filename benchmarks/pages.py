"""What reading lists of jobs costs: a page, and 100,000 jobs with pages requested ahead."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from mincloud import AsyncMinCloud, MinCloud

from .calls import TOKEN
from .canned_server import canned_server, job_list
from .measuring import Figure, Measured, in_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

LIST = "/oserve/v1.3/cloud-function/greet/job/"
_JOBS = 100_000
_PAGE = 1000
_AT_ONCE = 8
_SECONDS_A_PAGE = 0.02


def _need_fast() -> None:
    if find_spec("msgspec") is None:
        sys.exit("bench: msgspec is missing, which `mincloud[fast]` brings: `make setup` installs it")


def page() -> Measured:
    _need_fast()
    pages = 20
    with (
        canned_server(job_list(_PAGE)) as url,
        MinCloud(base_url=url, access_token="t") as cloud,
        httpx.Client(headers=TOKEN) as plain,
    ):

        def ours() -> None:
            for _ in range(pages):
                assert sum(1 for _ in cloud.jobs.list("greet", page_size=_PAGE)) == _PAGE

        def reference() -> None:
            for _ in range(pages):
                content = plain.get(url + LIST, params={"limit": _PAGE, "offset": 0}).content
                assert len(json.loads(content)["objects"]) == _PAGE

        return in_turn(ours, reference, rounds=11)


def all_jobs() -> Measured:
    _need_fast()
    with (
        canned_server(job_list(_JOBS, _SECONDS_A_PAGE)) as url,
        MinCloud(base_url=url, access_token="t") as cloud,
    ):

        def ours() -> None:
            assert sum(1 for _ in cloud.jobs.list("greet", page_size=_PAGE, prefetch=_AT_ONCE)) == _JOBS

        return in_turn(ours, lambda: _fetch_all(url), rounds=7)


def all_jobs_in_asyncio() -> Measured:
    _need_fast()
    with canned_server(job_list(_JOBS, _SECONDS_A_PAGE)) as url, asyncio.Runner() as runner:
        cloud = AsyncMinCloud(base_url=url, access_token="t")

        async def ours() -> None:
            count = 0
            async for _ in cloud.jobs.list("greet", page_size=_PAGE, prefetch=_AT_ONCE):
                count += 1
            assert count == _JOBS

        measured = in_turn(lambda: runner.run(ours()), lambda: _fetch_all(url), rounds=7)
        runner.run(cloud.aclose())
        return measured


def _fetch_all(url: str) -> None:
    """What the wire allows: the bytes of all pages over as many sockets as are used at once, nothing of them read."""
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    offsets = iter(range(0, _JOBS, _PAGE))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        sizes = [pool.submit(_fetch_some, (address.hostname, address.port), offsets) for _ in range(_AT_ONCE)]
        assert sum(size.result() for size in sizes) > _JOBS * 100


def _fetch_some(address: tuple[str, int], offsets: Iterator[int]) -> int:
    size = 0
    buffer = memoryview(bytearray(1 << 20))
    with socket.create_connection(address) as connection:
        for offset in offsets:
            connection.sendall(
                f"GET {LIST}?limit={_PAGE}&offset={offset} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\n\r\n".encode()
            )
            received = connection.recv_into(buffer)
            head = bytes(buffer[:received]).partition(b"\r\n\r\n")[0]
            total = len(head) + 4 + int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while received < total:
                received += connection.recv_into(buffer[received:])
            size += received
    return size


def memory() -> Measured:
    """Megabytes that the process grows by at the most, for either client, each time in a process of its own."""
    with canned_server(job_list(_JOBS)) as url:
        grown = [
            float(
                subprocess.run(
                    [sys.executable, "-m", "benchmarks.memory_of_a_walk", side, url, str(_PAGE), str(_AT_ONCE)],
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
            )
            for _ in range(3)
            for side in ("sync", "async")
        ]
    return Measured(wall=grown)


_AHEAD = "100,000 jobs, 20 ms a page, `prefetch=8`, with `mincloud[fast]`"
FIGURES = (
    Figure(
        "page",
        "a page of 1000 jobs to typed models, with `mincloud[fast]`, to `httpx` and `json.loads`",
        1.0,
        page,
        "cpu",
    ),
    Figure("jobs", f"{_AHEAD}, to raw sockets, nothing parsed", 1.4, all_jobs, "wall"),
    Figure("jobs-asyncio", "the same in asyncio", 1.4, all_jobs_in_asyncio, "wall"),
    Figure("memory", "growth of memory while iterating those", 30, memory, "wall", " MB"),
)
