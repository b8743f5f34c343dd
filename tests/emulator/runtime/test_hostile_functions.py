"""Hostile functions: every call ends, and the emulator goes on."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mincloud_emulator.runtime import ContainerLimits, Runtime

from .conftest import Caller, eventually, fake_node, function

if TYPE_CHECKING:
    from mincloud_emulator.core.invocation_result import InvocationResult
    from mincloud_emulator.runtime import NodeInfo

pytestmark = pytest.mark.asyncio(loop_scope="module")

BYSTANDER = function("exports.main = async () => 'unharmed'")
CORRUPTED = {"message": "the function wrote into the channel of its container", "type": "ContainerError"}

SENDING = """const fs = require('fs')
const frame = (kind, text) => {
  const payload = Buffer.from(text), head = Buffer.alloc(5); head.writeUInt32BE(payload.length); head[4] = kind.charCodeAt(0)
  return Buffer.concat([head, payload])
}
const send = (channel, frames) => { for (const one of frames) fs.writeSync(channel, frame(...one)) }
exports.main = event => { send(event.data.channel, event.data.frames); setInterval(() => {}, 50) }
"""


async def send_frames(node: NodeInfo, frames: list[tuple[str, str]]) -> InvocationResult:
    """Calls a function that writes frames into the channel of its container."""
    runtime = Runtime(node=node.path, prewarm=False)
    call = Caller(runtime)
    await runtime.prestart()
    (container,) = runtime.prewarmed
    command: list[bytes] = []

    def is_started() -> bool:
        command[:] = Path(f"/proc/{container.pid}/cmdline").read_bytes().split(b"\0")
        return any(part.endswith(b"container.cjs") for part in command)

    await eventually(is_started)
    *_, channel, _settings, _end = command
    outcome = await call(SENDING, {"channel": int(channel), "frames": frames})
    assert (await call(BYSTANDER)).data == "unharmed"
    await runtime.aclose()
    return outcome


@pytest.mark.parametrize(
    "frames",
    [
        [("D", "[]")],
        [("D", "null")],
        [("D", '{"discard": 1, "milliseconds": 1, "rss": 1}')],
        [("R", "1"), ("D", '{"discard": false, "milliseconds": "1", "rss": 1}')],
        [("R", "1"), ("D", '{"discard": false, "milliseconds": 1, "rss": -1}')],
        [("R", "1"), ("D", '{"discard": false, "milliseconds": ' + "9" * 40 + ', "rss": 1}')],
        [("R", "1"), ("D", '{"discard": false, "milliseconds": 1, "rss": ' + "9" * 40 + "}")],
        [("R", "1"), ("D", '{"discard": false, "milliseconds": NaN, "rss": 1}')],
        [("D", '{"discard": false, "milliseconds": 1, "rss": 1}')],
        [("H", "")],
        [("H", "")] * 100,
        [("F", "[]")],
        [("F", '{"message": 5}')],
        [("F", '{"message": "m", "stack": {}}')],
        [("R", "NaN")],
        [("R", "{")],
        [("R", "9" * 5000)],
        [("I", "5")],
        [("I", '{"id": "x", "name": "n", "sync": true}')],
        [("I", '{"id": 1, "name": 2, "sync": true}')],
        [("T", "LOUD text")],
        [("X", "")],
        [("L", "{}"), ("C", "{}")],
    ],
    ids=lambda frames: " ".join(f"{kind}{text[:40]}" for kind, text in frames[:2]),
)
async def test_frames_that_no_container_sends_fail_the_call(node: NodeInfo, frames: list[tuple[str, str]]) -> None:
    outcome = await send_frames(node, frames)
    assert (outcome.status, outcome.error) == ("execution_failed", CORRUPTED)


async def test_frames_that_say_too_much_do_not_say_what_a_call_took(node: NodeInfo) -> None:
    done = '{"discard": false, "milliseconds": 4e15, "rss": 1e15}'
    outcome = await send_frames(node, [("R", "7"), ("R", "8"), ("F", '{"message": "late"}'), ("D", done)])
    assert outcome.data == 7
    assert outcome.execution_time < 60_000
    assert (outcome.mem_usage or 0) < 2**40


async def test_a_function_signals_no_process_but_its_own(call: Caller) -> None:
    ways = [
        "process.kill(process.ppid)",
        "process.kill(process.ppid, 0)",
        "process.kill(-process.ppid)",
        "process._kill(process.ppid, 9)",
        "process._debugProcess(process.ppid)",
        "process.kill('' + process.ppid)",
    ]
    for way in ways:
        outcome = await call(f"exports.main = async () => {way}")
        assert outcome.error["message"] == "process.kill: a function may signal no process but its own"
    assert (await call("exports.main = async () => process.kill(process.pid, 0)")).data is True


async def test_what_ends_the_process_ends_the_call(call: Caller) -> None:
    for way in (
        "process.reallyExit(0)",
        "process.kill(process.pid, 'SIGKILL')",
        "process.exitCode = 3; process.exit()",
    ):
        outcome = await call(f"exports.main = () => {{ {way} }}")
        assert outcome.status == "execution_failed"


async def test_a_child_that_keeps_the_pipes_open_holds_up_neither_call_nor_end(
    tmp_path: Path, any_node: NodeInfo
) -> None:
    # A function can start no child, so that here one is there before it.
    starting = f'setsid sleep 300 & echo $! > {tmp_path}/child; exec {any_node.path} "$@"'
    runtime = Runtime(
        node=fake_node(tmp_path, f'case $1 in -e) echo "Node v12.22.12 $0";; *) {starting};; esac'), prewarm=False
    )
    call = Caller(runtime)
    assert (await call(BYSTANDER)).data == "unharmed"
    outcome = await asyncio.wait_for(call("exports.main = () => { process.exit(3) }"), 40)
    assert outcome.error["type"] == "ProcessExitError"
    outcome = await asyncio.wait_for(call("exports.main = (e, callback) => { callback(null, 1); process.exit(3) }"), 40)
    assert outcome.data == 1
    outcome = await asyncio.wait_for(call("exports.main = () => { while (true); }", time_limit=0.3), 40)
    assert outcome.status == "deadline_exceeded"
    await asyncio.wait_for(runtime.aclose(), 40)
    os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


async def test_a_container_takes_no_more_between_two_calls_than_in_one(
    any_node: NodeInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mincloud_emulator.runtime.container._IDLE_CHECK_SECONDS", 0.05)
    runtime = Runtime(node=any_node.path, prewarm=False, limits=ContainerLimits(tmp_bytes=1_000_000))
    call = Caller(runtime)
    for growth in ("kept.push(Buffer.alloc(1e7, 1))", "require('fs').appendFileSync('/tmp/big', Buffer.alloc(1e5))"):
        code = f"""const kept = []; let n = 0
        exports.main = async () => {{ if (n === 0) setInterval(() => {{ {growth} }}, 5).unref(); return ++n }}"""
        growing = function(code)
        assert (await call(growing)).data == 1
        await eventually(lambda: not runtime.idle)
        assert (await call(growing)).data == 1
    await runtime.aclose()
