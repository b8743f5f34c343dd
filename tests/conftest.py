"""Fixtures that the whole project's tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mincloud_emulator import Emulator


@pytest.fixture
def emulator(mincloud_emulator: Emulator) -> Emulator:
    """The emulator of the package's own plugin, fresh for each test."""
    return mincloud_emulator
