"""Whatever is added and removed while a list is read, each item that stays is delivered, and none twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mincloud_api.models.page_meta import PageMeta

from mincloud._paging import PageCursor, RawPage

from .conftest import OpenSide
from .scripted_service import LONG_AGO, Received, ScriptedService, a_function, serving


@dataclass(frozen=True)
class Change:
    """An item that comes or goes at some place of a list."""

    adds: bool
    place: float

    def of(self, length: int) -> int:
        return int(self.place * (length if self.adds else length - 1))


@dataclass(frozen=True)
class Story:
    """A list, what happens to it before each request but the first, and how it is read."""

    count: int
    changes: list[list[Change]]
    page_size: int
    prefetch: int = 0
    counts: bool = True
    longest_page: int = 1000


FRONT, MIDDLE, END = 0.0, 0.5, 1.0
ADD_FIRST, ADD_LAST = Change(adds=True, place=FRONT), Change(adds=True, place=END)
REMOVE_FIRST, REMOVE_LAST = Change(adds=False, place=FRONT), Change(adds=False, place=END)

changes = st.builds(Change, st.booleans(), st.one_of(st.sampled_from((FRONT, MIDDLE, END)), st.floats(0, 1)))
stories = st.builds(
    Story,
    count=st.integers(0, 40),
    changes=st.lists(st.lists(changes, max_size=6), max_size=30),
    page_size=st.integers(1, 9),
    prefetch=st.integers(0, 3),
    counts=st.booleans(),
    longest_page=st.sampled_from((2, 5, 1000)),
)

# What a client that goes by the list's own counts gets wrong.
HIDDEN_REMOVALS = Story(20, [[REMOVE_FIRST, ADD_LAST]] * 10, page_size=4)
HIDDEN_BEHIND_AN_EARLIER_LOOK = Story(20, [[ADD_FIRST, REMOVE_LAST], [REMOVE_FIRST, ADD_LAST]] * 6, 4, prefetch=3)
ALL_GONE = Story(20, [[], [REMOVE_FIRST] * 12], page_size=4)
ALL_NEW = Story(12, [[], [REMOVE_FIRST, ADD_LAST] * 12], page_size=4)


@pytest.fixture(scope="module")
def service() -> Iterator[ScriptedService]:
    with serving() as started:
        yield started


checked = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_functions_that_stay_are_delivered_once_wherever_others_come_and_go(
    open_side: OpenSide, service: ScriptedService
) -> None:
    side = open_side(base_url=service.url, access_token="t", max_retries=0)

    @checked
    @given(stories)
    @example(HIDDEN_REMOVALS)
    @example(HIDDEN_BEHIND_AN_EARLIER_LOOK)
    @example(ALL_GONE)
    @example(ALL_NEW)
    def holds(story: Story) -> None:
        begin(service, story)
        service.functions = [a_function(f"f{number}", number) for number in range(story.count)]
        staying = set(range(story.count))
        order = list(range(story.count))
        fresh = iter(range(1000, 10_000))

        def happen(number: int) -> None:
            for change in story.changes[number - 1] if 0 < number <= len(story.changes) else []:
                listed = service.functions
                place = change.of(len(listed))
                if change.adds:
                    added = next(fresh)
                    listed.insert(place, a_function(f"f{added}", added))
                elif listed:
                    staying.discard(listed.pop(place)["id"])

        told = tell(service, happen)
        delivered = [
            function.id
            for function in side.run(
                lambda cloud: cloud.with_options(environment=told).functions.list(
                    page_size=story.page_size, prefetch=story.prefetch
                )
            )
        ]
        assert len(delivered) == len(set(delivered))
        assert [number for number in delivered if number in staying] == [
            number for number in order if number in staying
        ]

    holds()


def test_jobs_that_stay_are_delivered_once_and_those_that_come_are_not(
    open_side: OpenSide, service: ScriptedService
) -> None:
    side = open_side(base_url=service.url, access_token="t", max_retries=0)

    @checked
    @given(stories)
    @example(HIDDEN_REMOVALS)
    @example(HIDDEN_BEHIND_AN_EARLIER_LOOK)
    @example(ALL_GONE)
    def holds(story: Story) -> None:
        begin(service, story)
        service.jobs = []
        for number in range(story.count):
            service.add_jobs(1, created_at=LONG_AGO + number // 3 + 0.419368)  # several in a second
        order = [job["id"] for job in service.jobs]
        staying = set(order)
        at = LONG_AGO + story.count + 1.5
        later = iter(range(1000, 10_000))

        def happen(number: int) -> None:
            for change in story.changes[number - 1] if 0 < number <= len(story.changes) else []:
                if change.adds:  # a new job is always the newest
                    added = next(later)
                    service.add_jobs(1, id=added, created_at=at + added)
                elif service.jobs:
                    staying.discard(service.jobs.pop(change.of(len(service.jobs)))["id"])

        told = tell(service, happen)
        delivered = [
            job.id
            for job in side.run(
                lambda cloud: cloud.with_options(environment=told).jobs.list(
                    "greet", page_size=story.page_size, prefetch=story.prefetch
                )
            )
        ]
        assert len(delivered) == len(set(delivered))
        assert [number for number in delivered if number in staying] == [
            number for number in order if number in staying
        ]
        if order:  # else there was no job to pin the list to
            assert set(delivered) <= set(order)

    holds()


tellings = count()


def tell(service: ScriptedService, happen: Callable[[int], None]) -> str:
    """Has things happen before each request of a story, by its number; gives the environment that its requests carry.

    A page that was asked for ahead and then given up may reach the service when the next story has begun.
    """
    told = f"story-{next(tellings)}"
    numbers = count()

    def before(received: Received) -> None:
        if received.headers.get("x-hydrogen-env-id") == told:
            happen(next(numbers))

    service.before = before
    return told


def begin(service: ScriptedService, story: Story) -> None:
    """Forgets the story before."""
    service.before = lambda _: None
    service.received.clear()
    service.counts = story.counts
    service.longest_page = story.longest_page


@settings(deadline=None)
@given(st.integers(0, 60), st.lists(st.lists(changes, max_size=8), max_size=60), st.integers(1, 9), st.booleans())
def test_a_walk_meets_each_item_that_stays_once(
    length: int, happenings: list[list[Change]], page_size: int, counts: bool
) -> None:
    listed = list(range(length))
    staying = set(listed)
    fresh = iter(range(1000, 10_000))
    walk: PageCursor[int] = PageCursor(lambda number: number, page_size)
    met: list[int] = []
    happening = iter([*happenings, *[[]] * 1000])
    steps = 0
    while not walk.finished:
        steps += 1
        assert steps < 1000
        objects = listed[walk.offset : walk.offset + walk.limit]
        page = walk.take(RawPage(PageMeta(total_count=len(listed) if counts else None), objects))
        met += page.items if page is not None else []
        for change in next(happening):
            place = change.of(len(listed))
            if change.adds:
                listed.insert(place, next(fresh))
            elif listed:
                staying.discard(listed.pop(place))
    assert len(met) == len(set(met))
    assert [number for number in met if number in staying] == sorted(staying)


def test_going_back_finds_the_way_in_few_steps() -> None:
    """Most of what was delivered goes away, and as much comes after it, so that the count tells nothing."""
    listed: list[Any] = list(range(5000))
    walk: PageCursor[int] = PageCursor(lambda number: number, 100)
    while walk.offset < 4000:
        walk.take(RawPage(PageMeta(total_count=5000), listed[walk.offset : walk.offset + walk.limit]))
    listed = [*listed[3000:], *range(5000, 8000)]
    steps = 0
    while walk.take(RawPage(PageMeta(total_count=5000), listed[walk.offset : walk.offset + walk.limit])) is None:
        steps += 1
    assert steps < 15
