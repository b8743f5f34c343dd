"""An emulated application: its functions, jobs, credentials and invocations, without HTTP."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .credentials import Credentials
from .errors import EmulatorError
from .events import Broker
from .faults import Faults
from .invocations import Invocations
from .log_addresses import LogAddresses
from .recorded_calls import CallRecorder
from .store import FINAL_STATUSES, Store
from .stubs import CODE
from .syntax_checks import SyntaxChecks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .clock import Clock
    from .events import Event
    from .limits import Limits
    from .recorded_calls import ListingLag
    from .store import Function, Job
    from .stubs import Stub


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an emulated application is made of.

    Attributes:
        data: The data file; None to keep everything in memory.
        client_id: The application's id; kept in the data file, or random.
        client_secret: The application's secret; kept in the data file, or random.
        access_token: A first access token; kept in the data file, or random.
        node: Which Node runs functions, a program or a version; the one on the path if None.
        baas: A JavaScript module whose exports stand in for what the emulator has not of `BaaS`.
        strict: Whether a function that opens a socket is refused, as in the service.
        recorded_calls: How many of the latest calls are kept for tests to look at.
        listing_lag: After how many seconds a job is listed, or what decides it for a call.
        early_logs: Whether the address of a log is given as soon as the job runs.
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
        """Checks the credentials.

        Raises:
            EmulatorError: If one can't be sent as it is.
        """
        for name in ("client_id", "client_secret", "access_token"):
            value: str | None = getattr(self, name)
            if value is not None and not (value.isascii() and value.isprintable() and value and " " not in value):
                message = f"the {name} has to be printable ASCII without spaces, and not empty"
                raise EmulatorError(message)


class Service:
    """The emulated application. Lives in one thread, the event loop's.

    Args:
        settings: What it is made of.
        clock: What time it is.
        limits: How much a call and a request may have.

    Raises:
        DataFileError: If the data file is in use, of another version, no data file, or can't be opened.
        EmulatorError: If there is no module to stand in for `BaaS` where it is said to be.
    """

    def __init__(self, settings: Settings, clock: Clock, limits: Limits) -> None:
        if settings.baas is not None and not settings.baas.is_file():
            message = f"there is no file {settings.baas} to stand in for BaaS: name a JavaScript module"
            raise EmulatorError(message)
        self.clock = clock
        self.limits = limits
        self.faults = Faults()
        self.broker = Broker()
        self.closed = asyncio.Event()
        """Set as soon as it begins to close: then nothing more is answered."""
        self._settings = settings
        self.exchanges: dict[int, dict[str, Any]] = {}
        """What the latest requests sent and were answered, by the number of their events."""
        self._running_logs: dict[int, list[str]] = {}
        self.broker.listen(self._follow_logs)
        self.store = Store(settings.data, clock)
        self._begin()

    def _begin(self) -> None:
        self.syntax = SyntaxChecks(self._settings.node)
        self.credentials = Credentials(
            self.store,
            self.clock,
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret,
            access_token=self._settings.access_token,
        )
        self.logs = LogAddresses(self.store.setting("log_key", lambda: secrets.token_hex(32)), self.clock)
        self.invocations = Invocations(
            self.store,
            self.clock,
            self.limits,
            self.broker,
            miniapp_id=self.store.setting("miniapp_id", lambda: secrets.token_hex(10)),
            sign_key=self.store.setting("sign_key", lambda: secrets.token_hex(16)),
            node=self._settings.node,
            baas=self._settings.baas,
            strict=self._settings.strict,
            recorder=CallRecorder(self._settings.recorded_calls, self._settings.listing_lag, self.clock),
        )

    async def reset(self) -> None:
        """Ends what runs and forgets everything, with new credentials where none were given."""
        origin, on_every_address = self.logs.origin, self.logs.on_every_address
        await self.syntax.aclose()
        await self.invocations.aclose()
        self.faults.clear()
        self.exchanges.clear()
        self.store.clear()
        self.clock.reset()
        self._begin()
        self.logs.origin, self.logs.on_every_address = origin, on_every_address
        self.broker.publish("reset", {})

    async def aclose(self) -> None:
        """Ends what runs and closes the data file."""
        self.closed.set()
        self.broker.close()
        await self.syntax.aclose()
        await self.invocations.aclose()
        self.store.close()

    def create_function(self, environment: str, name: str, code: str, *, remark: str = "") -> Function:
        """Stores a new function.

        Raises:
            NameTakenError: If the environment has one of that name.
        """
        function = self.store.create_function(environment, name, code, remark=remark)
        self._publish(function, "created")
        return function

    def update_function(self, function: Function, changes: Mapping[str, str]) -> Function:
        """Changes a function; see `Store.update_function`.

        Raises:
            NameTakenError: If another function of the environment has the new name.
        """
        changed = self.store.update_function(function, changes)
        self._publish(changed, "updated")
        return changed

    def delete_function(self, function: Function) -> None:
        """Removes a function, and the stub that plays it."""
        self.store.delete_function(function)
        self.invocations.stubs.pop(function.id, None)
        self._publish(function, "deleted")

    def deploy(
        self,
        environment: str,
        name: str,
        code: str,
        *,
        remark: str | None = None,
        plan_circle: str | None = None,
    ) -> str:
        """Creates a function or changes it where it differs.

        Args:
            environment: The test environment's id, `""` for production.
            name: Its name.
            code: The JavaScript text.
            remark: A note; None to leave it.
            plan_circle: The plan; None to leave it.

        Returns:
            `created`, `updated` or `unchanged`.
        """
        wanted = {"function_code": code}
        if remark is not None:
            wanted["remark"] = remark
        if plan_circle is not None:
            wanted["plan_circle"] = plan_circle
        function = self.store.function(environment, name)
        if function is None:
            function = self.create_function(environment, name, code)
            action = "created"
        else:
            action = "updated"
        changes = {column: value for column, value in wanted.items() if getattr(function, column) != value}
        if changes:
            self.update_function(function, changes)
        elif action == "updated":
            return "unchanged"
        return action

    def stub(self, environment: str, name: str, stub: Stub) -> None:
        """Has a callable play a function, which is created if it does not exist."""
        function = self.store.function(environment, name)
        if function is None:
            function = self.create_function(environment, name, CODE)
        self.invocations.stubs[function.id] = stub

    def job_log(self, job: Job) -> str | None:
        """Returns what a job wrote, so far if it has not ended; None if it has no log."""
        if job.status in FINAL_STATUSES:
            return self.store.job_log(job.id)
        return "".join(f"{line}\n" for line in self._running_logs.get(job.id, ()))

    def shows_log(self, job: Job) -> bool:
        """Returns whether the address of a job's log is given now."""
        return job.has_log or (self._settings.early_logs and job.status == "executing")

    def _follow_logs(self, event: Event) -> None:
        if event.kind == "log":
            self._running_logs.setdefault(event.data["job_id"], []).append(event.data["line"])
        elif event.kind == "job" and event.data["status"] in FINAL_STATUSES:
            self._running_logs.pop(event.data["id"], None)

    def _publish(self, function: Function, action: str) -> None:
        self.broker.publish("function", {"environment": function.environment, "name": function.name, "action": action})
