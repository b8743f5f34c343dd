"""Both clients behind one face, so that a statement about behaviour is made once and holds for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvloop

from mincloud import AsyncMinCloud, MinCloud
from mincloud_emulator import Emulator

from .scripted_service import ScriptedService, serving

Action = Callable[[Any], Any]
NewLoop = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories() -> dict[str, NewLoop]:
    """Runs each asynchronous test on asyncio's own event loop and on uvloop."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class SyncSide:
    """`MinCloud`, as it is."""

    def __init__(self, **options: Any) -> None:
        self.cloud = MinCloud(**options)

    def run(self, action: Action) -> Any:
        """What an action on the client gives; an iterator's items as a list."""
        result = action(self.cloud)
        return list(result) if hasattr(result, "__next__") or hasattr(result, "pages") else result

    def close(self) -> None:
        self.cloud.close()


class AsyncSide:
    """`AsyncMinCloud` in an event loop of its own."""

    def __init__(self, new_loop: NewLoop = asyncio.new_event_loop, **options: Any) -> None:
        self._runner = asyncio.Runner(loop_factory=new_loop)
        self.cloud = AsyncMinCloud(**options)

    def run(self, action: Action) -> Any:
        """What an action on the client gives, awaited; an iterator's items as a list."""

        async def awaited() -> Any:
            result = action(self.cloud)
            if hasattr(result, "__anext__") or hasattr(result, "pages"):
                return [item async for item in result]
            return await result if hasattr(result, "__await__") else result

        return self._runner.run(awaited())

    def close(self) -> None:
        self._runner.run(self.cloud.aclose())
        self._runner.close()


Side = SyncSide | AsyncSide
OpenSide = Callable[..., Side]


@pytest.fixture(params=["sync", "async", "uvloop"])
def open_side(request: pytest.FixtureRequest) -> Iterator[OpenSide]:
    """Makes clients of one kind, closed at the end: `open_side(base_url=…, access_token=…)`."""
    opened: list[Side] = []

    def open_one(**options: Any) -> Side:
        side = _open(request.param, options)
        opened.append(side)
        return side

    yield open_one
    for side in opened:
        side.close()


def _open(kind: str, options: dict[str, Any]) -> Side:
    if kind == "sync":
        return SyncSide(**options)
    return AsyncSide(uvloop.new_event_loop if kind == "uvloop" else asyncio.new_event_loop, **options)


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    """A service that answers as a test scripts it."""
    with serving() as started:
        yield started


@pytest.fixture
def side(open_side: OpenSide, service: ScriptedService) -> Side:
    """A client of that service, of either kind, which asks once."""
    return open_side(base_url=service.url, access_token="t", max_retries=0)


@pytest.fixture
def emulated(open_side: OpenSide, emulator: Emulator) -> Side:
    """A client of the emulator, of either kind."""
    return open_side(base_url=emulator.url, access_token=emulator.access_token)


@pytest.fixture(autouse=True)
def _no_credentials_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests see neither the environment nor the login of who runs them."""
    for name in ("ACCESS_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "ENVIRONMENT", "BASE_URL"):
        monkeypatch.delenv(f"MINCLOUD_{name}", raising=False)
    empty = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(empty))
    monkeypatch.chdir(empty)
