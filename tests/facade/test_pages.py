"""Lists: what is asked for, what comes of it, and what is refused."""

from __future__ import annotations

import asyncio
import gc
import threading
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from mincloud import (
    AsyncMinCloud,
    ClientClosed,
    EventSource,
    InvalidResponse,
    JobStatus,
    MinCloud,
    NotFound,
    ServerError,
    ServiceType,
)

from .conftest import OpenSide
from .scripted_service import LONG_AGO, Received, Reply, ScriptedService, a_function, serving


def ids(items: list[Any]) -> list[int]:
    return [item.id for item in items]


def test_items_come_in_the_order_of_the_service(open_side: OpenSide, service: ScriptedService) -> None:
    service.add_jobs(25)
    service.add_functions(7)
    side = open_side(base_url=service.url, access_token="t")
    assert ids(side.run(lambda cloud: cloud.jobs.list("greet", page_size=10))) == list(range(25, 0, -1))
    assert ids(side.run(lambda cloud: cloud.functions.list(page_size=3))) == list(range(7, 0, -1))


def test_nothing_is_sent_before_the_iteration(open_side: OpenSide, service: ScriptedService) -> None:
    side = open_side(base_url=service.url, access_token="t")
    paginator = side.cloud.jobs.list("greet")
    assert service.received == []
    assert side.run(lambda _: paginator) == []
    assert len(service.received) == 1


def test_pages_say_where_they_stand(open_side: OpenSide, service: ScriptedService) -> None:
    service.add_functions(8)
    side = open_side(base_url=service.url, access_token="t")
    pages = side.run(lambda cloud: cloud.functions.list(page_size=3).pages())
    assert [ids(page.items) for page in pages] == [[8, 7, 6], [5, 4, 3], [2, 1]]
    assert [ids(list(page)) for page in pages] == [ids(page.items) for page in pages]
    assert [len(page) for page in pages] == [3, 3, 2]
    assert [page.offset for page in pages] == [0, 3, 6]
    assert {page.total for page in pages} == {8}
    assert len(service.received) == 3


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7])
@pytest.mark.parametrize("page_size", [1, 2, 3])
def test_a_list_takes_as_many_requests_as_it_has_pages(
    open_side: OpenSide, service: ScriptedService, count: int, page_size: int
) -> None:
    service.add_functions(count)
    side = open_side(base_url=service.url, access_token="t")
    pages = side.run(lambda cloud: cloud.functions.list(page_size=page_size).pages())
    assert [len(page) for page in pages] == [
        min(page_size, count - start) for start in range(0, max(count, 1), page_size)
    ]
    assert len(service.received) == len(pages)


def test_an_empty_list_has_one_page_without_items(open_side: OpenSide, service: ScriptedService) -> None:
    side = open_side(base_url=service.url, access_token="t")
    pages = side.run(lambda cloud: cloud.functions.list().pages())
    assert [(page.items, page.offset, page.total) for page in pages] == [([], 0, 0)]


