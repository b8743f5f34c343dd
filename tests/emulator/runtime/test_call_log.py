"""The log of a call: its form, its order, its limits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mincloud_emulator.runtime import ContainerLimits, Runtime

from .conftest import Caller, HeldClock, function, messages, returned

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_log_has_the_documented_form(call: Caller) -> None:
    outcome = await call("exports.main = (event, callback) => callback(null, 'hello world')")
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    assert re.fullmatch(
        rf"{time} LOG event\.data:  \{{\}}\n{time} LOG return:  \{{ error: \{{\}}, code: 0, data: 'hello world' \}}\n",
        outcome.log,
    )


async def test_each_console_method_has_its_level(call: Caller) -> None:
    outcome = await call(
        """exports.main = (event, callback) => {
          console.log('%s is %d', 'one', 1, {a: [1, {b: 2}]}); console.info('two'); console.warn('three')
          console.error('four'); console.debug('five'); console.group('six'); console.warn('indented')
          console.groupEnd(); console.assert(false, 'seven'); console.table([{x: 1}]); console.dir({eight: 8})
          console.log('nine\\nand a second line'); console.trace('ten'); console.count(); callback(null)
        }"""
    )
    logged = messages(outcome.log)
    assert logged[:9] == [
        "LOG event.data:  {}",
        "LOG one is 1 { a: [ 1, { b: 2 } ] }",
        "INFO two",
        "WARN three",
        "ERROR four",
        "LOG five",
        "LOG six",
        "WARN   indented",
        "WARN Assertion failed: seven",
    ]
    assert logged[9].startswith("LOG ┌")
    assert logged[10:12] == ["LOG { eight: 8 }", "LOG nine\nand a second line"]
    assert logged[12].startswith("ERROR Trace: ten")
    assert logged[13:] == ["LOG default: 1", returned("undefined")]


async def test_what_goes_to_the_standard_streams_is_logged_and_breaks_nothing(call: Caller) -> None:
    outcome = await call(
        """const fs = require('fs')
        exports.main = (event, callback) => {
          process.stdout.write('one, '); process.stdout.write('still one\\ntwo\\nthree'); process.stderr.write('four\\n')
          fs.writeSync(1, 'five\\nsix 六'); fs.writeSync(2, 'seven\\n'); fs.writeFileSync('/dev/null', '') || callback(null)
        }""".replace("fs.writeFileSync('/dev/null', '') || ", "")
    )
    assert outcome.code == 0
    assert messages(outcome.log) == [
        "LOG event.data:  {}",
        "LOG one, still one",
        "LOG two",
        "LOG three",
        "ERROR four",
        "LOG five",
        "LOG six 六",
        "ERROR seven",
        returned("undefined"),
    ]


async def test_what_goes_to_the_streams_past_console_stands_in_the_order_of_the_program(call: Caller) -> None:
    outcome = await call(
        """const fs = require('fs'), util = require('util'), six = Buffer.from('6六\\n')
        exports.main = async () => {
          console.log(1); fs.writeSync(1, '2\\n'); console.error(3); fs.writeSync(2, Buffer.from('4\\n')); console.log(5)
          fs.writeSync(1, six.slice(0, 2)); fs.writeSync(1, six, 2); fs.writevSync(1, [Buffer.from('7\\n'), Buffer.from('8\\n')])
          process.stdout.write('9'); console.log(10); fs.writeFileSync(1, '11\\n'); fs.appendFileSync(2, '3132\\n', 'latin1')
          fs.writeSync(1, 'xx13\\nx', 2, 3); fs.writeSync(1, Buffer.from('xx14\\n'), {offset: 2}); fs.writeSync(1, 'MTUK', null, 'base64')
          const {bytesWritten} = await util.promisify(fs.write)(1, '16\\n'); console.log(bytesWritten)
          await new Promise(resolve => fs.createWriteStream(null, {fd: 1}).end('17\\n', resolve))
          process.stdout.write('MTgK', 'base64'); await new Promise(resolve => fs.write(1, Buffer.from('19\\n'), 0, 3, null, resolve))
          fs.closeSync(1); fs.fsyncSync(1); console.log(20)
        }""".replace("fs.writeSync(1, 'xx13\\nx', 2, 3)", "fs.writeSync(1, Buffer.from('xx13\\nx'), 2, 3)")
        + "; const main = exports.main; exports.main = async () => { await main(); return 1 }"
    )
    assert [message.split()[1] for message in messages(outcome.log)[1:-1]] == [
        *("1", "2", "3", "4", "5", "6六", "7", "8", "9", "10", "11", "3132", "13", "14", "15", "16", "3", "17", "18"),
        *("19", "20"),
    ]
    assert outcome.data == 1


async def test_what_was_written_just_before_the_end_is_not_lost(call: Caller) -> None:
    writing = function("exports.main = (event, callback) => { callback(null); require('fs').writeSync(2, 'last\\n') }")
    for _ in range(50):
        assert messages((await call(writing)).log)[-1] == "ERROR last"


async def test_lines_are_handed_on_while_the_function_runs(call: Caller) -> None:
    lines: list[str] = []

    def listener(line: str) -> None:
        lines.append(line)
        if "LOG first " in line:
            (Path(line.rpartition(" ")[2]) / "heard").touch()

    # It computes until its line was heard.
    outcome = await call(
        """const fs = require('fs')
        exports.main = (event, callback) => {
          console.log('first', process.cwd()); while (!fs.existsSync('/tmp/heard')); callback(null, 'heard')
        }""",
        on_log=listener,
    )
    assert outcome.data == "heard"
    first, second, last = messages("\n".join(lines))
    assert (first, second[:10], last) == ("LOG event.data:  {}", "LOG first ", returned("'heard'"))
    assert outcome.log == "".join(f"{line}\n" for line in lines)


async def test_a_listener_that_fails_ends_the_call(call: Caller) -> None:
    def listener(line: str) -> None:
        raise OverflowError(line)

    with pytest.raises(OverflowError, match="LOG event"):
        await call("exports.main = () => {}", on_log=listener)


@pytest.mark.parametrize(
    "flood",
    [
        "while (true) console.log('flood '.repeat(20))",
        "while (true) require('fs').writeSync(1, 'flood '.repeat(2000))",
        "while (true) process.stdout.write('flood '.repeat(2000))",
        "console.log('flood '.repeat(1e6)); callback(null)",
        "console.error('洪水'.repeat(1e6)); callback(null)",
        "for (let i = 0; i < 1e5; i++) console.log(i); callback(null)",
    ],
)
async def test_a_flood_is_cut_and_the_log_says_so(call: Caller, held_clock: HeldClock, flood: str) -> None:
    lines: list[str] = []
    endless = "while" in flood

    def listener(line: str) -> None:
        lines.append(line)
        if " WARN the log was cut " in line:
            held_clock.start()

    code = f"exports.main = (event, callback) => {{ {flood} }}"
    outcome = await call(code, time_limit=0.3 if endless else 40, on_log=listener)
    assert 1_000_000 < len(outcome.log.encode()) < 1024 * 1024 + 200
    assert messages(outcome.log)[-1] == "WARN the log was cut here: it is limited to 1048576 bytes per call"
    assert len("\n".join(lines).encode()) < 1024 * 1024 + 200
    assert outcome.status == ("deadline_exceeded" if endless else "fulfilled")


async def test_a_long_line_may_be_written_in_many_small_pieces(call: Caller) -> None:
    outcome = await call(
        """exports.main = async () => {
          for (let i = 0; i < 1e5; i++) process.stdout.write('piece of ')
          return null
        }"""
    )
    assert messages(outcome.log) == ["LOG event.data:  {}", "LOG " + "piece of " * 100_000, returned("null")]


async def test_what_cannot_be_shown_does_not_end_the_call(call: Caller) -> None:
    outcome = await call(
        """exports.main = async () => {
          const odd = {[require('util').inspect.custom]() { throw new Error('no') }, value: 1}; return odd
        }"""
    )
    assert outcome.data == {"value": 1}
    assert messages(outcome.log)[-1] == "LOG return:  [could not be shown]"


async def test_a_function_that_replaces_globals_is_still_heard(call: Caller) -> None:
    outcome = await call(
        """const fs = require('fs')
        exports.main = (event, callback) => {
          fs.writeSync = () => { throw new Error('replaced') }
          JSON.stringify = () => 'replaced'; JSON.parse = null; global.Date = null; process.hrtime = null
          console.log('heard'); callback(null, {still: 'right'})
        }"""
    )
    assert outcome.data == {"still": "right"}
    assert messages(outcome.log)[1:] == ["LOG heard", returned("{ still: 'right' }")]


async def test_bytes_in_the_channel_that_make_no_sense_fail_that_call_only(call: Caller) -> None:
    for garbage in ("'\\xff\\xff\\xff\\xffgarbage'", "'\\0\\0\\0\\x03Dxyz'"):
        outcome = await call(
            """const fs = require('fs')
            exports.main = () => { for (let fd = 3; fd < 99; fd++) try {
              if (fs.fstatSync(fd).isFIFO()) fs.writeSync(fd, Buffer.from(GARBAGE, 'latin1'))
            } catch (error) {} }""".replace("GARBAGE", garbage)
        )
        assert outcome.error == {
            "message": "the function wrote into the channel of its container",
            "type": "ContainerError",
        }
    assert (await call("exports.main = async () => 'unharmed'")).data == "unharmed"


async def test_warnings_of_node_are_logged() -> None:
    runtime = Runtime(prewarm=False, limits=ContainerLimits(log_bytes=10_000))
    outcome = await Caller(runtime)(
        "exports.main = (e, callback) => { process.emitWarning('careful'); setTimeout(callback, 5) }"
    )
    await runtime.aclose()
    assert "WARN Warning: careful" in messages(outcome.log)
    assert "Permission" not in outcome.log
