"""What paging is about, without the requests: pages, where the next one is, and which items are new."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from mincloud_api.models.page_meta import PageMeta

Item = TypeVar("Item")

MOST_PER_PAGE = 1000
# How many of the latest items are remembered, to drop those that come again.
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """One page of a list.

    Attributes:
        items: The items of the page that no page before it had.
        offset: How many items of the list come before them.
        total: How many items the whole list has, as the service said with this page; None if it did not.
    """

    items: list[Item]
    offset: int
    total: int | None

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)


@dataclass(frozen=True, slots=True)
class RawPage(Generic[Item]):
    """What one request for a page brought.

    Attributes:
        meta: Where the page stands.
        objects: The objects of the page.
    """

    meta: PageMeta
    objects: list[Item]


class PageCursor(Generic[Item]):
    """A way through a list that may change on the way, on which each item that stays in the list is met once.

    A page is asked for from the last item of the page before it. If it does begin with an item that was met, nothing lies between
    the two that was not. If it does not, items before it went away and others may have slipped past, so the walk goes back.
    That holds wherever items are added and removed, and whichever page the service looked at first, as long as the items that stay keep
    their order. The counts of the list alone would not tell: an addition hides a removal.

    Attributes:
        offset: Where the next page begins.
        limit: How many items it may have.
        finished: Whether there is none.

    Args:
        identity: What tells an item from others.
        page_size: How many items a page is to bring.
    """

    def __init__(self, identity: Callable[[Item], Hashable], page_size: int) -> None:
        self.offset = 0
        self.limit = page_size
        self.finished = False
        # One more for the item that is met again.
        self._longest = min(page_size + 1, MOST_PER_PAGE)
        self._seen = SeenItems(identity)
        self._total: int | None = None
        self._back = 1

    def offsets(self) -> range:
        """Where the next page begins and, as far as is known, those after it."""
        known_end = 0 if self._total is None else self._total - self._overlap
        return range(self.offset, max(self.offset + 1, known_end), self.limit - self._overlap)

    @property
    def _overlap(self) -> int:
        # A service that gives one item at a time leaves no room for one that is met again.
        return 1 if self.limit > 1 else 0

    def take(self, fetched: RawPage[Item]) -> Page[Item] | None:
        """Goes on by what came from `offset`; None if the walk has to go back.

        Args:
            fetched: What came.
        """
        objects, before, total = fetched.objects, self._total, fetched.meta.total_count
        self._total = total
        joins = bool(objects) and objects[0] in self._seen
        if self.offset and self._overlap and not joins:
            gone = before - total if before is not None and total is not None else 0
            self.offset = max(0, self.offset - max(gone, self._back))
            self._back *= 2
            return None
        self._back = 1
        offset = self.offset
        self._go_on(fetched)
        fresh = self._seen.filter_new(objects)
        known = next(place for place, item in enumerate(objects) if item is fresh[0]) if fresh else 0
        return Page(fresh, offset + known, total)

    def _go_on(self, fetched: RawPage[Item]) -> None:
        count, total = len(fetched.objects), fetched.meta.total_count
        is_short = count < self.limit
        if total is not None:
            is_last = self.offset + count >= total
        else:
            # Fewer than asked for are the last ones, unless the service has a smaller limit of its own.
            own_limit = fetched.meta.limit
            is_last = is_short and not (own_limit is not None and own_limit < self.limit and count >= own_limit)
        if is_last or count <= (self._overlap if self.offset else 0):
            self.finished = True
            return
        self.limit = self._longest = count if is_short else self._longest
        self.offset += count - self._overlap


class SeenItems(Generic[Item]):
    """The latest items, so that none is delivered twice; bounded, so that memory stays flat."""

    def __init__(self, identity: Callable[[Item], Hashable]) -> None:
        self._identity = identity
        self._known: set[Hashable] = set()
        self._order: deque[list[Hashable]] = deque()

    def __contains__(self, item: Item) -> bool:
        return self._identity(item) in self._known

    def filter_new(self, items: list[Item]) -> list[Item]:
        """Those that were not there before."""
        identity, known = self._identity, self._known
        fresh: list[Item] = []
        keys: list[Hashable] = []
        for item in items:
            key = identity(item)
            if key not in known:
                known.add(key)
                keys.append(key)
                fresh.append(item)
        self._order.append(keys)
        # Page by page, as they came.
        while len(known) - len(self._order[0]) >= _REMEMBERED:
            known.difference_update(self._order.popleft())
        return fresh
