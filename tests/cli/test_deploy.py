"""The command `deploy`: which functions its arguments name, what it checks, changes and shows."""

from __future__ import annotations

import json
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from mincloud import MinCloud
from mincloud_emulator import runtime

from .conftest import GREET, ROOT

if TYPE_CHECKING:
    from .conftest import Program


def _deployed() -> dict[str, str | None]:
    with MinCloud() as cloud:
        return {function.name: function.function_code for function in cloud.functions.list()}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["greet", "src/one.js"], ["greet"]),
        (["greet", "src/two"], ["greet"]),
        (["src/one.js"], ["one"]),
        (["src/two"], ["two"]),
        (["src/two/"], ["two"]),
        (["src/two/index.js"], ["two"]),
        (["src/one"], ["one"]),
        (["src"], ["one", "two"]),
        (["./src", "a=src/one.js", "b=src/two"], ["a", "b", "one", "two"]),
        (["src/one.js", "src/two"], ["one", "two"]),
        (["测试", "src/one.js"], ["测试"]),
    ],
    ids=" ".join,  # of the words, and of the names
)
def test_the_words_mean_functions(program: Program, words: list[str], names: list[str]) -> None:
    program.write("src/one.js", GREET)
    program.write("src/two/index.js", GREET)
    program.write("src/notes.txt", "no function")
    program.write("src/.hidden.js", "no function")
    program.write("src/node_modules/index.js", "no function")
    assert program("deploy", *words).status == 0
    assert sorted(_deployed()) == names


def test_the_folder_one_is_in_is_a_function(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(program.write("greet/index.js", GREET).parent)
    program.done("deploy", ".")
    assert set(_deployed()) == {"greet"}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nope.js"], "there is no file or folder nope.js: `mincloud-py new NAME` makes one to start from"),
        (["greet", "nope"], "there is no file or folder nope"),
        (["greet", "empty"], "empty has no index.js: a function's folder needs one"),
        (["empty"], "empty has no functions: it needs an index.js, or NAME.js or NAME/index.js for each"),
        (["good.js", "latin.js"], "latin.js is not UTF-8: save it in that encoding"),
        (["good.js", "blank.js"], "blank.js is empty: a function needs code"),
        (["good.js", "good=blank.js"], "good.js and blank.js are both the function 'good': deploy one of them"),
        (["one", "two"], "one is a folder too: write one=two for one function, or ./one ./two for two"),
    ],
    ids=range(8),
)
def test_what_cannot_be_deployed_is_said_before_anything_is_sent(
    program: Program, words: list[str], complaint: str
) -> None:
    (program.work / "empty").mkdir()
    program.write("good.js", GREET)
    program.write("latin.js", b"// caf\xe9")
    program.write("blank.js", " \n")
    program.write("one/index.js", GREET)
    program.write("two/index.js", GREET)
    ended = program("deploy", *words)
    assert ended.status == 2
    assert complaint in ended.line
    assert _deployed() == {}


def test_a_pipe_is_read_once(program: Program) -> None:
    reading, writing = os.pipe()
    os.write(writing, GREET.encode())
    os.close(writing)
    program.done("deploy", "greet", f"/dev/fd/{reading}")
    os.close(reading)
    assert _deployed() == {"greet": GREET}


