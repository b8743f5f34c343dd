# Derived from mincloud/_async/pages.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""Lists of the service, requested page by page."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from .._concurrency.threads import bounded_map
from .._operations import whole_number
from .._paging import MOST_PER_PAGE, PageCursor

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Hashable, Iterator

    from .._paging import Page, RawPage
    from .._responses import APIResponse

Item = TypeVar("Item")


class Paginator(Generic[Item]):
    """A list of the service: iterate over its items, or over its `pages()`. Each iteration starts anew.

    Args:
        fetch: Requests a page, given its offset, its size, and the first page of the list; gives the response, not yet decoded.
        read: Decodes a response.
        identity: What tells an item from others.
        name: What the list has, for its representation.
        page_size: How many items are asked for at a time, 1 to 1000.
        prefetch: How many pages are requested ahead of the one that is read, in parallel; none if the service does not say how long the
            list is.

    Raises:
        TypeError: `page_size` or `prefetch` is not an integer.
        ValueError: One of them is out of range.
    """

    def __init__(
        self,
        fetch: Callable[[int, int, RawPage[Item] | None], APIResponse],
        read: Callable[[APIResponse], RawPage[Item]],
        identity: Callable[[Item], Hashable],
        *,
        name: str,
        page_size: int,
        prefetch: int,
    ) -> None:
        self._name = name
        self._fetch = fetch
        self._read = read
        self._identity = identity
        self._page_size = whole_number("page_size", page_size, least=1, most=MOST_PER_PAGE)
        self._prefetch = whole_number("prefetch", prefetch, least=0)
        self._total: int | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._name}, page_size={self._page_size}>"

    def __len__(self) -> NoReturn:
        raise TypeError("a list of the service has no len(): its `total` asks for how many items it has")

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Item]:
        return self._items()

    def _items(self) -> Iterator[Item]:
        with closing(self.pages()) as pages:
            for page in pages:
                for item in page.items:
                    yield item

    @property
    def total(self) -> int:
        """How many items the list has, as the last page said that was read, else as the service says now.

        Raises:
            MinCloudError: What a call can raise.
        """
        if self._total is None:
            self._total = self._read(self._fetch(0, 1, None)).meta.total_count
        if self._total is None:  # a service that does not count
            count = 0
            for _ in self:
                count += 1
            return count
        return self._total

    def pages(self) -> Generator[Page[Item], None]:
        """The pages of the list, each without the items that a page before it had.

        The list may change meanwhile: each item that is in it from beginning to end comes exactly once, wherever others are
        added or removed, as long as it keeps its place among them. One that is moved may be missed; so may one of a service that
        gives a single item at a time. The latest 20,000 items are remembered, so one of those never comes twice.

        Raises:
            MinCloudError: What a call can raise, after the pages before it.
            InvalidResponse: The service gives the same items again and again, as one does that ignores offsets.
        """
        cursor = PageCursor(self._identity, self._page_size)
        first: RawPage[Item] | None = None
        window = self._prefetch + 1
        while not cursor.finished:  # several pages at known offsets; another length of the list gives other offsets
            fetch = self._fetcher(cursor.limit, first)
            offsets = cursor.offsets()
            with closing(bounded_map(fetch, offsets, concurrency=window, window=window)) as responses:
                for response in responses:
                    fetched = self._read(response)
                    requested = cursor.offset, cursor.limit
                    page = cursor.take(fetched)
                    if cursor.is_stuck:
                        raise response.invalid_response(
                            f"a page from offset {requested[0]} brings nothing new: does the service ignore offset?"
                        )
                    self._total = fetched.meta.total_count
                    if page is not None and (page.items or first is None):
                        first = first or fetched
                        yield page
                    if cursor.finished or (cursor.offset, cursor.limit) != (requested[0] + offsets.step, requested[1]):
                        break

    def _fetcher(self, limit: int, first: RawPage[Item] | None) -> Callable[[int], APIResponse]:
        def fetch(offset: int) -> APIResponse:
            return self._fetch(offset, limit, first)

        return fetch
