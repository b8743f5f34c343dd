"""The destination of a command's requests: production, or a named environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .conftest import GREET

if TYPE_CHECKING:
    from .conftest import Program

STAGING = "5d2a4a3f9b1e8c0001a2b3c4"


@pytest.fixture
def staged(program: Program) -> Program:
    """A function in production, and one in an environment with a name."""
    program.emulator.stub("where", lambda _: "production")
    program.emulator.stub("where", lambda _: "staging", environment=STAGING)
    (program.home / ".mincloudrc").write_text(f"environments = staging:{STAGING}, qa : 77\n")
    return program


def test_an_environment_is_meant_by_its_name_or_its_id(staged: Program) -> None:
    for name in ("staging", STAGING):
        assert staged.done("-e", name, "invoke", "where").out == "staging\n"
        staged.set(MINCLOUD_ENVIRONMENT=name)
        assert staged.done("invoke", "where").out == "staging\n"


def test_the_folders_names_win_over_those_at_home(staged: Program) -> None:
    staged.write(".mincloudrc", "environments = staging:5f2a\n")
    document = staged.done("whoami", "-e", "staging", "--json").document
    assert document["environment"] == "5f2a"
    assert document["environment_source"] == f"--environment, named in {staged.work / '.mincloudrc'}"
    assert document["environments"] == {"staging": "5f2a", "qa": "77"}


def test_production_is_meant_whatever_the_environment_says(staged: Program) -> None:
    staged.set(MINCLOUD_ENVIRONMENT=STAGING)
    assert staged.done("invoke", "where").out == "staging\n"
    assert staged.done("--production", "invoke", "where").out == "production\n"
    assert staged.done("invoke", "where", "--production").out == "production\n"


@pytest.mark.parametrize("option", [["-e", "production"], ["-e", "Production"], ["-e", ""]])
def test_production_is_no_environment(staged: Program, option: list[str]) -> None:
    staged.write("mail.js", GREET)
    for words in (["deploy", "mail.js"], ["invoke", "where"], ["delete", "where", "-y"], ["list"]):
        ended = staged(*option, *words)
        assert (ended.status, ended.out) == (2, "")
        assert "--production says production" in ended.line
    assert staged("whoami", "--environment=production").status == 2


def test_a_variable_that_says_production_is_refused_and_an_empty_one_is_none(staged: Program) -> None:
    staged.set(MINCLOUD_ENVIRONMENT="production")
    assert "MINCLOUD_ENVIRONMENT production would be a test environment of that name" in staged("list").line
    staged.set(MINCLOUD_ENVIRONMENT="")
    assert staged.done("invoke", "where").out == "production\n"


def test_two_places_are_one_too_many(staged: Program) -> None:
    ended = staged("--production", "-e", "staging", "list")
    assert (ended.status, ended.line) == (
        2,
        "mincloud-py: --production and --environment are two places: choose one\n",
    )


@pytest.mark.parametrize("word", ["stagnig", "e2e", "prod", "test-1x", "测试"])
def test_a_word_that_is_neither_a_name_nor_an_id_is_refused_without_a_terminal(staged: Program, word: str) -> None:
    ended = staged("-e", word, "invoke", "where")
    assert ended.status == 2
    assert ended.line == (
        f"mincloud-py: {word!r} is no named environment, and does not look like the id of one: "
        f"name it in ~/.mincloudrc with a line `environments = {word}:ID` (it names staging, qa)\n"
    )
    assert staged.emulator.calls == []


def test_a_word_that_does_not_look_like_an_id_is_asked_about_on_a_terminal(staged: Program) -> None:
    staged.emulator.stub("where", lambda _: "trial", environment="trial")
    for answer, shown, status in (("y", "trial\r\n", 0), ("n", "nothing was sent: name it in ~/.mincloudrc", 2)):
        with staged.on_terminal("-e", "trial", "invoke", "where") as terminal:
            terminal.shows("'trial' does not look like an environment's id. Is it one? [y/N] ")
            terminal.type(f"{answer}\n")
            terminal.shows(shown)
            assert terminal.ends() == status


def test_what_writes_says_where(staged: Program) -> None:
    staged.set(MINCLOUD_CLIENT_ID="d2a7c6e5f4b3a283")
    staged.write("mail/index.js", GREET)
    there = f"staging (5d2a…) of d2…83 at {staged.host}"
    assert staged.done("-e", "staging", "deploy", "mail").out == f"created mail in {there}, from mail/index.js\n"
    assert staged.done("-e", "staging", "trigger", "where").out.startswith(f"where was accepted in {there}; ")
    assert staged.done("-e", "staging", "delete", "mail", "-y").out == f"deleted mail in {there}\n"
    document = staged.done("-e", "staging", "deploy", "mail", "--json").document
    assert document["where"] == {
        "environment": STAGING,
        "environment_name": "staging",
        "client_id": "d2a7c6e5f4b3a283",
        "base_url": staged.emulator.url,
    }


def test_whoami_shows_where_commands_go_and_what_decided_it(staged: Program) -> None:
    staged.set(MINCLOUD_ENVIRONMENT="staging", MINCLOUD_CLIENT_ID="d2a7")
    assert staged.done("whoami").out.splitlines() == [
        "application   d2a7, by MINCLOUD_CLIENT_ID",
        "credentials   MINCLOUD_ACCESS_TOKEN",
        f"environment   staging ({STAGING}), by MINCLOUD_ENVIRONMENT, named in {staged.home / '.mincloudrc'}",
        f"service       {staged.emulator.url}, by MINCLOUD_BASE_URL",
        f"named         staging ({STAGING}), qa (77)",
        "functions     1",
    ]
    document = staged.done("whoami", "--production", "--json").document
    assert (document["environment"], document["environment_source"]) == (None, "--production")
