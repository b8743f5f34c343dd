"""A program written against the facade, which a type checker reads in its strictest mode: each `assert_type` is a promise.

It also runs: `test_typing.py` calls both of its halves with an emulator.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, assert_type

from mincloud import (
    AmbiguousJob,
    APIError,
    AsyncCredentials,
    AsyncFunctions,
    AsyncJobs,
    AsyncMinCloud,
    AsyncPaginator,
    AsyncRun,
    CloudFunction,
    Credentials,
    DebugResult,
    Deployment,
    FunctionError,
    Functions,
    InvalidResponse,
    InvocationError,
    Job,
    JobError,
    JobFailed,
    Jobs,
    JobStatus,
    JobTimeout,
    MinCloud,
    MinCloudError,
    Outcome,
    Page,
    Paginator,
    Plan,
    RateLimited,
    ResultUnavailable,
    Run,
    TransportError,
    Unauthorized,
    contract,
)

CODE = "exports.main = async (event) => event.data"


@dataclass
class Greeting:
    """What the function returns, as this program has it."""

    data: Any


def use(cloud: MinCloud, source: Path) -> None:
    assert_type(contract(portable=True), dict[str, Any])
    assert_type(cloud.functions, Functions)
    assert_type(cloud.jobs, Jobs)
    assert_type(cloud.credentials, Credentials)
    assert_type(cloud.with_options(timeout=9.5, max_retries=1, environment=None, default=str), MinCloud)

    created = cloud.functions.create("greet", CODE, remark="一")
    assert_type(created, CloudFunction)
    assert_type(created.name, str)
    assert_type(created.id, int | None)
    assert_type(created.function_code, str | None)
    assert_type(cloud.functions.get("greet"), CloudFunction)
    assert_type(cloud.functions.update("greet", plan=Plan.P_PERSONAL, remark="二"), CloudFunction)
    deployment = cloud.functions.deploy("greet", source, remark="三")
    assert_type(deployment, Deployment)
    assert_type(deployment.action, Literal["created", "updated", "unchanged"])
    assert_type(deployment.function, CloudFunction)

    assert_type(cloud.functions.invoke("greet", {"username": "爱范儿"}, timeout=60), Any)
    assert_type(cloud.functions.invoke("greet", {"username": "爱范儿"}, returns=Greeting), Greeting)
    assert_type(cloud.functions.invoke("greet", returns=len, timeout=60), int)
    assert_type(cloud.functions.invoke("greet", returns=None), Any)
    result = cloud.functions.debug("greet", {}, subject="timer")
    assert_type(result, DebugResult)
    assert_type(result.log, str | None)
    assert_type(result.code, int)
    assert_type(result.mem_usage, int | None)
    assert_type(result.error, InvocationError | None)

    run = cloud.functions.trigger("greet")
    assert_type(run, Run)
    assert_type(run.function, str)
    job = run.wait(timeout=60, poll_interval=0.5)
    assert_type(job, Job)
    assert_type(run.job, Job | None)
    assert_type(run.done, bool)
    assert_type(run.log(timeout=60), str)
    assert_type(run.result(timeout=60), Any)
    assert_type(cloud.functions.resume(run.to_dict()), Run)
    for completed in cloud.functions.as_completed([run], timeout=60):
        assert_type(completed, Run)
    assert_type(job.id, int)
    assert_type(job.status, str)
    assert_type(job.created_at, float | None)
    assert_type(cloud.jobs.log(job), str)

    outcomes = cloud.functions.map("greet", ({"number": number} for number in range(3)), concurrency=2)
    assert_type(outcomes, Generator[Outcome, None])
    for outcome in outcomes:
        assert_type(outcome, Outcome)
        assert_type(outcome.index, int)
        assert_type(outcome.error, Exception | None)
        assert_type(outcome.data, Any)
        assert_type(outcome.input, Any)

    functions = cloud.functions.list(page_size=10)
    assert_type(functions, Paginator[CloudFunction])
    assert_type(functions.total, int)
    assert_type(iter(functions), Iterator[CloudFunction])
    for function in functions:
        assert_type(function, CloudFunction)
        assert_type(function.name, str)
    jobs = cloud.jobs.list(
        "greet", status=JobStatus.FULFILLED, created_after=datetime.now(UTC) - timedelta(days=1), prefetch=2
    )
    assert_type(jobs, Paginator[Job])
    for listed in jobs:
        assert_type(listed, Job)
    for page in jobs.pages():
        assert_type(page, Page[Job])
        assert_type(page.items, list[Job])
        assert_type(page.offset, int)
        assert_type(page.total, int | None)
        assert_type(len(page), int)
        for listed in page:
            assert_type(listed, Job)
    assert_type(cloud.functions.delete("greet"), None)


async def use_asynchronously(cloud: AsyncMinCloud, source: Path) -> None:
    assert_type(cloud.functions, AsyncFunctions)
    assert_type(cloud.jobs, AsyncJobs)
    assert_type(cloud.credentials, AsyncCredentials)
    assert_type(cloud.with_options(timeout=9.5, max_retries=1), AsyncMinCloud)

    created = await cloud.functions.create("greet", CODE, remark="一")
    assert_type(created, CloudFunction)
    assert_type(created.name, str)
    assert_type(await cloud.functions.get("greet"), CloudFunction)
    assert_type(await cloud.functions.update("greet", plan="P_PERSONAL", remark="二"), CloudFunction)
    deployment = await cloud.functions.deploy("greet", source, remark="三")
    assert_type(deployment, Deployment)

    assert_type(await cloud.functions.invoke("greet", {"username": "爱范儿"}, timeout=60), Any)
    assert_type(await cloud.functions.invoke("greet", {"username": "爱范儿"}, returns=Greeting), Greeting)
    result = await cloud.functions.debug("greet", {}, subject="timer")
    assert_type(result, DebugResult)
    assert_type(result.log, str | None)

    run = await cloud.functions.trigger("greet")
    assert_type(run, AsyncRun)
    job = await run.wait(timeout=60, poll_interval=0.5)
    assert_type(job, Job)
    assert_type(await cloud.jobs.log(job), str)
    assert_type(await run.log(timeout=60), str)
    async for completed in cloud.functions.as_completed([run], timeout=60):
        assert_type(completed, AsyncRun)

    outcomes = cloud.functions.map("greet", ({"number": number} for number in range(3)), ordered=False)
    assert_type(outcomes, AsyncGenerator[Outcome, None])
    async for outcome in outcomes:
        assert_type(outcome, Outcome)
        assert_type(outcome.error, Exception | None)

    functions = cloud.functions.list(page_size=10)
    assert_type(functions, AsyncPaginator[CloudFunction])
    assert_type(await functions.total, int)
    assert_type(aiter(functions), AsyncIterator[CloudFunction])
    async for function in functions:
        assert_type(function.name, str)
    jobs = cloud.jobs.list("greet", status="fulfilled", created_after=0, prefetch=2)
    assert_type(jobs, AsyncPaginator[Job])
    async for listed in jobs:
        assert_type(listed, Job)
    async for page in jobs.pages():
        assert_type(page, Page[Job])
    assert_type(await cloud.functions.delete("greet"), None)


def handle(error: MinCloudError) -> str:
    """Each error with the fields that are its own."""
    match error:
        case JobTimeout():
            assert_type(error.job, Job | None)
            return str(len(error.candidates))
        case JobFailed() | ResultUnavailable():
            assert_type(error.job, Job)
            return f"{error.job.id} {error.job.status}"
        case AmbiguousJob():
            assert_type(error.candidates, list[Job])
            return str(len(error.candidates))
        case JobError():
            assert_type(error.job, Job | None)
            return str(error)
        case FunctionError():
            assert_type(error.function, str)
            assert_type(error.code, int)
            assert_type(error.message, str | None)
            assert_type(error.type, str | None)
            assert_type(error.stack, str | None)
            return error.function
        case RateLimited() | Unauthorized():
            assert_type(error.retry_after, float | None)
            return error.message
        case APIError():
            assert_type(error.status, int)
            assert_type(error.message, str)
            assert_type(error.body, str)
            assert_type(error.method, str)
            assert_type(error.url, str)
            return error.body
        case InvalidResponse():
            assert_type(error.body, str)
            return error.body
        case TransportError():
            assert_type(error.may_have_run, bool)
            return str(error.may_have_run)
        case _:
            return str(error)


async def main(url: str, token: str, source: Path) -> None:
    with MinCloud(base_url=url, access_token=token) as cloud:
        assert_type(cloud, MinCloud)
        await asyncio.to_thread(use, cloud, source)
        try:
            await asyncio.to_thread(cloud.functions.get, "greet")
        except MinCloudError as error:
            print(handle(error))  # noqa: T201 - as a program does
    async with AsyncMinCloud(base_url=url, access_token=token) as asynchronous:
        assert_type(asynchronous, AsyncMinCloud)
        await use_asynchronously(asynchronous, source)
    late = AsyncMinCloud(base_url=url, access_token=token)
    assert_type(await late.aclose(), None)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
