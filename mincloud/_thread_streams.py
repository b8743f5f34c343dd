"""Network streams for threads: the counterpart of `_task_streams`, with the same names."""

from __future__ import annotations

from ._engine import httpcore


def network() -> httpcore.NetworkBackend:
    """What opens streams."""
    return httpcore.SyncBackend()
