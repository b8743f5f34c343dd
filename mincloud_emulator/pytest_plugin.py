"""The pytest fixture `mincloud_emulator`, which comes with the package and its `emulator` extra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .emulator import Emulator


@pytest.fixture(scope="session")
def _mincloud_emulator_of_session() -> Iterator[Emulator]:
    # Loaded here: pytest imports this module with every run, and most tests start no emulator.
    from .emulator import Emulator  # noqa: PLC0415 - see above

    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def mincloud_emulator(_mincloud_emulator_of_session: Emulator) -> Iterator[Emulator]:
    """An emulator of the test's own: no functions, no jobs, and credentials that no other test has seen.

    One server is started for the whole run and reset before each test, so the fixture costs about a
    millisecond.
    """
    _mincloud_emulator_of_session.reset()
    yield _mincloud_emulator_of_session
    _mincloud_emulator_of_session.reset()
