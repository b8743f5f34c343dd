"""One token for all the threads and tasks that need one at the same time."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mincloud import (
    AsyncMinCloud,
    MinCloud,
    RequestTimeout,
    Unauthorized,
)
from mincloud._concurrency import threads
from tests.facade.conftest import OpenSide

from .misbehaving_server import (
    ClientConnection,
    Received,
    hang,
    reply,
)
from .token_service import AUTHORIZE, CODE, Service, invoke


def test_32_threads_obtain_one_token() -> None:
    with Service() as service, MinCloud(**service.options()) as cloud, ThreadPoolExecutor(32) as pool:
        assert set(pool.map(invoke, [cloud] * 64)) == {"token-number-1"}
        assert service.count(AUTHORIZE) == 1


def test_32_threads_renew_a_rejected_token_once() -> None:
    with Service() as service, MinCloud(**service.options()) as cloud, ThreadPoolExecutor(32) as pool:
        invoke(cloud)
        service.rejected = {"token-number-1"}
        assert set(pool.map(invoke, [cloud] * 64)) == {"token-number-2"}
        assert service.count(AUTHORIZE) == 2


async def test_32_tasks_obtain_one_token_and_renew_it_once() -> None:
    with Service() as service:
        async with AsyncMinCloud(**service.options()) as cloud:
            assert set(await asyncio.gather(*(invoke(cloud) for _ in range(32)))) == {"token-number-1"}
            service.rejected = {"token-number-1"}
            assert set(await asyncio.gather(*(invoke(cloud) for _ in range(32)))) == {"token-number-2"}
            assert service.count(AUTHORIZE) == 2


async def test_cancelling_the_task_that_obtains_the_token_does_not_fail_the_others() -> None:
    with Service(authorize=hang) as service:
        async with AsyncMinCloud(**service.options()) as cloud:
            first = asyncio.create_task(invoke(cloud))
            while not service.server.requests:
                await asyncio.sleep(0.005)
            others = [asyncio.create_task(invoke(cloud)) for _ in range(5)]
            await asyncio.sleep(0.02)
            del service.steps["authorize"]
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            assert set(await asyncio.gather(*others)) == {"token-number-1"}
            assert service.count(AUTHORIZE) == 2


def test_those_who_wait_for_an_exchange_that_fails_share_its_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """32 threads with a wrong secret do not ask the service 32 times."""
    waiting: list[threading.Lock] = []
    all_wait = threading.Event()
    acquire = threads.acquire

    def counted(lock: threading.Lock, timeout: float) -> bool:
        waiting.append(lock)
        if len(waiting) >= 32:
            all_wait.set()
        return acquire(lock, timeout)

    monkeypatch.setattr("mincloud._sync.credentials.acquire", counted)

    def refuse(_connection: ClientConnection, _: Received) -> bytes:
        all_wait.wait(30)
        return reply({"error_msg": "no such client"}, status=401)

    def call(cloud: MinCloud) -> str:
        with pytest.raises(Unauthorized, match="no such client"):
            invoke(cloud)
        return "refused"

    with Service(authorize=refuse) as service, MinCloud(**service.options()) as cloud, ThreadPoolExecutor(32) as pool:
        assert set(pool.map(call, [cloud] * 32)) == {"refused"}
        assert service.count(AUTHORIZE) == 1
        # A call that comes later asks again.
        assert call(cloud) == "refused"
        assert service.count(AUTHORIZE) == 2


async def test_one_who_has_less_time_than_the_exchange_takes_does_not_fail_the_others() -> None:
    def slowly(connection: ClientConnection, _: Received) -> bytes:
        connection.pause(0.4)
        return reply({"code": CODE})

    with Service(authorize=slowly) as service:
        async with AsyncMinCloud(**service.options(max_retries=0)) as cloud:
            # The first that is made is the first to run, and goes on until it waits for the answer.
            hasty = asyncio.create_task(cloud.functions.invoke("greet", timeout=0.1))
            patient = asyncio.create_task(cloud.functions.invoke("greet", timeout=20))
            with pytest.raises(RequestTimeout):
                await hasty
            assert await patient == "token-number-1"


def test_one_who_waits_for_anothers_exchange_waits_no_longer_than_allowed(open_side: OpenSide) -> None:
    given_up = threading.Event()

    def late(_connection: ClientConnection, _: Received) -> bytes:
        given_up.wait(30)
        return reply({"code": CODE})

    with Service(authorize=late) as service:
        options = service.options(max_retries=0, timeout=60)
        if open_side(**options).__class__.__name__ == "SyncSide":
            with MinCloud(**options) as cloud, ThreadPoolExecutor(2) as pool:
                patient = pool.submit(invoke, cloud)
                service.server.wait_for(1)
                with pytest.raises(RequestTimeout, match="another call is still waiting"):
                    cloud.functions.invoke("greet", timeout=0.2)
                given_up.set()
                assert patient.result() == "token-number-1"
        else:
            asyncio.run(_hasty_and_patient(service, options, given_up))


async def _hasty_and_patient(service: Service, options: dict[str, Any], given_up: threading.Event) -> None:
    async with AsyncMinCloud(**options) as cloud:
        patient = asyncio.create_task(invoke(cloud))
        while not service.server.requests:
            await asyncio.sleep(0.005)
        with pytest.raises(RequestTimeout, match="another call is still waiting"):
            await cloud.functions.invoke("greet", timeout=0.2)
        given_up.set()
        assert await patient == "token-number-1"