def test_the_largest_page_size_asks_for_no_more_than_a_thousand(open_side: OpenSide, service: ScriptedService) -> None:
    service.functions = [a_function(f"f{number}", number) for number in range(2500)]
    side = open_side(base_url=service.url, access_token="t")
    assert ids(side.run(lambda cloud: cloud.functions.list(page_size=1000))) == list(range(2500))
    assert {received.query["limit"] for received in service.received} == {"1000"}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"page_size": 0}, ValueError, "page_size must be an integer from 1 to 1000, not 0"),
        ({"page_size": 1001}, ValueError, "page_size must be an integer from 1 to 1000, not 1001"),
        ({"page_size": -1}, ValueError, "page_size must be an integer from 1 to 1000, not -1"),
        ({"page_size": 2.0}, TypeError, "page_size must be an integer, not 2.0"),
        ({"page_size": True}, TypeError, "page_size must be an integer, not True"),
        ({"page_size": None}, TypeError, "page_size must be an integer, not None"),
        ({"prefetch": -1}, ValueError, "prefetch must be an integer of 0 or more, not -1"),
        ({"prefetch": "2"}, TypeError, "prefetch must be an integer, not '2'"),
    ],
)
def test_an_impossible_paging_is_refused_at_once(
    open_side: OpenSide, service: ScriptedService, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    side = open_side(base_url=service.url, access_token="t")
    with pytest.raises(error) as functions:
        side.cloud.functions.list(**options)
    with pytest.raises(error) as jobs:
        side.cloud.jobs.list("greet", **options)
    assert str(functions.value) == str(jobs.value) == message
    assert service.received == []


def test_the_total_is_asked_for_with_the_smallest_page(open_side: OpenSide, service: ScriptedService) -> None:
    service.add_jobs(25)
    side = open_side(base_url=service.url, access_token="t")
    assert side.run(lambda cloud: cloud.jobs.list("greet").total) == 25
    assert [received.query["limit"] for received in service.received] == ["1"]


def test_the_total_is_what_the_last_page_said(open_side: OpenSide, service: ScriptedService) -> None:
    service.add_functions(25)
    side = open_side(base_url=service.url, access_token="t")
    paginator = side.cloud.functions.list(page_size=10)
    assert len(side.run(lambda _: paginator)) == 25
    asked = len(service.received)
    assert side.run(lambda _: paginator.total) == 25
    assert len(service.received) == asked


def test_a_service_that_does_not_count_is_counted(open_side: OpenSide, service: ScriptedService) -> None:
    service.counts = False
    service.add_jobs(25)
    side = open_side(base_url=service.url, access_token="t")
    assert side.run(lambda cloud: cloud.jobs.list("greet", page_size=10).total) == 25
    assert ids(side.run(lambda cloud: cloud.jobs.list("greet", page_size=5, prefetch=3))) == list(range(25, 0, -1))


@pytest.mark.parametrize("longest", [1, 2, 3, 7])
@pytest.mark.parametrize("prefetch", [0, 2])
@pytest.mark.parametrize("counts", [True, False])
def test_a_service_with_a_smaller_limit_than_asked_loses_nothing(
    open_side: OpenSide, service: ScriptedService, longest: int, prefetch: int, counts: bool
) -> None:
    service.add_functions(20)
    service.longest_page = longest
    service.counts = counts
    side = open_side(base_url=service.url, access_token="t")
    assert ids(side.run(lambda cloud: cloud.functions.list(page_size=10, prefetch=prefetch))) == list(range(20, 0, -1))


def test_a_total_that_is_too_high_ends_with_the_items(open_side: OpenSide, service: ScriptedService) -> None:
    service.add_functions(5)

    def overcount(received: Received) -> Reply:
        reply = service.answer(received)
        reply.body["meta"]["total_count"] = 50
        return reply

    service.before = overcount
    side = open_side(base_url=service.url, access_token="t")
    assert ids(side.run(lambda cloud: cloud.functions.list(page_size=2))) == [5, 4, 3, 2, 1]
    assert len(service.received) == 4


def test_a_paginator_can_be_iterated_again_and_starts_anew(open_side: OpenSide, service: ScriptedService) -> None:
    service.add_jobs(5)
    side = open_side(base_url=service.url, access_token="t")
    paginator = side.cloud.jobs.list("greet", page_size=2)
    assert ids(side.run(lambda _: paginator)) == [5, 4, 3, 2, 1]
    service.add_jobs(1)
    assert ids(side.run(lambda _: paginator)) == [6, 5, 4, 3, 2, 1]
    assert [page.offset for page in side.run(lambda _: paginator.pages())] == [0, 2, 4]


@pytest.mark.parametrize("prefetch", [0, 3])
def test_the_address_of_the_next_page_is_never_followed(
    open_side: OpenSide, service: ScriptedService, prefetch: int
) -> None:
    service.add_jobs(20)
    with serving() as elsewhere:
        service.next_page = f"{elsewhere.url}/oserve/v1.3/cloud-function/greet/job/?limit=3&offset=3"
        side = open_side(base_url=service.url, access_token="t")
        assert len(side.run(lambda cloud: cloud.jobs.list("greet", page_size=3, prefetch=prefetch))) == 20
        assert elsewhere.received == []


# Ahead


def test_pages_are_fetched_ahead_in_parallel_and_no_more_than_said(
    open_side: OpenSide, service: ScriptedService
) -> None:
    service.add_jobs(45)  # a first page, and eight more
    together = threading.Barrier(4)

    def meet(received: Received) -> None:
        if received.offset:
            together.wait(timeout=10)  # breaks, and the test with it, unless four requests are there at once

    service.delay = meet
    side = open_side(base_url=service.url, access_token="t", max_retries=0)
    assert ids(side.run(lambda cloud: cloud.jobs.list("greet", page_size=5, prefetch=3))) == list(range(45, 0, -1))
    assert service.busiest == 4


@pytest.mark.usefixtures("kept_connections")
def test_without_prefetch_there_is_one_request_at_a_time(open_side: OpenSide, service: ScriptedService) -> None:
    service.add_jobs(45)
    side = open_side(base_url=service.url, access_token="t")
    assert len(side.run(lambda cloud: cloud.jobs.list("greet", page_size=5))) == 45
    assert service.busiest == 1
    assert service.connections == 1


@pytest.mark.parametrize("prefetch", [0, 1, 4])
def test_an_error_in_a_later_page_comes_after_the_items_before_it(
    open_side: OpenSide, service: ScriptedService, prefetch: int
) -> None:
    service.add_functions(30)
    service.before = lambda received: Reply(500, "broken") if received.offset >= 14 else None
    side = open_side(base_url=service.url, access_token="t", max_retries=0)
    got: list[int] = []

    def gather(cloud: Any) -> Any:
        paginator = cloud.functions.list(page_size=5, prefetch=prefetch)
        return _gathered(paginator, got)

    with pytest.raises(ServerError):
        side.run(gather)
    assert got == list(range(30, 15, -1))


def _gathered(paginator: Any, got: list[int]) -> Any:
    if hasattr(paginator, "__aiter__"):

        async def gather() -> None:
            async for item in paginator:
                got.append(item.id)  # noqa: PERF401 - those before an error are wanted too

        return gather()
    got.extend(item.id for item in paginator)
    return None


def test_a_list_of_a_function_that_does_not_exist_is_not_found(open_side: OpenSide, service: ScriptedService) -> None:
    service.before = lambda _: Reply(404, {"error_msg": "不存在"})
    side = open_side(base_url=service.url, access_token="t")
    with pytest.raises(NotFound, match="不存在"):
        side.run(lambda cloud: cloud.jobs.list("nobody"))
    with pytest.raises(NotFound, match="不存在"):
        side.run(lambda cloud: cloud.jobs.list("nobody").total)


def test_leaving_early_leaves_no_thread_behind(service: ScriptedService) -> None:
    service.add_jobs(50)
    with MinCloud(base_url=service.url, access_token="t") as cloud:
        for job in cloud.jobs.list("greet", page_size=5, prefetch=3):
            if job.id == 43:
                break
        assert [thread for thread in threading.enumerate() if thread.name.startswith("mincloud_")] == []
    assert len(service.received) <= 6


async def test_leaving_early_leaves_no_task_behind(service: ScriptedService) -> None:
    service.add_jobs(50)
    async with AsyncMinCloud(base_url=service.url, access_token="t") as cloud:
        async for job in cloud.jobs.list("greet", page_size=5, prefetch=3):
            if job.id == 43:
                break
        gc.collect()
        for _ in range(100):
            if len(asyncio.all_tasks()) == 1:
                break
            await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_cancelling_an_iteration_is_prompt_and_leaves_no_task_behind(service: ScriptedService) -> None:
    service.add_jobs(50)
    hanging = threading.Event()
    service.delay = lambda received: None if received.offset < 5 else hanging.wait(30)

    async with AsyncMinCloud(base_url=service.url, access_token="t") as cloud:

        async def everything() -> list[int]:
            return [job.id async for job in cloud.jobs.list("greet", page_size=5, prefetch=3)]

        task = asyncio.create_task(everything())
        while service.busy < 3:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 20)
        assert asyncio.all_tasks() == {asyncio.current_task()}
    hanging.set()


