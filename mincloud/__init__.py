"""A client for the cloud functions of 知晓云 (MinApp Cloud).

    from mincloud import MinCloud

    with MinCloud() as cloud:
        print(cloud.functions.invoke("greet", {"username": "爱范儿"}))

`AsyncMinCloud` has the same methods for asyncio. Importing this package is quick: errors and transports are imported at once,
everything else when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import _version, errors, transports
from .errors import *
from .transports import *

__version__ = _version.VERSION

# Each of these modules says in `__all__` what is public of it, as the two above do.
if TYPE_CHECKING:
    from ._async import *
    from ._async.functions import *
    from ._async.jobs import *
    from ._contract import *
    from ._function_files import *
    from ._models import *
    from ._sync import *
    from ._sync.functions import *
    from ._sync.jobs import *
else:
    # In the order in which a name is looked for. A name of the asyncio client begins with `Async`; nothing else imports asyncio.
    _ASYNC_MODULES = ("_async", "_async.functions", "_async.jobs")
    _OTHER_MODULES = ("_models", "_sync", "_sync.functions", "_sync.jobs", "_function_files", "_contract")

    def __getattr__(name: str) -> Any:
        if name == "__all__":
            modules = (errors, transports, *map(_imported, (*_OTHER_MODULES, *_ASYNC_MODULES)))
            return sorted({"__version__", *(name for module in modules for name in module.__all__)})
        if not name.startswith("_"):
            for module in map(_imported, _ASYNC_MODULES if name.startswith("Async") else _OTHER_MODULES):
                if name in module.__all__:
                    globals()[name] = value = getattr(module, name)
                    return value
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__() -> list[str]:
        return __getattr__("__all__")

    def _imported(module: str) -> Any:
        return import_module(f".{module}", __name__)
