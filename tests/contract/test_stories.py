"""The stories keep up with the contract. What runs them is tested in `tests/stories/`, by `make test-stories`."""

from __future__ import annotations

import pytest

from scripts.contract.document import read_valid
from scripts.stories.contract import Contract
from scripts.stories.rules import read_checked_stories
from scripts.stories.story import Story


@pytest.fixture(scope="module")
def described() -> tuple[Contract, list[Story]]:
    contract = Contract(read_valid())
    return contract, read_checked_stories(contract)


def test_the_stories_fit_their_schema_and_the_contract(described: tuple[Contract, list[Story]]) -> None:
    assert len(described[1]) > 20


def test_every_documented_status_is_expected_by_a_story(described: tuple[Contract, list[Story]]) -> None:
    contract, stories = described
    expected = {(step.operation, status) for story in stories for step in story.steps for status in step.all_statuses}
    documented = {(name, status) for name, one in contract.operations.items() for status in one.statuses}
    assert documented - expected == set()


def test_every_language_has_the_same_eight_stories_to_pass(described: tuple[Contract, list[Story]]) -> None:
    assert [story.name for story in described[1] if story.languages] == [
        "deleted-function",
        "not-waiting-call",
        "null-data",
        "unknown-enum-value",
        "unknown-field",
        "unknown-function",
        "waiting-call",
        "wrong-token",
    ]