def test_a_list_of_a_closed_client_says_so(open_side: OpenSide, service: ScriptedService) -> None:
    side = open_side(base_url=service.url, access_token="t")
    paginator = side.cloud.jobs.list("greet")
    side.run(lambda cloud: cloud.aclose() if hasattr(cloud, "aclose") else cloud.close())
    with pytest.raises(ClientClosed, match="closed"):
        side.run(lambda _: paginator)


# Jobs


def test_while_jobs_are_listed_new_ones_neither_repeat_nor_displace_any(
    open_side: OpenSide, service: ScriptedService
) -> None:
    service.add_jobs(30)
    service.before = lambda received: service.add_jobs(3) if received.number else None
    side = open_side(base_url=service.url, access_token="t")
    assert ids(side.run(lambda cloud: cloud.jobs.list("greet", page_size=4))) == list(range(30, 0, -1))


def test_pinning_does_not_cut_off_the_newest_job_of_the_second(open_side: OpenSide, service: ScriptedService) -> None:
    service.add_jobs(5, created_at=LONG_AGO + 0.75)
    service.add_jobs(2, created_at=LONG_AGO + 0.999_999)
    side = open_side(base_url=service.url, access_token="t")
    assert ids(side.run(lambda cloud: cloud.jobs.list("greet", page_size=2))) == [7, 6, 5, 4, 3, 2, 1]
    assert [received.query.get("created_at__lte") for received in service.received] == [
        None,
        *["1000000001"] * (len(service.received) - 1),
    ]


