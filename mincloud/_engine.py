"""Which libraries carry the requests: httpx with httpcore, or their successors httpx2 with httpcore2, which have the same interface.

Who installs `mincloud[httpx2]` asks for the successors, so they are used where they are installed; `MINCLOUD_ENGINE` decides otherwise.
The choice is made once in a process, when a client is first imported, since what the transport is made of cannot change afterwards.
"""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .errors import ConfigurationError

# The engine's own name, which is that of what is imported late, and the name of what is imported at once.
_CORES = {"httpx": "httpcore", "httpx2": "httpcore2"}
_VARIABLE = "MINCLOUD_ENGINE"


def _chosen() -> str:
    """The engine's name.

    Raises:
        ConfigurationError: The environment names one that there is not.
    """
    wanted = os.environ.get(_VARIABLE)
    if not wanted:
        return "httpx2" if find_spec("httpx2") is not None and find_spec("httpcore2") is not None else "httpx"
    if wanted not in _CORES:
        raise ConfigurationError(f"{_VARIABLE} must be httpx or httpx2, not {wanted!r}")
    if find_spec(wanted) is None:
        raise ConfigurationError(f"{_VARIABLE} is {wanted}, which is not installed: pip install 'mincloud[{wanted}]'")
    return wanted


ENGINE = _chosen()

if TYPE_CHECKING:
    import httpcore as httpcore  # noqa: PLC0414 - it is given on
    import httpx as httpx  # noqa: PLC0414 - it is given on
else:
    httpcore = import_module(_CORES[ENGINE])


def __getattr__(name: str) -> Any:
    # It takes a while to import, and most calls need none of it.
    if name == "httpx":
        return import_module(ENGINE)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
