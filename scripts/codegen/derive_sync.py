"""Derives `mincloud/_sync/` from `mincloud/_async/`, the one source of both. `--check` only says whether it is up to date."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import unasync  # type: ignore[import-untyped, unused-ignore]  # pyright: ignore[reportMissingTypeStubs] - it has none

from scripts import ROOT
from scripts.codegen.derived import run, tidy

SOURCE = ROOT / "mincloud" / "_async"
TARGET = ROOT / "mincloud" / "_sync"

NAMES = {
    "asyncio_": "threads",
    "aclose": "close",
    "aclosing": "closing",
    "aiter_raw": "iter_raw",
    "aiter_stream": "iter_stream",
    "aread": "read",
    "handle_async_request": "handle_request",
}

# What unasync leaves: classes, which it calls `SyncFunctions`, and prose and annotations that are no code, as docstrings.
PATTERNS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"\b(?:Async|Sync)(?=[A-Z])", ""),
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
    """Writes the derived package into a folder that does not exist yet."""
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "_async"
        shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
        rule = unasync.Rule(f"{source}/", f"{target}/", additional_replacements=NAMES)
        unasync.unasync_files([str(path) for path in source.glob("*.py")], rules=[rule])  # pyright: ignore[reportUnknownMemberType]
    for path in sorted(target.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.name == "__init__.py":
            text = PACKAGE_DOCSTRING + text[text.index('"""\n') + 3 :]
        for pattern, replacement in PATTERNS:
            text = re.sub(pattern, replacement, text)
        path.write_text(HEADER.format(name=path.name) + text, encoding="utf-8")
    tidy(target, "I,F401,RUF022")


if __name__ == "__main__":
    sys.exit(run(TARGET, "mincloud/_async", derive))
