"""What is said of syntax that the service does not know."""

from __future__ import annotations

import pytest

from mincloud_emulator.runtime import NodeInfo, check_node12_syntax


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("exports.main = async e =>\n  e.data?.name", "line 2, column 3: optional chaining (?.) needs Node 14"),
        ("exports.main = async e => e.data ?? 1", "line 1, column 27: the ?? operator needs Node 14"),
        ("let a; a ||= 1", "line 1, column 8: the ||= operator needs Node 15"),
        ("let a; a &&= 1", "the &&= operator needs Node 15"),
        ("let a; a ??= 1", "the ??= operator needs Node 15"),
        ("class A { #m() {} }", "line 1, column 11: a private method (#name) needs Node 14"),
        ("class A { static { A.b = 1 } }", "a static block needs Node 16"),
        ("class A { #x; has(o) { return #x in o } }", "the check for a private field (#name in) needs Node 16"),
        ("const r = /a/d", "the d flag of a regular expression needs Node 16"),
        ("a => a ?? b?.c", "line 1, column 6: the ?? operator"),
        ("#!/usr/bin/env node\na?.b", "line 2, column 1: optional chaining"),
        ("\ufeffa?.b", "line 1, column 1: optional chaining"),
    ],
)
def test_the_first_newer_syntax_is_named_with_its_place(node: NodeInfo, code: str, said: str) -> None:
    if node.version < (16,):
        pytest.skip("the parser in this Node does not know it either")
    line = check_node12_syntax(code, node)
    assert line is not None
    assert said in line
    assert line.endswith(", but the service runs Node 12")
    assert "\n" not in line


@pytest.mark.parametrize(
    "code",
    [
        "exports.main = (event, callback) => callback(null, 'hello world')",
        "const text = 'a?.b ?? c'; // d ||= 1",
        "const pattern = /a??b?.c/; const template = `x?.y ${1}`",
        "const n = true ?.5 : 1",
        "class A { #x = 1; static y = 2; get() { return this.#x } }; const big = 10n; const sep = 1_000",
        "try { a() } catch { b() }; for await (const x of y) {}",
        "callback(null, 'hello world')  fot debug ?? 1",
    ],
)
def test_what_node_12_knows_and_what_no_node_can_read_is_passed_over(node: NodeInfo, code: str) -> None:
    assert check_node12_syntax(code, node) is None


def test_without_node_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINCLOUD_NODE", "/nowhere/node")
    assert check_node12_syntax("a?.b") is None
