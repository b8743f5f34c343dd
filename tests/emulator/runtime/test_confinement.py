"""What a function can reach, and what it can't."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Caller, HeldClock, function

if TYPE_CHECKING:
    from collections.abc import Iterator
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_emulators_environment_variables_do_not_reach_a_function(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINCLOUD_CLIENT_SECRET", "hush")
    monkeypatch.setenv("NODE_OPTIONS", "--title=changed")
    outcome = await call(function("exports.main = async () => process.env", memory_mb=256))
    assert set(outcome.data) == {"PATH", "HOME", "TMPDIR", "LANG", "TZ"}


async def test_the_time_zone_is_the_one_in_the_event(call: Caller) -> None:
    assert (await call("exports.main = async () => new Date(0).getHours()")).data == 8


@pytest.fixture
def secret() -> Iterator[Path]:
    """A file outside /tmp, which means something else in a function."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        path = Path(directory) / "secret.js"
        path.write_text("module.exports = 'hush'")
        yield path
        assert path.read_text() == "module.exports = 'hush'"


@pytest.mark.parametrize(
    "expression",
    [
        "require('fs').readFileSync(event.data.secret, 'utf8')",
        "require('fs').readFileSync('/proc/' + process.ppid + '/environ', 'utf8')",
        "require('fs').readdirSync(require('path').dirname(event.data.secret))",
        "require('fs').writeFileSync(event.data.secret, 'changed')",
        "require('fs').promises.readFile(event.data.secret)",
        "require(event.data.secret)",
        "require('child_process').execSync('id')",
        "require('child_process').spawn('id')",
        "new (require('worker_threads').Worker)('1', {eval: true})",
        "process.dlopen({exports: {}}, event.data.secret)",
        "require('fs').readFileSync(Buffer.from(event.data.secret))",
        "require('fs').readFileSync(new URL('file://' + event.data.secret))",
        "require('fs').readFileSync('/tmp/../proc/self/../' + process.ppid + '/environ')",
        "require('fs').openSync('/proc/' + process.ppid + '/environ', 'r')",
        "require('fs').promises.open('/proc/' + process.ppid + '/environ')",
        "require('fs').createReadStream('/proc/' + process.ppid + '/environ').read()",
        "require('fs').symlinkSync('/proc/' + process.ppid, '/tmp/link')",
        "require('fs').symlinkSync('../../../../../proc/' + process.ppid, '/tmp/up')",
        "require('fs').linkSync(event.data.secret, '/tmp/hard')",
        "require('fs').copyFileSync(event.data.secret, '/tmp/copy')",
        "(process.chdir('/proc/' + process.ppid), require('fs').readFileSync('environ', 'utf8'))",
        "require('child_process').fork(event.data.secret)",
        "new (require('child_process').ChildProcess)().spawn({file: 'id', args: []})",
        "(await import('child_process')).execFileSync('id')",
        "(await import('fs')).readFileSync(event.data.secret)",
        "process.binding('fs').open(event.data.secret, 0, 0o666, undefined, {})",
    ],
)
async def test_the_machine_is_out_of_reach(call: Caller, secret: Path, expression: str) -> None:
    outcome = await call(f"exports.main = async event => {expression}", {"secret": str(secret)})
    assert outcome.status == "execution_failed"
    said = outcome.error["message"]
    assert any(
        refusal in said
        for refusal in (
            "restricted",
            "requires full fs.read",
            "process.binding",
            "Cannot find module",
            "Cannot load native addon",
        )
    )


async def test_a_function_has_its_own_tmp(call: Caller) -> None:
    own = function(
        """const fs = require('fs'), os = require('os'), path = require('path'), util = require('util')
        exports.main = async () => {
          fs.writeFileSync('/tmp/爱.txt', 'one')
          await fs.promises.appendFile('/tmp/爱.txt', ' two')
          await util.promisify(fs.copyFile)('/tmp/爱.txt', path.join(os.tmpdir(), 'copy.txt'))
          fs.mkdirSync('/tmp/a/b', {recursive: true})
          fs.renameSync('/tmp/copy.txt', '/tmp/a/b/moved.txt')
          const stream = fs.createReadStream('/tmp/a/b/moved.txt', 'utf8')
          let text = ''; for await (const chunk of stream) text += chunk
          fs.writeFileSync('/tmp/a/module.js', 'module.exports = 5')
          return {text, five: require('/tmp/a/module'), files: fs.readdirSync('/tmp').sort()}
        }"""
    )
    assert (await call(own)).data == {"text": "one two", "five": 5, "files": ["a", "爱.txt"]}
    other = await call("exports.main = async () => require('fs').readdirSync('/tmp')")
    assert other.data == []