def test_a_list_of_jobs_that_begins_with_the_oldest_is_not_cut_off(
    open_side: OpenSide, service: ScriptedService
) -> None:
    service.add_jobs(9)
    service.jobs.reverse()
    side = open_side(base_url=service.url, access_token="t")
    assert ids(side.run(lambda cloud: cloud.jobs.list("greet", page_size=2))) == list(range(1, 10))


def test_jobs_without_a_time_are_listed_all_the_same(open_side: OpenSide, service: ScriptedService) -> None:
    service.add_jobs(9, created_at=None)
    side = open_side(base_url=service.url, access_token="t")
    assert ids(side.run(lambda cloud: cloud.jobs.list("greet", page_size=2))) == list(range(9, 0, -1))


SHANGHAI = timezone(timedelta(hours=8))
AFTER, BEFORE = LONG_AGO + 10.5, LONG_AGO + 19.5


@pytest.mark.parametrize("after", [AFTER, datetime.fromtimestamp(AFTER, UTC), datetime.fromtimestamp(AFTER, SHANGHAI)])
@pytest.mark.parametrize("before", [BEFORE, datetime.fromtimestamp(BEFORE, SHANGHAI)])
def test_jobs_between_two_times_may_be_asked_for_with_datetimes_or_seconds(
    open_side: OpenSide, service: ScriptedService, after: datetime | float, before: datetime | float
) -> None:
    service.add_jobs(100)
    side = open_side(base_url=service.url, access_token="t")
    jobs = side.run(lambda cloud: cloud.jobs.list("greet", created_after=after, created_before=before, page_size=4))
    assert ids(jobs) == list(range(20, 9, -1))  # a fraction is rounded down for the first, up for the last
    assert {received.query["created_at__gte"] for received in service.received} == {"1000000010"}
    assert {received.query["created_at__lte"] for received in service.received} == {"1000000020"}


