"""Containers: how long they are kept, what they share, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mincloud_emulator.runtime import ContainerLimits, NodeMissing, Runtime, find_node

from .conftest import Caller, eventually, fake_node, function

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mincloud_emulator.runtime import NodeInfo

COUNTING = "let n = 0; exports.main = (event, callback) => callback(null, {n: ++n, pid: process.pid})"


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # before it was opened, or while it was being read
        return False


def open_descriptors() -> set[tuple[str, str]]:
    """Returns the open descriptors with their targets, which have numbers of their own for pipes and sockets."""
    found: set[tuple[str, str]] = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that this list was read through
            found.add((entry.name, str(entry.readlink())))
    return found


@pytest.fixture
async def call_once() -> AsyncIterator[Caller]:
    runtime = Runtime(prewarm=False)
    yield Caller(runtime)
    await runtime.aclose()


async def test_a_warm_container_keeps_its_globals() -> None:
    runtime = Runtime(prewarm=False)
    call = Caller(runtime)
    counting = function(COUNTING)
    first, second = await call(counting), await call(counting)
    assert (first.data["n"], second.data["n"]) == (1, 2)
    assert first.data["pid"] == second.data["pid"]
    await runtime.aclose()


async def test_a_new_version_gets_a_new_container_and_the_old_one_ends() -> None:
    runtime = Runtime(prewarm=False)
    call = Caller(runtime)
    old = await call(function(COUNTING, version=1))
    new = await call(function(COUNTING, version=2))
    other = await call(function(COUNTING, version=2, name="other"))
    assert (new.data["n"], other.data["n"]) == (1, 1)
    await eventually(lambda: not is_alive(old.data["pid"]))
    assert is_alive(new.data["pid"])
    await runtime.aclose()


async def test_calls_at_the_same_time_have_containers_of_their_own() -> None:
    runtime = Runtime(prewarm=False)
    call = Caller(runtime)
    barrier = asyncio.Barrier(3)

    async def meet(name: str, params: object, sync: bool) -> None:
        await barrier.wait()

    meeting = function("exports.main = async () => { await BaaS.invoke('meet'); return process.pid }")
    outcomes = await asyncio.gather(*(call(meeting, invoke=meet) for _ in range(3)))
    assert len({outcome.data for outcome in outcomes}) == 3
    await runtime.aclose()


async def test_a_waiting_call_takes_a_container_that_is_released_rather_than_wait_for_one_that_starts(
    tmp_path: Path, node: NodeInfo
) -> None:
    # The first to start comes up, the others never do.
    starting = f'if mkdir {tmp_path}/first; then exec {node.path} "$@"; else exec sleep 300; fi'
    runtime = Runtime(
        node=fake_node(tmp_path, f'case $1 in -e) echo "Node v12.0.0 $0";; *) {starting};; esac'), prewarm=False
    )
    call = Caller(runtime)
    going_on = asyncio.Event()

    async def wait(name: str, params: object, sync: bool) -> None:
        await going_on.wait()

    waiting = function("exports.main = async event => { await BaaS.invoke('wait'); return [process.pid, event.data] }")
    calls = [asyncio.create_task(call(waiting, number, invoke=wait)) for number in (1, 2, 3)]
    await eventually(lambda: len(list(tmp_path.iterdir())) == 2 and bool(runtime.prewarmed))
    going_on.set()
    outcomes = [await each for each in calls]
    assert [outcome.data[1] for outcome in outcomes] == [1, 2, 3]
    assert len({outcome.data[0] for outcome in outcomes}) == 1
    await runtime.aclose()


async def test_a_call_that_waits_for_a_container_can_be_cancelled(tmp_path: Path) -> None:
    runtime = Runtime(node=fake_node(tmp_path, 'case $1 in -e) echo "Node v12.0.0 $0";; *) exec sleep 300;; esac'))
    waiting = asyncio.create_task(Caller(runtime)("exports.main = async () => 1"))
    await eventually(lambda: bool(runtime.prewarmed))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    closed = asyncio.create_task(Caller(runtime)("exports.main = async () => 1"))
    await asyncio.sleep(0.1)
    await runtime.aclose()
    with pytest.raises(RuntimeError, match="The runtime is closed"):
        await closed


async def test_no_more_containers_start_at_once_than_there_are_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mincloud_emulator.runtime.pool._processors", lambda: 2)
    runtime = Runtime(node=fake_node(tmp_path, 'case $1 in -e) echo "Node v12.0.0 $0";; *) exec sleep 300;; esac'))
    calls = [asyncio.create_task(Caller(runtime)("exports.main = async () => 1")) for _ in range(6)]
    await eventually(lambda: bool(runtime.prewarmed))
    await asyncio.sleep(0.2)
    assert len(runtime.prewarmed) == 2
    await runtime.aclose()
    assert all(isinstance(outcome, RuntimeError) for outcome in await asyncio.gather(*calls, return_exceptions=True))


async def test_as_many_containers_stay_warm_as_calls_ran_at_once() -> None:
    runtime = Runtime(min_idle=1)
    call = Caller(runtime)
    barrier = asyncio.Barrier(10)

    async def meet(name: str, params: object, sync: bool) -> None:
        await barrier.wait()

    meeting = function("exports.main = async () => { await BaaS.invoke('meet'); return process.pid }")
    pids = [{outcome.data for outcome in await asyncio.gather(*(call(meeting, invoke=meet) for _ in range(10)))}]
    pids += [{outcome.data for outcome in await asyncio.gather(*(call(meeting, invoke=meet) for _ in range(10)))}]
    assert len(pids[0]) == 10
    assert pids[0] == pids[1]
    assert {container.pid for container in runtime.idle} == pids[0]
    await runtime.aclose()


async def test_containers_that_a_wave_lacked_are_started_once_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mincloud_emulator.runtime.pool._processors", lambda: 1)
    runtime = Runtime(min_idle=1)
    call = Caller(runtime)
    quick = function("exports.main = async () => process.pid")
    used = {outcome.data for outcome in await asyncio.gather(*(call(quick) for _ in range(6)))}
    assert len(used) < 6
    await eventually(lambda: len(runtime.idle) + len(runtime.prewarmed) == 6)
    await runtime.aclose()


async def test_idle_containers_are_few_and_end_after_a_while() -> None:
    few = Runtime(prewarm=False, min_idle=2)
    call = Caller(few)
    pids = [(await call(function(COUNTING, name=name))).data["pid"] for name in ("a", "b", "c")]
    await eventually(lambda: not is_alive(pids[0]))
    assert all(map(is_alive, pids[1:]))
    await few.aclose()
    brief = Runtime(prewarm=False, keep_warm=0.4)
    call = Caller(brief)
    pids = [(await call(function(COUNTING, name=name))).data["pid"] for name in ("a", "b")]
    await eventually(lambda: not any(map(is_alive, pids)))
    await brief.aclose()


async def test_a_prewarmed_container_serves_a_first_call() -> None:
    runtime = Runtime()
    await runtime.prestart()
    (prewarmed,) = runtime.prewarmed
    assert (await Caller(runtime)("exports.main = async () => process.pid")).data == prewarmed.pid
    await runtime.aclose()


async def test_a_container_killed_from_outside_is_replaced() -> None:
    runtime = Runtime(prewarm=False)
    call = Caller(runtime)
    counting = function(COUNTING)
    pid = (await call(counting)).data["pid"]
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: not runtime.idle)
    assert (await call(counting)).data["n"] == 1
    await runtime.aclose()


async def test_cancelling_a_call_ends_its_process() -> None:
    runtime = Runtime(prewarm=False)
    pids: list[int] = []
    running = asyncio.create_task(
        Caller(runtime)(
            "exports.main = () => { console.log(process.pid); while (true); }",
            on_log=lambda line: pids.append(int(line.split()[-1])) if "event.data" not in line else None,
        )
    )
    await eventually(lambda: bool(pids))
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await eventually(lambda: not is_alive(pids[0]))
    await runtime.aclose()


async def test_closing_ends_everything_and_leaves_nothing_open() -> None:
    await asyncio.to_thread(int)  # the loop's own descriptors and threads are there
    before = open_descriptors()
    runtime = Runtime()
    call = Caller(runtime)
    where = "exports.main = async () => ({pid: process.pid, directory: process.cwd()})"
    left = (await call(where)).data
    lines: list[str] = []
    running = asyncio.create_task(call("exports.main = () => { while (true); }", on_log=lines.append))
    await eventually(lambda: bool(lines and runtime.prewarmed))
    await runtime.aclose()
    outcome = await running
    assert outcome.error == {"message": "the emulator was stopped", "type": "EmulatorStopped"}
    assert not is_alive(left["pid"])
    assert not Path(left["directory"]).parent.exists()
    assert open_descriptors() <= before
    with pytest.raises(RuntimeError, match=r"^The runtime is closed: make another one to run functions\.$"):
        await call("exports.main = async () => 1")
    await runtime.aclose()


EMULATOR_THAT_IS_KILLED = """
import asyncio
from mincloud_emulator.runtime import FunctionVersion, Runtime
async def main():
    runtime = Runtime(prewarm=False)
    code = "exports.main = () => { console.log(process.pid, process.cwd()); while (true); }"
    await runtime.run(FunctionVersion("", "spin", code, 1, 128), {"data": {}}, time_limit=300, invoke=None,
                      on_log=lambda line: print(line, flush=True))
