"""Logging in and out, shared with the service's Node tool, and saying who one is."""

from __future__ import annotations

import os
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from mincloud import MinCloud

from .conftest import ROOT, Program

if TYPE_CHECKING:
    from pathlib import Path

_NODE_TOOL = ROOT / "node_modules" / "mincloud" / "bin" / "faas-cli.js"
OTHERS = """\
; the login of the Node tool
json = false
client_id = old
# keep me
tokens = old:0ld,third:3rd

[proxy]
client_id = not this one
tokens = nor:these
"""


@pytest.fixture
def user(program: Program) -> Program:
    """Somebody who is not logged in, and whose environment has the application's id and secret."""
    program.logged_out()
    program.set(MINCLOUD_CLIENT_ID=program.emulator.client_id, MINCLOUD_CLIENT_SECRET=program.emulator.client_secret)
    return program


def _rc(program: Program) -> Path:
    return program.home / ".mincloudrc"


def _logged_in(program: Program) -> str:
    """Logs in from the environment, which is emptied then; gives the token."""
    assert program("login").status == 0
    program.set(MINCLOUD_CLIENT_ID="", MINCLOUD_CLIENT_SECRET="")
    return _rc(program).read_text().rpartition(":")[2].strip()


def _node_tool(program: Program, *arguments: str) -> str:
    completed = subprocess.run(
        ["node", str(_NODE_TOOL), *arguments],
        cwd=program.work,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(program.home),
            "mincloud_base_url": program.emulator.url,
            "NODE_NO_WARNINGS": "1",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return completed.stdout


def test_login_writes_a_file_that_only_its_owner_can_read_whatever_the_umask(user: Program) -> None:
    before = os.umask(0)
    try:
        ended = user("login")
    finally:
        os.umask(before)
    assert ended.status == 0
    assert ended.out == f"logged in as {user.emulator.client_id}; the token is kept in {_rc(user)}\n"
    assert stat.S_IMODE(_rc(user).stat().st_mode) == 0o600
    assert [path.name for path in user.home.iterdir()] == [".mincloudrc"]


def test_login_makes_a_readable_file_private_and_replaces_it_at_once(user: Program) -> None:
    _rc(user).write_text("x = 1\n")
    _rc(user).chmod(0o644)
    with _rc(user).open() as still_open:
        user("login")
        assert still_open.read() == "x = 1\n"
    assert stat.S_IMODE(_rc(user).stat().st_mode) == 0o600


def test_login_keeps_all_else_in_the_file(user: Program) -> None:
    _rc(user).write_text(OTHERS)
    assert user("login").status == 0
    client_id = user.emulator.client_id
    content = _rc(user).read_text()
    token = content.partition(f"{client_id}:")[2].split()[0]
    expected = OTHERS.replace("client_id = old", f"client_id = {client_id}").replace(
        "third:3rd", f"third:3rd,{client_id}:{token}"
    )
    assert content == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "client_id = me\ntokens = me:t\n"),
        ("x = 1", "x = 1\nclient_id = me\ntokens = me:t\n"),
        ("[section]\nx = 1\n", "client_id = me\ntokens = me:t\n[section]\nx = 1\n"),
        ("client_id=a\r\ntokens=a:1\r\n", "client_id = me\r\ntokens = a:1,me:t\r\n"),
        ("tokens=me:old\nclient_id=a\nclient_id=b\n", "tokens = me:t\nclient_id = me\n"),
        ("\ufeffclient_id = a\n", "client_id = me\ntokens = me:t\n"),
    ],
    ids=["empty", "no line end", "only a section", "CRLF", "doubled", "BOM"],
)
def test_a_login_file_of_any_form_takes_a_token(tmp_path: Path, before: str, after: str) -> None:
    from mincloud.cli.login_file import LoginFile

    path = tmp_path / ".mincloudrc"
    path.write_text(before, newline="")
    LoginFile.read(path).with_token("me", "t").write()
    assert path.read_bytes().decode() == after


def test_bytes_that_are_not_utf_8_survive(tmp_path: Path) -> None:
    from mincloud.cli.login_file import LoginFile

    path = tmp_path / ".mincloudrc"
    path.write_bytes(b"; caf\xe9\n")
    LoginFile.read(path).with_token("me", "t").write()
    assert path.read_bytes() == b"; caf\xe9\nclient_id = me\ntokens = me:t\n"


def test_a_link_stays_a_link(user: Program) -> None:
    target = user.folder / "settings"
    target.write_text("x = 1\n")
    _rc(user).symlink_to(target)
    user("login")
    assert _rc(user).is_symlink()
    assert "tokens" in target.read_text()


def test_after_login_the_other_commands_work_and_so_does_the_node_tool(user: Program, greet: str) -> None:
    _logged_in(user)
    assert user.done("list", "--json").document["name"] == greet
    assert greet in _node_tool(user, "list")


