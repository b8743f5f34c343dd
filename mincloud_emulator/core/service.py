"""An emulated application: its functions, jobs, credentials and invocations, without HTTP."""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from .credentials import Credentials
from .events import Broker
from .faults import Faults
from .invocation_result import FINAL_STATUSES
from .invocations import Invocations
from .log_addresses import LogAddresses
from .store import Store
from .stubs import CODE
from .syntax_checks import SyntaxChecks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .clock import Clock
    from .events import Event
    from .settings import Limits, Settings
    from .store import Function, Job
    from .stubs import Stub


class Service:
    """The emulated application. Lives in one thread, the event loop's.

    Raises:
        DataFileError: If the data file is in use, of another version, no data file, or can't be opened.
    """

    def __init__(self, settings: Settings, clock: Clock, limits: Limits) -> None:
        self.clock = clock
        self.limits = limits
        self.faults = Faults()
        self.broker = Broker()
        self.closed = asyncio.Event()
        """Set as soon as it begins to close; from then on nothing is answered."""
        self._settings = settings
        self.requests: dict[int, tuple[dict[str, Any], dict[str, Any] | None]] = {}
        """The latest requests by the numbers of their events: a summary, and the details unless they may hold secrets."""
        self._running_logs: dict[int, list[str]] = {}
        self.broker.listen(self._follow_logs)
        self.store = Store(settings.data, clock)
        self._begin()

    def _begin(self) -> None:
        self.syntax = SyntaxChecks(self._settings.node)
        self.credentials = Credentials(self.store, self.clock, self._settings)
        self.logs = LogAddresses(self.store.setting("log_key", lambda: secrets.token_hex(32)), self.clock)
        self.invocations = Invocations(
            self.store,
            self.clock,
            self.limits,
            self.broker,
            self._settings,
        )

    async def reset(self) -> None:
        """Ends all calls and deletes everything; takes new credentials where none were given."""
        origin, on_every_address = self.logs.origin, self.logs.on_every_address
        await self.syntax.aclose()
        await self.invocations.aclose()
        self.faults.clear()
        self.requests.clear()
        self.store.clear()
        self.clock.reset()
        self._begin()
        self.logs.origin, self.logs.on_every_address = origin, on_every_address
        self.broker.publish("reset", {})

    async def aclose(self) -> None:
        """Ends all calls and closes the data file."""
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
        """Deletes a function and its stub."""
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
        """Creates a function or changes what differs; None leaves a value as it is.

        Returns:
            `created`, `updated` or `unchanged`.
        """
        found = self.store.function(environment, name)
        function = self.create_function(environment, name, code) if found is None else found
        wanted = {"function_code": code, "remark": remark, "plan_circle": plan_circle}
        changes = {
            column: value
            for column, value in wanted.items()
            if value is not None and getattr(function, column) != value
        }
        if changes:
            self.update_function(function, changes)
        if found is None:
            return "created"
        return "updated" if changes else "unchanged"

    def stub(self, environment: str, name: str, stub: Stub) -> None:
        """Runs a callable instead of a function, which is created if it does not exist."""
        function = self.store.function(environment, name)
        if function is None:
            function = self.create_function(environment, name, CODE)
        self.invocations.stubs[function.id] = stub

    def job_log(self, job: Job) -> str | None:
        """Returns a job's log, so far if it has not ended; None if it has none."""
        if job.status in FINAL_STATUSES:
            return self.store.job_log(job.id)
        return "".join(f"{line}\n" for line in self._running_logs.get(job.id, ()))

    def shows_log(self, job: Job) -> bool:
        """Returns whether a job has the address of its log now."""
        return job.has_log or (self._settings.early_logs and job.status == "executing")

    def _follow_logs(self, event: Event) -> None:
        if event.kind == "log":
            self._running_logs.setdefault(event.data["job_id"], []).append(event.data["line"])
        elif event.kind == "job" and event.data["status"] in FINAL_STATUSES:
            self._running_logs.pop(event.data["id"], None)

    def _publish(self, function: Function, action: str) -> None:
        self.broker.publish("function", {"environment": function.environment, "name": function.name, "action": action})
