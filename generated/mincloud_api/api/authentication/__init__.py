"""The operations with this tag, each loaded when it is first used: a program that calls one does not wait for all."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import authorize as authorize
    from . import create_access_token as create_access_token

__all__ = (
    "authorize",
    "create_access_token",
)


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f".{name}", __name__)
