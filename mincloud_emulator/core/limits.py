"""How much the emulator lets a call, an application and a request have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The service's documented limits, and the emulator's own for HTTP; smaller ones make tests quick.

    Attributes:
        sync_seconds: How long a call that is waited for may run.
        async_seconds: How long a call that is not waited for may run.
        free_concurrency: How many calls of `P_FREE` functions run at once.
        personal_concurrency: How many calls of `P_PERSONAL` functions run at once.
        sync_scheduling_seconds: How long a call that is waited for may wait for its turn.
        async_scheduling_seconds: How long a call that is not waited for may wait for its turn.
        body_bytes: The largest request body.
        request_seconds: How long a client may take to send a request's head, and again its body.
    """

    sync_seconds: float = 5.0
    async_seconds: float = 300.0
    free_concurrency: int = 100
    personal_concurrency: int = 10
    sync_scheduling_seconds: float = 2.0
    async_scheduling_seconds: float = 300.0
    body_bytes: int = 16 * 1024 * 1024
    request_seconds: float = 30.0
