"""Deploying: which functions the words mean, what changes, and what is shown of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mincloud import MinCloud

from .conftest import GREET

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
    program.write("fresh.js", "new\n")
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
        "+new",
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


def test_whoever_may_not_deploy_one_is_told_once(program: Program) -> None:
    for name in "abc":
        program.write(f"src/{name}.js", GREET)
    program.set(MINCLOUD_ACCESS_TOKEN="wrong")
    ended = program("deploy", "src")
    assert ended.status == 3
    assert "the service does not accept the access token" in ended.line