def test_jobs_before_a_time_to_come_are_pinned_to_the_newest(open_side: OpenSide, service: ScriptedService) -> None:
    service.add_jobs(5)
    side = open_side(base_url=service.url, access_token="t")
    side.run(lambda cloud: cloud.jobs.list("greet", created_before=LONG_AGO + 1000, page_size=2))
    assert [received.query["created_at__lte"] for received in service.received] == [
        "1000001000",
        "1000000005",
        "1000000005",
    ]


@pytest.mark.parametrize("argument", ["created_after", "created_before"])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (datetime(2024, 1, 1), ValueError, "is a datetime without a time zone: give it one"),  # noqa: DTZ001 - it is meant
        (float("nan"), ValueError, "must be finite, not nan"),
        (float("inf"), ValueError, "must be finite, not inf"),
        (float("-inf"), ValueError, "must be finite, not -inf"),
        ("yesterday", TypeError, "must be a datetime with a time zone or Unix seconds, not 'yesterday'"),
        (True, TypeError, "must be a datetime with a time zone or Unix seconds, not True"),
    ],
)
def test_an_impossible_time_is_refused_at_once(
    open_side: OpenSide, service: ScriptedService, argument: str, value: Any, error: type[Exception], message: str
) -> None:
    side = open_side(base_url=service.url, access_token="t")
    with pytest.raises(error) as refused:
        side.cloud.jobs.list("greet", **{argument: value})
    assert f"{argument} {message}" in str(refused.value)
    assert service.received == []


@pytest.mark.parametrize(
    "filters",
    [
        {"status": "execution_failed"},
        {"status": JobStatus.EXECUTION_FAILED},
        {"source": "timer"},
        {"source": EventSource.TIMER},
        {"service_type": "time_sensitive"},
        {"service_type": ServiceType.TIME_SENSITIVE},
        {"status": "execution_failed", "source": EventSource.TIMER, "service_type": "time_sensitive"},
    ],
)
def test_filters_take_enums_and_strings(open_side: OpenSide, service: ScriptedService, filters: dict[str, str]) -> None:
    service.add_jobs(3)
    service.add_jobs(2, status="execution_failed", source="timer", service_type="time_sensitive")
    side = open_side(base_url=service.url, access_token="t")
    assert ids(side.run(lambda cloud: cloud.jobs.list("greet", **filters))) == [5, 4]
    query = service.received[0].query
    assert {name: query[name] for name in filters} == {name: str(value) for name, value in filters.items()}


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (
            {"status": "failed"},
            (
                "status must be one of deadline_exceeded, executing, execution_failed, execution_rejected, fulfilled, "
                "schedule_failed, waiting, not 'failed'"
            ),
        ),
        ({"service_type": ""}, "service_type must be one of batch, time_sensitive, not ''"),
        (
            {"source": "api"},
            "source must be one of cloud_function, file_operation, flex_schema, open_api, sdk, timer, wechat_pay_success, not 'api'",
        ),
    ],
)
def test_an_unknown_filter_is_refused_with_those_that_there_are(
    open_side: OpenSide, service: ScriptedService, filters: dict[str, Any], message: str
) -> None:
    side = open_side(base_url=service.url, access_token="t")
    with pytest.raises(ValueError, match="must be one of") as refused:
        side.cloud.jobs.list("greet", **filters)
    assert str(refused.value) == message
    assert service.received == []


def test_a_list_asks_in_its_environment(open_side: OpenSide, service: ScriptedService) -> None:
    service.add_jobs(3)
    side = open_side(base_url=service.url, access_token="t", environment="env1")
    assert len(side.run(lambda cloud: cloud.jobs.list("greet", page_size=2))) == 3
    assert {received.headers["x-hydrogen-env-id"] for received in service.received} == {"env1"}


