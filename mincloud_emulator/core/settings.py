"""The settings and the limits of an emulator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import EmulatorError

if TYPE_CHECKING:
    from pathlib import Path

    from .recorded_calls import ListingLag


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The service's documented limits, and the emulator's own for HTTP; smaller ones make tests quick.

    Attributes:
        sync_seconds: How long a call with `sync` may run.
        async_seconds: How long a call without `sync` may run.
        free_concurrency: How many calls of `P_FREE` functions run at once.
        personal_concurrency: How many calls of `P_PERSONAL` functions run at once.
        sync_scheduling_seconds: How long a call with `sync` may wait until it runs.
        async_scheduling_seconds: How long a call without `sync` may wait until it runs.
        body_bytes: The largest request body.
        request_seconds: How long a client may take to send a request's head, and again its body.
    """

    sync_seconds: float = 5.0
    async_seconds: float = 300.0
    free_concurrency: int = 100
    personal_concurrency: int = 10
    sync_scheduling_seconds: float = 2.0
    async_scheduling_seconds: float = 300.0
    body_bytes: int = 16 * 1024 * 1024
    request_seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of an emulated application.

    Attributes:
        data: The data file; None to keep everything in memory.
        client_id: The application's id; if None the one in the data file, or random.
        client_secret: The application's secret; if None the one in the data file, or random.
        access_token: A first access token; if None the one in the data file, or random.
        node: The Node that runs functions, a program or a version; None for the one on the path.
        baas: A JavaScript module whose exports stand in for the parts of `BaaS` that the emulator does not have.
        strict: Whether a function that opens a socket is refused, as in the service; else its log says so.
        recorded_calls: How many of the latest calls are kept for tests to look at.
        listing_lag: After how many seconds a job is listed, or a function that returns this for a call.
        early_logs: Whether the address of a log is given as soon as its job runs.
    """

    data: Path | None = None
    client_id: str | None = None
    client_secret: str | None = None
    access_token: str | None = None
    node: str | None = None
    baas: Path | None = None
    strict: bool = False
    recorded_calls: int = 10_000
    listing_lag: ListingLag = 0.0
    early_logs: bool = False

    def __post_init__(self) -> None:
        """Checks the credentials and the module for `BaaS`.

        Raises:
            EmulatorError: If a credential can't be sent as it is, or there is no such module.
        """
        for name in ("client_id", "client_secret", "access_token"):
            value: str | None = getattr(self, name)
            if value is not None and not (value.isascii() and value.isprintable() and value and " " not in value):
                message = f"the {name} has to be printable ASCII without spaces, and not empty"
                raise EmulatorError(message)
        if self.baas is not None and not self.baas.is_file():
            message = f"there is no file {self.baas} to stand in for BaaS: name a JavaScript module"
            raise EmulatorError(message)
