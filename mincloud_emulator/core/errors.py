"""The errors of an emulator, each with a message that says what to do."""

from __future__ import annotations


class EmulatorError(Exception):
    """The emulator can't start or do what was asked; the message is one line that says what to do."""


class DataFileError(EmulatorError):
    """The data file is in use, of another version, or no data file."""


class AddressError(EmulatorError):
    """The host or port can't be listened on."""


class FunctionSourceError(EmulatorError):
    """A function's code is empty, or the file or folder that should hold it can't be read."""
