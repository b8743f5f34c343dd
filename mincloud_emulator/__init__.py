"""A local stand-in for MinCloud's cloud functions: the same API on your own machine, with code or stubs.

    from mincloud_emulator import Emulator

    with Emulator() as emulator:
        emulator.stub("greet", lambda event: f"hi {event['data']['username']}")

The names are imported when they are first used, because pytest imports the plugin with every run, also where no test starts
an emulator.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.clock import Clock
    from .core.errors import AddressError, DataFileError, EmulatorError, FunctionSourceError
    from .core.recorded_calls import RecordedCall
    from .core.settings import Limits
    from .emulator import Emulator

__all__ = [
    "AddressError",
    "Clock",
    "DataFileError",
    "Emulator",
    "EmulatorError",
    "FunctionSourceError",
    "Limits",
    "RecordedCall",
]

_MODULES = {
    "AddressError": "core.errors",
    "Clock": "core.clock",
    "DataFileError": "core.errors",
    "Emulator": "emulator",
    "EmulatorError": "core.errors",
    "FunctionSourceError": "core.errors",
    "Limits": "core.settings",
    "RecordedCall": "core.recorded_calls",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    try:
        module = import_module(f".{_MODULES[name]}", __name__)
    except ModuleNotFoundError as error:
        message = f"the emulator needs {error.name}: pip install 'mincloud[emulator]'"
        raise ImportError(message, name=error.name) from error
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
