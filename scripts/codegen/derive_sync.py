"""Derives `mincloud/_sync/` from `mincloud/_async/`, the one source of both. `--check` only says whether it is up to date."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import unasync  # type: ignore[import-untyped, unused-ignore]  # pyright: ignore[reportMissingTypeStubs] - it has none

from scripts import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = ROOT / "mincloud" / "_async"
TARGET = ROOT / "mincloud" / "_sync"

NAMES = {
    "AsyncClient": "Client",
    "AsyncConnectionInterface": "ConnectionInterface",
    "AsyncConnectionPool": "ConnectionPool",
    "AsyncCredentials": "Credentials",
    "AsyncExchange": "Exchange",
    "AsyncPipeline": "Pipeline",
    "AsyncFoundCall": "FoundCall",
    "AsyncFunctions": "Functions",
    "AsyncGenerator": "Generator",
    "AsyncHTTPClient": "HTTPClient",
    "AsyncHTTPConnection": "HTTPConnection",
    "AsyncHTTPProxy": "HTTPProxy",
    "AsyncHTTPXTransport": "HTTPXTransport",
    "AsyncHTTPTransport": "HTTPTransport",
    "AsyncJobWatcher": "JobWatcher",
    "AsyncJobWatchers": "JobWatchers",
    "AsyncJobs": "Jobs",
    "AsyncMinCloud": "MinCloud",
    "AsyncNetworkBackend": "NetworkBackend",
    "AsyncNetworkStream": "NetworkStream",
    "AsyncSOCKSProxy": "SOCKSProxy",
    "AsyncPaginator": "Paginator",
    "AsyncRun": "Run",
    "AsyncTransport": "Transport",
    "AsyncWait": "Wait",
    "AsyncWatchedCall": "WatchedCall",
    "asyncio_": "threads",
    "aclose": "close",
    "aclosing": "closing",
    "aiter_raw": "iter_raw",
    "aiter_stream": "iter_stream",
    "aread": "read",
    "handle_async_request": "handle_request",
}

# In prose and annotations that are no code, as docstrings.
PROSE: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"\bawait ", ""),
    (r"\basync (for|with)\b", r"\1"),
    (r"\b(" + "|".join(NAMES) + r")\b", lambda match: NAMES[match[1]]),
    (r"Awaitable\[(\w+)\]", r"\1"),
    (r", Awaitable\b|\bAwaitable, ", ""),
)

HEADER = (
    "# Derived from mincloud/_async/{name} by scripts/codegen/derive_sync.py: change that and run `make generate`.\n"
)

PACKAGE_DOCSTRING = '"""The client for threads and plain scripts, derived from `mincloud._async`."""'


def derive(target: Path) -> None:
    """Writes the derived package into a folder that exists."""
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "_async"
        shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
        rule = unasync.Rule(f"{source}/", f"{target}/", additional_replacements=NAMES)
        unasync.unasync_files([str(path) for path in source.glob("*.py")], rules=[rule])  # pyright: ignore[reportUnknownMemberType]
    for path in sorted(target.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.name == "__init__.py":
            text = PACKAGE_DOCSTRING + text[text.index('"""\n') + 3 :]
        for pattern, replacement in PROSE:
            text = re.sub(pattern, replacement, text)
        path.write_text(HEADER.format(name=path.name) + text, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    config = ["--config", str(ROOT / "pyproject.toml")]
    subprocess.run([*ruff, "check", "--quiet", "--fix-only", "--select", "I,F401", *config, str(target)], check=True)
    subprocess.run([*ruff, "format", "--quiet", *config, str(target)], check=True)


def main() -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the derived side is stale")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary) / "mincloud" / "_sync"
        fresh.mkdir(parents=True)
        derive(fresh)
        names = sorted({path.name for folder in (fresh, TARGET) for path in folder.glob("*.py")})
        stale = [name for name in names if _text(fresh / name) != _text(TARGET / name)]
        if arguments.check:
            if stale:
                print(
                    f"mincloud/_sync is not what mincloud/_async gives ({', '.join(stale)}): run `make generate` and commit",
                    file=sys.stderr,
                )
            return 1 if stale else 0
        for name in stale:
            (TARGET / name).unlink(missing_ok=True)
            if (fresh / name).exists():
                shutil.copy(fresh / name, TARGET / name)
        print(f"mincloud/_sync: {len(stale)} files changed" if stale else "mincloud/_sync: up to date")
    return 0


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