def test_what_was_checked_is_what_is_sent(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def syntax_faults(*given: Any) -> Any:
        program.write("greet.js", "broken meanwhile")
        return original(*given)

    original = runtime.syntax_faults
    monkeypatch.setattr(runtime, "syntax_faults", syntax_faults)
    program.write("greet.js", GREET)
    program.done("deploy", "greet.js")
    assert _deployed() == {"greet": GREET}


def test_what_was_done_is_said_for_each(program: Program) -> None:
    program.write("src/a.js", GREET)
    program.write("src/b.js", GREET)
    program.done("deploy", "src/a.js")
    program.write("src/a.js", GREET + "// changed\n")
    there = f"in production at {program.host}"
    assert program.done("deploy", "src").out == (
        f"updated a {there}, from src/a.js\ncreated b {there}, from src/b.js\n"
    )
    assert program.done("deploy", "src", "--json").documents == [
        {"name": "a", "action": "unchanged", "file": "src/a.js", "where": program.where},
        {"name": "b", "action": "unchanged", "file": "src/b.js", "where": program.where},
    ]


def test_a_dry_run_shows_the_difference_and_changes_nothing(program: Program) -> None:
    program.write("greet.js", "one\ntwo\n")
    program.done("deploy", "greet.js")
    program.write("greet.js", "one\nzwei\n")
    program.write("fresh.js", "fresh\n")
    assert program.done("deploy", "greet.js", "./fresh.js", "--diff", "--dry-run").out.splitlines() == [
        f"would be updated greet in production at {program.host}, from greet.js",
        "--- greet (deployed)",
        "+++ greet.js",
        "@@ -1,2 +1,2 @@",
        " one",
        "-two",
        "+zwei",
        f"would be created fresh in production at {program.host}, from fresh.js",
        "--- fresh (deployed)",
        "+++ fresh.js",
        "@@ -0,0 +1 @@",
        "+fresh",
    ]
    assert _deployed() == {"greet": "one\ntwo\n"}


def test_a_difference_as_json_is_text(program: Program) -> None:
    program.write("greet.js", "one\n")
    document = program.done("deploy", "greet.js", "--diff", "--json").document
    assert document["action"] == "created"
    assert document["diff"].endswith("@@ -0,0 +1 @@\n+one")
    assert program.done("deploy", "greet.js", "--dry-run", "--json").document == {
        "name": "greet",
        "action": "unchanged",
        "file": "greet.js",
        "where": program.where,
        "dry_run": True,
    }


def test_a_remark_alone_is_a_change(program: Program) -> None:
    program.write("greet.js", GREET)
    program.done("deploy", "greet.js")
    assert program.done("deploy", "greet.js", "-m", "says hello", "--dry-run").out.startswith("would be updated")
    assert program.done("deploy", "greet.js", "-m", "says hello").out.startswith("updated")
    with MinCloud() as cloud:
        assert cloud.functions.get("greet").remark == "says hello"


def test_one_that_fails_keeps_no_other_from_being_deployed(program: Program) -> None:
    for name in "abc":
        program.write(f"src/{name}.js", GREET)
    program.emulator.fail_next(500, path="*/b/", method="GET", times=9)
    ended = program("deploy", "src")
    assert ended.status == 5
    assert "mincloud-py: b is not deployed: the service failed: 500" in ended.line
    assert set(_deployed()) == {"a", "c"}


def test_as_json_one_that_fails_is_a_document_of_its_own(program: Program) -> None:
    program.write("src/a.js", GREET)
    program.write("src/b.js", GREET)
    program.emulator.fail_next(500, path="*/b/", method="GET", times=9)
    ended = program("deploy", "src", "--json")
    assert (ended.status, ended.err) == (5, "")
    assert [(each["name"], each["action"]) for each in ended.documents] == [("a", "created"), ("b", "failed")]
    error = ended.documents[1]["error"]
    assert (error["kind"], error["status"]) == ("ServerError", 500)


BROKEN = "exports.main = async () => {\n  const a = ;\n}\n"


def test_an_error_of_syntax_stops_all_with_its_line_and_caret(program: Program) -> None:
    program.write("src/good.js", GREET)
    program.write("src/bad.js", BROKEN)
    program.write("src/worse.js", "exports.main = (\n")
    for words in (["src"], ["src", "--dry-run"]):
        ended = program("deploy", *words)
        assert (ended.status, ended.out) == (2, "")
        assert ended.err.splitlines() == [
            "mincloud-py: src/bad.js:2:13: SyntaxError: Unexpected token ';'",
            "  const a = ;",
            "            ^",
            "src/worse.js:2: SyntaxError: Unexpected end of input",
            "nothing was sent; --no-check sends it as it is",
        ]
    assert _deployed() == {}
    error = program("deploy", "src", "--json").error
    assert (error["kind"], error["message"]) == ("WrongUsage", "src/bad.js:2:13: SyntaxError: Unexpected token ';'")
    assert program("deploy", "src", "--no-check").status == 0
    assert _deployed()["bad"] == BROKEN


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "export const main = 1",
            "Unexpected token 'export': the service runs CommonJS, so write `exports.main = …`, or",
        ),
        ("import a from 'b'", "Cannot use import statement outside a module: the service runs CommonJS"),
        ("exports.main = async (event) => event.data?.a", "optional chaining (?.) needs Node 14, but the service runs"),
    ],
)
def test_what_the_service_cannot_read_points_to_bundling(program: Program, code: str, said: str) -> None:
    program.write("new.js", code)
    ended = program("deploy", "new.js")
    assert ended.status == 2
    assert said in ended.err
    assert "--bundle" in ended.err