async def test_a_path_in_tmp_may_be_a_buffer_or_a_url_and_one_may_go_there(call: Caller) -> None:
    outcome = await call(
        """const fs = require('fs')
        exports.main = async () => {
          fs.writeFileSync(Buffer.from('/tmp/one'), '1'); fs.writeFileSync(new URL('file:///tmp/two'), '2')
          await fs.promises.appendFile(new URL('file:///tmp/two'), '2')
          process.chdir('/tmp'); fs.writeFileSync('three', '3')
          fs.mkdirSync('/tmp/a'); process.chdir('/tmp/a'); fs.writeFileSync('../four', '4')
          return [fs.readdirSync('/tmp').sort(), ['one', 'two', 'three', 'four'].map(
            name => fs.readFileSync('/tmp/' + name, 'utf8'))]
        }"""
    )
    assert outcome.data == [
        ["a", "four", "one", "three", "two"],
        ["1", "22", "3", "4"],
    ]


async def test_files_in_tmp_are_there_in_the_next_call_of_a_container(call: Caller) -> None:
    adding = function(
        """const fs = require('fs')
        exports.main = async () => { fs.appendFileSync('/tmp/calls', '.'); return fs.readFileSync('/tmp/calls', 'utf8') }"""
    )
    assert [(await call(adding)).data for _ in range(3)] == [".", "..", "..."]


async def test_the_network_can_be_reached(call: Caller) -> None:
    def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1")
    async with server:
        port = server.sockets[0].getsockname()[1]
        outcome = await call(
            """exports.main = (event, callback) => require('net').connect(event.data, '127.0.0.1')
              .on('data', data => callback(null, data.toString()))""",
            port,
        )
    assert outcome.data == "hello"


# BaaS ------------------------------------------------------------------------------------------------


async def test_a_function_calls_another(call: Caller) -> None:
    seen: list[tuple[str, Any, bool]] = []

    async def invoke(name: str, params: Any, sync: bool) -> Any:
        seen.append((name, params, sync))
        await asyncio.sleep(0.02)
        return {"code": 0, "data": params, "error": {}} if sync else {"status": "ok"}

    outcome = await call(
        """exports.main = async () => [
          await BaaS.invoke('加', {a: 1}), await BaaS.invoke('later', [2], false),
          ...await Promise.all([1, 2, 3].map(n => BaaS.invoke('many', n, true))), await BaaS.invoke('bare')
        ]""",
        invoke=invoke,
    )
    assert outcome.data == [
        {"code": 0, "data": {"a": 1}, "error": {}},
        {"status": "ok"},
        *({"code": 0, "data": n, "error": {}} for n in (1, 2, 3)),
        {"code": 0, "data": {}, "error": {}},
    ]
    assert seen[:2] == [("加", {"a": 1}, True), ("later", [2], False)]


async def test_a_call_waits_for_an_invocation_that_nobody_awaits(call: Caller) -> None:
    answered = False

    async def invoke(name: str, params: Any, sync: bool) -> Any:
        nonlocal answered
        await asyncio.sleep(0.05)
        answered = True
        return {"status": "ok"}

    await call("exports.main = (event, callback) => { BaaS.invoke('x', {}, false); callback(null, 1) }", invoke=invoke)
    assert answered


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("BaaS.invoke('missing')", "there is no function missing"),
        ("BaaS.invoke()", "BaaS.invoke(name, params, sync): name is the name of a function"),
        ("BaaS.invoke('x', 10n)", "Do not know how to serialize a BigInt"),
        ("BaaS.invoke('x', 'x'.repeat(7e6))", "BaaS.invoke: the parameters have more than 6291456 bytes as JSON"),
    ],
)
async def test_an_invocation_that_fails_is_an_error_in_the_function(
    call: Caller, expression: str, message: str
) -> None:
    outcome = await call(f"exports.main = async () => {expression}")
    assert outcome.error["message"] == message


async def test_an_invocation_ends_with_the_call_that_made_it(call: Caller, held_clock: HeldClock) -> None:
    cancelled = asyncio.Event()

    async def invoke(name: str, params: Any, sync: bool) -> Any:
        held_clock.start()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    outcome = await call("exports.main = () => BaaS.invoke('forever')", invoke=invoke, time_limit=0.2)
    assert outcome.status == "deadline_exceeded"
    await asyncio.wait_for(cancelled.wait(), 40)
