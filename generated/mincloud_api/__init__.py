"""The typed client of the contract, `openapi/mincloud.yaml`.

Made by a machine: change the contract and run `make generate`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import AuthenticatedClient, Client

CONTRACT_VERSION = "0.1.0"
CONTRACT_SHA256 = "7831dc735c4b4f2d5cc820aaf266e15a9c28ba89fd650ce0a7bf8013b31dce2a"

__all__ = ("CONTRACT_SHA256", "CONTRACT_VERSION", "AuthenticatedClient", "Client")


def __getattr__(name: str) -> Any:
    # The clients bring httpx; whoever takes only the models does not wait for it.
    if name in ("AuthenticatedClient", "Client"):
        from . import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
