"""The operations on functions and their invocations."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, TypeVar, overload

from mincloud_api import models
from mincloud_api.api import functions, invocations
from mincloud_api.models.cloud_function import CloudFunction
from mincloud_api.models.debug_result import DebugResult
from mincloud_api.models.event_source import EventSource
from mincloud_api.models.invocation_accepted import InvocationAccepted
from mincloud_api.models.invocation_error import InvocationError
from mincloud_api.models.invocation_result import InvocationResult
from mincloud_api.models.invoke_request import InvokeRequest
from mincloud_api.models.invoke_request_data import InvokeRequestData
from mincloud_api.models.plan import Plan
from mincloud_api.types import UNSET, Unset

from .._concurrency.asyncio_ import bounded_map
from .._configuration import checked_timeout
from .._function_files import read_source
from .._models import Deployment, Outcome
from .._operations import choice, function_data, function_name, operation, text_argument, unix_time, whole_number
from .._paging import PageReader
from .._responses import with_error_object
from ..errors import AmbiguousJob, ClientClosed, MinCloudError, NotFound
from .job_search import AsyncFoundCall, find_calls
from .pages import AsyncPaginator
from .runs import AsyncRun, accepted_run, in_order_of_completion, outcome_of, resumed_run

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
    from datetime import datetime

    from .._models import EventSourceValue, PlanValue
    from .._operations import Operation
    from .._paging import RawPage
    from .._responses import APIResponse
    from .pipeline import AsyncPipeline
    from .watching import AsyncJobWatchers

    _NumberedInput = tuple[int, Mapping[str, Any] | None]

# With the models that its methods take or return.
__all__ = ["AsyncFunctions", "CloudFunction", "DebugResult", "EventSource", "InvocationError", "Plan"]

Result = TypeVar("Result")

DEFAULT_PAGE_SIZE = 100
# How many inputs per concurrent call `map` takes ahead of the outcomes it yields, so that a slow call delays the others little.
_WINDOW_PER_CALL = 2
_NOT_FOUND = 404
# The seconds that the service may take to schedule and run a call that is not waited for.
_LONGEST_FOLLOWED = 600.0
_LEAST_TIMEOUT = 0.001


class AsyncFunctions:
    """The application's functions; reach it as `cloud.functions`."""

    def __init__(self, pipeline: AsyncPipeline, watchers: AsyncJobWatchers) -> None:
        self._pipeline = pipeline
        self._watchers = watchers

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._pipeline.options.server_and_environment}>"

    @property
    def _environment(self) -> str | Unset:
        return self._pipeline.options.environment or UNSET

    @overload
    async def invoke(
        self, name: str, data: Mapping[str, Any] | None = None, *, returns: None = None, timeout: float | None = None
    ) -> Any: ...

    @overload
    async def invoke(
        self,
        name: str,
        data: Mapping[str, Any] | None = None,
        *,
        returns: Callable[[Any], Result],
        timeout: float | None = None,
    ) -> Result: ...

    async def invoke(
        self,
        name: str,
        data: Mapping[str, Any] | None = None,
        *,
        returns: Callable[[Any], Result] | None = None,
        timeout: float | None = None,
    ) -> Result | Any:
        """Calls a function and waits for it (operation invokeFunction, `sync: true`). It is sent once, and may run for 5 s.

        Args:
            name: The function's name.
            data: What the function receives as `event.data`; None for an empty object.
            returns: Makes the result of what the function returned, and says what type it has: a class, or a function as
                `TypeAdapter(Order).validate_python` of pydantic. None for the JSON value as it is.
            timeout: The seconds that it may take; None for the client's own (30).

        Returns:
            What the function returned, any JSON value, or what `returns` made of it.

        Raises:
            FunctionError: The function failed.
            TypeError: The name is no string, the data not JSON (the message says where), or `returns` cannot be called.
            ValueError: The name cannot be addressed, or the data not be written as JSON.
            NotFound: There is no such function.
            APIError: The service answered with another error.
            TransportError: No response came; `may_have_run` says whether the function may have run.
            InvalidResponse: The service answered with something else than a result.
            ConfigurationError: The timeout is impossible.
            Exception: What `returns`, or the client's `default`, raised.
        """
        name = function_name(name)
        if returns is not None and not callable(returns):  # pyright: ignore[reportUnnecessaryComparison]
            raise TypeError(
                f"returns must be a class or a function that makes the result, as TypeAdapter(…).validate_python, not {returns!r}"
            )
        response = await self._pipeline.send(self._invocation(name, data, sync=True), timeout=timeout)
        result = response.read(with_error_object(response.json()), invocations.invoke_function.parse_success)
        error: MinCloudError
        if not isinstance(result, InvocationResult):
            error = response.invalid_response(
                "it says that the call was accepted, although its result was to be waited for"
            )
        elif result.code != 0:
            error = response.function_error(name, result.code, result.error)
        else:
            return result.data if returns is None else returns(result.data)
        del result  # it may repeat a secret, which a traceback with local variables must not show
        raise error

    async def trigger(
        self, name: str, data: Mapping[str, Any] | None = None, *, timeout: float | None = None
    ) -> AsyncRun:
        """Calls a function and does not wait for it (operation invokeFunction, `sync: false`). It is sent once, and may run for 300 s.

        Args:
            name: The function's name.
            data: What the function receives as `event.data`; None for an empty object.
            timeout: The seconds that accepting the call may take; None for the client's own (30).

        Returns:
            The run, which can be waited for.

        Raises:
            TypeError: The name is no string, or the data not JSON; the message says where.
            ValueError: The name cannot be addressed, or the data not be written as JSON.
            NotFound: There is no such function.
            APIError: The service answered with another error.
            TransportError: No response came; `may_have_run` says whether the function may have run.
            InvalidResponse: The service answered with something else than that the call was accepted.
            ConfigurationError: The timeout is impossible.
        """
        name = function_name(name)
        call = self._invocation(name, data, sync=False)
        sent_at = time.monotonic()
        response = await self._pipeline.send(call, timeout=timeout)
        took = time.monotonic() - sent_at
        if not isinstance(response.parsed(invocations.invoke_function.parse_success), InvocationAccepted):
            raise response.invalid_response("it is a result, although the call was not to be waited for")
        return accepted_run(self._pipeline, self._watchers, name, call.content or b"", date=response.date(), took=took)

    def resume(self, saved: Mapping[str, Any]) -> AsyncRun:
        """Restores the run of a call that `run.to_dict()` saved, also in another process and when its job has long ended.

        Args:
            saved: What `run.to_dict()` gave. The environment is the one that it names.

        Returns:
            The run. It sends no request before it is waited for.

        Raises:
            TypeError: It is no mapping.
            ValueError: It is not what `run.to_dict()` gives; the message says where.
        """
        return resumed_run(self._pipeline, self._watchers, saved)

    def as_completed(self, runs: Iterable[AsyncRun], timeout: float = 300.0) -> AsyncGenerator[AsyncRun, None]:
        """Waits for many calls at once and gives each as its job ends (operation listJobs, one request for all of a function).

        They may be calls of several functions and environments. Leaving the loop early ends the requests, not the calls.

        Args:
            runs: The calls.
            timeout: The seconds that it may take from now until the last has ended.

        Returns:
            An iterator with the same objects in the order in which their jobs ended. It includes failed runs, and runs whose job is
            ambiguous: their `wait` and `result` raise the error at once.

        Raises:
            TypeError: One of them is no run.
            ConfigurationError: The timeout is impossible.
            JobTimeout: While iterating: some have not ended in time; the message says how many.
            APIError: While iterating: the service answered with an error that does not pass by itself: 429, 502, 503 and 504 do.
            InvalidResponse: While iterating: the service answered with something else than jobs.
        """
        deadline = time.monotonic() + checked_timeout(timeout)
        given = dict.fromkeys(runs)
        for run in given:
            if not isinstance(run, AsyncRun):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError(
                    f"runs must be what functions.trigger or functions.resume gave, not {type(run).__name__}"
                )
        return in_order_of_completion(given, deadline, timeout)

    async def find_calls(
        self, name: str, calls: Iterable[tuple[Mapping[str, Any], datetime | float, datetime | float]], *, sync: bool
    ) -> list[AsyncFoundCall]:
        """Searches a function's jobs for calls whose response was lost, by the data that their logs show (operation listJobs).

        It tells whether such a call ran, for example when the process that made it was killed.

        Args:
            name: The function's name.
            calls: The data of each call, and between which times it was sent by the service's clock: aware datetimes or Unix seconds. A
                wider range does no harm.
            sync: Whether the calls were made by `invoke`, rather than by `trigger`.

        Returns:
            The result for each call, in their order: its `.state` is `found`, `absent` or `unknown`. Calls of equal data find the
            same jobs.

        Raises:
            TypeError: The name is no string, or data no mapping.
            ValueError: The name cannot be addressed, or a datetime has no time zone.
            NotFound: There is no such function.
            APIError: The service answered with another error.
            TransportError: No response came.
            InvalidResponse: The service answered with something else than jobs.
        """
        checked = [
            (function_data(data), unix_time("since", since), unix_time("until", until)) for data, since, until in calls
        ]
        return await find_calls(self._pipeline, self._watchers, function_name(name), checked, sync=sync)

    def map(
        self,
        name: str,
        inputs: Iterable[Mapping[str, Any] | None],
        *,
        concurrency: int = 8,
        sync: bool = True,
        ordered: bool = True,
        timeout: float | None = None,
    ) -> AsyncGenerator[Outcome, None]:
        """Calls a function for each of many inputs, several at once (operation invokeFunction), and waits or follows each to its end.

        Inputs are taken as they are needed. One failure stops nothing. Leaving the loop early starts no more calls.

        Args:
            name: The function's name.
            inputs: What the function receives as `event.data`, for each call.
            concurrency: The most calls that run at once. With `sync=False` a call runs until its job has ended (operation listJobs), even
                if that is after its timeout.
            sync: Whether each call is waited for, and may run for 5 s. If not, it is triggered and may run for 300 s, and its log tells
                what it returned, as with `run.result`.
            ordered: Whether outcomes come in the order of the inputs, or as they are ready.
            timeout: The seconds that each call may take; None for the client's own (30), or with `sync=False` for 600, since the service
                takes up to five minutes to schedule a call.

        Returns:
            An iterator with an outcome for each input: what the function returned, or the error.

        Raises:
            TypeError: The name is no string, or the concurrency no integer.
            ValueError: The name cannot be addressed, or the concurrency is below 1.
            ConfigurationError: The timeout is impossible.
            ClientClosed: While iterating: the client was closed.
            Exception: While iterating: what `inputs` raised, after the outcomes of the inputs before.
        """
        name = function_name(name)
        whole_number("concurrency", concurrency, least=1)
        if timeout is not None:
            checked_timeout(timeout)
        if not sync:
            return self._map_triggered(name, inputs, concurrency, timeout, ordered=ordered)

        async def outcome(numbered: _NumberedInput) -> Outcome:
            index, data = numbered
            try:
                return Outcome(index, data, data=await self.invoke(name, data, timeout=timeout))
            except ClientClosed:  # no failure of this call, but the end of all of them
                raise
            except (MinCloudError, TypeError, ValueError) as error:
                return Outcome(index, data, error=error)

        return _outcomes(outcome, inputs, concurrency, ordered=ordered)

    def _map_triggered(
        self,
        name: str,
        inputs: Iterable[Mapping[str, Any] | None],
        concurrency: int,
        timeout: float | None,
        *,
        ordered: bool,
    ) -> AsyncGenerator[Outcome, None]:
        limit = _LONGEST_FOLLOWED if timeout is None else timeout
        overdue: deque[tuple[AsyncRun, float]] = deque()
        abandoned = False

        async def outcome(numbered: _NumberedInput) -> Outcome:
            index, data = numbered
            try:
                late, ends_at = overdue.popleft()
            except IndexError:
                pass
            else:  # a call that has not ended in time still counts into the concurrency
                await outcome_of(late, index, None, max(_LEAST_TIMEOUT, ends_at - time.monotonic()), lambda: abandoned)
            if abandoned:
                return Outcome(index, data)
            try:
                run = await self.trigger(name, data)
            except ClientClosed:
                raise
            except (MinCloudError, TypeError, ValueError) as error:
                return Outcome(index, data, error=error)
            ends_at = time.monotonic() + _LONGEST_FOLLOWED
            result = await outcome_of(run, index, data, limit, lambda: abandoned)
            if result.error is not None and not run.done and not isinstance(result.error, AmbiguousJob):
                overdue.append((run, ends_at))
            return result

        def abandon() -> None:
            nonlocal abandoned
            abandoned = True

        return _outcomes(outcome, inputs, concurrency, ordered=ordered, leave=abandon)

    async def debug(
        self,
        name: str,
        data: Mapping[str, Any] | None = None,
        *,
        subject: EventSource | EventSourceValue | None = None,
        schema_id: int | None = None,
        timeout: float | None = None,
    ) -> DebugResult:
        """Tries a function: calls it as an event of a kind would, and waits for it (operation debugFunction). It is sent once.

        Args:
            name: The function's name.
            data: What the function receives as `event.data`; None for an empty object.
            subject: The kind of event; None for `sdk`.
            schema_id: The id of the table, if the subject is `flex_schema`.
            timeout: The seconds that it may take; None for the client's own (30).

        Returns:
            Its result with its log, times (ms), memory (bytes) and the id of the run, whatever its code.

        Raises:
            TypeError: The name is no string, or the data not JSON; the message says where.
            ValueError: The name cannot be addressed, the subject does not exist, or its schema_id is missing.
            NotFound: There is no such function.
            APIError: The service answered with another error.
            TransportError: No response came; `may_have_run` says whether the function may have run.
            InvalidResponse: The service answered with something else than a result.
            ConfigurationError: The timeout is impossible.
        """
        name = function_name(name)
        kind = choice(EventSource, "subject", subject)
        if kind is EventSource.FLEX_SCHEMA and schema_id is None:
            raise ValueError("the subject flex_schema needs schema_id, the id of the table")
        if schema_id is not None:
            whole_number("schema_id", schema_id, least=0)
        fields = models.DebugRequestData()
        fields.additional_properties = function_data(data)
        body = models.DebugRequest(fields, kind, schema_id)
        call = operation(
            "debugFunction",
            invocations.debug_function.build_request(name, body=body, x_hydrogen_env_id=self._environment),
            default=self._pipeline.options.default,
        )
        response = await self._pipeline.send(call, timeout=timeout)
        return response.read(with_error_object(response.json()), invocations.debug_function.parse_success)

    async def create(
        self, name: str, code: str, *, remark: str | None = None, timeout: float | None = None
    ) -> CloudFunction:
        """Creates a function (operation createFunction). It is sent once.

        Args:
            name: Its name.
            code: Its code, in JavaScript.
            remark: A remark; None for none.
            timeout: The seconds that it may take; None for the client's own (30).

        Returns:
            The function.

        Raises:
            TypeError: An argument is no string.
            ValueError: The name cannot be addressed, or the code is empty.
            BadRequest: The service refuses it, as when the name is taken.
            APIError: The service answered with another error.
            TransportError: No response came; `may_have_run` says whether the function may have been created.
            InvalidResponse: The service answered with something else than a function.
            ConfigurationError: The timeout is impossible.
        """
        body = models.CreateFunctionRequest(function_name(name), text_argument("code", code), _checked_remark(remark))
        call = operation(
            "createFunction", functions.create_function.build_request(body=body, x_hydrogen_env_id=self._environment)
        )
        return (await self._pipeline.send(call, timeout=timeout)).parsed(functions.create_function.parse_success)

    async def get(self, name: str, *, timeout: float | None = None) -> CloudFunction:
        """Returns a function with its code (operation getFunction).

        Args:
            name: Its name.
            timeout: The seconds that each attempt may take; None for the client's own (30).

        Returns:
            The function.

        Raises:
            TypeError: The name is no string.
            ValueError: The name cannot be addressed.
            NotFound: There is no such function.
            APIError: The service answered with another error.
            TransportError: No response came.
            InvalidResponse: The service answered with something else than a function.
            ConfigurationError: The timeout is impossible.
        """
        request = functions.get_function.build_request(function_name(name), x_hydrogen_env_id=self._environment)
        response = await self._pipeline.send(operation("getFunction", request, idempotent=True), timeout=timeout)
        return response.parsed(functions.get_function.parse_success)

    async def update(
        self,
        name: str,
        *,
        code: str | None = None,
        new_name: str | None = None,
        plan: Plan | PlanValue | None = None,
        remark: str | None = None,
        timeout: float | None = None,
    ) -> CloudFunction:
        """Changes a function (operation updateFunction). Only what is named is sent and changed.

        Args:
            name: Its name.
            code: New code, in JavaScript.
            new_name: A new name.
            plan: A plan: `P_FREE` (128 MB) or `P_PERSONAL` (256 MB).
            remark: A remark; may be empty.
            timeout: The seconds that each attempt may take; None for the client's own (30).

        Returns:
            The function as it is now.

        Raises:
            TypeError: An argument is no string.
            ValueError: Nothing is named, a name cannot be addressed, the code is empty, or there is no such plan.
            NotFound: There is no such function.
            APIError: The service answered with another error.
            TransportError: No response came.
            InvalidResponse: The service answered with something else than a function.
            ConfigurationError: The timeout is impossible.
        """
        body = models.UpdateFunctionRequest(
            name=None if new_name is None else function_name(new_name),
            function_code=None if code is None else text_argument("code", code),
            plan_circle=choice(Plan, "plan", plan),
            remark=_checked_remark(remark),
        )
        if not body.to_dict():
            raise ValueError("nothing to update: name at least one of code, new_name, plan and remark")
        request = functions.update_function.build_request(
            function_name(name), body=body, x_hydrogen_env_id=self._environment
        )
        # A renaming whose response was lost has left nothing under the old name.
        success_if_retried = _NOT_FOUND if new_name is not None and new_name != name else None
        call = operation("updateFunction", request, idempotent=True, success_if_retried=success_if_retried)
        response = await self._pipeline.send(call, timeout=timeout)
        if response.status == _NOT_FOUND and new_name is not None:
            try:
                return await self.get(new_name, timeout=timeout)
            except NotFound:
                raise response.error() from None
        return response.parsed(functions.update_function.parse_success)

    async def deploy(
        self,
        name: str,
        source: str | os.PathLike[str],
        *,
        plan: Plan | PlanValue | None = None,
        remark: str | None = None,
        timeout: float | None = None,
    ) -> Deployment:
        """Makes a function's code that of a source: creates it, updates it, or leaves it as it is.

        Operations: getFunction, then createFunction or updateFunction; both where a new function gets another plan than the service's own.

        Args:
            name: Its name.
            source: The code as a string; or the path (a `pathlib.Path`) of a file with it, or of a directory with an `index.js`.
            plan: A plan: `P_FREE` (128 MB) or `P_PERSONAL` (256 MB); None to leave the one there is.
            remark: A remark; None to leave the one there is.
            timeout: The seconds that each attempt of each request may take; None for the client's own (30).

        Returns:
            What was done, the function as it is now, and as it was before.

        Raises:
            TypeError: The source is neither a string nor a path, or another argument is no string.
            ValueError: The name cannot be addressed, the source is empty or not UTF-8, the string is a path, or there is no such plan.
            FileNotFoundError: There is no such file, or no `index.js` in the directory.
            OSError: The file cannot be read.
            APIError: The service answered with an error.
            TransportError: No response came; `may_have_run` says whether the function may have been created.
            InvalidResponse: The service answered with something else than a function.
            ConfigurationError: The timeout is impossible.
        """
        name = function_name(name)
        code = read_source(source)
        _checked_remark(remark)
        wanted = choice(Plan, "plan", plan)
        try:
            deployed = await self.get(name, timeout=timeout)
        except NotFound:
            function = await self.create(name, code, remark=remark, timeout=timeout)
            if wanted is not None and function.plan_circle != wanted:
                function = await self.update(name, plan=wanted, timeout=timeout)
            return Deployment("created", function)
        changes: dict[str, Any] = {
            "code": None if deployed.function_code == code else code,
            "plan": None if wanted is None or deployed.plan_circle == wanted else wanted,
            "remark": None if remark is None or deployed.remark == remark else remark,
        }
        if all(change is None for change in changes.values()):
            return Deployment("unchanged", deployed, deployed)
        return Deployment("updated", await self.update(name, **changes, timeout=timeout), deployed)

    async def delete(self, name: str, *, timeout: float | None = None) -> None:
        """Deletes a function (operation deleteFunction).

        Args:
            name: Its name.
            timeout: The seconds that each attempt may take; None for the client's own (30).

        Raises:
            TypeError: The name is no string.
            ValueError: The name cannot be addressed.
            NotFound: There is no such function.
            APIError: The service answered with another error.
            TransportError: No response came.
            ConfigurationError: The timeout is impossible.
        """
        request = functions.delete_function.build_request(function_name(name), x_hydrogen_env_id=self._environment)
        await self._pipeline.send(
            operation("deleteFunction", request, idempotent=True, success_if_retried=_NOT_FOUND), timeout=timeout
        )

    def list(
        self, *, page_size: int = DEFAULT_PAGE_SIZE, prefetch: int = 0, timeout: float | None = None
    ) -> AsyncPaginator[CloudFunction]:
        """Lists the application's functions, each with its code (operation listFunctions).

        Args:
            page_size: How many functions are asked for at a time, 1 to 1000.
            prefetch: How many pages are requested ahead, in parallel.
            timeout: The seconds that each attempt of each request may take; None for the client's own (30).

        Returns:
            A paginator. It sends nothing before it is iterated over, and raises then what a call can raise.

        Raises:
            TypeError: `page_size` or `prefetch` is not an integer.
            ValueError: One of them is out of range.
        """

        async def fetch(offset: int, limit: int, _first: RawPage[CloudFunction] | None) -> APIResponse:
            request = functions.list_functions.build_request(
                limit=limit, offset=offset, x_hydrogen_env_id=self._environment
            )
            return await self._pipeline.send(operation("listFunctions", request, idempotent=True), timeout=timeout)

        return AsyncPaginator(
            fetch, _read_functions, _identity, name="functions", page_size=page_size, prefetch=prefetch
        )

    def _invocation(self, name: str, data: object, *, sync: bool) -> Operation:
        fields = InvokeRequestData()
        fields.additional_properties = function_data(data)
        body = InvokeRequest(fields, sync)
        return operation(
            "invokeFunction",
            invocations.invoke_function.build_request(name, body=body, x_hydrogen_env_id=self._environment),
            default=self._pipeline.options.default,
        )


def _outcomes(
    outcome: Callable[[_NumberedInput], Awaitable[Outcome]],
    inputs: Iterable[Mapping[str, Any] | None],
    concurrency: int,
    *,
    ordered: bool,
    leave: Callable[[], object] | None = None,
) -> AsyncGenerator[Outcome, None]:
    window = concurrency if concurrency == 1 else concurrency * _WINDOW_PER_CALL
    return bounded_map(outcome, enumerate(inputs), concurrency=concurrency, window=window, ordered=ordered, leave=leave)


def _checked_remark(remark: object) -> str | None:
    # Unlike a name or the code it may be empty.
    if remark is not None and not isinstance(remark, str):
        raise TypeError(f"remark must be a string, not {type(remark).__name__}")
    return remark


_read_functions = PageReader(CloudFunction, functions.list_functions.parse_success)


def _identity(function: CloudFunction) -> int | str:
    return function.name if function.id is None else function.id
