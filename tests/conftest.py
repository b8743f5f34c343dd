"""Fixtures that the whole project's tests share."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from mincloud_emulator import Emulator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks as slow what repeats a test: the client on uvloop, and functions on Node 12."""
    for item in items:
        if "uvloop" in item.name or "node-12" in item.name:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Has a skipped test fail where `.ci/run` asks for it: what tests may lack elsewhere, a shell say, is installed there."""
    report = yield
    if report.skipped and os.environ.get("NO_SKIPS") and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"CI has to have what this test needs: {reason}"
    return report


@pytest.fixture
def emulator(mincloud_emulator: Emulator) -> Emulator:
    """The emulator of the package's own plugin, fresh for each test."""
    return mincloud_emulator


@pytest.fixture
def refused() -> Iterator[str]:
    """An address that nothing listens at, and that nothing else gets meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def kept_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Idle connections are kept however long the machine pauses between two calls, so that they can be counted."""
    for side in ("_async", "_sync"):
        monkeypatch.setattr(f"mincloud.{side}.connections.KEEP_ALIVE", 600.0)
