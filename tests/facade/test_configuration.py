"""Where a client takes its settings from, and what it refuses before it sends anything."""

from __future__ import annotations

import inspect
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from mincloud import AsyncMinCloud, ConfigurationError, MinCloud, MissingCredentials
from mincloud._configuration import NOT_GIVEN, Secrets, resolve_options, resolve_secrets
from mincloud._logins import DEFAULT_BASE_URL
from mincloud._redaction import Secret

BOTH = pytest.mark.parametrize("kind", [MinCloud, AsyncMinCloud])
Kind = type[MinCloud] | type[AsyncMinCloud]


def secrets(base_url: str = DEFAULT_BASE_URL, **arguments: str) -> tuple[str | None, str | None, str | None]:
    given = [arguments.get(name) for name in ("access_token", "client_id", "client_secret")]
    found = resolve_secrets(Secrets.given(*given), base_url)
    token, secret = found.access_token, found.client_secret
    return token.reveal() if token else None, found.client_id, secret.reveal() if secret else None


def login(folder: Path, text: str | bytes) -> Path:
    path = folder / ".mincloudrc"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home directory that is not the working directory."""
    path = tmp_path / "home"
    path.mkdir()
    monkeypatch.setenv("HOME", str(path))
    return path


# Credentials


@BOTH
def test_without_credentials_the_error_names_the_ways_to_give_some(kind: Kind) -> None:
    with pytest.raises(MissingCredentials) as caught:
        kind()
    message = str(caught.value)
    for way in ("access_token=", "client_id=", "MINCLOUD_ACCESS_TOKEN", "MINCLOUD_CLIENT_SECRET", "~/.mincloudrc"):
        assert way in message
    assert "\n" not in message


def test_arguments_win_over_the_environment_that_over_the_logins(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    login(home, "client_id = at-home\ntokens = at-home:token-at-home")
    assert secrets() == ("token-at-home", "at-home", None)
    login(Path.cwd(), "client_id = here\ntokens = here:token-here")
    assert secrets() == ("token-here", "here", None)
    monkeypatch.setenv("MINCLOUD_CLIENT_ID", "id-of-environment")
    monkeypatch.setenv("MINCLOUD_CLIENT_SECRET", "secret-of-environment")
    assert secrets() == (None, "id-of-environment", "secret-of-environment")
    monkeypatch.setenv("MINCLOUD_ACCESS_TOKEN", "token-of-environment")
    assert secrets()[0] == "token-of-environment"
    assert secrets(access_token="token-of-argument") == ("token-of-argument", None, None)


def test_an_id_with_a_secret_as_arguments_wins_over_a_token_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINCLOUD_ACCESS_TOKEN", "token-of-environment")
    assert secrets(client_id="an-id", client_secret="a-secret") == (None, "an-id", "a-secret")


def test_an_id_as_argument_takes_its_secret_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINCLOUD_CLIENT_SECRET", "secret-of-environment")
    assert secrets(client_id="an-id") == (None, "an-id", "secret-of-environment")


@pytest.mark.parametrize("name", ["ACCESS_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "ENVIRONMENT", "BASE_URL"])
def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"MINCLOUD_{name}", "")
    with pytest.raises(ConfigurationError, match="no credentials"):
        MinCloud()
    assert repr(MinCloud(access_token="x")) == "MinCloud(base_url='https://cloud.minapp.com')"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"client_id": "x"}, "client_id is given without client_secret"),
        ({"client_secret": "x"}, "client_secret is given without client_id"),
        ({"client_id": "", "client_secret": "x"}, "client_id must be a string that is not empty"),
        ({"client_id": "x", "client_secret": ""}, "client_secret must be a string that is not empty"),
        ({"client_id": 7, "client_secret": "x"}, "client_id must be a string"),
        ({"client_id": "x", "client_secret": "half\nsecret"}, "client_secret must be text without control characters"),
        ({"client_id": "x", "client_secret": "\udcff-secret"}, "client_secret must be text without control characters"),
        ({"access_token": ""}, "access_token must not be empty"),
        ({"access_token": b"x"}, "access_token must be a string, not bytes"),
        ({"access_token": "half\nsecret"}, "access_token must be printable ASCII without blanks or line breaks"),
        ({"access_token": "half\r\nX-Evil: secret"}, "access_token must be printable ASCII"),
        ({"access_token": "half secret"}, "access_token must be printable ASCII"),
        ({"access_token": "halb-gehe\u0131m-secret"}, "access_token must be printable ASCII"),
    ],
)
@BOTH
def test_credentials_that_cannot_be_used_are_refused_and_not_shown(
    kind: Kind, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        kind(**arguments)
    assert "secret" not in str(caught.value).replace("client_secret", "").replace("CLIENT_SECRET", "")


def test_half_of_an_application_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINCLOUD_CLIENT_ID", "x")
    with pytest.raises(ConfigurationError, match="MINCLOUD_CLIENT_ID is given without MINCLOUD_CLIENT_SECRET"):
        MinCloud()


def test_a_token_in_the_environment_with_a_line_break_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINCLOUD_ACCESS_TOKEN", "a-token\n")
    with pytest.raises(
        ConfigurationError, match=r"MINCLOUD_ACCESS_TOKEN must be .* look for a stray line end"
    ) as caught:
        MinCloud()
    assert "a-token" not in str(caught.value)


# The login of the Node tool


@pytest.mark.parametrize(
    "text",
    [
        "client_id = me\ntokens = me:the-token",
        "client_id=me\ntokens=other:no,me:the-token",
        "tokens = me:the-token , other:no\nclient_id = me\n",
        b"\xef\xbb\xbfclient_id = me\r\ntokens = me:the-token\r\n",
        "; a comment\n# another\n\nclient_id = me\ntokens = me:the-token\n[section]\nclient_id = you",
        "client_id = me ; who\ntokens = me:the-token # and how",
        "client_id = \"me\"\ntokens = 'me:the-token'",
        "  client_id   =   me  \n  tokens =me:the-token\nflag\n",
    ],
)
def test_the_login_is_read_as_the_node_tool_writes_it(text: str | bytes) -> None:
    login(Path.cwd(), text)
    assert secrets() == ("the-token", "me", None)


def test_a_file_without_a_login_is_passed_over(home: Path) -> None:
    login(Path.cwd(), "environment = x\n")
    login(home, "client_id = me\ntokens = me:token-at-home")
    assert secrets()[0] == "token-at-home"


def test_a_folder_chooses_the_application_whose_token_is_kept_at_home(home: Path) -> None:
    """What the Node tool's `login --local` leaves behind."""
    login(Path.cwd(), "client_id = me\n")
    login(home, "client_id = other\ntokens = other:no,me:token-at-home\n")
    assert secrets() == ("token-at-home", "me", None)


