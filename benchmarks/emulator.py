"""What one waits for with the emulator: a call, and its start."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from mincloud_emulator import Emulator

from .calls import DATA, INVOKE
from .measuring import Figure, Measured, in_turn

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
_CALLS = 100


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
    Figure("emulator-call", "a warm call of the emulator, to functions-framework-nodejs", 3, warm_call, "wall"),
    Figure("emulator-start", "start of the emulator to its ready line", 0.5, start, "wall", " s"),
)
