"""Hooks for PyInstaller, which sees neither what is imported by name nor the files beside the code. It finds them by an entry point."""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """The folder with the hooks."""
    return [str(Path(__file__).parent)]
