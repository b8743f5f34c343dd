"""The result of a call, for each way in which a function can end."""

from __future__ import annotations

import asyncio
import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import Caller, HeldClock, eventually, function, messages, returned

if TYPE_CHECKING:
    from mincloud_emulator.runtime import NodeInfo

pytestmark = pytest.mark.asyncio(loop_scope="module")

BYSTANDER = function("exports.main = async () => 'unharmed'")


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("exports.main = (event, callback) => callback(null, 'hello world')", "hello world"),
        ("exports.main = (event, callback) => { setTimeout(() => callback(null, [1]), 5) }", [1]),
        ("exports.main = async event => event.data", {"city": "广州"}),
        ("exports.main = event => new Promise(resolve => setImmediate(resolve, 7))", 7),
        ("exports.main = event => ({then: resolve => resolve('thenable')})", "thenable"),
        ("exports.main = async () => null", None),
        ("exports.main = (event, callback) => callback()", None),
        ("exports.main = (event, callback) => callback(null, undefined)", None),
        ("exports.main = async (event, callback) => { callback(null, 'called back') }", "called back"),
        ("exports.main = (event, callback) => { callback(null, 1); return 2 }", 1),
        ("exports.main = async (event, callback) => { callback(null, 1); return 2 }", 1),
        ("exports.main = (event, callback) => { callback(null, 1); callback(null, 2) }", 1),
        ("exports.main = (event, callback) => { callback(null, 1); callback(new Error('late')) }", 1),
        ("exports.main = async event => { event.data.city = 'changed'; return event.data }", {"city": "changed"}),
    ],
)
async def test_the_first_callback_or_the_promise_gives_the_result(call: Caller, code: str, data: Any) -> None:
    outcome = await call(code, {"city": "广州"})
    assert (outcome.status, outcome.code, outcome.data, outcome.error) == ("fulfilled", 0, data, {})


