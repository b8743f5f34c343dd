"""The options and credentials of a client, from its arguments, the environment and the Node tool's login.

The constructor's arguments win over the environment, the environment over `./.mincloudrc`, that over `~/.mincloudrc`.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass, replace
from enum import Enum
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ._logins import DEFAULT_BASE_URL, current_login, other_login
from ._redaction import Secret
from .errors import ConfigurationError, MissingCredentials
from .transports import MAX_RESPONSE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._models import Attempt

# A synchronous call may take 5 s and wait 2 s to be scheduled; the rest is for slow networks.
DEFAULT_TIMEOUT = 30.0
DEFAULT_MAX_RETRIES = 2

WAYS_TO_GIVE_CREDENTIALS = (
    "pass access_token= or client_id= with client_secret=, set MINCLOUD_ACCESS_TOKEN or MINCLOUD_CLIENT_ID with "
    "MINCLOUD_CLIENT_SECRET, or log in so that ./.mincloudrc or ~/.mincloudrc holds a token; to try without the service, "
    "`mincloud-py emulator` prints the variables to set"
)


class NotGiven(Enum):
    """The type of `NOT_GIVEN`, the default of arguments for which None means something."""

    NOT_GIVEN = "NOT_GIVEN"

    def __repr__(self) -> str:
        return self.value


NOT_GIVEN: Final = NotGiven.NOT_GIVEN


@dataclass(frozen=True, slots=True)
class Secrets:
    """The credentials of a client: an access token, or an application's id and secret, or both."""

    access_token: Secret | None = None
    client_id: str | None = None
    client_secret: Secret | None = None

    @classmethod
    def given(cls, access_token: str | None, client_id: str | None, client_secret: str | None) -> Secrets:
        """The arguments of a client, unchecked, so that its frames do not show them."""
        return cls(
            None if access_token is None else Secret(access_token),
            client_id,
            None if client_secret is None else Secret(client_secret),
        )


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a client, none of them secret."""

    base_url: str = DEFAULT_BASE_URL
    environment: str | None = None
    timeout: float = DEFAULT_TIMEOUT
    max_retries: int = DEFAULT_MAX_RETRIES
    default: Callable[[Any], Any] | None = None
    requests_per_minute: int | None = None
    on_attempt: Callable[[Attempt], object] | None = None
    max_response_bytes: int = MAX_RESPONSE_BYTES

    @property
    def server_and_environment(self) -> str:
        """For representations."""
        return self.base_url if self.environment is None else f"{self.base_url}, environment {self.environment}"

    def changed(self, **changes: Any) -> Options:
        """Returns a copy with other values, checked.

        Args:
            **changes: The values by their names. `NOT_GIVEN` changes nothing, nor does None where it is no value of the option.

        Raises:
            ConfigurationError: A value is impossible.
        """
        given = {
            name: value
            for name, value in changes.items()
            if value is not NOT_GIVEN and (value is not None or name not in _NEVER_NONE)
        }
        return _checked_options(replace(self, **given))


_NEVER_NONE = ("base_url", "max_retries", "max_response_bytes")


def checked_timeout(timeout: object) -> float:
    """Checks a timeout in seconds; None and an infinite one are no limit."""
    if timeout is None:
        return math.inf
    # A comparison, since an integer too large for a float cannot be asked whether it is NaN.
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
        raise ConfigurationError(f"timeout must be a number of seconds above 0, not {timeout!r}")
    try:
        return float(timeout)
    except OverflowError:
        return math.inf


def _checked_options(options: Options) -> Options:
    """Checks options and normalises the base URL."""
    _check_integer("max_retries", options.max_retries, 0)
    _check_integer("max_response_bytes", options.max_response_bytes, 1)
    if options.requests_per_minute is not None:
        _check_integer("requests_per_minute", options.requests_per_minute, 1, ", or None for no limit")
    if options.on_attempt is not None and not _is_plain_function(options.on_attempt):
        raise ConfigurationError(
            f"on_attempt must be a plain function that takes an Attempt, not {options.on_attempt!r}"
        )
    if options.default is not None and not callable(options.default):
        raise ConfigurationError(f"default must be a function, as for json.dumps, not {options.default!r}")
    if options.environment is not None:
        check_header_value("environment", options.environment)
    return replace(options, base_url=_checked_base_url(options.base_url), timeout=checked_timeout(options.timeout))


def _is_plain_function(value: object) -> bool:
    return callable(value) and not iscoroutinefunction(value) and not iscoroutinefunction(type(value).__call__)


def _check_integer(name: str, value: object, least: int, alternative: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{name} must be an integer of {least} or more{alternative}, not {value!r}")


def check_header_value(name: str, value: object) -> None:
    """Checks that a value can stand in a header; the error does not show it."""
    if problem := header_problem(name, value):
        raise ConfigurationError(problem)


def header_problem(name: str, value: object) -> str | None:
    """Says why something cannot be the value of a header, without showing it; None if it can."""
    text: object = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str):
        return f"{name} must be a string, not {type(text).__name__}"
    if not text:
        return f"{name} must not be empty"
    if not all("!" <= character <= "~" for character in text):
        return f"{name} must be printable ASCII without blanks or line breaks; look for a stray line end where it comes from"
    return None


def _checked_base_url(base_url: object) -> str:
    if not isinstance(base_url, str):
        raise ConfigurationError(f"base_url must be a string, not {type(base_url).__name__}")
    advice = f"base_url must look like {DEFAULT_BASE_URL} or http://127.0.0.1:8900"
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"{advice}: {error}") from None
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(f"{advice}, without a user name or password in it")
    printable = all("!" <= character <= "~" for character in base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not printable or port == 0:
        raise ConfigurationError(f"{advice}, not {base_url!r}")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{advice}, without a query or fragment in it")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def resolve_options(**given: Any) -> Options:
    """Resolves the options from a client's arguments, see `Options.changed`, and the environment."""
    from_environment = Options(
        base_url=os.environ.get("MINCLOUD_BASE_URL") or DEFAULT_BASE_URL,
        environment=os.environ.get("MINCLOUD_ENVIRONMENT") or None,
    )
    return from_environment.changed(**given)