@pytest.mark.parametrize(
    ("code", "required"),
    [
        ("const lib = require('./lib')", "./lib"),
        ('const a = require( "../a.json" ), b = require("./b")', "../a.json, ./b"),
        ("require(`./c`)", "./c"),
        ("const text = 'it\\'s'; require('.')", "."),
        ("// require('./lib')\n/* require('./lib') */ const s = \"require('./lib')\"; require('fs')", None),
    ],
)
def test_files_that_would_not_be_sent_are_said_before_anything_is(
    program: Program, code: str, required: str | None
) -> None:
    program.write("greet/index.js", f"{code}\nexports.main = async () => 1\n")
    ended = program("deploy", "greet")
    if required is None:
        assert ended.status == 0
        return
    assert ended.status == 2
    assert ended.err.splitlines()[0] == (
        f"mincloud-py: greet/index.js requires {required}, and only that one file would be sent: "
        "--bundle makes one file of them"
    )
    assert _deployed() == {}
    assert program("deploy", "greet", "--no-check").status == 0


def test_without_node_the_service_is_left_to_say_it(program: Program) -> None:
    program.write("bad.js", BROKEN)
    program.set(MINCLOUD_NODE="/nowhere/node")
    assert program("deploy", "bad.js").status == 0


def test_in_a_folder_what_is_left_out_is_said_and_two_of_one_name_are_refused(program: Program) -> None:
    program.write("src/a.js", GREET)
    program.write("src/b.ts", "export const main = 1")
    ended = program("deploy", "src")
    assert ended.status == 0
    assert ended.line.startswith("mincloud-py: note: src/b.ts is left out, since the service runs one CommonJS file")
    noted = json.loads(program("deploy", "src", "--json").err)["note"]
    assert noted.startswith("src/b.ts is left out, since the service")
    program.write("src/a/index.js", GREET)
    ended = program("deploy", "src")
    assert ended.status == 2
    assert "src/a.js and src/a/index.js are both the function 'a': keep one of them" in ended.line


def test_a_folder_of_typescript_points_to_bundling(program: Program) -> None:
    program.write("src/a.ts", "export const main = 1")
    ended = program("deploy", "src")
    assert ended.status == 2
    assert ended.err.splitlines()[-1] == (
        "mincloud-py: src has no functions: it needs an index.js, or NAME.js or NAME/index.js for each, "
        "or --bundle for TypeScript and ES modules"
    )


@pytest.fixture
def project(program: Program) -> Program:
    """A folder with the repository's own esbuild."""
    (program.work / "node_modules").symlink_to(ROOT / "node_modules")
    return program


def test_a_bundle_is_one_file_of_typescript_and_modules_that_the_service_can_run(project: Program) -> None:
    project.write(
        "src/hi/index.ts", "import { hi } from '../lib/hi'\nexport const main = async (e: any) => hi(e?.data?.n)\n"
    )
    project.write("src/lib/hi.ts", "export const hi = (n?: string): string => `hi ${n ?? 'world'}`\n")
    project.write("src/plain.js", "const lib = require('./lib/hi')\nexports.main = async () => lib.hi()\n")
    project.write("src/module.mjs", "export default async function () { return 'module' }\n")
    project.write("src/types.d.ts", "declare const nothing: unknown\n")
    done = project.done("deploy", "src", "--bundle", "--json").documents
    assert {each["name"]: each["file"] for each in done} == {
        "hi": "src/hi/index.ts",
        "module": "src/module.mjs",
        "plain": "src/plain.js",
    }
    for name, data, said in (
        ("hi", '{"n": "Lin"}', "hi Lin"),
        ("hi", "{}", "hi world"),
        ("plain", "{}", "hi world"),
        ("module", "{}", "module"),
    ):
        assert project.done("invoke", name, data).out == f"{said}\n"
        assert "?." not in (_deployed()[name] or "")
    assert project.done("deploy", "src/hi", "--bundle").out.startswith("unchanged hi")
    assert project.done("deploy", "hello=src/hi/index.ts", "--bundle").out.startswith("created hello")


