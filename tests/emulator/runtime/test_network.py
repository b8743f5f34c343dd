"""The network, which functions do not have in the service, but a module for BaaS has."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from mincloud_emulator.runtime import Runtime

from .conftest import Caller, messages

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from mincloud_emulator.runtime import NodeInfo

pytestmark = pytest.mark.asyncio(loop_scope="module")

FETCHING = """const http = require('http')
exports.main = (event, callback) => http.get({port: event.data, host: '127.0.0.1'}, response => {
  response.resume().on('end', () => callback(null, response.statusCode))
}).on('error', error => callback(null, [error.code, error.message]))"""
BROUGHT = """const http = require('http')
const get = port => new Promise((resolve, reject) => http.get({port, host: '127.0.0.1'}, response => {
  response.resume().on('end', () => resolve({status: response.statusCode}))
}).on('error', reject))
exports.request = Object.assign(options => get(options.port), {get, create: () => Object.assign(get, {get})})
exports.TableObject = class { constructor(name) { this.name = name } async get(id) { return {data: {id, table: this.name}} } }
exports.invoke = () => 'not used'
exports.version = 3
"""


@asynccontextmanager
async def web_server() -> AsyncGenerator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1")
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (FETCHING, "connect to 127.0.0.1:PORT"),
        (
            """exports.main = (event, callback) => require('net').connect(event.data).on('connect', function () {
            this.destroy(); callback(null, 204) }).on('error', error => callback(null, [error.code, error.message]))""",
            "connect to localhost:PORT",
        ),
        (
            """exports.main = (event, callback) => require('net').connect('/tmp/none').on('error', error =>
            callback(null, error.code === 'EACCES' ? [error.code, error.message] : 204))""",
            "connect to /tmp/none",
        ),
        (
            """exports.main = (event, callback) => { const server = require('net').createServer().on('error', error =>
            callback(null, [error.code, error.message])).listen(0, () => { server.close(); callback(null, 204) }) }""",
            "listen at localhost:0",
        ),
        (
            """exports.main = (event, callback) => { const socket = require('dgram').createSocket('udp4')
            .on('error', error => { socket.close(); callback(null, [error.code, error.message]) })
            .on('listening', () => { socket.close(); callback(null, 204) }).bind(0) }""",
            "listen to UDP",
        ),
    ],
    ids=["http", "net", "unix", "listen", "udp"],
)
async def test_a_socket_of_its_own_is_named_in_the_log_or_refused(any_node: NodeInfo, code: str, said: str) -> None:
    async with web_server() as port:
        said = said.replace("PORT", str(port))
        runtime = Runtime(node=any_node.path)
        for _ in range(2):
            outcome = await Caller(runtime)(code, port)
            assert outcome.data == 204
            note = f"WARN {said}: the service would refuse this, it gives functions no network but BaaS.request"
            assert messages(outcome.log)[1:-1] == [note]
        await runtime.aclose()
        strict = Runtime(node=any_node.path, strict=True)
        outcome = await Caller(strict)(code, port)
        assert outcome.data == ["EACCES", f"{said}: the service gives functions no network but BaaS.request"]
        await strict.aclose()


async def test_what_is_brought_as_baas_may_use_the_network(any_node: NodeInfo, tmp_path: Path) -> None:
    (tmp_path / "node_modules" / "helper").mkdir(parents=True)
    (tmp_path / "node_modules" / "helper" / "index.js").write_text("exports.help = () => 'helped'")
    (tmp_path / "fakes").mkdir()
    file = tmp_path / "fakes" / "baas.js"
    file.write_text(f"{BROUGHT}; exports.helped = require('helper').help()")
    async with web_server() as port:
        runtime = Runtime(node=any_node.path, baas=file, strict=True)
        call = Caller(runtime)
        outcome = await call(
            """exports.main = async event => [
              await BaaS.request({port: event.data}), await BaaS.request.get(event.data),
              await BaaS.request.create().get(event.data),
              await new BaaS.TableObject('cities').get(5), BaaS.version, BaaS.helped, 'request' in BaaS, 'other' in BaaS
            ]""",
            port,
        )
        table = {"data": {"id": 5, "table": "cities"}}
        assert outcome.data == [{"status": 204}, {"status": 204}, {"status": 204}, table, 3, "helped", True, False]
        assert len(messages(outcome.log)) == 2
        assert (await call(FETCHING, port)).data[0] == "EACCES"
        missing = await call("exports.main = async () => BaaS.ContentGroup")
        said = "BaaS.ContentGroup is not there: of BaaS, the emulator has only BaaS.invoke and BaaS.invokeFunction"
        assert missing.error["message"] == f"{said}; bring it with --baas FILE"
        await runtime.aclose()


async def test_a_module_for_baas_that_is_broken_is_what_a_use_of_it_says(any_node: NodeInfo, tmp_path: Path) -> None:
    file = tmp_path / "baas.js"
    file.write_text("throw new Error('no database')")
    runtime = Runtime(node=any_node.path, baas=file)
    outcome = await Caller(runtime)("exports.main = async () => BaaS.request({})")
    assert outcome.error["message"] == "no database"
    assert (await Caller(runtime)("exports.main = async () => 1")).data == 1
    await runtime.aclose()


async def test_the_older_name_of_invoke_gives_the_result_under_data(any_node: NodeInfo) -> None:
    async def invoke(name: str, params: object, sync: bool) -> object:
        return {"code": 0, "data": [name, params, sync], "error": {}}

    runtime = Runtime(node=any_node.path, prewarm=False)
    outcome = await Caller(runtime)(
        "exports.main = async () => (await BaaS.invokeFunction('other', {a: 1}, true)).data", invoke=invoke
    )
    assert outcome.data == {"code": 0, "data": ["other", {"a": 1}, True], "error": {}}
    await runtime.aclose()