@pytest.mark.parametrize("tokens", ["", "tokens =", "tokens = other:no", "tokens = me:", "tokens = me"])
def test_a_login_without_a_token_for_its_client_is_an_error_that_names_the_file(home: Path, tokens: str) -> None:
    path = login(home, f"client_id = me\n{tokens}\n")
    with pytest.raises(
        MissingCredentials, match=f"{path} has no token for its client_id me: log in again, or pass"
    ) as caught:
        secrets()
    assert "\n" not in str(caught.value)


def test_a_login_that_cannot_be_read_is_an_error_that_names_the_file(home: Path) -> None:
    path = login(home, b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=f"cannot read {path}: it is not UTF-8"):
        secrets()
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigurationError, match=f"cannot read {path}: Is a directory"):
        secrets()


def test_a_login_with_a_token_that_cannot_stand_in_a_header_is_an_error_that_names_the_file(home: Path) -> None:
    path = login(home, "client_id = me\ntokens = me:half of-a-token")
    with pytest.raises(ConfigurationError, match=f"the token of me in {path} must be printable ASCII") as caught:
        secrets()
    assert "of-a-token" not in str(caught.value)


def test_a_working_directory_that_is_gone_does_not_matter(
    monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path
) -> None:
    login(home, "client_id = me\ntokens = me:token-at-home")
    gone = tmp_path / "gone"
    gone.mkdir()
    before = Path.cwd()
    os.chdir(gone)
    gone.rmdir()
    try:
        assert secrets()[0] == "token-at-home"
    finally:
        os.chdir(before)


# Options


