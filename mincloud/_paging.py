"""Paging without the requests: pages, how they are read, where the next one begins, and which items are new."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from itertools import starmap
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, get_type_hints

import attrs
from mincloud_api.models.page_meta import PageMeta
from mincloud_api.types import InvalidValue

from ._responses import import_msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from ._responses import APIResponse

Item = TypeVar("Item")

MOST_PER_PAGE = 1000
# How many of the latest items are remembered, to drop those that come again.
_REMEMBERED = 20_000
# How often the first and a later offset must bring the same items: once may be a change of the list between the two.
_SURELY_IGNORED = 4
# How many pages without a new item are taken for changes of the list.
_PATIENCE = 60


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
    """A page as the service gave it.

    Attributes:
        meta: Its place in the list.
        objects: The objects of the page.
    """

    meta: PageMeta
    objects: list[Item]


class _PageModel(Protocol[Item]):
    """A generated model of a page."""

    meta: PageMeta
    objects: list[Item]


class PageReader(Generic[Item]):
    """Reads the pages of a list out of responses.

    Where msgspec is installed, it makes the objects straight from the body, which takes less than half the time. It refuses a body that has
    anything but what the contract names; such a body is read, or refused, as it is without msgspec.

    Args:
        model: The generated model of an object.
        parse: Makes the generated model of a page of decoded JSON.
    """

    def __init__(self, model: type[Item], parse: Callable[[Any], _PageModel[Item]]) -> None:
        self._model = model
        self._parse = parse

    def __call__(self, response: APIResponse) -> RawPage[Item]:
        """Reads a page.

        Raises:
            InvalidResponse: It is not JSON, or not what the contract says.
        """
        page = self._decode(response.content()) if self._decode is not None else None
        if page is None:
            parsed = response.parsed(self._parse)
            page = RawPage(parsed.meta, parsed.objects)
        return page

    @cached_property
    def _decode(self) -> Callable[[bytes], RawPage[Item] | None] | None:
        msgspec = import_msgspec()
        if msgspec is None:
            return None
        model, types = self._model, get_type_hints(self._model)
        fields = [
            (field.name, types[field.name], *(() if field.default is attrs.NOTHING else (field.default,)))
            for field in attrs.fields(model)  # type: ignore[arg-type]
            if field.init
        ]
        structure = msgspec.defstruct(model.__name__, fields, forbid_unknown_fields=True, gc=False)
        page = msgspec.defstruct(
            "Page",
            [("meta", dict[str, Any]), ("objects", GenericAlias(list, (structure,)))],
            forbid_unknown_fields=True,
        )
        decode, values = msgspec.json.Decoder(page).decode, msgspec.structs.astuple

        def decode_page(content: bytes) -> RawPage[Item] | None:
            try:
                decoded = decode(content)
                return RawPage(PageMeta.from_dict(decoded.meta), list(starmap(model, map(values, decoded.objects))))
            except (InvalidValue, RecursionError, ValueError, msgspec.MsgspecError):
                return None

        return decode_page


class PageCursor(Generic[Item]):
    """The place in a list up to which it was read. The list may change meanwhile; each item that stays in it is delivered once.

    A page is requested from the last item of the page before it. If it begins with an item that was seen, nothing between the two was
    missed. If it does not, items before it were removed and others may have slipped past, so that reading goes back. This holds wherever
    items are added and removed, as long as those that stay keep their order. The total alone would not tell: an addition hides a removal.

    A page without a new item can be due to additions in front of it. Then the same page is requested from other offsets; if all of them
    bring the same, the service ignores offsets.

    Attributes:
        offset: Where the next page begins.
        limit: How many items it may have.
        finished: Whether the list is read to its end.
        is_stuck: Whether the service gives the same items again and again.

    Args:
        identity: What tells an item from others.
        page_size: How many items a page is to bring.
    """

    def __init__(self, identity: Callable[[Item], Hashable], page_size: int) -> None:
        self.offset: int = 0
        self.limit: int = page_size
        self.finished: bool = False
        self.is_stuck: bool = False
        # One more for the item that is seen again.
        self._longest: int = min(page_size + 1, MOST_PER_PAGE)
        self._identity = identity
        self._seen = SeenItems(identity)
        self._total: int | None = None
        self._back = 1
        self._last: Hashable = None
        self._reached = 0
        self._probe: _Probe | None = None
        self._without_news = 0

    def offsets(self) -> range:
        """Where the next page begins and, as far as is known, those after it."""
        if self._probe is not None:
            return range(self.offset, self.offset + 1)
        known_end = 0 if self._total is None else self._total - self._overlap
        return range(self.offset, max(self.offset + 1, known_end), self.limit - self._overlap)

    @property
    def _overlap(self) -> int:
        # A service that gives one item at a time leaves no room for one that is seen again.
        return 1 if self.limit > 1 else 0

    def take(self, fetched: RawPage[Item]) -> Page[Item] | None:
        """Reads the page that was requested from `offset`, and moves on.

        Args:
            fetched: The page.

        Returns:
            The page without the items that were seen before; None if another one has to be requested instead.
        """
        objects, before, total = fetched.objects, self._total, fetched.meta.total_count
        if self._probe is not None:
            self._compare(self._probe, [self._identity(item) for item in objects])
            return None
        self._total = total
        self._without_news += 1
        # After going back to the first item, all pages up to here bring nothing new.
        if self._without_news > _PATIENCE + 2 * (len(self._seen) // max(1, self.limit - 1)):
            self.is_stuck = self.finished = True
            return None
        joins = bool(objects) and objects[0] in self._seen
        if self.offset and self._overlap and not joins:
            gone = before - total if before is not None and total is not None else 0
            self.offset = max(0, self.offset - max(gone, self._back))
            self._back *= 2
            return None
        self._back = 1
        offset, limit = self.offset, self.limit
        self._move_on(fetched)
        fresh = self._seen.filter_new(objects)
        if fresh:
            if fresh[-1] is objects[-1]:  # else there are only additions before what was seen
                self._without_news = 0
            self._last, self._reached = self._identity(objects[-1]), offset + len(objects)
            known = next(place for place, item in enumerate(objects) if item is fresh[0])
            return Page(fresh, offset + known, total)
        items = [self._identity(item) for item in objects]
        # The last item alone is the end of a list of unknown length, and what is before the last page is seen again after going back.
        is_end = limit > 1 and items == [self._last]
        if items and not is_end and offset + len(items) > self._reached:
            self._probe = _Probe(items, offset, self.offset, self.limit, self.finished)
            self.offset, self.limit, self.finished = 0, limit, False
            return None
        return Page(fresh, offset, total)

    def _move_on(self, fetched: RawPage[Item]) -> None:
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

    def _compare(self, probe: _Probe, items: list[Hashable]) -> None:
        """Compares a page without a new item with what another offset brings."""
        if items != probe.items:
            self.offset, self.limit, self.finished = probe.next_offset, probe.next_limit, probe.is_last
            self._probe = None
            return
        probe.repetitions += 1
        self.is_stuck = self.finished = probe.repetitions == _SURELY_IGNORED
        self.offset = 0 if self.offset else probe.offset


@dataclass(slots=True)
class _Probe:
    """A page without a new item, and where to go on if offsets matter after all."""

    items: list[Hashable]
    offset: int
    next_offset: int
    next_limit: int
    is_last: bool
    repetitions: int = 0


class SeenItems(Generic[Item]):
    """The latest items, so that none is delivered twice; bounded, so that memory stays flat."""

    def __init__(self, identity: Callable[[Item], Hashable]) -> None:
        self._identity = identity
        self._known: set[Hashable] = set()
        self._order: deque[list[Hashable]] = deque()

    def __len__(self) -> int:
        return len(self._known)

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