def test_after_the_node_tools_login_this_works_and_its_logout_logs_out(user: Program, greet: str) -> None:
    _node_tool(user, "login", user.emulator.client_id, user.emulator.client_secret)
    user.set(MINCLOUD_CLIENT_ID="", MINCLOUD_CLIENT_SECRET="")
    assert user.done("list", "--json").document["name"] == greet
    _node_tool(user, "logout")
    assert user("list").status == 3


def test_logout_forgets_the_current_token_alone_and_the_node_tool_agrees(user: Program) -> None:
    _rc(user).write_text(OTHERS)
    _logged_in(user)
    ended = user.done("logout")
    assert ended.out.startswith(f"logged out {user.emulator.client_id}: ")
    content = _rc(user).read_text()
    assert content == OTHERS.replace("client_id = old", f"client_id = {user.emulator.client_id}")
    assert stat.S_IMODE(_rc(user).stat().st_mode) == 0o600
    again = user("logout")
    assert (again.status, again.line) == (3, "mincloud-py: nobody is logged in: there is nothing to forget\n")
    listed = subprocess.run(
        ["node", str(_NODE_TOOL), "list"],
        cwd=user.work,
        env={"PATH": os.environ["PATH"], "HOME": str(user.home), "mincloud_base_url": user.emulator.url},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert "请先登录" in listed.stderr


def test_login_asks_on_a_terminal_and_shows_no_secret(program: Program) -> None:
    program.logged_out()
    emulator = program.emulator
    with program.on_terminal("login") as terminal:
        terminal.shows("client_id: ")
        terminal.type(f"{emulator.client_id}\n")
        terminal.shows("client_secret (not shown): ")
        terminal.type(f"{emulator.client_secret}\n")
        terminal.shows("logged in as")
        assert terminal.ends() == 0
        assert emulator.client_secret not in terminal.shown
        token = _rc(program).read_text().rpartition(":")[2].strip()
        assert token not in terminal.shown


def test_interrupting_the_question_ends_with_130(program: Program) -> None:
    program.logged_out()
    with program.on_terminal("login") as terminal:
        terminal.shows("client_id: ")
        terminal.type("\x03")
        assert terminal.ends() == 130
        assert "Traceback" not in terminal.shown


def test_without_a_terminal_login_says_what_to_set(program: Program) -> None:
    program.logged_out()
    ended = program("login")
    assert ended.status == 2
    assert "set MINCLOUD_CLIENT_ID and MINCLOUD_CLIENT_SECRET" in ended.line


def test_a_secret_is_an_argument_only_where_it_says_insecure(program: Program) -> None:
    program.logged_out()
    emulator = program.emulator
    assert program("login", "--client-secret", emulator.client_secret).status == 2
    ended = program.done(
        "login", "--client-id", emulator.client_id, "--insecure-client-secret", emulator.client_secret, "--json"
    )
    assert ended.document == {"client_id": emulator.client_id, "file": str(_rc(program))}


def test_a_wrong_secret_ends_with_3_and_writes_nothing(user: Program) -> None:
    user.set(MINCLOUD_CLIENT_SECRET="wrong-secret")
    ended = user("login")
    assert ended.status == 3
    assert "the service does not accept this client_id and secret" in ended.line
    assert "wrong-secret" not in ended.line
    assert not _rc(user).exists()


@pytest.mark.parametrize(
    ("variables", "note"),
    [
        ({"MINCLOUD_ACCESS_TOKEN": "t"}, "MINCLOUD_ACCESS_TOKEN wins over this login: unset it to use the login"),
        ({}, "MINCLOUD_CLIENT_ID and MINCLOUD_CLIENT_SECRET win over this login: unset them to use the login"),
    ],
    ids=["token", "application"],
)
def test_login_says_which_variables_are_stronger(user: Program, variables: dict[str, str], note: str) -> None:
    user.set(**variables)
    assert user("login").line == f"mincloud-py: note: {note}\n"


def test_login_says_that_half_an_application_in_the_environment_stands_in_its_way(user: Program) -> None:
    user.set(MINCLOUD_CLIENT_SECRET="")
    with user.on_terminal("login") as terminal:
        terminal.shows("client_secret (not shown): ")
        terminal.type(f"{user.emulator.client_secret}\n")
        assert terminal.ends() == 0
    assert "note: MINCLOUD_CLIENT_ID wins over this login: unset it to use the login" in terminal.shown
    assert user("list").status == 3


def test_login_says_when_the_folder_chooses_another_application_or_token(user: Program) -> None:
    client_id = user.emulator.client_id
    secret = ("--client-id", client_id, "--insecure-client-secret", user.emulator.client_secret)
    user.set(MINCLOUD_CLIENT_ID="", MINCLOUD_CLIENT_SECRET="")
    here = user.work / ".mincloudrc"
    here.write_text("client_id = other\ntokens = other:t\n")
    assert user("login", *secret).line == (
        f"mincloud-py: note: {here} chooses another application, other, here: change it to use this login\n"
    )
    here.write_text(f"client_id = {client_id}\ntokens = {client_id}:t\n")
    assert user("login", *secret).line == (
        f"mincloud-py: note: {here} has another token of {client_id}, which wins here: remove it to use this login\n"
    )
    here.write_text(f"client_id = {client_id}\n")
    user.done("login", *secret)


def test_without_a_home_directory_login_says_what_to_set(user: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.home", unknown)
    ended = user("login")
    assert (ended.status, ended.line) == (
        2,
        "mincloud-py: no home directory is known to keep the login in: set HOME\n",
    )


def test_a_login_file_with_an_old_comment_is_of_use_after_login(user: Program, greet: str) -> None:
    _rc(user).write_bytes(b"; caf\xe9\ntokens = third:3rd ; of somebody else\n")
    assert user("login").status == 0
    user.set(MINCLOUD_CLIENT_ID="", MINCLOUD_CLIENT_SECRET="")
    assert b"; caf\xe9\n" in _rc(user).read_bytes()
    assert "tokens = third:3rd,me" in _rc(user).read_text("latin-1").replace(user.emulator.client_id, "me")
    assert user.done("list", "--json").document["name"] == greet


def test_a_login_file_in_another_encoding_is_refused_by_login_and_by_the_others(user: Program) -> None:
    _rc(user).write_bytes("client_id = me\n".encode("utf-16"))
    message = f"mincloud-py: cannot read {_rc(user)}: it is not UTF-8, save it in that encoding\n"
    assert (user("login").status, user("login").line) == (2, message)
    user.set(MINCLOUD_CLIENT_ID="", MINCLOUD_CLIENT_SECRET="")
    assert (user("list").status, user("list").line) == (2, message)


def test_whoami_says_where_the_credentials_come_from_and_never_the_token(user: Program) -> None:
    emulator = user.emulator
    client_id, secret = emulator.client_id, emulator.client_secret
    shown = [user.done("whoami", "--json")]
    token = _logged_in(user)
    shown.append(user.done("whoami", "--json"))
    (user.work / ".mincloudrc").write_text(f"client_id = {client_id}\ntokens = {client_id}:{emulator.access_token}\n")
    shown.append(user.done("whoami", "--json"))
    user.set(MINCLOUD_ACCESS_TOKEN=emulator.access_token)
    shown.append(user.done("whoami", "--json"))
    assert [ended.document["source"] for ended in shown] == [
        "MINCLOUD_CLIENT_ID and MINCLOUD_CLIENT_SECRET",
        str(_rc(user)),
        str(user.work / ".mincloudrc"),
        "MINCLOUD_ACCESS_TOKEN",
    ]
    assert [ended.document["client_id"] for ended in shown] == [client_id] * 3 + [None]
    shown.append(user.done("whoami"))
    for ended in shown:
        assert not any(hidden in ended.out for hidden in (token, secret, emulator.access_token))


def test_whoami_names_both_files_when_a_folder_chooses_the_application_and_home_keeps_its_token(user: Program) -> None:
    _logged_in(user)
    here, client_id = user.work / ".mincloudrc", user.emulator.client_id
    here.write_text(f"client_id = {client_id}\n")
    document = user.done("whoami", "--json").document
    assert (document["client_id_source"], document["source"]) == (str(here), str(_rc(user)))
    rows = [line.split(None, 1) for line in user.done("whoami").out.splitlines()]
    assert rows[:2] == [["application", f"{client_id}, chosen by {here}"], ["credentials", str(_rc(user))]]
    here.unlink()
    rows = [line.split(None, 1) for line in user.done("whoami").out.splitlines()]
    assert rows[:2] == [["application", client_id], ["credentials", str(_rc(user))]]


@pytest.mark.parametrize("place", ["MINCLOUD_ACCESS_TOKEN", "./.mincloudrc", "~/.mincloudrc"])
def test_the_source_that_whoami_names_is_the_one_that_the_client_uses(user: Program, place: str) -> None:
    user.set(MINCLOUD_CLIENT_ID="", MINCLOUD_CLIENT_SECRET="")
    sources = ["MINCLOUD_ACCESS_TOKEN", "./.mincloudrc", "~/.mincloudrc"]
    for weaker in sources[sources.index(place) :]:
        token = user.emulator.access_token if weaker == place else "not-this-one"
        if weaker == "MINCLOUD_ACCESS_TOKEN":
            user.set(MINCLOUD_ACCESS_TOKEN=token)
        else:
            folder = user.work if weaker.startswith("./") else user.home
            (folder / ".mincloudrc").write_text(f"client_id = me\ntokens = me:{token}\n")
    document = user.done("whoami", "--json").document
    assert document["source"].endswith(place.lstrip("./~"))
    assert document["accepted"] is True
    with MinCloud() as cloud:
        assert cloud.credentials.token() == user.emulator.access_token


def test_whoami_with_a_token_that_is_not_accepted_ends_with_3(program: Program) -> None:
    program.set(MINCLOUD_ACCESS_TOKEN="expired-token")
    ended = program("whoami", "--json")
    assert (ended.status, ended.document["accepted"]) == (3, False)
    assert "expired-token" not in ended.out + ended.err
    assert "the service does not accept these credentials: `mincloud-py login`" in ended.line
