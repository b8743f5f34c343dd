"""Exit statuses, and the message for each error that a user can meet."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .. import errors
from .._logins import THIS_MACHINE

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = "mincloud-py"

DONE = 0
FAILED = 1
WRONG_USAGE = 2
NOT_ALLOWED = 3
NOT_FOUND = 4
SERVICE_FAILED = 5
AMBIGUOUS = 6
INTERRUPTED = 130

MEANINGS = (
    (DONE, "done"),
    (FAILED, "the function or job failed"),
    (WRONG_USAGE, "wrong usage, or a local file that cannot be used"),
    (NOT_ALLOWED, "not logged in or not allowed"),
    (NOT_FOUND, "not found"),
    (SERVICE_FAILED, "the service or the network failed"),
    (AMBIGUOUS, "which job is the call's cannot be told"),
    (INTERRUPTED, "interrupted, or declined when asked"),
)

# The `kind` of a CommandError in JSON, by its exit status; the kind of any other error is the name of its class.
_KINDS = {
    WRONG_USAGE: "WrongUsage",
    NOT_ALLOWED: "NotAllowed",
    NOT_FOUND: "NotFound",
    SERVICE_FAILED: "ServiceFailed",
    FAILED: "Failed",
}

HOW_TO_LOG_IN = (
    "`mincloud-py login`, or set MINCLOUD_ACCESS_TOKEN, or MINCLOUD_CLIENT_ID with MINCLOUD_CLIENT_SECRET; "
    "without the service, `mincloud-py emulator` prints what to set"
)

# Python calls these unprintable, but they do no harm in a terminal.
_HARMLESS = "\n\t\u00a0\u3000"


class CommandError(Exception):
    """An error that ends a command.

    Args:
        message: One line that says what to do.
        status: The exit status.
        details: Further lines, as a line of code with a caret under it.
        program: The prefix of the message: the program's name, alone or with a command.
    """

    def __init__(
        self,
        message: str,
        status: int = WRONG_USAGE,
        *,
        details: Sequence[str] = (),
        program: str = PROGRAM,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.details = list(details)
        self.program = program


def error_document(error: Exception, message: str) -> dict[str, Any]:
    """An error as JSON.

    Args:
        error: The error.
        message: The message that people see.
    """
    if not isinstance(error, CommandError):
        return {"error": {"kind": type(error).__name__, "message": message, **error_fields(error)}}
    details = {"details": error.details} if error.details else {}
    kind = _KINDS.get(error.status, type(error).__name__)
    return {"error": {"kind": kind, "message": message, **details, **error_fields(error.__cause__)}}


def error_fields(error: BaseException | None) -> dict[str, Any]:
    """The fields of a client's error for JSON: the HTTP status, or what the function raised."""
    match error:
        case errors.FunctionError():
            found = {"code": error.code, "type": error.type, "reason": error.message, "stack": error.stack}
        case errors.APIError():
            found = {"status": error.status}
        case _:
            found = {}
    return {key: value for key, value in found.items() if value is not None}


def suggested(*words: str) -> str:
    """A command line of this program to paste into a shell, in backquotes."""
    return f"`{shlex.join([PROGRAM, *words])}`"


def printable(text: str) -> str:
    """A text on one line, with control characters escaped."""
    return escaped(" ".join(text.split()))


def escaped(text: str) -> str:
    """A text with control and bidirectional characters escaped; line ends and tabulators stay."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in _HARMLESS
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def describe_error(error: Exception, *, command: str = "", name: str = "") -> tuple[int, str]:
    """The exit status and the message for an error that a user can meet.

    Args:
        error: A `MinCloudError`, a `CommandError`, a `ValueError` of an argument, or an `OSError`.
        command: The command that failed.
        name: The function that the command is about; empty if it is about none.
    """
    match error:
        case CommandError():
            return error.status, str(error)
        case errors.FunctionError() if command == "invoke" and _is_out_of_time(error):
            return (
                FAILED,
                f"{error}: a call that is waited for has 5 s; {suggested('trigger', name, '--wait')} gives it 300 s",
            )
        case errors.AmbiguousJob():
            return AMBIGUOUS, str(error)
        case errors.FunctionError() | errors.JobError():
            return FAILED, str(error)
        case errors.MissingCredentials():
            from .._configuration import WAYS_TO_GIVE_CREDENTIALS  # noqa: PLC0415 - the client has loaded it

            # The ways are those of a Python program; the command line has its own.
            reason = (
                str(error).removesuffix(WAYS_TO_GIVE_CREDENTIALS).removesuffix("log in again, or ").removesuffix(": ")
            )
            shown = "" if reason == "no credentials" else f"{reason}: "
            return NOT_ALLOWED, f"not logged in: {shown}{HOW_TO_LOG_IN}"
        case errors.NotFound() if name:
            return NOT_FOUND, f"there is no function {name!r}: `mincloud-py list` shows those there are"
        case errors.NotFound():
            return NOT_FOUND, f"the service knows no such address: check the base URL ({error})"
        case errors.Unauthorized() if error.attempts and error.attempts[-1].operation in (
            "authorize",
            "createAccessToken",
        ):
            return NOT_ALLOWED, (
                "the service does not accept the client_id and client_secret: correct MINCLOUD_CLIENT_ID and MINCLOUD_CLIENT_SECRET, or "
                "unset them to use the login"
            )
        case errors.Unauthorized():
            return NOT_ALLOWED, (
                "the service does not accept the access token: `mincloud-py login` obtains another, `mincloud-py whoami` says where "
                "this one comes from"
            )
        case errors.Forbidden():
            return NOT_ALLOWED, f"not allowed: {error}: use the application that may, with `mincloud-py login`"
        case errors.PaymentRequired():
            return NOT_ALLOWED, f"the application is in arrears: pay first ({error})"
        case errors.RateLimited():
            after = "later" if error.retry_after is None else f"in {error.retry_after:g} s"
            return SERVICE_FAILED, f"too many requests: try again {after} ({error})"
        case errors.ServerError():
            return SERVICE_FAILED, f"the service failed: {error}: try again later"
        case errors.APIError():
            return SERVICE_FAILED, f"the service refused: {error}"
        case errors.InvalidResponse():
            return SERVICE_FAILED, f"{error}: check the base URL"
        case errors.TransportError() if error.may_have_run and command in ("invoke", "trigger", "debug"):
            return SERVICE_FAILED, (
                f"{error}: the function may have run, so it is not called again; {suggested('jobs', name)} shows its calls"
            )
        case errors.ConnectionFailed() if urlsplit(error.url).hostname in THIS_MACHINE:
            return SERVICE_FAILED, f"{error}: start the emulator with `mincloud-py emulator`, or check the base URL"
        case errors.TransportError():
            return SERVICE_FAILED, f"{error}: check the network and the base URL, then try again"
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            return WRONG_USAGE, f"{place}{error.strerror or error}"
        case _:
            return WRONG_USAGE, str(error)


def _is_out_of_time(error: errors.FunctionError) -> bool:
    """Whether the service ended a function at its time limit: its message says so, and there is no stack."""
    text = f"{error.type or ''} {error.message or ''}".lower()
    return not error.stack and any(words in text for words in ("time limit", "timeout", "timed out", "超时"))


def summary_of_meanings() -> str:
    """The list of exit statuses at the end of each help text."""
    width = max(len(str(status)) for status, _ in MEANINGS)
    return "\n".join(f"  {status:>{width}}  {meaning}" for status, meaning in MEANINGS)