asyncio.run(main())
"""


async def test_containers_end_when_the_emulator_is_killed_even_while_they_compute() -> None:
    emulator = await asyncio.create_subprocess_exec(
        sys.executable, "-c", EMULATOR_THAT_IS_KILLED, stdout=subprocess.PIPE
    )
    assert emulator.stdout is not None
    await emulator.stdout.readline()
    *_, pid, directory = (await emulator.stdout.readline()).decode().split()
    assert is_alive(int(pid))
    emulator.kill()
    await emulator.communicate()
    await eventually(lambda: not is_alive(int(pid)))
    await eventually(lambda: not Path(directory).parent.exists())


def test_a_runtime_works_in_a_loop_of_another_thread() -> None:
    results: list[object] = []

    async def use() -> None:
        runtime = Runtime()
        results.append((await Caller(runtime)("exports.main = async () => 'from a thread'")).data)
        await runtime.aclose()

    thread = threading.Thread(target=lambda: asyncio.run(use()))
    thread.start()
    thread.join()
    assert results == ["from a thread"]


async def test_an_event_that_is_not_json_is_refused() -> None:
    runtime = Runtime(prewarm=False)
    for data in (float("nan"), object(), {1, 2}):
        with pytest.raises((TypeError, ValueError), match="JSON"):
            await Caller(runtime)("exports.main = async () => 1", data)
    await runtime.aclose()


async def test_files_past_the_limit_end_the_call_or_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime(prewarm=False, limits=ContainerLimits(tmp_bytes=1024 * 1024))
    call = Caller(runtime)
    write = "require('fs').writeFileSync('/tmp/big', Buffer.alloc(2e6))"
    outcome = await call(f"exports.main = (e, callback) => {{ {write}; setInterval(() => {{}}, 50) }}")
    assert outcome.error == {"message": "the function keeps more than 1 MB in /tmp", "type": "DiskLimitError"}
    # What a quick call leaves is found when it has ended; here no look comes before that.
    monkeypatch.setattr("mincloud_emulator.runtime.container._CHECK_SECONDS", 3600)
    quick = function(f"let n = 0; exports.main = async () => {{ {write}; return ++n }}")
    assert [(await call(quick)).data for _ in range(2)] == [1, 1]
    await runtime.aclose()


async def test_memory_is_bounded_where_the_system_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mincloud_emulator.runtime.container._STATM", Path("/nowhere"))
    runtime = Runtime(prewarm=False)
    call = Caller(runtime)
    outcome = await call("const a = []; exports.main = () => { setInterval(() => a.push(Buffer.alloc(2e7, 1)), 5) }")
    assert outcome.error["type"] == "MemoryLimitError"
    assert ((await call("exports.main = async () => 1")).mem_usage or 0) > 20_000_000
    await runtime.aclose()


async def test_a_large_event_and_a_large_result_pass(call_once: Caller) -> None:
    text = "爱" * 1_500_000
    outcome = await call_once("exports.main = async event => event.data", text)
    assert outcome.data == text
    assert outcome.data_json == f'"{text}"'


# Node ------------------------------------------------------------------------------------------------


def test_making_a_runtime_needs_no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    Runtime()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ('echo "Node v10.24.1 $0"', "is Node 10.24.1, too old"),
        ("echo surprise", "is not Node, it does not tell a version"),
        ("echo 'no such library' >&2; exit 1", "is not Node, it does not tell a version (no such library)"),
    ],
)
async def test_an_unusable_node_is_named(tmp_path: Path, script: str, message: str) -> None:
    runtime = Runtime(node=fake_node(tmp_path, script))
    with pytest.raises(NodeMissing) as caught:
        await Caller(runtime)("exports.main = async () => 1")
    advice = "to run functions install Node 12 or newer, or name its program in MINCLOUD_NODE."
    assert str(caught.value) == f"{tmp_path}/node {message}: {advice}"
    await runtime.aclose()


def test_a_missing_node_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    advice = "to run functions install Node 12 or newer, or name its program in MINCLOUD_NODE."
    with pytest.raises(NodeMissing) as caught:
        find_node("/nowhere/node")
    assert str(caught.value) == f"There is no program /nowhere/node: {advice}"
    monkeypatch.delenv("MINCLOUD_NODE", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NodeMissing) as caught:
        find_node()
    assert str(caught.value) == f"Node is not installed: {advice}"


async def test_the_program_behind_a_version_managers_shim_is_what_runs(
    tmp_path: Path, node: NodeInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = fake_node(tmp_path, f'[ "$MANAGER_HOME" ] || {{ echo "no home" >&2; exit 1; }}; exec {node.path} "$@"')
    monkeypatch.setenv("MANAGER_HOME", str(tmp_path))
    monkeypatch.setenv("NODE_OPTIONS", "--no-such-option")
    assert find_node(shim) == node
    runtime = Runtime(node=shim, prewarm=False)
    assert (await Caller(runtime)("exports.main = async () => process.execPath")).data == node.path
    await runtime.aclose()


def test_a_node_that_needs_what_functions_must_not_see_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It says that it is itself what runs, as a Node does that finds its libraries by a variable.
    needy = fake_node(tmp_path, '[ "$LIBRARIES" ] || exit 1; echo "Node v20.0.0 $0"')
    monkeypatch.setenv("LIBRARIES", str(tmp_path))
    with pytest.raises(NodeMissing, match="does not run without the environment variables of this emulator"):
        find_node(needy)


def test_an_installed_node_is_found_by_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for home, version in ((".nvm/versions/node/v12.1.0", "12.1.0"), (".volta/tools/image/node/12.9.1", "12.9.1")):
        (tmp_path / home / "bin").mkdir(parents=True)
        fake_node(tmp_path / home / "bin", f'echo "Node v{version} $0"')
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(tmp_path)
    assert find_node("12").version == (12, 9, 1)
    assert find_node("12.1").version == (12, 1, 0)
    with pytest.raises(NodeMissing) as caught:
        find_node("12.22.12")
    assert re.fullmatch(
        r"Node 12\.22\.12 is not installed: `npm install --no-save node-(linux|darwin)-(x64|arm64)@12\.22\.12` puts it into"
        r" this folder, where it is found; or install it with a version manager, or name its program instead of 12\.22\.12\.",
        str(caught.value),
    )
    with pytest.raises(NodeMissing, match=r"^Node 10 is too old: to run functions install Node 12 or newer"):
        find_node("10")


async def test_a_node_that_does_not_start_is_reported(tmp_path: Path) -> None:
    broken = fake_node(tmp_path, 'case $1 in -e) echo "Node v20.0.0 $0";; *) echo "bad option" >&2; exit 9;; esac')
    runtime = Runtime(node=broken, prewarm=False)
    outcome = await Caller(runtime)("exports.main = async () => 1")
    assert outcome.error == {
        "message": "Node ended while it was starting, with status 9; what it said is in the log",
        "type": "ContainerError",
    }
    assert "ERROR bad option\n" in outcome.log
    await runtime.aclose()
