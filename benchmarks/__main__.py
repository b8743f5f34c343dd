"""Prints the figures with their goals; see the README beside this file. `make bench`, or `python -m benchmarks [NAME …]`."""

from __future__ import annotations

import argparse
import compileall
import platform
import sys
from importlib import metadata, util
from pathlib import Path

from . import calls, emulator, pages, runs, starts

FIGURES = (*calls.FIGURES, *runs.FIGURES, *pages.FIGURES, *starts.FIGURES, *emulator.FIGURES)
_PACKAGES = ("httpx", "httpcore", "anyio", "msgspec")


def _compile() -> None:
    """Compiles what is started anew for a figure, so that none pays for it."""
    for package in (
        "mincloud",
        "mincloud_api",
        "mincloud_emulator",
        "httpx",
        "httpcore",
        "h11",
        "anyio",
        "attr",
        "attrs",
    ):
        spec = util.find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        compileall.compile_dir(Path(spec.origin).parent, quiet=1)


def main(names: list[str]) -> int:
    """Takes the figures that are named, or all; returns the exit status."""
    known = {figure.name: figure for figure in FIGURES}
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"bench: there is no figure {unknown[0]!r}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    _compile()
    installed = [f"{name} {metadata.version(name)}" for name in _PACKAGES if util.find_spec(name) is not None]
    print(f"Python {platform.python_version()}, {', '.join(installed)}\n")
    print("| figure | CPU: median (smallest–largest) | wall: the same | goal | |\n| --- | --- | --- | --- | --- |")
    missed: list[str] = []
    chosen = [known[name] for name in names] or list(FIGURES)
    for figure in chosen:
        line, met = figure.line(figure.measure())
        print(line, flush=True)
        if not met:
            missed.append(figure.name)
    if missed:
        print(
            f"\n{len(missed)} of {len(chosen)} missed: take them again on a quiet machine with "
            f"`.venv/bin/python -m benchmarks {' '.join(missed)}`"
        )
    else:
        print("\nall goals are met" if len(chosen) > 1 else "\nthe goal is met")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measures this client against named references."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(figure.name for figure in FIGURES)}; all if none"
    )
    sys.exit(main(parser.parse_args().names))
