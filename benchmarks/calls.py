"""What a call costs: one after another, and many at once."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx

from mincloud import AsyncMinCloud, MinCloud

from .canned_server import canned_server, one_answer
from .measuring import Figure, Measured, in_turn

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

INVOKE = "/oserve/v1.3/cloud-function/greet/job/"
DATA = {"username": "爱范儿"}
BODY = {"data": DATA, "sync": True}
ANSWER = json.dumps({"code": 0, "data": {"greeting": "hi"}, "error": {}}).encode()
TOKEN = {"Authorization": "Bearer t"}

_CALLS = 320
_AT_ONCE = 32
_ROUNDS = 11


def waiting_call() -> Measured:
    with (
        canned_server(one_answer(ANSWER)) as url,
        MinCloud(base_url=url, access_token="t") as cloud,
        httpx.Client(headers=TOKEN) as plain,
    ):

        def ours() -> None:
            for _ in range(_CALLS):
                cloud.functions.invoke("greet", DATA)

        def reference() -> None:
            for _ in range(_CALLS):
                plain.post(url + INVOKE, json=BODY).json()

        return in_turn(ours, reference, _ROUNDS)


def batch() -> Measured:
    with (
        canned_server(one_answer(ANSWER)) as url,
        MinCloud(base_url=url, access_token="t") as cloud,
        httpx.Client(headers=TOKEN) as plain,
    ):

        def ours() -> None:
            for outcome in cloud.functions.map("greet", [DATA] * _CALLS, concurrency=_AT_ONCE):
                assert outcome.error is None

        def reference() -> None:
            for _ in range(_CALLS):
                plain.post(url + INVOKE, json=BODY).json()

        return in_turn(ours, reference, _ROUNDS)


def _in_asyncio(arrange: Callable[[Callable[[], Awaitable[object]]], Coroutine[object, object, None]]) -> Measured:
    with canned_server(one_answer(ANSWER)) as url, asyncio.Runner() as runner:
        cloud = AsyncMinCloud(base_url=url, access_token="t")
        plain = httpx.AsyncClient(headers=TOKEN)

        async def call() -> object:
            return await cloud.functions.invoke("greet", DATA)

        async def plain_call() -> object:
            return (await plain.post(url + INVOKE, json=BODY)).json()

        async def close() -> None:
            await cloud.aclose()
            await plain.aclose()

        measured = in_turn(lambda: runner.run(arrange(call)), lambda: runner.run(arrange(plain_call)), _ROUNDS)
        runner.run(close())
        return measured


async def _one_after_another(call: Callable[[], Awaitable[object]]) -> None:
    for _ in range(_CALLS):
        await call()


async def _many_at_once(call: Callable[[], Awaitable[object]]) -> None:
    async def some() -> None:
        for _ in range(_CALLS // _AT_ONCE):
            await call()

    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))


def waiting_call_in_asyncio() -> Measured:
    return _in_asyncio(_one_after_another)


def many_at_once_in_asyncio() -> Measured:
    return _in_asyncio(_many_at_once)


FIGURES = (
    Figure("call", "a waiting call, to `httpx.Client`", 0.65, waiting_call, "cpu"),
    Figure(
        "call-asyncio",
        "the same in asyncio, one after another, to `httpx.AsyncClient`",
        0.60,
        waiting_call_in_asyncio,
        "cpu",
    ),
    Figure("many-asyncio", "32 at once in asyncio, to `httpx.AsyncClient`", 0.20, many_at_once_in_asyncio, "cpu"),
    Figure("map", "`functions.map`, 32 at once, to `httpx.Client`, one after another", 0.70, batch, "cpu"),
)
