"""How each command ends: the exit statuses, and the one line that says what went wrong and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..errors import FunctionError

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

# What an error of this program is called in JSON; one of the client has the name of its class.
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

# Blanks that Python takes for unprintable, and no terminal obeys.
_BLANKS = "\n\t\u00a0\u3000"


class CommandError(Exception):
    """What a command says before it ends without having done what was asked.

    Args:
        message: One line that says what to do.
        status: The exit status.
        details: Lines that show more, as a line of code with a caret under it.
        program: What says it: this program, or one of its commands.
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
    """An error for programs: its kind, the message, and of a function's own error what `batch` writes as well.

    Args:
        error: The error.
        message: What is said of it.
    """
    kind = _KINDS.get(error.status, type(error).__name__) if isinstance(error, CommandError) else type(error).__name__
    found: dict[str, Any] = {"kind": kind, "message": message}
    if isinstance(error, CommandError) and error.details:
        found["details"] = error.details
    found |= error_fields(error.__cause__ if isinstance(error, CommandError) else error)
    return {"error": found}


def error_fields(error: BaseException | None) -> dict[str, Any]:
    """What an error of the client has beside its message, for programs: the HTTP status, or what the function said."""
    from .. import errors  # noqa: PLC0415 - help needs no client

    match error:
        case errors.FunctionError():
            found = {"code": error.code, "type": error.type, "reason": error.message, "stack": error.stack}
        case errors.APIError():
            found = {"status": error.status}
        case _:
            found = {}
    return {key: value for key, value in found.items() if value is not None}


def printable(text: str) -> str:
    """A text on one line, without a character that a terminal would obey."""
    return escaped(" ".join(text.split()))


def escaped(text: str) -> str:
    """A text without a character that a terminal would obey, or that turns its order around; line ends and tabulators stay."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character in _BLANKS
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def describe_error(error: Exception, *, command: str = "", name: str = "") -> tuple[int, str]:
    """The exit status for an error that a user can meet, and what to say.

    Args:
        error: A `MinCloudError`, a `CommandError`, a refused argument (`ValueError`), or what the operating system said.
        command: The command that met it.
        name: The function that the command is about; empty if it is about none.
    """
    if isinstance(error, CommandError):
        return error.status, str(error)

    from urllib.parse import urlsplit  # noqa: PLC0415 - see below

    from .. import errors  # noqa: PLC0415 - an error of the client means that it is loaded
    from .._logins import THIS_MACHINE  # noqa: PLC0415 - as above

    match error:
        case errors.FunctionError() if command == "invoke" and _is_out_of_time(error):
            return (
                FAILED,
                f"{error}: a call that is waited for has 5 s; `mincloud-py trigger {name} --wait` gives it 300 s",
            )
        case errors.AmbiguousJob():
            return AMBIGUOUS, str(error)
        case errors.FunctionError() | errors.JobError():
            return FAILED, str(error)
        case errors.MissingCredentials():
            from .._configuration import WAYS_TO_GIVE_CREDENTIALS  # noqa: PLC0415 - as above

            reason = str(error).removesuffix(f": {WAYS_TO_GIVE_CREDENTIALS}")
            said = "" if reason == "no credentials" else f"{reason}: "
            return NOT_ALLOWED, f"not logged in: {said}{HOW_TO_LOG_IN}"
        case errors.ConfigurationError():
            return WRONG_USAGE, str(error)
        case errors.NotFound():
            if name:
                return NOT_FOUND, f"there is no function {name!r}: `mincloud-py list` shows those there are"
            return NOT_FOUND, f"the service knows no such address: check the base URL ({error})"
        case errors.APIError():
            return _explained_answer(error)
        case errors.InvalidResponse():
            return SERVICE_FAILED, f"{error}: check the base URL"
        case errors.TransportError():
            if error.may_have_run and command in ("invoke", "trigger", "debug"):
                return SERVICE_FAILED, (
                    f"{error}: the function may have run, so it is not called again; `mincloud-py jobs {name}` shows its calls"
                )
            if isinstance(error, errors.ConnectionFailed) and urlsplit(error.url).hostname in THIS_MACHINE:
                return SERVICE_FAILED, f"{error}: start the emulator with `mincloud-py emulator`, or check the base URL"
            return SERVICE_FAILED, f"{error}: check the network and the base URL, then try again"
        case OSError():
            place = f"{error.filename}: " if error.filename else ""
            return WRONG_USAGE, f"{place}{error.strerror or error}"
        case _:
            return WRONG_USAGE, str(error)


def _is_out_of_time(error: FunctionError) -> bool:
    """Whether a function was ended by its time limit: the service says so in words, and no line of code threw it."""
    said = f"{error.type or ''} {error.message or ''}".lower()
    return not error.stack and any(words in said for words in ("time limit", "timeout", "timed out", "超时"))


def _explained_answer(error: Exception) -> tuple[int, str]:
    from .. import errors  # noqa: PLC0415 - see above

    match error:
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
        case _:
            return SERVICE_FAILED, f"the service refused: {error}"


def summary_of_meanings() -> str:
    """The exit statuses, as each help text ends with them."""
    width = max(len(str(status)) for status, _ in MEANINGS)
    return "\n".join(f"  {status:>{width}}  {meaning}" for status, meaning in MEANINGS)
