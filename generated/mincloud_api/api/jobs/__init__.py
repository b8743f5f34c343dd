"""The operations with this tag, each loaded when it is first used: a program that calls one does not wait for all."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import list_jobs as list_jobs

__all__ = ("list_jobs",)


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f".{name}", __name__)