@pytest.mark.parametrize(
    "code",
    [
        "exports.main = (e, callback) => callback(null, 'ok')",
        "module.exports = (e, callback) => callback(null, 'ok')",
        "module.exports = {main: async () => 'ok'}",
        "exports.main = {default: async () => 'ok'}",
        "exports.default = async () => 'ok'",
        "module.exports = {default: {main: async () => 'ok'}}",
        "!function(n){exports.main=n}(async()=>'ok')",
        "\ufeffexports.main = async () => 'ok'",
        "#!/usr/bin/env node\nexports.main = async () => 'ok'",
        "'use strict';\r\nexports.main = async () => 'ok'\r\n// no newline at the end",
        "const console = global.console, BaaS = 1, 函数 = async () => 'ok'; exports.main = 函数",
        "exports.main = async () => typeof require('fs').readFileSync === 'function' && 'ok'",
        "exports.main = async function () { return this === exports && typeof __dirname === 'string' && 'ok' }",
        "exports.main = async () => (await import('os')).EOL && 'ok'",
    ],
)
async def test_each_way_to_export_a_function_works(call: Caller, code: str) -> None:
    assert (await call(code)).data == "ok"


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("exports.main = (e, callback) => callback(new TypeError('no name'))", "no name", "TypeError"),
        ("exports.main = (e, callback) => callback('plain')", "plain", None),
        ("exports.main = (e, callback) => callback({message: 'of an object'})", "of an object", None),
        ("exports.main = (e, callback) => callback({reason: 4})", "{ reason: 4 }", None),
        ("exports.main = () => { throw new RangeError('thrown') }", "thrown", "RangeError"),
        ("exports.main = () => { throw 'a string' }", "a string", None),
        ("exports.main = () => { throw undefined }", "undefined", None),
        ("exports.main = async () => { throw new Error('rejected') }", "rejected", "Error"),
        ("class Odd extends Error {}; exports.main = async () => { throw new Odd('own') }", "own", "Odd"),
        ("exports.main = () => { setTimeout(() => { throw new Error('later') }, 5) }", "later", "Error"),
        ("exports.main = () => { Promise.reject(new Error('unhandled')) }", "unhandled", "Error"),
        ("exports.main = function f() { return f() }", "Maximum call stack size exceeded", "RangeError"),
        ("exports.main = function f() { console.log(1); f() }", "Maximum call stack size exceeded", "RangeError"),
        ("throw new Error('at the top')", "at the top", "Error"),
        ("exports.main = 'no function'", "the code exports no function: assign one to exports.main", "TypeError"),
        ("", "the code exports no function: assign one to exports.main", "TypeError"),
        ("module.exports = null", "the code exports no function: assign one to exports.main", "TypeError"),
        ("await 1", None, "SyntaxError"),
        ("}); process.exit(", None, "SyntaxError"),
        (
            "exports.main = async () => require('lodash')",
            "Cannot find module 'lodash': a function has Node's own modules and what is bundled into its code",
            "Error",
        ),
        ("exports.main = async () => { const a = {}; a.a = a; return a }", "can not be sent as JSON", "TypeError"),
        ("exports.main = async () => 10n ** 20n", "can not be sent as JSON", "TypeError"),
        ("exports.main = async () => ({toJSON() { throw new Error('no') }})", "as JSON: no", "TypeError"),
        (
            "exports.main = async () => 'x'.repeat(5e7)",
            "the result is too large: as JSON it may have at most 6291456 bytes",
            "RangeError",
        ),
        ("exports.main = async () => Array(3e6).fill('x')", "the result is too large", "RangeError"),
        (
            "let deep = []; for (let i = 0; i < 3000; i++) deep = [deep]; exports.main = async () => deep",
            "nested too deeply",
            "RangeError",
        ),
        ("exports.main = () => { process.exit(3) }", "ended its process with exit code 3", "ProcessExitError"),
        ("exports.main = () => { process.exit() }", "ended its process with exit code 0", "ProcessExitError"),
        ("exports.main = () => { process.abort() }", "the process of the function crashed", "ProcessCrashError"),
        ("exports.main = () => { process.kill(process.ppid) }", "may signal no process but its own", "Error"),
        ("exports.main = async () => BaaS.TableObject", "the emulator has only BaaS.invoke", "Error"),
    ],
)
async def test_a_failure_is_reported_in_the_documented_form_and_harms_nothing_else(
    call: Caller, code: str, message: str | None, kind: str | None
) -> None:
    outcome = await call(code)
    assert (outcome.status, outcome.code, outcome.data, outcome.data_json) == ("execution_failed", 1, None, "null")
    assert message is None or message in outcome.error["message"]
    assert outcome.error.get("type") == kind
    assert set(outcome.error) <= {"message", "type", "stack"}
    assert "ERROR" in outcome.log
    assert (await call(BYSTANDER)).data == "unharmed"


async def test_a_syntax_error_shows_the_line(call: Caller) -> None:
    outcome = await call('exports.main = (event, callback) => {\n  callback(null, "hello world")  fot debug\n}')
    stack = outcome.error["stack"]
    assert outcome.error["message"].startswith("Unexpected identifier")
    assert stack.startswith('greet.js:2\n  callback(null, "hello world")  fot debug\n')
    assert "\nSyntaxError: Unexpected identifier" in stack
    assert messages(outcome.log) == ["LOG event.data:  {}", f"ERROR {stack}"]


@pytest.mark.parametrize("padding", [0, 40, 180_000], ids=["short", "long", "3 MB"])
async def test_a_syntax_error_in_a_line_of_any_length_is_told_in_short(call: Caller, padding: int) -> None:
    before = "var padding = 1; " * padding
    outcome = await call(f"{before}exports.main = () => {{ callback(null, 1)  fot debug }}{'/**/' * 100_000}")
    place, code, marks, _, message, *_ = outcome.error["stack"].split("\n")
    assert place == "greet.js:1"
    assert len(code) < 500
    if padding < 1000:  # further to the right, Node marks nothing
        assert code[marks.index("^") :].startswith("fot debug")
    assert message.startswith("SyntaxError: Unexpected identifier")
    assert len(outcome.log) < 2000