def test_what_esbuild_refuses_is_shown_and_nothing_is_sent(project: Program) -> None:
    project.write("bad/index.ts", "const a = ;\n")
    ended = project("deploy", "bad", "--bundle")
    assert ended.status == 2
    assert ended.err.startswith("mincloud-py: esbuild cannot bundle bad/index.ts\n")
    assert "bad/index.ts:1:10:" in ended.err
    assert _deployed() == {}


def test_without_esbuild_it_is_said_how_to_get_it(program: Program) -> None:
    program.write("greet/index.ts", "export const main = 1")
    program.set(PATH="/usr/bin:/bin")
    assert program("deploy", "greet", "--bundle").line == (
        "mincloud-py: --bundle needs esbuild, which is not installed: "
        "`npm install --save-dev esbuild` puts it into your project\n"
    )


def test_a_smoke_call_that_fails_puts_the_previous_code_back(program: Program) -> None:
    there = f"in production at {program.host}"
    program.write("greet.js", GREET)
    ended = program.done("deploy", "greet.js", "--smoke", '{"username": "Lin"}', "-m", "good", "--plan", "P_PERSONAL")
    assert ended.out == f"created greet {there}, from greet.js\ncalled greet: it returned\n"
    program.write("greet.js", GREET.replace("console.log", "consle.log"))
    ended = program("deploy", "greet.js", "--smoke", '{"username": "Lin"}', "-m", "bad", "--plan", "P_FREE")
    assert ended.status == 1
    assert ended.err.startswith(
        f"mincloud-py: the smoke call of greet {there} failed: the function 'greet' failed: ReferenceError: consle"
    )
    assert "; the previous code is back" in ended.err
    with MinCloud() as cloud:
        function = cloud.functions.get("greet")
    assert (function.function_code, function.remark, function.plan_circle) == (GREET, "good", "P_PERSONAL")


def test_a_smoke_call_that_fails_deletes_a_new_function_and_leaves_an_unchanged_one(program: Program) -> None:
    program.write("greet.js", GREET)
    ended = program("deploy", "greet.js", "--smoke", "{}")
    assert (ended.status, "; there was no function before, so it is deleted again" in ended.err) == (1, True)
    assert _deployed() == {}
    program.done("deploy", "greet.js")
    ended = program("deploy", "greet.js", "--smoke", "{}", "--json")
    assert (ended.status, "; the code was there before, so it stays" in ended.err) == (1, True)
    error = ended.error
    assert (error["kind"], error["type"], error["reason"]) == ("Failed", "TypeError", "username is missing")


def test_a_smoke_call_whose_undoing_fails_says_what_is_there(program: Program) -> None:
    program.write("greet.js", GREET)
    program.emulator.fail_next(500, method="DELETE", times=9)
    ended = program("deploy", "greet.js", "--smoke", "{}")
    assert ended.status == 1
    assert "and the new code is still there, since it could not be undone: 500" in ended.err
    assert set(_deployed()) == {"greet"}


def test_a_smoke_call_that_is_interrupted_puts_the_previous_code_back(
    program: Program, released: threading.Event
) -> None:
    program.emulator.deploy("slow", GREET)
    begun = threading.Event()

    def wait(_: object) -> None:
        begun.set()
        released.wait()

    program.write("slow.js", "exports.main = () => 1")
    program.emulator.stub("slow", wait)
    with program.start("deploy", "slow.js", "--smoke", "{}") as process:
        assert process.stderr is not None
        assert begun.wait(45)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
        assert process.wait(45) == 130
    assert said.startswith("mincloud-py: the smoke call of slow was interrupted: the previous code is back\n")


def test_a_smoke_call_needs_data_and_a_deployment(program: Program) -> None:
    program.write("greet.js", GREET)
    assert "must be a JSON object" in program("deploy", "greet.js", "--smoke", "[]").line
    assert "--smoke calls what was deployed" in program("deploy", "greet.js", "--smoke", "{}", "--dry-run").line
    assert _deployed() == {}


def test_whoever_may_not_deploy_one_is_told_once(program: Program) -> None:
    for name in "abc":
        program.write(f"src/{name}.js", GREET)
    program.set(MINCLOUD_ACCESS_TOKEN="wrong")
    ended = program("deploy", "src")
    assert ended.status == 3
    assert "the service does not accept the access token" in ended.line
