"""Prints the megabytes by which this process grows while it iterates over a list of jobs: `sync|async URL PAGE_SIZE PREFETCH`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from mincloud import AsyncMinCloud, MinCloud


def _largest() -> float:
    """The most memory that this process had so far, in megabytes."""
    # `getrusage` would count what the parent used before it started this process.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def _walk(url: str, page_size: int, prefetch: int) -> float:
    with MinCloud(base_url=url, access_token="t") as cloud:
        jobs = cloud.jobs.list("greet", page_size=page_size, prefetch=prefetch)
        assert jobs.total  # everything is loaded, and a connection made
        before = _largest()
        for _ in jobs:
            pass
        return _largest() - before


async def _walk_in_asyncio(url: str, page_size: int, prefetch: int) -> float:
    async with AsyncMinCloud(base_url=url, access_token="t") as cloud:
        jobs = cloud.jobs.list("greet", page_size=page_size, prefetch=prefetch)
        assert await jobs.total
        before = _largest()
        async for _ in jobs:
            pass
        return _largest() - before


if __name__ == "__main__":
    side, where, size, ahead = sys.argv[1:]
    if side == "sync":
        print(_walk(where, int(size), int(ahead)))
    else:
        print(asyncio.run(_walk_in_asyncio(where, int(size), int(ahead))))