async def test_a_logged_error_shows_the_functions_frames_only(call: Caller) -> None:
    outcome = await call(
        """exports.main = (event, callback) => {
          const inner = () => { throw Object.assign(new TypeError('odd'), {detail: 4}) }
          try { inner() } catch (error) {
            console.log('caught', error); console.error(error.stack); console.log({ error })
            process.stderr.write(error.stack + '\\n'); console.log(JSON.stringify({stack: error.stack, more: 1}))
            callback(null, 1)
          }
        }"""
    )
    assert "cjs" not in outcome.log
    assert "node:" not in outcome.log
    assert "internal/" not in outcome.log
    caught = messages(outcome.log)[1]
    assert caught.startswith("LOG caught TypeError: odd\n    at inner (greet.js:2:")
    assert "detail: 4" in caught
    assert set(json.loads(messages(outcome.log)[-2].removeprefix("LOG "))) == {"stack", "more"}
    assert len([line for line in caught.split("\n") if line.startswith("    at ")]) == 2


async def test_code_has_what_a_module_of_node_has(call: Caller) -> None:
    outcome = await call(
        """exports.main = async () => ({
          same: module.require('os') === require('os'), main: require.main !== module && typeof require.main,
          imported: (await import('os')).EOL, cached: typeof require.cache, resolved: require.resolve('os'),
          id: typeof module.id, parent: module.parent, children: module.children,
        })"""
    )
    assert outcome.data == {
        "same": True,
        "main": "object",
        "imported": "\n",
        "cached": "object",
        "resolved": "os",
        "id": "string",
        "parent": None,
        "children": [],
    }
    assert [message.split()[0] for message in messages(outcome.log)] == ["LOG", "LOG"]


async def test_a_discarded_container_that_dies_at_once_is_no_crash(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    killpg = os.killpg

    def kill_and_wait(process: int, number: int) -> None:
        killpg(process, number)
        os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)

    monkeypatch.setattr(os, "killpg", kill_and_wait)
    outcome = await call("exports.main = (")
    assert outcome.error["type"] == "SyntaxError"
    assert "Crash" not in outcome.log


@pytest.mark.parametrize("code", ["export default async () => 1", "import fs from 'fs'", "await 1"])
async def test_an_es_module_is_no_function_and_nothing_else_is_said(call: Caller, code: str) -> None:
    outcome = await call(code)
    assert outcome.error["type"] == "SyntaxError"
    assert [message.split()[0] for message in messages(outcome.log)] == ["LOG", "ERROR"]


async def test_syntax_that_the_services_node_does_not_know_fails_there(any_node: NodeInfo, call: Caller) -> None:
    outcome = await call("exports.main = async event => event.data?.name ?? 'nobody'")
    if any_node.version[0] == 12:
        assert outcome.error["type"] == "SyntaxError"
        assert outcome.error["message"] == "Unexpected token '.'"
    else:
        assert outcome.data == "nobody"


