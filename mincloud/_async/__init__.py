"""The client for asyncio, and the one source: `scripts/codegen/derive_sync.py` derives `mincloud._sync` from it."""

from .client import AsyncMinCloud
from .credentials import AsyncCredentials
from .functions import AsyncFunctions
from .job_search import AsyncFoundCall
from .jobs import AsyncJobs
from .pages import AsyncPaginator
from .runs import AsyncRun

__all__ = [
    "AsyncCredentials",
    "AsyncFoundCall",
    "AsyncFunctions",
    "AsyncJobs",
    "AsyncMinCloud",
    "AsyncPaginator",
    "AsyncRun",
]
