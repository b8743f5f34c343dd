"""The commands `login`, `logout` and `whoami`, and the login file that the Node tool shares."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from mincloud import MinCloud
from mincloud_emulator import Emulator

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
def user(program: Program, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A user without a login, whose service is the emulator, and whose variables hold the application's id and secret."""
    monkeypatch.setattr("mincloud._logins.DEFAULT_BASE_URL", program.emulator.url)
    program.logged_out()
    program.set(MINCLOUD_CLIENT_ID=program.emulator.client_id, MINCLOUD_CLIENT_SECRET=program.emulator.client_secret)
    return program


def _rc(program: Program) -> Path:
    return program.home / ".mincloudrc"


def _logged_in(program: Program) -> str:
    """Logs in with the variables and unsets them; returns the token."""
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
    assert ended.out == f"logged in as {user.emulator.client_id} at {user.host}; the token is kept in {_rc(user)}\n"
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
    assert (again.status, again.line) == (
        3,
        f"mincloud-py: nobody is logged in at {user.host}: there is nothing to forget\n",
    )
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
    assert ended.document == {"client_id": emulator.client_id, "base_url": emulator.url, "file": str(_rc(program))}


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
    assert rows[:2] == [["application", f"{client_id}, by {here}"], ["credentials", str(_rc(user))]]
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


def test_a_login_is_used_for_its_server_alone_and_several_stand_side_by_side(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.logged_out()
    with Emulator(client_id="demo", client_secret="s") as one, Emulator(client_id="demo", client_secret="s") as other:
        for emulator in (one, other):
            program.done(*("--base-url", emulator.url, "login", "--client-id", "demo", "--insecure-client-secret", "s"))
        for emulator in (one, other, one):
            document = program.done("whoami", "--json", "--base-url", emulator.url).document
            assert (document["accepted"], document["client_id"]) == (True, "demo")
        content = _rc(program).read_text()
        assert content.startswith(f"[{one.url}]\nclient_id = demo\ntokens = demo:")
        assert f"\n\n[{other.url}]\nclient_id = demo\ntokens = demo:" in content
        monkeypatch.delenv("MINCLOUD_BASE_URL")  # the service itself
        ended = program("whoami")
        assert (ended.status, "not logged in" in ended.line) == (3, True)
        assert f"(the login in {_rc(program)} is of another server)" in ended.line
        program.done("--base-url", one.url, "logout")
        assert program("whoami", "--base-url", one.url).status == 3
        assert program("whoami", "--base-url", other.url).status == 0


def test_the_login_to_the_service_is_offered_to_no_server_but_one_on_this_machine(program: Program) -> None:
    program.logged_out()
    _rc(program).write_text(f"client_id = me\ntokens = me:{program.emulator.access_token}\n")
    assert program("list").status == 0  # the Node tool keeps its login to an emulator there
    ended = program("list", "--base-url", "http://gateway.invalid")
    assert (ended.status, "not logged in: no credentials for http://gateway.invalid " in ended.line) == (3, True)
    assert f"(the login in {_rc(program)} is of another server)" in ended.line


def test_the_node_tool_leaves_logins_to_other_servers_and_names_alone(user: Program) -> None:
    kept = "environments=staging:5d2a4a3f,qa:77"
    _rc(user).write_text(f"{kept}\n\n[http://127.0.0.1:8900]\nclient_id=demo\ntokens=demo:t\n")
    _node_tool(user, "login", user.emulator.client_id, user.emulator.client_secret)
    content = _rc(user).read_text()
    assert kept in content
    assert "[http://127.0.0.1:8900]\nclient_id=demo\ntokens=demo:t\n" in content


@pytest.mark.timeout(120)
def test_logins_at_the_same_time_lose_none(program: Program) -> None:
    program.logged_out()
    with contextlib.ExitStack() as stack:
        emulators = [stack.enter_context(Emulator()) for _ in range(6)]
        processes = [
            program.start(
                *("login", "--base-url", emulator.url, "--client-id", emulator.client_id),
                *("--insecure-client-secret", emulator.client_secret),
            )
            for emulator in emulators
        ]
        assert [process.communicate(timeout=60)[1] for process in processes] == [b""] * 6
        content = _rc(program).read_text()
        assert [emulator.url for emulator in emulators if f"[{emulator.url}]\n" not in content] == []


def test_a_login_waits_for_another_that_is_being_written(tmp_path: Path) -> None:
    from mincloud.cli.login_file import LoginFile

    path = tmp_path / ".mincloudrc"

    def log_in(client_id: str) -> None:
        with LoginFile.locked(path) as file:
            time.sleep(0.01)  # so that whoever does not wait reads the same
            file.with_token(client_id, "t").write()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(log_in, "abcdefgh"))
    assert sorted(LoginFile.read(path).tokens) == list("abcdefgh")


@pytest.mark.parametrize("kind", ["a FIFO", "a device", "100 MB"])
def test_what_is_no_login_file_is_one_line_at_once(program: Program, kind: str) -> None:
    program.logged_out()
    path = _rc(program)
    if kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    else:
        with path.open("wb") as file:
            file.truncate(100 * 1024 * 1024)
    said = "it is larger than 1 MB, which no login file is" if kind == "100 MB" else "it is no regular file"
    for words in (["list"], ["login"], ["whoami"], ["-e", "staging", "list"]):
        ended = program(*words)
        assert (ended.status, ended.line) == (2, f"mincloud-py: cannot read {path}: {said}; move it away\n")


def test_whoever_is_not_logged_in_hears_of_the_emulator(program: Program) -> None:
    program.logged_out()
    assert program("list").line.endswith("; without the service, `mincloud-py emulator` prints what to set\n")


def test_after_logout_it_is_said_once_how_to_log_in(user: Program) -> None:
    _logged_in(user)
    user.done("logout")
    assert user("list").line == (
        f"mincloud-py: not logged in: {_rc(user)} has no token for its client_id {user.emulator.client_id}: "
        "`mincloud-py login`, or set MINCLOUD_ACCESS_TOKEN, or MINCLOUD_CLIENT_ID with MINCLOUD_CLIENT_SECRET; "
        "without the service, `mincloud-py emulator` prints what to set\n"
    )


def test_whoami_with_a_token_that_is_not_accepted_ends_with_3(program: Program) -> None:
    program.set(MINCLOUD_ACCESS_TOKEN="expired-token")
    ended = program("whoami", "--json")
    assert (ended.status, ended.document["accepted"]) == (3, False)
    assert "expired-token" not in ended.out + ended.err
    assert "the service does not accept these credentials: `mincloud-py login`" in ended.error["message"]
