"""What one waits for with the emulator: a call, many calls at once, and its start."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from mincloud_emulator import Emulator

from .calls import DATA, INVOKE
from .measuring import Figure, Measured, in_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
_CALLS = 100
_SLOW = "exports.main = (event, callback) => setTimeout(callback, 100, null, { greeting: 'hi' })"
_TOKEN = "t"


@contextmanager
def functions_framework(name: str = "greet") -> Iterator[str]:
    """The reference for the emulator: its address, at which it serves one function."""
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules").exists():
        sys.exit("bench: functions-framework is missing: `make bench` installs it, and needs Node.js")
    process = subprocess.Popen([node, str(HERE / "reference.cjs"), name], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.communicate()


def warm_call() -> Measured:
    with ExitStack() as stack:
        emulator = stack.enter_context(Emulator())
        framework = stack.enter_context(functions_framework())
        http = stack.enter_context(httpx.Client(headers={"Authorization": f"Bearer {emulator.access_token}"}))
        emulator.deploy("greet", "exports.main = (event, callback) => callback(null, { greeting: 'hi' })")

        def ours() -> None:
            for _ in range(_CALLS):
                assert http.post(emulator.url + INVOKE, json={"data": DATA}).json()["data"] == {"greeting": "hi"}

        def reference() -> None:
            for _ in range(_CALLS):
                assert http.post(framework, json={"data": DATA}).json() == {"greeting": "hi"}

        # The functions run in processes of their own, so that this process's own time says nothing.
        return Measured(wall=in_turn(ours, reference, rounds=9).wall)


@contextmanager
def emulator_process(functions: Path | None = None) -> Iterator[str]:
    """The emulator in a process of its own: its address."""
    folder = [] if functions is None else ["--functions", str(functions)]
    command = [sys.executable, "-m", "mincloud", "emulator", "--port", "0", "--access-token", _TOKEN, *folder]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split("listening on ")[1].split()[0]
        # What it prints is not read: more than a pipe holds is dropped.
    finally:
        process.terminate()
        process.communicate()


async def _post(address: str) -> bytes:
    """One call over a connection of its own, with as little work as there can be on this side."""
    url = urlsplit(address)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    body = json.dumps({"data": DATA}).encode()
    head = (
        f"POST {url.path or '/'} HTTP/1.1\r\nHost: {url.netloc}\r\nAuthorization: Bearer {_TOKEN}\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = await reader.read()
    writer.close()
    assert b'{"greeting":"hi"}' in answer.replace(b" ", b"")
    return answer


def _wave(address: str, count: int) -> float:
    """Seconds until so many calls at once have all been answered."""

    async def calls() -> float:
        started = time.perf_counter()
        await asyncio.gather(*(_post(address) for _ in range(count)))
        return time.perf_counter() - started

    return asyncio.run(calls())


def waves(count: int) -> Callable[[], Measured]:
    """Waves of so many calls of a function that takes 100 ms, after a first one."""

    def measure() -> Measured:
        with TemporaryDirectory() as folder, functions_framework("slow") as framework:
            (Path(folder) / "greet.js").write_text(_SLOW)
            with emulator_process(Path(folder)) as url:
                _wave(url + INVOKE, count)
                _wave(framework, count)
                pairs = [(_wave(url + INVOKE, count), _wave(framework, count)) for _ in range(7)]
        return Measured(wall=[ours for ours, _ in pairs], beside=[theirs for _, theirs in pairs])

    return measure


def first_wave() -> Measured:
    """The first wave of 100 calls after the start of an emulator."""
    seconds: list[float] = []
    for _ in range(3):
        with TemporaryDirectory() as folder:
            (Path(folder) / "greet.js").write_text(_SLOW)
            with emulator_process(Path(folder)) as url:
                seconds.append(_wave(url + INVOKE, 100))
    return Measured(wall=seconds)


def batch_of_200() -> Measured:
    """A batch at concurrency 32 by the same at 8."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "greet.js").write_text(_SLOW)
        lines = Path(folder) / "lines.jsonl"
        lines.write_text("{}\n" * 200)
        with emulator_process(Path(folder)) as url:

            def at(concurrency: int) -> None:
                command = ["batch", "greet", str(lines), "-o", str(Path(folder) / f"{time.monotonic_ns()}.jsonl")]
                subprocess.run(
                    [sys.executable, "-m", "mincloud", *command, "--concurrency", str(concurrency)],
                    env={"MINCLOUD_BASE_URL": url, "MINCLOUD_ACCESS_TOKEN": _TOKEN},
                    check=True,
                    capture_output=True,
                )

            return Measured(wall=in_turn(lambda: at(32), lambda: at(8), rounds=3).wall)


def start() -> Measured:
    seconds: list[float] = []
    for _ in range(9):
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "mincloud", "emulator", "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline()
        seconds.append(time.perf_counter() - started)
        process.terminate()
        process.communicate()
    return Measured(wall=seconds)


FIGURES = (
    Figure("emulator-call", "a warm call of the emulator, to functions-framework-nodejs", 1.8, warm_call, "wall"),
    Figure("emulator-32", "32 calls of 100 ms at once, to the emulator", 0.3, waves(32), "wall", " s"),
    Figure("emulator-100", "100 calls of 100 ms at once, to the emulator", 0.5, waves(100), "wall", " s"),
    Figure("emulator-first", "the first 100 calls at once after the emulator's start", 8, first_wave, "wall", " s"),
    Figure("emulator-batch", "a batch of 200 lines, 32 at once, to the same with 8", 1, batch_of_200, "wall"),
    Figure("emulator-start", "start of the emulator to its ready line", 0.5, start, "wall", " s"),
)
