"""The client that a command works with, from the global options."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    import argparse

    from .. import AsyncMinCloud, MinCloud


class GlobalOptions(TypedDict):
    """What each command gives its client."""

    base_url: str | None
    environment: str | None
    timeout: float | None


def global_options(args: argparse.Namespace) -> GlobalOptions:
    """The client's options among a command's arguments."""
    return {"base_url": args.base_url, "environment": args.environment, "timeout": args.timeout}


def connected(args: argparse.Namespace) -> MinCloud:
    """A client.

    Raises:
        ConfigurationError: There are no credentials, or an option is impossible.
    """
    from .. import MinCloud  # noqa: PLC0415 - help needs no client

    return MinCloud(**global_options(args))


def connected_async(args: argparse.Namespace, *, max_retries: int) -> AsyncMinCloud:
    """A client for asyncio; see `connected`."""
    from .. import AsyncMinCloud  # noqa: PLC0415 - help needs no client

    return AsyncMinCloud(**global_options(args), max_retries=max_retries)
