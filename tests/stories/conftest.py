"""Fixtures: the contract, and an emulator as another server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.contract.document import read_valid
from scripts.stories.contract import Contract

if TYPE_CHECKING:
    from mincloud_emulator import Emulator


@pytest.fixture(scope="session")
def parsed_contract() -> Contract:
    return Contract(read_valid())


@pytest.fixture
def credentials(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The emulator as another server, with all of its credentials in the environment."""
    monkeypatch.setenv("BASE_URL", emulator.url)
    monkeypatch.setenv("ACCESS_TOKEN", emulator.access_token)
    monkeypatch.setenv("CLIENT_ID", emulator.client_id)
    monkeypatch.setenv("CLIENT_SECRET", emulator.client_secret)
    return emulator


@pytest.fixture
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BASE_URL", "ACCESS_TOKEN", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