def resolve_secrets(given: Secrets, base_url: str) -> Secrets:
    """Resolves the credentials from arguments, environment and the Node tool's login to a server.

    Raises:
        MissingCredentials: There are none, or they are incomplete.
        ConfigurationError: They cannot be read, or cannot stand in a header.
    """
    secrets = _from_arguments(given) or _from_environment() or _from_login(base_url)
    if secrets is None:
        elsewhere = other_login(base_url)
        about = f" for {base_url} (the login in {elsewhere} is of another server)" if elsewhere is not None else ""
        raise MissingCredentials(f"no credentials{about}: {WAYS_TO_GIVE_CREDENTIALS}")
    return secrets


def _from_arguments(given: Secrets) -> Secrets | None:
    if given == Secrets():
        return None
    if given.access_token is not None:
        check_header_value("access_token", given.access_token)
        return given
    # One may be an argument while the other, usually the secret, comes from the environment.
    return _application(
        given.client_id if given.client_id is not None else os.environ.get("MINCLOUD_CLIENT_ID") or None,
        given.client_secret if given.client_secret is not None else _secret_variable("MINCLOUD_CLIENT_SECRET"),
        "client_id",
        "client_secret",
    )


def _from_environment() -> Secrets | None:
    access_token = _secret_variable("MINCLOUD_ACCESS_TOKEN")
    client_id = os.environ.get("MINCLOUD_CLIENT_ID") or None
    client_secret = _secret_variable("MINCLOUD_CLIENT_SECRET")
    if access_token is not None:
        check_header_value("MINCLOUD_ACCESS_TOKEN", access_token)
        return Secrets(access_token, client_id, client_secret)
    if client_id is None and client_secret is None:
        return None
    return _application(client_id, client_secret, "MINCLOUD_CLIENT_ID", "MINCLOUD_CLIENT_SECRET")


def _secret_variable(name: str) -> Secret | None:
    value = os.environ.get(name)
    return Secret(value) if value else None


def _application(client_id: str | None, secret: Secret | None, id_name: str, secret_name: str) -> Secrets:
    for value, name, other in ((client_id, id_name, secret_name), (secret, secret_name, id_name)):
        if value is None:
            raise MissingCredentials(f"{other} is given without {name}: give both, or an access token")
        if problem := _credential_problem(name, value):
            raise ConfigurationError(problem)
    return Secrets(None, client_id, secret)


def _credential_problem(name: str, value: object) -> str | None:
    text: object = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str) or not text:
        return f"{name} must be a string that is not empty"
    if any(c < " " or "\x7f" <= c <= "\x9f" or "\ud800" <= c <= "\udfff" for c in text):
        return f"{name} must be text without control characters; look for a stray line end where it comes from"
    return None


def _from_login(base_url: str) -> Secrets | None:
    login = current_login(base_url)
    if login is None:
        return None
    if login.token is None:
        raise MissingCredentials(
            f"{login.chosen_in} has no token for its client_id {login.client_id}: log in again, or {WAYS_TO_GIVE_CREDENTIALS}"
        )
    token = Secret(login.token)
    check_header_value(f"the token of {login.client_id} in {login.kept_in}", token)
    return Secrets(token, login.client_id)