@BOTH
@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("timeout", -1, "timeout must be a number of seconds above 0, not -1"),
        ("timeout", 0, "timeout must be a number of seconds above 0"),
        ("timeout", float("nan"), "timeout must be a number of seconds above 0, not nan"),
        ("timeout", "5", "timeout must be a number of seconds above 0, not '5'"),
        ("timeout", True, "timeout must be a number of seconds"),
        ("timeout", -(10**400), "timeout must be a number of seconds"),
        ("max_retries", -1, "max_retries must be an integer of 0 or more, not -1"),
        ("max_retries", 1.5, "max_retries must be an integer of 0 or more"),
        ("max_retries", True, "max_retries must be an integer"),
        ("max_retries", "2", "max_retries must be an integer"),
        ("default", "str", "default must be a function, as for json.dumps, not 'str'"),
        ("environment", "", "environment must not be empty"),
        ("environment", "a\nb", "environment must be printable ASCII without blanks or line breaks"),
        ("environment", "a b", "environment must be printable ASCII"),
        ("environment", "测试", "environment must be printable ASCII"),
        ("environment", 7, "environment must be a string, not int"),
        ("base_url", "", "base_url must look like https://cloud.minapp.com"),
        ("base_url", "cloud.minapp.com", "base_url must look like"),
        ("base_url", "ftp://cloud.minapp.com", "base_url must look like"),
        ("base_url", "http://", "base_url must look like"),
        ("base_url", "http://[", "base_url must look like"),
        ("base_url", "http://a:99999", "base_url must look like"),
        ("base_url", "http://a:x", "base_url must look like"),
        ("base_url", "http://a b", "base_url must look like"),
        ("base_url", "http://a\nb", "base_url must look like"),
        ("base_url", "http://a/?x=1", "without a query or fragment in it"),
        ("base_url", "http://a/#x", "without a query or fragment in it"),
        ("base_url", "http://user:password@a", "without a user name or password in it"),
        ("base_url", b"http://a", "base_url must be a string, not bytes"),
    ],
)
def test_an_impossible_option_is_refused_at_once(kind: Kind, option: str, value: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        kind(access_token="x", **{option: value})
    assert message in str(caught.value)
    assert "user:password" not in str(caught.value)
    assert "\n" not in str(caught.value)
    if option != "base_url":
        with pytest.raises(ConfigurationError):
            kind(access_token="x").with_options(**{option: value})


@pytest.mark.parametrize("timeout", [-1, 0, float("nan"), "5", True])
def test_an_impossible_timeout_of_a_call_is_refused_before_it_is_sent(timeout: Any) -> None:
    cloud = MinCloud(access_token="x", base_url="http://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match="timeout must be a number of seconds above 0"):
        cloud.functions.invoke("greet", timeout=timeout)


def test_options_come_from_the_environment_unless_they_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINCLOUD_BASE_URL", "http://127.0.0.1:8900/api/")
    monkeypatch.setenv("MINCLOUD_ENVIRONMENT", "from-outside")
    options = resolve_options(base_url=None, environment=NOT_GIVEN, timeout=NOT_GIVEN, max_retries=None)
    assert (options.base_url, options.environment) == ("http://127.0.0.1:8900/api", "from-outside")
    given = MinCloud(access_token="x", base_url="http://[::1]:1/", environment="e")
    assert repr(given) == "MinCloud(base_url='http://[::1]:1', environment='e')"


def test_the_default_timeout_lets_a_long_call_through() -> None:
    options = resolve_options(base_url=None, environment=NOT_GIVEN, timeout=NOT_GIVEN, max_retries=None)
    assert options.timeout >= 7  # 5 s to run, 2 s to be scheduled


@BOTH
def test_no_environment_is_production_whatever_the_variable_says(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINCLOUD_ENVIRONMENT", "staging")
    options: dict[str, Any] = {"access_token": "x", "base_url": "http://127.0.0.1:9"}
    staging, production = kind(**options), kind(**options, environment=None)
    assert pipeline_of(staging).options.environment == "staging"
    assert pipeline_of(production).options.environment is None
    assert pipeline_of(production.with_options(timeout=5)).options.environment is None
    assert pipeline_of(staging.with_options(timeout=5)).options.environment == "staging"
    assert pipeline_of(staging.with_options(environment=None)).options.environment is None
    monkeypatch.setenv("MINCLOUD_ACCESS_TOKEN", "x")
    assert pipeline_of(pickle.loads(pickle.dumps(production))).options.environment is None


@BOTH
def test_no_timeout_is_no_limit_and_one_that_is_not_given_is_the_default(kind: Kind) -> None:
    options: dict[str, Any] = {"access_token": "x", "base_url": "http://127.0.0.1:9"}
    assert pipeline_of(kind(**options)).options.timeout == 30
    assert pipeline_of(kind(**options, timeout=None)).options.timeout == float("inf")
    assert pipeline_of(kind(**options, timeout=5).with_options(timeout=None)).options.timeout == float("inf")
    assert pipeline_of(kind(**options, timeout=5).with_options(environment="e")).options.timeout == 5


def test_an_argument_that_is_not_given_shows_as_such_in_help() -> None:
    assert "environment: 'str | NotGiven | None' = NOT_GIVEN" in str(inspect.signature(MinCloud))


@BOTH
def test_a_pickled_client_keeps_its_options_and_takes_the_credentials_of_where_it_is_loaded(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud: Any = kind(
        client_id="an-id", client_secret="the-client-secret", base_url="http://127.0.0.1:9", timeout=7, max_retries=5
    )
    pickled = pickle.dumps(cloud)
    assert b"the-client-secret" not in pickled
    with pytest.raises(ConfigurationError, match="no credentials"):
        pickle.loads(pickled)
    monkeypatch.setenv("MINCLOUD_ACCESS_TOKEN", "token-of-there")
    again = pickle.loads(pickled)
    assert type(again) is kind
    assert pipeline_of(again).options == pipeline_of(cloud).options
    assert pipeline_of(again).sender.known_secrets.all() == [Secret("token-of-there")]


def pipeline_of(cloud: Any) -> Any:
    return cloud._pipeline
