"""The typed client of the contract, `openapi/mincloud.yaml`.

Made by a machine: change the contract and run `make generate`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client import AuthenticatedClient, Client

CONTRACT_VERSION = "0.1.0"
CONTRACT_SHA256 = "749e72c4dac95686c8b615437cce461d77b91e18ea064a07e7a3eb1e2d65548e"

__all__ = ("CONTRACT_SHA256", "CONTRACT_VERSION", "AuthenticatedClient", "Client")


def __getattr__(name: str) -> Any:
    # The clients bring httpx; whoever takes only the models does not wait for it.
    if name in ("AuthenticatedClient", "Client"):
        from . import client

        return getattr(client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