async def test_a_stack_holds_the_functions_frames_and_none_of_the_containers(call: Caller) -> None:
    outcome = await call("exports.main = () => {\n  const inner = () => BaaS.nothing\n  inner()\n}")
    assert re.findall(r"\((.*)\)", outcome.error["stack"])[:2] == ["greet.js:2:28", "greet.js:3:3"]
    assert "container.cjs" not in outcome.error["stack"]


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("exports.main = () => { while (true); }", "300 ms"),
        ("while (true);", "300 ms"),
        ("exports.main = () => {}", "nothing left to do and never called back"),
        ("exports.main = async () => {}", "nothing left to do and never called back"),
        ("exports.main = () => 'a plain return value is ignored'", "never called back"),
        ("exports.main = () => { setInterval(() => {}, 50) }", "300 ms"),
        (
            "exports.main = (e, callback) => { setInterval(() => {}, 50); callback(null, 1) }",
            "kept its event loop busy",
        ),
        ("exports.main = () => { process.kill(process.pid, 'SIGSTOP') }", "300 ms"),
    ],
)
async def test_what_does_not_end_is_ended_at_the_time_limit(
    call: Caller, held_clock: HeldClock, code: str, hint: str
) -> None:
    def is_so_far() -> bool:
        # Whether a function has come to what it does not end from shows only where it says so itself.
        running = held_clock.call
        return running is not None and (hint == "300 ms" or running.stuck or running.result is not None)

    ending = asyncio.create_task(call(code, time_limit=0.3))
    await eventually(is_so_far)
    held_clock.start()
    outcome = await ending
    assert (outcome.status, outcome.code, outcome.data) == ("deadline_exceeded", 1, None)
    assert outcome.error["type"] == "TimeoutError"
    assert outcome.error["message"].startswith("the function did not end within its time limit of 300 ms")
    assert hint in outcome.error["message"]
    assert outcome.execution_time >= 300
    assert messages(outcome.log)[-1] == f"ERROR TimeoutError: {outcome.error['message']}"
    assert (await call(BYSTANDER)).data == "unharmed"


async def test_the_call_returns_once_the_event_loop_is_empty(call: Caller) -> None:
    outcome = await call(
        "exports.main = (e, callback) => { callback(null, 1); setTimeout(() => console.log('still here'), 120) }"
    )
    assert outcome.data == 1
    assert messages(outcome.log) == ["LOG event.data:  {}", returned("1"), "LOG still here"]
    assert outcome.execution_time >= 119
    assert outcome.billing_time >= 200


@pytest.mark.parametrize(
    ("after", "logged"),
    [
        ("throw new Error('late')", "ERROR Error: late"),
        ("setTimeout(() => { throw new Error('late') }, 5)", "ERROR Error: late"),
        ("Promise.reject(new Error('late'))", "ERROR Unhandled rejection: Error: late"),
        ("process.exit(4)", "ERROR ProcessExitError: the function ended its process with exit code 4"),
        ("process.abort()", "ERROR ProcessCrashError: the process of the function crashed"),
    ],
)
async def test_after_the_callback_an_error_is_logged_and_the_container_discarded(
    call: Caller, after: str, logged: str
) -> None:
    counting = function(f"let n = 0; exports.main = (e, callback) => {{ callback(null, ++n); {after} }}")
    for _ in range(2):
        outcome = await call(counting)
        assert (outcome.status, outcome.data, outcome.error) == ("fulfilled", 1, {})
        assert any(message.startswith(logged) for message in messages(outcome.log))


async def test_an_unhandled_rejection_does_not_end_what_still_calls_back(call: Caller) -> None:
    outcome = await call(
        "exports.main = (e, callback) => { Promise.reject(new Error('aside')); setTimeout(callback, 20, null, 'result') }"
    )
    assert outcome.data == "result"
    assert any(message.startswith("ERROR Unhandled rejection: Error: aside") for message in messages(outcome.log))


@pytest.mark.parametrize(
    ("expression", "data"),
    [
        ("new Error('as data')", {}),
        ("new Date(0)", "1970-01-01T00:00:00.000Z"),
        ("Buffer.from('hi')", {"type": "Buffer", "data": [104, 105]}),
        ("Symbol('none')", None),
        ("() => 1", None),
        ("[undefined, NaN, () => 1]", [None, None, None]),
        ("new Map([[1, 2]])", {}),
        ("'\\u2028\\u2029\\0\\r\\n'", "\u2028\u2029\0\r\n"),
        ("'\\ud83d\\ude00'", "😀"),
        ("'a\\ud800b'", "a\ufffdb"),
        ("'\\\\ud800'", "\\ud800"),
        ("'\\\\\\ud800'", "\\\ufffd"),
        ("JSON.parse('{\"__proto__\": 1}')", {"__proto__": 1}),
        ("1e308", 1e308),
    ],
)
async def test_a_result_is_what_json_makes_of_it(call: Caller, expression: str, data: Any) -> None:
    outcome = await call(f"exports.main = (e, callback) => callback(null, {expression})")
    assert (outcome.code, outcome.data) == (0, data)
    outcome.data_json.encode()
    outcome.log.encode()


