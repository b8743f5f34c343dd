# Derived from mincloud/_async/__init__.py by scripts/codegen/derive_sync.py: change that and run `make generate`.
"""The client for threads and plain scripts, derived from `mincloud._async`."""

from .client import MinCloud
from .credentials import Credentials
from .functions import Functions
from .job_search import FoundCall
from .jobs import Jobs
from .pages import Paginator
from .runs import Run

__all__ = [
    "Credentials",
    "FoundCall",
    "Functions",
    "Jobs",
    "MinCloud",
    "Paginator",
    "Run",
]
