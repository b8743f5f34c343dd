"""The operations with this tag, each loaded when it is first used: a program that calls one does not wait for all."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import debug_function as debug_function
    from . import invoke_function as invoke_function
    from . import trigger_function as trigger_function

__all__ = (
    "debug_function",
    "invoke_function",
    "trigger_function",
)


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f".{name}", __name__)