async def test_two_megabytes_of_code_and_other_scripts_work(call: Caller) -> None:
    padding = "// 填充 – padding\n" * 120_000
    code = f"{padding}exports.main = async 事件 => ({{结果: 事件.data.名字}})"
    assert len(code.encode()) > 2_000_000
    outcome = await call(function(code, name="测试/..\n😀"), {"名字": "爱范儿"})
    assert outcome.data == {"结果": "爱范儿"}


async def after_a_look(name: str, params: Any, sync: bool) -> Any:
    """Returns to a function after the emulator has surely checked its memory, which it does every 0.05 s."""
    await asyncio.sleep(0.2)


async def test_memory_past_the_plan_ends_the_call(call: Caller) -> None:
    heap = """exports.main = async () => {
      const kept = []; while (kept.length < 1.5e6) kept.push({n: kept.length})
      await BaaS.invoke('look')
      for (;;) kept.push({n: kept.length})
    }"""
    buffers = "exports.main = () => { const kept = []; setInterval(() => kept.push(Buffer.alloc(2e7, 1)), 1) }"
    for code in (heap, buffers):
        outcome = await call(code, invoke=after_a_look)
        assert outcome.status == "execution_failed"
        assert outcome.error == {
            "message": "the function used more memory than the 128 MB of its plan",
            "type": "MemoryLimitError",
        }
        assert (outcome.mem_usage or 0) > 64 * 1024 * 1024
    assert (await call(BYSTANDER)).data == "unharmed"


async def test_memory_past_the_plan_ends_a_call_that_is_too_short_to_be_looked_at(call: Caller) -> None:
    growing = function("const kept = []; exports.main = async () => kept.push(Buffer.alloc(4e7, 1))")
    outcomes = [await call(growing) for _ in range(5)]
    assert [outcome.data for outcome in outcomes[:2]] == [1, 2]
    failed = next(outcome for outcome in outcomes if outcome.code == 1)
    assert failed.error == {
        "message": "the function used more memory than the 128 MB of its plan",
        "type": "MemoryLimitError",
    }
    assert all((outcome.mem_usage or 0) < 2.6e8 for outcome in outcomes)


async def test_a_plan_with_more_memory_allows_more(call: Caller) -> None:
    code = "exports.main = async () => { const b = Buffer.alloc(190e6, 1); await BaaS.invoke('look'); return b[9] }"
    free = await call(function(code, memory_mb=128), invoke=after_a_look)
    assert free.error.get("type") == "MemoryLimitError"
    assert (await call(function(code, memory_mb=256), invoke=after_a_look)).data == 1


async def test_what_a_call_took_is_told(call: Caller) -> None:
    outcome = await call("exports.main = (e, callback) => setTimeout(callback, 130, null, 1)")
    assert outcome.execution_time >= 129
    assert outcome.billing_time % 100 == 0
    # The one is rounded to hundredths, the other goes up from what it was before.
    assert outcome.billing_time - 100 <= outcome.execution_time <= outcome.billing_time
    assert 20_000_000 < (outcome.mem_usage or 0) < 200_000_000


async def test_many_functions_run_at_once(call: Caller) -> None:
    code = "exports.main = (e, callback) => setTimeout(callback, 100, null, e.data)"
    outcomes = await asyncio.gather(*(call(function(code, version=0), number) for number in range(1, 13)))
    assert [outcome.data for outcome in outcomes] == list(range(1, 13))
