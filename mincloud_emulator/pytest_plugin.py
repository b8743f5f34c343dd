"""The pytest fixtures `mincloud_emulator` and `mincloud_client`, which come with the package and its `emulator` extra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mincloud import MinCloud

    from .emulator import Emulator


@pytest.fixture(scope="session")
def _mincloud_emulator_of_session() -> Iterator[Emulator]:
    # Loaded here: pytest imports this module with every run, and most tests start no emulator.
    try:
        from . import Emulator  # noqa: PLC0415 - see above
    except ImportError as error:
        pytest.fail(str(error), pytrace=False)

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


@pytest.fixture
def mincloud_client(mincloud_emulator: Emulator) -> Iterator[MinCloud]:
    """A client that is connected to the test's `mincloud_emulator`, and closed after the test.

    For asyncio or with other options, make one: `AsyncMinCloud(base_url=mincloud_emulator.url,
    access_token=mincloud_emulator.access_token)`.
    """
    from mincloud import MinCloud  # noqa: PLC0415 - see above

    with MinCloud(base_url=mincloud_emulator.url, access_token=mincloud_emulator.access_token) as client:
        yield client
