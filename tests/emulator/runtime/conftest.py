"""Fixtures for the tests of the runtime."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from mincloud_emulator.core.invocation_result import InvocationResult
from mincloud_emulator.runtime import FunctionVersion, NodeInfo, NodeMissing, Runtime, find_node
from mincloud_emulator.runtime.container import Call, Container

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

_versions = itertools.count(1)


def function(code: str, *, name: str = "greet", version: int | None = None, memory_mb: int = 128) -> FunctionVersion:
    return FunctionVersion("", name, code, next(_versions) if version is None else version, memory_mb)


def messages(log: str) -> list[str]:
    """Returns the entries of a log without their times."""
    return [entry[25:] for entry in re.split(r"\n(?=\d{4}-\d\d-\d\dT)", log.removesuffix("\n"))]


def returned(shown: str) -> str:
    """Returns the entry of a log about what a function returned."""
    return f"LOG return:  {{ error: {{}}, code: 0, data: {shown} }}"


async def eventually(condition: Callable[[], bool], seconds: float = 40.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def refuse_invoke(name: str, params: Any, sync: bool) -> Any:
    raise LookupError(f"there is no function {name}")


class Caller:
    """Calls functions of one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    async def __call__(
        self,
        code: str | FunctionVersion,
        data: Any = None,
        *,
        time_limit: float = 40.0,
        invoke: Callable[[str, Any, bool], Awaitable[Any]] = refuse_invoke,
        on_log: Callable[[str], None] | None = None,
    ) -> InvocationResult:
        called = function(code) if isinstance(code, str) else code
        event: dict[str, Any] = {"data": {} if data is None else data, "eventType": "sdk"}
        return await self.runtime.run(called, event, time_limit=time_limit, invoke=invoke, on_log=on_log)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def call(any_node: NodeInfo) -> AsyncIterator[Caller]:
    """The runtime that the tests of a module share."""
    runtime = Runtime(node=any_node.path)
    yield Caller(runtime)
    await runtime.aclose()


class HeldClock:
    """Starts the time limit of a call when the test says so, not when Node has started.

    So what a function is to have done before its time limit is done, however slow the machine is.
    """

    def __init__(self) -> None:
        self.call: Call | None = None
        self._start: Callable[[], None] | None = None

    def hold(self, call: Call, start: Callable[[], None]) -> None:
        self.call, self._start = call, start

    def start(self) -> None:
        start, self._start = self._start, None
        if start is not None:
            start()


@pytest.fixture
def held_clock(monkeypatch: pytest.MonkeyPatch) -> HeldClock:
    held = HeldClock()
    start_clock = Container.start_clock

    def hold(container: Container, call: Call) -> None:
        held.hold(call, lambda: start_clock(container, call))

    monkeypatch.setattr(Container, "start_clock", hold)
    return held


def fake_node(directory: Path, script: str) -> str:
    """Writes a program that is started instead of Node, and returns its path."""
    path = directory / "node"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture(scope="session")
def node() -> NodeInfo:
    return find_node()


@pytest.fixture(scope="session", params=["12", None], ids=["node-12", "node"])
def any_node(request: pytest.FixtureRequest) -> NodeInfo:
    """The Node that the service runs, and the one on the path."""
    try:
        return find_node(request.param)
    except NodeMissing as error:
        if request.param is None:
            raise
        pytest.skip(str(error))  # npm has none for this kind of machine