def test_memory_stays_flat_while_many_items_go_by(service: ScriptedService) -> None:
    count = 32_000

    def page(received: Received) -> Reply:
        offset, limit = received.offset, int(received.query["limit"])
        places = range(offset, min(offset + limit, count))
        jobs = [
            {"id": count - place, "created_at": LONG_AGO - place, "status": "fulfilled", "source": "open_api"}
            for place in places
        ]
        return Reply(200, {"meta": {"total_count": count, "limit": limit, "offset": offset}, "objects": jobs})

    service.before = page
    levels: list[int] = []
    with MinCloud(base_url=service.url, access_token="t") as cloud:
        tracemalloc.start()
        try:
            for number, _ in enumerate(cloud.jobs.list("greet", page_size=1000, prefetch=1)):
                if number in (21_000, 31_000):  # after the latest 20,000 have come to be remembered
                    gc.collect()
                    levels.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()
    assert levels[1] - levels[0] < 1_500_000  # a page or two, not 10,000 jobs


@pytest.mark.parametrize(
    ("count", "page_size", "prefetch", "counts"),
    [
        (450, 100, 0, True),
        (450, 100, 8, True),
        (25, 10, 0, True),
        (25, 10, 0, False),
        (7, 1, 0, True),
        (1450, 1000, 2, True),
    ],
)
@pytest.mark.parametrize("ignores", ["offset", "offset and limit"])
def test_a_service_that_ignores_offset_is_found_out(
    open_side: OpenSide, service: ScriptedService, count: int, page_size: int, prefetch: int, counts: bool, ignores: str
) -> None:
    service.add_jobs(count)
    service.counts = counts

    def first_page(received: Received) -> Reply:
        limit = int(received.query["limit"]) if ignores == "offset" else page_size
        meta: dict[str, Any] = {"total_count": count} if counts else {}
        jobs = [{key: job[key] for key in ("id", "status", "created_at")} for job in service.jobs[:limit]]
        return Reply(200, {"meta": {"offset": received.offset, "limit": limit, **meta}, "objects": jobs})

    service.before = first_page
    side = open_side(base_url=service.url, access_token="t")
    with pytest.raises(
        InvalidResponse, match=r"a page from offset \d+ brings nothing new: does the service ignore offset\?"
    ):
        side.run(lambda cloud: cloud.jobs.list("greet", page_size=page_size, prefetch=prefetch))
    assert len(service.received) < 30 + 10 * prefetch


def test_a_service_whose_offset_counts_pages_is_found_out(open_side: OpenSide, service: ScriptedService) -> None:
    service.add_jobs(450)

    def page(received: Received) -> Reply:
        jobs = [{"id": job["id"], "status": job["status"]} for job in service.jobs[received.offset * 100 :][:100]]
        return Reply(200, {"meta": {"total_count": 450}, "objects": jobs})

    service.before = page
    side = open_side(base_url=service.url, access_token="t")
    with pytest.raises(InvalidResponse, match="brings nothing new"):
        side.run(lambda cloud: cloud.jobs.list("greet", page_size=100))
    assert len(service.received) < 200


@pytest.mark.parametrize("counts", [True, False])
def test_a_service_that_ignores_offset_while_objects_are_added_is_found_out(
    open_side: OpenSide, service: ScriptedService, counts: bool
) -> None:
    service.add_functions(100)
    service.counts = counts

    def first_page(received: Received) -> Reply | None:
        if received.number > 1000:
            return Reply(400)
        service.add_functions(1)
        meta: dict[str, Any] = {"total_count": 450} if counts else {}
        return Reply(200, {"meta": meta, "objects": service.functions[: int(received.query["limit"])]})

    service.before = first_page
    side = open_side(base_url=service.url, access_token="t", max_retries=0)
    with pytest.raises(InvalidResponse, match="brings nothing new: does the service ignore offset"):
        side.run(lambda cloud: cloud.functions.list(page_size=50))
    assert len(service.received) < 200
