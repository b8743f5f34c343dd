"""The typed client of the contract, `openapi/mincloud.yaml`.

Made by a machine: change the contract and run `make generate`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import AuthenticatedClient, Client

CONTRACT_VERSION = "0.1.0"
CONTRACT_SHA256 = "1d0e7f5c0e7e3b0c275a25ccfa590b2bda52a94c4d4fb9daf7ad67c790621558"

__all__ = ("CONTRACT_SHA256", "CONTRACT_VERSION", "AuthenticatedClient", "Client")


def __getattr__(name: str) -> Any:
    # The clients bring httpx; whoever takes only the models does not wait for it.
    if name in ("AuthenticatedClient", "Client"):
        from . import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
