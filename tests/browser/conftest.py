"""Fixtures for the tests of the page, with one Chromium for all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.chromium import Browser, Page, start_browser
from tests.emulator.conftest import API

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mincloud_emulator import Emulator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives each test enough time for several waits of the browser's longest time."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with start_browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser, emulator: Emulator) -> Iterator[Page]:
    with browser.page(emulator.console_url) as opened:
        yield opened


@pytest.fixture
def api(emulator: Emulator) -> Iterator[API]:
    """Another client that uses the emulator while the page is open."""
    client = API(emulator.url, emulator.access_token)
    yield client
    client.http.close()
