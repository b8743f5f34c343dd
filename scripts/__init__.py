"""What builds and checks this project, a package for each subject."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class ScriptError(Exception):
    """A script cannot do what it was asked; the message says in one line what to do about it."""
