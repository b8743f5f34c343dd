"""Prints the figures with their goals; see the README beside this file. `python -m benchmarks`, or `make bench`."""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from mincloud import AsyncMinCloud, MinCloud
from mincloud_emulator import Emulator

from .memory_server import memory_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
INVOKE = "/oserve/v1.3/cloud-function/greet/job/"
DATA = {"username": "爱范儿"}
ANSWER = json.dumps({"code": 0, "data": {"greeting": "hi"}, "error": {}}).encode()


@dataclass
class Figure:
    """One line of the table."""

    name: str
    goal: float
    values: list[float]
    unit: str = ""

    def line(self) -> str:
        low, middle, high = min(self.values), statistics.median(self.values), max(self.values)
        met = "met" if middle <= self.goal else "MISSED"
        return f"| {self.name} | {middle:.2f}{self.unit} ({low:.2f}–{high:.2f}) | ≤ {self.goal}{self.unit} | {met} |"


def ratios(
    ours: Callable[[], Any], reference: Callable[[], Any], clock: Callable[[], float], rounds: int
) -> list[float]:
    """The time of ours by that of the reference, taken in turn; the first round warms up."""

    def timed(action: Callable[[], Any]) -> float:
        started = clock()
        action()
        return clock() - started

    return [timed(ours) / timed(reference) for _ in range(rounds + 1)][1:]


def waiting_call(calls: int = 300, rounds: int = 9) -> Figure:
    with memory_server(ANSWER) as url, MinCloud(base_url=url, access_token="t") as cloud, httpx.Client() as plain:
        headers = {"Authorization": "Bearer t"}

        def ours() -> None:
            for _ in range(calls):
                cloud.functions.invoke("greet", DATA)

        def reference() -> None:
            for _ in range(calls):
                plain.post(url + INVOKE, json={"data": DATA, "sync": True}, headers=headers).json()

        return Figure("a waiting call, CPU, to httpx", 0.65, ratios(ours, reference, time.process_time, rounds))


def waiting_call_in_asyncio(calls: int = 300, rounds: int = 9) -> Figure:
    with memory_server(ANSWER) as url, asyncio.Runner() as runner:
        cloud = AsyncMinCloud(base_url=url, access_token="t")
        plain = httpx.AsyncClient(headers={"Authorization": "Bearer t"})

        async def ours() -> None:
            for _ in range(calls):
                await cloud.functions.invoke("greet", DATA)

        async def reference() -> None:
            for _ in range(calls):
                (await plain.post(url + INVOKE, json={"data": DATA, "sync": True})).json()

        async def close() -> None:
            await cloud.aclose()
            await plain.aclose()

        values = ratios(lambda: runner.run(ours()), lambda: runner.run(reference()), time.process_time, rounds)
        runner.run(close())
        return Figure("the same in asyncio, CPU, to httpx", 0.60, values)


@contextmanager
def functions_framework() -> Iterator[str]:
    """The reference for the emulator: its address."""
    node = shutil.which("node")
    if node is None or not (HERE / "node_modules").exists():
        sys.exit("bench: functions-framework is missing: `make bench` installs it, and needs Node.js")
    process = subprocess.Popen([node, str(HERE / "reference.cjs")], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.communicate()


def warm_call_of_the_emulator(calls: int = 100, rounds: int = 9) -> Figure:
    with ExitStack() as stack:
        emulator = stack.enter_context(Emulator())
        framework = stack.enter_context(functions_framework())
        http = stack.enter_context(httpx.Client(headers={"Authorization": f"Bearer {emulator.access_token}"}))
        emulator.deploy("greet", "exports.main = (event, callback) => callback(null, { greeting: 'hi' })")

        def ours() -> None:
            for _ in range(calls):
                assert http.post(emulator.url + INVOKE, json={"data": DATA}).json()["data"] == {"greeting": "hi"}

        def reference() -> None:
            for _ in range(calls):
                assert http.post(framework, json={"data": DATA}).json() == {"greeting": "hi"}

        return Figure(
            "a warm call of the emulator, wall, to functions-framework",
            3,
            ratios(ours, reference, time.perf_counter, rounds),
        )


def start_of_the_emulator(rounds: int = 9) -> Figure:
    seconds: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "mincloud", "emulator", "--port", "0"], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        seconds.append(time.perf_counter() - started)
        process.terminate()
        process.communicate()
    return Figure("start of the emulator, wall", 0.5, seconds, " s")


def main() -> None:
    print("| figure | median (smallest–largest) | goal | |\n| --- | --- | --- | --- |")
    for measure in (waiting_call, waiting_call_in_asyncio, warm_call_of_the_emulator, start_of_the_emulator):
        print(measure().line(), flush=True)


if __name__ == "__main__":
    main()
