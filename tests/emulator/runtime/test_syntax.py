"""The check of a function's syntax."""

from __future__ import annotations

import pytest

from mincloud_emulator.runtime import NodeInfo, SyntaxFault, check_syntax, syntax_faults


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
    (fault,) = syntax_faults([code], node)
    assert fault is not None
    assert fault.newer
    line = fault.summary
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
    (fault,) = syntax_faults([code], node)
    assert fault is None or not fault.newer


def test_without_node_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINCLOUD_NODE", "/nowhere/node")
    assert check_syntax(["a?.b"]) == [None]


def test_an_error_of_syntax_has_its_line_and_carets_and_nothing_is_run(node: NodeInfo) -> None:
    codes = ["exports.main = 1\n\tconst a = ;", "process.exit(9)", "#!/bin/node\nreturn 1", "\ufeffexport default 1"]
    fault, *fine, module = syntax_faults(codes, node)
    assert fault == SyntaxFault("SyntaxError: Unexpected token ';'", 2, 12, ("\tconst a = ;", "\t          ^"))
    assert fine == [None, None]
    assert module is not None
    assert (module.message, module.excerpt) == (
        "SyntaxError: Unexpected token 'export'",
        ("export default 1", "^^^^^^"),
    )


def test_of_a_long_line_the_part_with_the_error_is_shown(node: NodeInfo) -> None:
    (fault,) = syntax_faults(["a();" * 100 + "const b = ;" + "a();" * 100], node)
    assert fault is not None
    assert fault.column == 411
    line, carets = fault.excerpt
    assert line[carets.index("^")] == ";"
    assert len(line) == 100
    (hidden,) = syntax_faults(["a();" * 10_000 + "const b = ;"], node)  # in which Node itself shows nothing
    assert hidden == SyntaxFault("SyntaxError: Unexpected token ';'", 1, None, ())


def test_in_one_line_an_error_comes_before_newer_syntax(node: NodeInfo) -> None:
    broken, module, fine = check_syntax(["const a = ;", "import a from 'b'", "1"])
    assert (broken, fine) == ("line 1: SyntaxError: Unexpected token ';'", None)
    assert module is not None
    assert module.endswith("; the service runs CommonJS: bundle it to that, or assign exports.main")
