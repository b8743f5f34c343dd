"""The typed client of the contract, `openapi/mincloud.yaml`.

Made by a machine: change the contract and run `make generate`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import AuthenticatedClient, Client

CONTRACT_VERSION = "0.1.0"
CONTRACT_SHA256 = "7b4b2d74f8413b76c619819462df8551a92ad76af41c197bd8af17d25be47eed"

__all__ = ("CONTRACT_SHA256", "CONTRACT_VERSION", "AuthenticatedClient", "Client")


def __getattr__(name: str) -> Any:
    # The clients bring httpx; whoever takes only the models does not wait for it.
    if name in ("AuthenticatedClient", "Client"):
        from . import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
