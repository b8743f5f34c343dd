"""The operations with this tag, each loaded when it is first used: a program that calls one does not wait for all."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import create_function as create_function
    from . import delete_function as delete_function
    from . import get_function as get_function
    from . import list_functions as list_functions
    from . import update_function as update_function

__all__ = (
    "create_function",
    "delete_function",
    "get_function",
    "list_functions",
    "update_function",
)


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f".{name}", __name__)
